/** A constant of CEL. */
export type Constant = null | boolean | bigint | number | string | Uint8Array | Uint;

/** An unsigned integer: JavaScript has no type of its own for it. */
export class Uint {
  constructor(readonly value: bigint) {}
}

/** An expression. `at` is where errors point: the operator, the dot, the opening bracket; an offset into the source. */
export type Expression =
  | { readonly kind: 'constant'; readonly at: number; readonly value: Constant }
  | { readonly kind: 'name'; readonly at: number; readonly name: string }
  | {
      readonly kind: 'select';
      readonly at: number;
      readonly operand: Expression;
      readonly field: string;
      readonly optional: boolean;
    }
  | { readonly kind: 'has'; readonly at: number; readonly operand: Expression; readonly field: string }
  | {
      readonly kind: 'call';
      readonly at: number;
      readonly name: string;
      readonly target?: Expression;
      readonly args: readonly Expression[];
    }
  | { readonly kind: 'list'; readonly at: number; readonly items: readonly Item[] }
  | { readonly kind: 'map'; readonly at: number; readonly entries: readonly Entry[] }
  | Comprehension;

/** An element of a list; optional ones (`[?x]`) are left out when they have no value. */
export interface Item {
  readonly value: Expression;
  readonly optional: boolean;
}

/** An entry of a map. */
export interface Entry {
  readonly key: Expression;
  readonly value: Expression;
  readonly optional: boolean;
}

/** A macro over the elements of a list or map. */
export interface Comprehension {
  readonly kind: 'comprehension';
  readonly at: number;
  readonly macro: Macro;
  readonly range: Expression;
  /** One variable (element or key), or two (index or key, and value). */
  readonly variables: readonly string[];
  /** The condition: of `all`, `exists`, `existsOne`, `filter`, and of the others where they have one. */
  readonly condition?: Expression;
  /** What `map` and the transformations make of an element; for `optMap` of the value. */
  readonly result?: Expression;
}

/** Macros; `map` with two variables is `transformList`. */
export type Macro =
  'all' | 'exists' | 'existsOne' | 'filter' | 'map' | 'transformMap' | 'transformMapEntry' | 'optMap' | 'optFlatMap';

/** Something wrong at a place in the source. */
export interface Issue {
  readonly at: number;
  readonly message: string;
}

/** Issues as cel-go prints them: position, message, the line, and an arrow. */
export function describeIssues(source: string, issues: readonly Issue[]): string {
  return [...issues]
    .sort((a, b) => a.at - b.at)
    .map(({ at, message }) => {
      const before = source.slice(0, at).split('\n');
      const column = before.at(-1)!.length;
      const line = source.split('\n')[before.length - 1]!;
      return `ERROR: <input>:${before.length}:${column + 1}: ${message}\n | ${line}\n | ${'.'.repeat(column)}^`;
    })
    .join('\n');
}

/** An expression that is not CEL, or whose types do not fit; the message is that of cel-go, with source lines. */
export class CelCompileError extends Error {
  override readonly name = 'CelCompileError';
}

/** An expression that could not be evaluated; the message is that of cel-go, such as `no such key: a`. */
export class CelEvaluationError extends Error {
  override readonly name = 'CelEvaluationError';
}
