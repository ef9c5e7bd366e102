import { functions } from './functions.js';
import { unescapeName } from './names.js';
import type { Overload } from './overloads.js';
import { compileRe2 } from './re2.js';
import type { Comprehension, Constant, Expression, Issue } from './syntax.js';
import { Uint } from './syntax.js';
import { bool, type Bindings, type CelType, dyn, fits, int, string, substitute, typeOf, typeText } from './types.js';

/** Types of the variables of an expression. */
export type Variables = ReadonlyMap<string, CelType>;

/** Names that stand for types. */
export const typeNames: ReadonlySet<string> = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
]);

/** What checking an expression finds. */
export interface Checked {
  readonly type: CelType;
  readonly issues: readonly Issue[];
  /** Names of the variables that it uses. */
  readonly uses: ReadonlySet<string>;
}

/** Checks the types of an expression. */
export function check(expression: Expression, variables: Variables): Checked {
  const checker = new Checker();
  return { type: checker.typeOf(expression, variables), issues: checker.issues, uses: checker.uses };
}

class Checker {
  readonly issues: Issue[] = [];
  readonly uses = new Set<string>();
  /** Only the arguments of `format` may be of different types. */
  #mixed = false;

  typeOf(expression: Expression, variables: Variables): CelType {
    switch (expression.kind) {
      case 'constant':
        return constantType(expression.value);
      case 'name':
        return this.#name(expression, variables);
      case 'select':
        return this.#select(expression, variables);
      case 'has':
        this.#field(this.typeOf(expression.operand, variables), expression);
        return bool;
      case 'call':
        return this.#call(expression, variables);
      case 'list':
        return {
          kind: 'list',
          element: this.#joined(
            expression.items.map((item) => [item.value, item.optional]),
            variables,
          ),
        };
      case 'map': {
        const key = this.#joined(
          expression.entries.map((entry) => [entry.key, false]),
          variables,
        );
        const value = this.#joined(
          expression.entries.map((entry) => [entry.value, entry.optional]),
          variables,
        );
        return { kind: 'map', key, value };
      }
      case 'comprehension':
        return this.#comprehension(expression, variables);
    }
  }

  #issue(at: number, message: string): CelType {
    this.issues.push({ at, message });
    return dyn;
  }

  #name({ at, name }: Expression & { kind: 'name' }, variables: Variables): CelType {
    const type = variables.get(name);
    if (type) {
      this.uses.add(name);
      return type;
    }
    if (typeNames.has(name)) return typeOf('type');
    return this.#issue(at, `undeclared reference to '${name}' (in container '')`);
  }

  #select(expression: Expression & { kind: 'select' }, variables: Variables): CelType {
    if (typeNames.has(qualifiedName(expression) ?? '')) return typeOf('type');
    const operand = this.typeOf(expression.operand, variables);
    const chained = operand.kind === 'optional';
    const type = this.#field(chained ? operand.of : operand, expression);
    return expression.optional || chained ? { kind: 'optional', of: type } : type;
  }

  #field(operand: CelType, { at, field }: { at: number; field: string }): CelType {
    switch (operand.kind) {
      case 'dyn':
      case 'parameter':
        return dyn;
      case 'map':
        return operand.value;
      case 'optional':
        return this.#field(operand.of, { at, field });
      case 'object':
        return (
          operand.fields.get(unescapeName(field)) ??
          operand.fields.get(field) ??
          this.#issue(at, `undefined field '${field}'`)
        );
      default:
        return this.#issue(at, `type '${typeText(operand)}' does not support field selection`);
    }
  }

  #call(call: Expression & { kind: 'call' }, variables: Variables): CelType {
    const qualified = call.target && qualifiedName(call.target);
    if (qualified !== undefined && !variables.has(qualified.split('.')[0]!)) {
      const name = `${qualified}.${call.name}`;
      const overloads = functions().get(name);
      if (overloads) return this.#resolve({ ...call, name }, overloads, call.args, variables);
    }
    const overloads = functions().get(call.name);
    if (!overloads) {
      if (call.target) this.typeOf(call.target, variables);
      this.#issue(call.at, `undeclared reference to '${call.name}' (in container '')`);
      for (const arg of call.args) this.typeOf(arg, variables);
      return dyn;
    }
    this.#checkPattern(call);
    return this.#resolve(call, overloads, call.target ? [call.target, ...call.args] : call.args, variables);
  }

  #checkPattern({ name, args }: Expression & { kind: 'call' }): void {
    const pattern = args.at(-1);
    if (name !== 'matches' || pattern?.kind !== 'constant' || typeof pattern.value !== 'string') return;
    if ('problem' in compileRe2(pattern.value)) this.#issue(pattern.at, 'invalid matches argument');
  }

  #resolve(
    call: Expression & { kind: 'call' },
    overloads: readonly Overload[],
    args: readonly Expression[],
    variables: Variables,
  ): CelType {
    this.#mixed = call.name === 'format';
    const types = args.map((arg) => this.typeOf(arg, variables));
    this.#mixed = false;
    const method = call.target !== undefined && args.length > call.args.length;
    const results = overloads.flatMap((overload) => (overload.method === method ? applied(overload, types) : []));
    const [first] = results;
    if (first) return results.every((result) => typeText(result) === typeText(first)) ? first : dyn;
    const given = types.map(typeText);
    const shown = method ? `${given[0]}.(${given.slice(1).join(', ')})` : `(${given.join(', ')})`;
    return this.#issue(call.at, `found no matching overload for '${call.name}' applied to '${shown}'`);
  }

  /** The common type of elements: of one type, unless one is dyn. */
  #joined(elements: readonly (readonly [Expression, boolean])[], variables: Variables): CelType {
    let joined: CelType | undefined;
    for (const [element, optional] of elements) {
      const own = this.typeOf(element, variables);
      const type = optional && own.kind === 'optional' ? own.of : own;
      if (joined && !fits(type, joined, new Map())) {
        if (this.#mixed) return dyn;
        this.#issue(element.at, `expected type '${typeText(joined)}' but found '${typeText(type)}'`);
      }
      joined = joined === undefined || type.kind === 'dyn' ? type : joined;
    }
    return joined ?? { kind: 'parameter', name: 'T' };
  }

  #comprehension(expression: Comprehension, variables: Variables): CelType {
    const { macro, condition, result } = expression;
    const range = this.typeOf(expression.range, variables);
    const inner = new Map(variables);
    const types = this.#elementTypes(range, expression);
    expression.variables.forEach((name, i) => inner.set(name, types[i] ?? dyn));
    if (condition) this.#expectBool(condition, inner);
    const element: CelType = result ? this.typeOf(result, inner) : bool;
    switch (macro) {
      case 'all':
      case 'exists':
      case 'existsOne':
        return bool;
      case 'filter':
        return range.kind === 'map' ? { kind: 'list', element: range.key } : range;
      case 'map':
        return { kind: 'list', element };
      case 'transformMap':
        return { kind: 'map', key: types[0] ?? dyn, value: element };
      case 'transformMapEntry':
        return element;
      case 'optMap':
        return { kind: 'optional', of: element };
      case 'optFlatMap':
        return element;
    }
  }

  #expectBool(condition: Expression, variables: Variables): void {
    const type = this.typeOf(condition, variables);
    if (type.kind !== 'bool' && type.kind !== 'dyn') {
      this.#issue(condition.at, `expected type 'bool' but found '${typeText(type)}'`);
    }
  }

  /** Types of a macro's variables. */
  #elementTypes(range: CelType, { macro, variables, range: source }: Comprehension): CelType[] {
    if (range.kind === 'dyn' || range.kind === 'parameter') return [dyn, dyn];
    if (macro === 'optMap' || macro === 'optFlatMap') return [range.kind === 'optional' ? range.of : dyn];
    const pair = variables.length === 2;
    if (range.kind === 'list') return pair ? [int, range.element] : [range.element];
    if (range.kind === 'map') return [range.key, range.value];
    this.#issue(
      source.at,
      `expression of type '${typeText(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
    );
    return [dyn, dyn];
  }
}

/** The result of an overload for arguments of these types, if it takes them. */
function applied({ parameters, result }: Overload, types: readonly CelType[]): CelType[] {
  if (parameters.length !== types.length) return [];
  const bindings: Bindings = new Map();
  if (!types.every((type, i) => fits(type, parameters[i]!, bindings))) return [];
  return [substitute(result, bindings)];
}

/** `a.b` of a name and selections, undefined for anything else. */
export function qualifiedName(expression: Expression): string | undefined {
  if (expression.kind === 'name') return expression.name;
  if (expression.kind !== 'select' || expression.optional) return undefined;
  const operand = qualifiedName(expression.operand);
  return operand === undefined ? undefined : `${operand}.${expression.field}`;
}

function constantType(value: Constant): CelType {
  if (value === null) return { kind: 'null' };
  if (typeof value === 'bigint') return int;
  if (typeof value === 'number') return { kind: 'double' };
  if (typeof value === 'string') return string;
  if (typeof value === 'boolean') return bool;
  return value instanceof Uint ? { kind: 'uint' } : { kind: 'bytes' };
}
