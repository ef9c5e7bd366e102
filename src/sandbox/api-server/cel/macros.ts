import type { Comprehension, Expression, Macro } from './syntax.js';

/** How macros are called in the source; `exists_one` is the older spelling. */
const names: Readonly<Record<string, Macro>> = {
  all: 'all',
  exists: 'exists',
  exists_one: 'existsOne',
  existsOne: 'existsOne',
  filter: 'filter',
  map: 'map',
  optMap: 'optMap',
  optFlatMap: 'optFlatMap',
};

/** Macros whose variables are index or key, and value. */
const pairs: Readonly<Record<string, Macro>> = {
  all: 'all',
  exists: 'exists',
  existsOne: 'existsOne',
  exists_one: 'existsOne',
  transformList: 'map',
  transformMap: 'transformMap',
  transformMapEntry: 'transformMapEntry',
};

/** The macro that a method call stands for, if it is one. */
export function comprehension(
  name: string,
  range: Expression,
  args: readonly Expression[],
  at: number,
): Comprehension | undefined {
  const [first, second] = args;
  if (first?.kind !== 'name') return undefined;
  const base = { kind: 'comprehension', at, range } as const;
  const macro = names[name];
  if (macro !== undefined && args.length === 2)
    return { ...base, macro, variables: [first.name], ...body(macro, args.slice(1)) };
  if (name === 'map' && args.length === 3)
    return { ...base, macro: 'map', variables: [first.name], ...body('map', args.slice(1)) };
  const pair = pairs[name];
  if (pair === undefined || second?.kind !== 'name' || args.length < 3 || args.length > 4) return undefined;
  return { ...base, macro: pair, variables: [first.name, second.name], ...body(pair, args.slice(2)) };
}

function body(macro: Macro, args: readonly Expression[]): Pick<Comprehension, 'condition' | 'result'> {
  const [first, second] = args;
  if (['all', 'exists', 'existsOne', 'filter'].includes(macro)) return { condition: first! };
  return second ? { condition: first!, result: second } : { result: first! };
}
