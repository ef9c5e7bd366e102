import { expect, test } from 'vitest';
import { withoutDeclared } from './binding.js';

test('labels that somebody else has declared are not taken away, and those that are set are set', () => {
  const change = { mark: undefined, isReverted: false, isJoining: false };
  const labels = { theirs: undefined, ours: undefined, set: 'wp' };
  const left = withoutDeclared({ ...change, labels }, (label) => label !== 'ours');
  expect(left).toEqual({ ...change, labels: { ours: undefined, set: 'wp' } });
  expect(Object.keys(left.labels)).toEqual(['ours', 'set']);
});
