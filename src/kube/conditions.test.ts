import { describe, expect, it } from 'vitest';

import { findCondition, mergeConditions, type Condition } from './conditions.js';

const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const before = '2026-01-01T00:00:00Z';

const ready = (more: Partial<Condition> = {}) =>
  ({ type: 'Ready', status: 'False', reason: 'Waiting', message: 'waits', ...more }) as const;

describe('mergeConditions', () => {
  it('keeps the time while the status is the same, whatever else changes', () => {
    const previous = [{ ...ready(), lastTransitionTime: before, observedGeneration: 1 }];
    const next = [{ ...ready({ reason: 'StillWaiting', message: 'still' }), observedGeneration: 2 }];
    expect(mergeConditions(previous, next, now)).toEqual([{ ...next[0], lastTransitionTime: before }]);
  });

  it('sets the time, in whole seconds, when the status changes', () => {
    const previous = [{ ...ready(), lastTransitionTime: before }];
    const [merged] = mergeConditions(previous, [ready({ status: 'True' })], now);
    expect(merged?.lastTransitionTime).toBe('2026-01-02T03:04:05Z');
  });

  it('has the order of the new conditions and drops the others', () => {
    const previous = ['A', 'B', 'C'].map((type) => ({ ...ready({ type }), lastTransitionTime: before }));
    const merged = mergeConditions(previous, [ready({ type: 'C' }), ready({ type: 'D' }), ready({ type: 'A' })], now);
    expect(merged.map((condition) => condition.type)).toEqual(['C', 'D', 'A']);
  });
});

describe('findCondition', () => {
  it('finds by type, also in no list at all', () => {
    expect(findCondition([ready()], 'Ready')).toEqual(ready());
    expect(findCondition([ready()], 'Stalled')).toBeUndefined();
    expect(findCondition(undefined, 'Ready')).toBeUndefined();
  });
});
