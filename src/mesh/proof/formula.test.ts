import { describe, expect, it } from 'vitest';
import { all, any, type Atom, atomsOf, type Formula, not } from './formula.js';

const atom = (variable: string): Atom => ({ variable, holds: () => false, isWanted: true, patterns: [] });
const [a, b] = [atom('a'), atom('b')];

describe('a formula', () => {
  it.each<[string, Formula, Formula]>([
    ['all of nothing', all([]), true],
    ['any of nothing', any([]), false],
    ['all of one', all([a]), a],
    ['any of one', any([a]), a],
    ['all with what holds', all([true, a]), a],
    ['any with what does not', any([false, a]), a],
    ['all with what does not hold', all([a, false, b]), false],
    ['any with what does', any([a, true, b]), true],
    ['all of two', all([a, true, b]), { all: [a, b] }],
    ['any of two', any([a, false, b]), { any: [a, b] }],
    ['the contrary of what holds', not(true), false],
    ['the contrary of a question', not(a), { ...a, isWanted: false }],
    ['the contrary of all', not(all([a, b])), { any: [not(a), not(b)] }],
    ['the contrary of any', not(any([a, b])), { all: [not(a), not(b)] }],
  ])('is as plain as can be: %s', (_, formula, plain) => {
    expect(formula).toEqual(plain);
  });

  it('is made of questions', () => {
    expect(atomsOf(any([all([a, b]), a]))).toEqual([a, b, a]);
    expect(atomsOf(true)).toEqual([]);
  });
});
