import { expect, test } from 'vitest';
import { withConditions } from './conditions.js';

const at = (second: number): number => Date.UTC(2026, 0, 1, 0, 0, second);
const good = { type: 'Ready', status: 'True' as const, reason: 'Fine', message: 'all is well' };

test('new conditions come behind those that are known, by type', () => {
  const old = withConditions([], [good], 1, at(0));
  const result = withConditions(old, [{ ...good, type: 'B' }, { ...good, type: 'A' }, good], 1, at(1));
  expect(result.map(({ type }) => type)).toEqual(['Ready', 'A', 'B']);
});

test('a condition that says the same is not touched', () => {
  const old = withConditions([], [good], 1, at(0));
  expect(withConditions(old, [good], 1, at(5))).toEqual(old);
});

test('the time moves with the status only, the generation with each change of the spec', () => {
  const old = withConditions([], [good], 1, at(0));
  const [observed] = withConditions(old, [{ ...good, message: 'still' }], 2, at(5));
  expect(observed).toMatchObject({ lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 2 });
  const [changed] = withConditions(old, [{ ...good, status: 'False' }], 2, at(5));
  expect(changed).toMatchObject({ lastTransitionTime: '2026-01-01T00:00:05Z', status: 'False' });
});

test('conditions of others stay', () => {
  const foreign = { ...good, type: 'Foreign', lastTransitionTime: '2025-01-01T00:00:00Z' };
  expect(withConditions([foreign], [good], undefined, at(0))[0]).toBe(foreign);
});
