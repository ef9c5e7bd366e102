import { describe, expect, it } from 'vitest';
import { callGraph } from './call-graph.js';

type Callers = Readonly<Record<string, readonly string[]>>;

/** What each workload waits for, and who waits for each other. */
function graphOf(callers: Callers): { before: Callers; cycles: readonly (readonly string[])[] } {
  const { before, cycles } = callGraph(new Map(Object.entries(callers)));
  return { before: Object.fromEntries([...before].map(([name, all]) => [name, [...all]])), cycles };
}

describe('the order of workloads', () => {
  it.each<[string, Callers, Callers, string[][]]>([
    ['has callers first', { web: ['client'], client: [] }, { client: [], web: ['client'] }, []],
    ['has callers first that are not closed themselves', { web: ['client'] }, { web: ['client'] }, []],
    ['is that of a chain', { c: ['b'], b: ['a'], a: [] }, { a: [], b: ['a'], c: ['b'] }, []],
    ['is not asked of one that calls itself', { a: ['a'], b: ['a'] }, { a: [], b: ['a'] }, []],
    ['is none for two that call each other', { b: ['a'], a: ['b'] }, { a: [], b: [] }, [['a', 'b']]],
    [
      'is none for a ring, whose callers still come first',
      { c: ['b', 'client'], a: ['c'], b: ['a'] },
      { a: [], b: [], c: ['client'] },
      [['a', 'b', 'c']],
    ],
    [
      'tells rings apart, and keeps those in order of which one calls the other',
      { d: ['c'], c: ['d', 'a'], b: ['a'], a: ['b'] },
      { a: [], b: [], c: ['a'], d: [] },
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
  ])('%s', (_, callers, before, cycles) => {
    expect(graphOf(callers)).toEqual({ before, cycles });
  });

  it('comes by name', () => {
    expect([
      ...callGraph(
        new Map([
          ['b', []],
          ['a', []],
        ]),
      ).before.keys(),
    ]).toEqual(['a', 'b']);
  });
});
