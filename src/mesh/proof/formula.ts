/** A question about one variable of a request. */
export interface Atom {
  /** Name of the variable. */
  readonly variable: string;
  /** Of a value of the variable; undefined: the request has none. */
  readonly holds: (value: string | undefined) => boolean;
  /** Whether a value for which it holds is wanted, or must not be there. */
  readonly isWanted: boolean;
  /** The values of the policy that it is made of: witnesses are made from them. */
  readonly patterns: readonly string[];
}

/** What is looked for: questions, combined. */
export type Formula = boolean | Atom | { readonly all: readonly Formula[] } | { readonly any: readonly Formula[] };

/** All of them hold. */
export function all(formulas: readonly Formula[]): Formula {
  if (formulas.includes(false)) return false;
  const open = formulas.filter((formula) => formula !== true);
  return open.length === 0 ? true : open.length === 1 ? open[0]! : { all: open };
}

/** At least one of them holds. */
export function any(formulas: readonly Formula[]): Formula {
  if (formulas.includes(true)) return true;
  const open = formulas.filter((formula) => formula !== false);
  return open.length === 0 ? false : open.length === 1 ? open[0]! : { any: open };
}

/** The contrary. */
export function not(formula: Formula): Formula {
  if (typeof formula === 'boolean') return !formula;
  if ('all' in formula) return any(formula.all.map(not));
  if ('any' in formula) return all(formula.any.map(not));
  return { ...formula, isWanted: !formula.isWanted };
}

/** The questions in a formula. */
export function atomsOf(formula: Formula): readonly Atom[] {
  if (typeof formula === 'boolean') return [];
  if ('all' in formula) return formula.all.flatMap(atomsOf);
  return 'any' in formula ? formula.any.flatMap(atomsOf) : [formula];
}
