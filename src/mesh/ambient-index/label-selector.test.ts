import { describe, expect, it } from 'vitest';
import { type LabelSelector, matchesSelector } from './label-selector.js';

const expression = (operator: string, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key: 'team', operator, ...(values.length > 0 && { values }) }],
});
const BLUE = { team: 'blue' };

describe('a selector of Kubernetes', () => {
  it.each<[LabelSelector | undefined, string[]]>([
    [undefined, []],
    [{}, ['blue', 'red', 'none']],
    [{ matchLabels: BLUE }, ['blue']],
    [{ matchLabels: { ...BLUE, other: 'x' } }, []],
    [expression('In', 'blue', 'green'), ['blue']],
    [expression('In'), []],
    [expression('NotIn', 'blue', 'green'), ['red', 'none']],
    [expression('Exists'), ['blue', 'red']],
    [expression('DoesNotExist'), ['none']],
    [expression('Gt', '1'), []],
    [{ matchLabels: BLUE, ...expression('In', 'red') }, []],
    [{ matchLabels: BLUE, ...expression('Exists') }, ['blue']],
  ])('%j chooses %j', (selector, chosen) => {
    const all: Record<string, Record<string, string>> = { blue: BLUE, red: { team: 'red' }, none: {} };
    expect(Object.keys(all).filter((name) => matchesSelector(selector, all[name]!))).toEqual(chosen);
  });
});
