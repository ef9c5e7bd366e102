import { BoundedCache } from '../bounded-cache.js';
import { authorizerValue, type Decide } from '../cel/authorizer.js';
import { check, type Variables } from '../cel/checker.js';
import { plan } from '../cel/evaluator.js';
import { parse } from '../cel/parser.js';
import { CelCompileError, describeIssues } from '../cel/syntax.js';
import { dyn, typeText } from '../cel/types.js';
import { celValue, jsonValue, type Value } from '../cel/values.js';

export { CelCompileError, CelEvaluationError } from '../cel/syntax.js';

/** A compiled expression about variables whose types are not known: of admission policies and webhooks' conditions. */
export interface CelProgram {
  /** What it evaluates to, such as `bool`; `dyn` where that is not known. */
  readonly type: string;
  /**
   * @param values  plain JSON by variable; whole numbers become ints
   * @returns plain JSON
   * @throws {CelEvaluationError}
   */
  evaluate(values: Readonly<Record<string, unknown>>): unknown;
}

const programs = new BoundedCache((key) => {
  const [expression, ...names] = JSON.parse(key) as [string, ...string[]];
  return compiled(expression, new Map(names.map((name) => [name, dyn])));
}, 1_000);

/**
 * Compiles an expression, unless that was done lately.
 *
 * @param names  of the variables that it may use
 * @throws {CelCompileError}
 */
export function compileCel(expression: string, names: readonly string[]): CelProgram {
  const program = programs.get(JSON.stringify([expression, ...names]));
  if (program instanceof CelCompileError) throw program;
  return program;
}

function compiled(expression: string, variables: Variables): CelProgram | CelCompileError {
  try {
    const parsed = parse(expression);
    const { type, issues } = check(parsed, variables);
    if (issues.length > 0) throw new CelCompileError(describeIssues(expression, issues));
    const run = plan(parsed);
    return {
      type: typeText(type),
      evaluate: (values) => {
        const converted = new Map<string, Value>();
        const get = (name: string): Value => {
          if (!converted.has(name) && Object.hasOwn(values, name)) converted.set(name, celValue(values[name]));
          return converted.get(name);
        };
        return jsonValue(run({ get }));
      },
    };
  } catch (error) {
    if (error instanceof CelCompileError) return new CelCompileError(`compilation failed: ${error.message}`);
    throw error;
  }
}

/** A map whose values are computed when they are first asked for, and then kept. */
class LazyMap extends Map<Value, Value> {
  readonly #thunks: Readonly<Record<string, () => unknown>>;

  constructor(thunks: Readonly<Record<string, () => unknown>>) {
    super();
    this.#thunks = thunks;
  }

  override get(key: Value): Value {
    if (!super.has(key) && this.has(key)) super.set(key, celValue(this.#thunks[key as string]!()));
    return super.get(key);
  }

  override has(key: Value): boolean {
    return typeof key === 'string' && Object.hasOwn(this.#thunks, key);
  }
}

/** The variable `variables` of policies: each computed at first use. What a thunk throws fails the expression. */
export function lazyVariables(thunks: Readonly<Record<string, () => unknown>>): unknown {
  return new LazyMap(thunks);
}

/** The variable `authorizer`. */
export function authorizerVariable(decide: Decide): unknown {
  return authorizerValue(decide);
}
