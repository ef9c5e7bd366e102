import { type Atom, type Formula, all, any } from './formula.js';

/** What a variable may be. */
export interface Domain {
  /** One of each class, the plainest first; undefined: the request has none. */
  readonly values: readonly (string | undefined)[];
  /** It may have several values at once, or none: a question asks whether one of them is as wanted. */
  readonly isList: boolean;
  /** Those that a list has in any case. */
  readonly given?: readonly string[];
  /** There are more classes than values. */
  readonly isPartial?: boolean;
}

/** Values of variables; what is not in it may be anything. Lists are lists. */
export type Model = ReadonlyMap<string, string | readonly string[] | undefined>;

/** What a search has found: values for which the formula holds; `None` if there are none; `GaveUp` if nobody knows. */
export type Found = Model | 'None' | 'GaveUp';

/** Of a variable: which of its values are still possible, and of which sets one must be there. */
interface State {
  readonly possible: bigint;
  readonly needed: readonly bigint[];
}

type States = ReadonlyMap<string, State>;

/** Decisions after which a search gives up: a tenth of a second. Most searches need fewer than ten. */
const PATIENCE = 1_000;

class OutOfPatience extends Error {}

/**
 * Looks for values for which formulas hold. Each question cuts down the values of its variable; where nothing more follows, the smallest
 * choice is tried out.
 */
export class Search {
  readonly #domains: ReadonlyMap<string, Domain>;
  /** The values for which a question holds, a bit each; a question and its contrary share the function. */
  readonly #masks = new Map<Atom['holds'], bigint>();
  #decisions = 0;

  constructor(domains: ReadonlyMap<string, Domain>) {
    this.#domains = domains;
  }

  /** @param formula  its variables all have a domain */
  find(formula: Formula): Found {
    this.#decisions = 0;
    try {
      const states = this.#solve([formula], this.#start());
      if (states) return this.#modelOf(states);
    } catch (error) {
      if (error instanceof OutOfPatience) return 'GaveUp';
      throw error;
    }
    return [...this.#domains.values()].some(({ isPartial }) => isPartial) ? 'GaveUp' : 'None';
  }

  #start(): States {
    return new Map(
      [...this.#domains].map(([name, { values, given = [] }]) => [
        name,
        {
          possible: (1n << BigInt(values.length)) - 1n,
          needed: given.map((value) => 1n << BigInt(values.indexOf(value))),
        },
      ]),
    );
  }

  /** States in which all formulas hold; undefined if there are none. */
  #solve(formulas: readonly Formula[], from: States): States | undefined {
    let states = from;
    let open: readonly Formula[] = formulas;
    for (let isNew = true; isNew;) {
      isNew = false;
      const left: Formula[] = [];
      for (const formula of open) {
        const simple = this.#simplified(formula, states);
        if (simple === false) return undefined;
        if (simple === true) continue;
        if ('all' in simple) {
          left.push(...simple.all);
          isNew = true;
        } else if ('any' in simple) left.push(simple);
        else {
          states = this.#narrowed(simple, states);
          isNew = true;
        }
      }
      open = left;
    }
    return open.length === 0 ? states : this.#choose(open as readonly { any: readonly Formula[] }[], states);
  }

  /** The plainest values that are possible. */
  #modelOf(states: States): Model {
    const model = new Map<string, string | readonly string[] | undefined>();
    for (const [name, { possible, needed }] of states) {
      const { values, isList } = this.#domains.get(name)!;
      const first = (mask: bigint): string | undefined => values[lowestBit(mask)];
      model.set(name, isList ? [...new Set(needed.map((mask) => first(mask & possible)!))] : first(possible));
    }
    return model;
  }

  #choose(open: readonly { readonly any: readonly Formula[] }[], states: States): States | undefined {
    this.#decisions += 1;
    if (this.#decisions > PATIENCE) throw new OutOfPatience();
    const smallest = open.reduce((a, b) => (b.any.length < a.any.length ? b : a));
    const others = open.filter((formula) => formula !== smallest);
    for (const choice of smallest.any) {
      const found = this.#solve([choice, ...others], states);
      if (found) return found;
    }
    return undefined;
  }

  /** What is left of a formula where these values are possible. */
  #simplified(formula: Formula, states: States): Formula {
    if (typeof formula === 'boolean') return formula;
    if ('all' in formula) {
      const parts: Formula[] = [];
      for (const part of formula.all) {
        const simple = this.#simplified(part, states);
        if (simple === false) return false;
        parts.push(simple);
      }
      return all(parts);
    }
    if ('any' in formula) {
      const parts: Formula[] = [];
      for (const part of formula.any) {
        const simple = this.#simplified(part, states);
        if (simple === true) return true;
        parts.push(simple);
      }
      return any(parts);
    }
    return this.#truthOf(formula, states) ?? formula;
  }

  /** Undefined if it depends. */
  #truthOf(atom: Atom, states: States): boolean | undefined {
    const { possible, needed } = states.get(atom.variable)!;
    const mask = this.#maskOf(atom);
    const { isList } = this.#domains.get(atom.variable)!;
    const isThere = isList
      ? needed.some((set) => (set & possible & ~mask) === 0n)
      : possible !== 0n && (possible & ~mask) === 0n;
    if (isThere) return atom.isWanted;
    return (possible & mask) === 0n ? !atom.isWanted : undefined;
  }

  /** The question is not answered yet: {@link #truthOf}. So what is left is possible. */
  #narrowed(atom: Atom, states: States): States {
    const { possible, needed } = states.get(atom.variable)!;
    const mask = this.#maskOf(atom);
    const { isList } = this.#domains.get(atom.variable)!;
    const state: State =
      isList && atom.isWanted
        ? { possible, needed: [...needed, mask] }
        : { possible: possible & (atom.isWanted ? mask : ~mask), needed };
    return new Map(states).set(atom.variable, state);
  }

  #maskOf({ variable, holds }: Atom): bigint {
    const known = this.#masks.get(holds);
    if (known !== undefined) return known;
    const bits = this.#domains.get(variable)!.values.map((value) => (holds(value) ? '1' : '0'));
    const mask = BigInt(`0b0${bits.reverse().join('')}`);
    this.#masks.set(holds, mask);
    return mask;
  }
}

function lowestBit(mask: bigint): number {
  return (mask & -mask).toString(2).length - 1;
}
