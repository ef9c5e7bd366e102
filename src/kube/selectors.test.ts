import { describe, expect, it } from 'vitest';

import { formatSelector, matchesSelector, type LabelSelector } from './selectors.js';

const labels = { app: 'web', tier: 'front' };

describe('matchesSelector', () => {
  it.each<[string, LabelSelector | undefined, boolean]>([
    ['an absent selector', undefined, false],
    ['the empty selector', {}, true],
    ['labels that are there', { matchLabels: { app: 'web', tier: 'front' } }, true],
    ['a label with another value', { matchLabels: { app: 'web', tier: 'back' } }, false],
    ['a label that is missing', { matchLabels: { zone: '' } }, false],
    ['a label that every object inherits', { matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, false],
    ['In', { matchExpressions: [{ key: 'app', operator: 'In', values: ['api', 'web'] }] }, true],
    ['In of a missing label', { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }, false],
    ['NotIn', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }, false],
    ['NotIn of a missing label', { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, true],
    ['Exists', { matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
    ['DoesNotExist', { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
    ['an operator of the future', { matchExpressions: [{ key: 'app', operator: 'Gt' as 'In', values: [] }] }, false],
    [
      'two parts of which one does not hold',
      { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'zone', operator: 'Exists' }] },
      false,
    ],
  ])('for %s', (_what, selector, expected) => {
    expect(matchesSelector(selector, labels)).toBe(expected);
  });

  it('treats an object without labels as one with none', () => {
    expect(matchesSelector({}, undefined)).toBe(true);
    expect(matchesSelector({ matchLabels: { app: 'web' } }, undefined)).toBe(false);
  });
});

describe('formatSelector', () => {
  it('writes every operator as the API reads it', () => {
    const selector: LabelSelector = {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['a', 'b'] },
        { key: 'zone', operator: 'NotIn', values: ['c'] },
        { key: 'x', operator: 'Exists' },
        { key: 'y', operator: 'DoesNotExist' },
      ],
    };
    expect(formatSelector(selector)).toBe('app=web,tier in (a,b),zone notin (c),x,!y');
    expect(formatSelector({})).toBe('');
  });
});
