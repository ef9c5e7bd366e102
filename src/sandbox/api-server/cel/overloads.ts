import { type CelType, typeOf } from './types.js';
import type { Value } from './values.js';

/** One way to call a function. */
export interface Overload {
  /** Whether it is called as `target.name(…)`; the target is then the first parameter. */
  readonly method: boolean;
  readonly parameters: readonly CelType[];
  readonly result: CelType;
  /** Gets values of the types of {@link parameters}. @throws {CelEvaluationError} */
  readonly run: (...args: never[]) => Value;
}

/** Functions by name. */
export type Library = ReadonlyMap<string, readonly Overload[]>;

/** Declared functions, as `signature: implementation`. */
export type Declarations = Readonly<Record<string, (...args: never[]) => Value>>;

/**
 * Makes a library of declarations. A signature is `name(T, int) -> T` for a function and `string!name(int) -> bool` for a
 * method; `T` stands for any type.
 */
export function library(...declarations: readonly Declarations[]): Library {
  const functions = new Map<string, Overload[]>();
  for (const [signature, run] of declarations.flatMap((declared) => Object.entries(declared))) {
    const [, head, args, result] = /^(.*?)\(([^()]*)\) -> (.*)$/.exec(signature) as unknown as [
      string,
      string,
      string,
      string,
    ];
    const method = /^(.+)!([a-zA-Z]\w*)$/.exec(head);
    const name = method ? method[2]! : head;
    const parameters = [...(method ? [method[1]!] : []), ...splitTypes(args)].map(typeOf);
    const overloads = functions.get(name) ?? [];
    functions.set(name, [...overloads, { method: method !== null, parameters, result: typeOf(result), run }]);
  }
  return functions;
}

/** Splits at commas outside of angle brackets. */
function splitTypes(text: string): string[] {
  if (text === '') return [];
  let depth = 0;
  const parts = [''];
  for (const character of text) {
    if (character === '<') depth++;
    if (character === '>') depth--;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim());
}
