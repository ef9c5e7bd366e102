import { describe, expect, it } from 'vitest';
import { Random } from '../../../test/controlplane/ambient/random.js';
import { all, any, type Atom, atomsOf, type Formula, not } from './formula.js';
import { type Domain, type Model, Search } from './search.js';

const DOMAINS = new Map<string, Domain>([
  ['one', { values: ['a', 'b', undefined], isList: false }],
  ['two', { values: ['a', 'b', 'c'], isList: false }],
  ['list', { values: ['a', 'b', 'c'], isList: true }],
  ['given', { values: ['a', 'b'], isList: true, given: ['a'] }],
]);

function subsets(values: readonly string[]): string[][] {
  return values.reduce<string[][]>((sets, value) => [...sets, ...sets.map((set) => [...set, value])], [[]]);
}

const MODELS: Model[] = DOMAINS.get('one')!.values.flatMap((one) =>
  DOMAINS.get('two')!.values.flatMap((two) =>
    subsets(['a', 'b', 'c']).flatMap((list) =>
      [['a'], ['a', 'b']].map((given): Model => new Map(Object.entries({ one, two, list, given }))),
    ),
  ),
);

function holds(formula: Formula, model: Model): boolean {
  if (typeof formula === 'boolean') return formula;
  if ('all' in formula) return formula.all.every((part) => holds(part, model));
  if ('any' in formula) return formula.any.some((part) => holds(part, model));
  const value = model.get(formula.variable);
  const isThere = typeof value === 'string' || value === undefined ? formula.holds(value) : value.some(formula.holds);
  return isThere === formula.isWanted;
}

function randomFormula(random: Random, depth: number): Formula {
  if (depth === 0 || random.chance(0.2)) {
    const variable = random.pick([...DOMAINS.keys()]);
    const values = random.some(DOMAINS.get(variable)!.values);
    const atom: Atom = {
      variable,
      holds: (value) => values.includes(value),
      isWanted: random.chance(0.5),
      patterns: [],
    };
    return atom;
  }
  const parts = random.times(1, 4, () => randomFormula(random, depth - 1));
  const formula = random.chance(0.6) ? all(parts) : any(parts);
  return random.chance(0.2) ? not(formula) : formula;
}

describe('a search', () => {
  it('finds values if there are any, for which the formula holds', () => {
    const found = { some: 0, none: 0 };
    for (let seed = 1; seed <= 1000; seed++) {
      const formula = randomFormula(new Random(seed), 4);
      const model = new Search(DOMAINS).find(formula);
      const isPossible = MODELS.some((one) => holds(formula, one));
      found[isPossible ? 'some' : 'none'] += 1;
      expect(typeof model !== 'string', JSON.stringify(formula)).toBe(isPossible);
      if (typeof model !== 'string') expect(holds(formula, model), JSON.stringify(formula)).toBe(true);
    }
    expect(found.some).toBeGreaterThan(100);
    expect(found.none).toBeGreaterThan(100);
  });

  it('does not say that there is nothing where it does not know', () => {
    const atom: Atom = { variable: 'one', holds: () => false, isWanted: true, patterns: [] };
    const partial = new Map([['one', { ...DOMAINS.get('one')!, isPartial: true }]]);
    expect(new Search(DOMAINS).find(atom)).toBe('None');
    expect(new Search(partial).find(atom)).toBe('GaveUp');
  });

  it('gives up where it would take too long', () => {
    // More pigeons than holes.
    const holes = Array.from({ length: 9 }, (_, index) => String(index));
    const pigeons = Array.from({ length: 10 }, (_, index) => `pigeon ${index}`);
    const is = (variable: string, hole: string): Atom => ({
      variable,
      holds: (value) => value === hole,
      isWanted: true,
      patterns: [],
    });
    const apart = pigeons.flatMap((one, index) =>
      pigeons.slice(index + 1).flatMap((other) => holes.map((hole) => not(all([is(one, hole), is(other, hole)])))),
    );
    const domains = new Map(pigeons.map((name) => [name, { values: holes, isList: false }]));
    expect(atomsOf(all(apart)).length).toBeGreaterThan(0);
    expect(new Search(domains).find(all(apart))).toBe('GaveUp');
  });
});
