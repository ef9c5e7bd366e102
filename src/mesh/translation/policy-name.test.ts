import { expect, it } from 'vitest';
import { policyName } from './policy-name.js';

it('keeps names that fit', () => {
  expect(policyName('a'.repeat(250), 'wp')).toBe(`${'a'.repeat(250)}-wp`);
});

it('cuts names that are too long, and tells them apart', () => {
  const names = ['b', 'c'].map((last) => policyName(`${'a.'.repeat(125)}${last}`, 'admission'));
  for (const name of names) {
    expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    expect(name).toMatch(/-[0-9a-f]{16}-admission$/);
    expect(name.length).toBeLessThanOrEqual(253);
  }
  expect(names[0]).not.toBe(names[1]);
});
