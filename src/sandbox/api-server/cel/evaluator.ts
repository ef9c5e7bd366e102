import { qualifiedName, typeNames } from './checker.js';
import { functions } from './functions.js';
import { unescapeName } from './names.js';
import type { Overload } from './overloads.js';
import { CelEvaluationError, type Comprehension, type Expression } from './syntax.js';
import { isOf, Optional, TypeValue, type Value } from './values.js';

/** Values of variables. */
export interface Scope {
  /** Undefined: there is no such variable. */
  get(name: string): Value;
}

/** A planned expression. @throws {CelEvaluationError} */
export type Program = (scope: Scope) => Value;

const failed = (message: string): never => {
  throw new CelEvaluationError(message);
};

/** Plans how to evaluate an expression; it need not be checked. */
export function plan(expression: Expression): Program {
  switch (expression.kind) {
    case 'constant':
      return () => expression.value;
    case 'name':
      return planName(expression.name);
    case 'select':
      return planSelect(expression);
    case 'has': {
      const operand = plan(expression.operand);
      return (scope) => presence(operand(scope), expression.field);
    }
    case 'call':
      return planCall(expression);
    case 'list':
      return planList(expression);
    case 'map':
      return planMap(expression);
    case 'comprehension':
      return planComprehension(expression);
  }
}

function planName(name: string): Program {
  const type = typeNames.has(name) ? new TypeValue(name) : undefined;
  return (scope) => {
    const value = scope.get(name) ?? type;
    return value === undefined ? missing(scope, name) : value;
  };
}

/** Variables may be null. */
function missing(scope: Scope, name: string): Value {
  const value = scope.get(name);
  return value === undefined ? failed(`no such attribute(s): ${name}`) : value;
}

function planSelect(expression: Expression & { kind: 'select' }): Program {
  const type = qualifiedName(expression) ?? '';
  if (typeNames.has(type)) return () => new TypeValue(type);
  const operand = plan(expression.operand);
  const { field, optional } = expression;
  return (scope) => {
    const holder = operand(scope);
    if (!optional && !(holder instanceof Optional)) return selected(holder, field);
    const inner = holder instanceof Optional ? holder.value : holder;
    const value = inner instanceof Map ? fieldOf(inner, field) : undefined;
    return value === undefined ? Optional.none : new Optional(value);
  };
}

function fieldOf(map: Map<Value, Value>, field: string): Value {
  return map.get(field) ?? (map.has(field) ? null : map.get(unescapeName(field)));
}

function selected(holder: Value, field: string): Value {
  if (!(holder instanceof Map)) return failed('no such overload');
  const value = fieldOf(holder, field);
  return value === undefined ? failed(`no such key: ${field}`) : value;
}

function presence(holder: Value, field: string): boolean {
  if (holder instanceof Optional) return holder.value !== undefined && presence(holder.value, field);
  if (!(holder instanceof Map)) return failed('no such overload');
  return fieldOf(holder, field) !== undefined;
}

function planCall(call: Expression & { kind: 'call' }): Program {
  const planned = call.args.map(plan);
  if (call.name === '_&&_' || call.name === '_||_') return planLogic(planned, call.name === '_||_');
  const [condition, yes, no] = planned;
  if (call.name === '_?_:_') {
    return (scope) => {
      const decided = condition!(scope);
      if (typeof decided !== 'boolean') return failed('no such overload');
      return decided ? yes!(scope) : no!(scope);
    };
  }
  const qualified = call.target && qualifiedName(call.target);
  const named = qualified === undefined ? undefined : functions().get(`${qualified}.${call.name}`);
  const target = named || !call.target ? [] : [plan(call.target)];
  const args = [...target, ...planned];
  const overloads = (named ?? functions().get(call.name) ?? []).filter(
    ({ method, parameters }) => method === target.length > 0 && parameters.length === args.length,
  );
  return (scope) =>
    dispatch(
      overloads,
      args.map((arg) => arg(scope)),
    );
}

function dispatch(overloads: readonly Overload[], values: Value[]): Value {
  for (const { parameters, run } of overloads) {
    if (values.every((value, i) => isOf(value, parameters[i]!))) return run(...(values as never[]));
  }
  return failed('no such overload');
}

/** `&&` and `||`: one side that decides is enough, whatever the other's error. */
function planLogic([left, right]: Program[], decisive: boolean): Program {
  return (scope) => {
    const first = attempt(left!, scope);
    if (first.value === decisive) return decisive;
    const second = attempt(right!, scope);
    if (second.value === decisive) return decisive;
    for (const { error, value } of [first, second]) {
      if (error) throw error;
      if (typeof value !== 'boolean') failed('no such overload');
    }
    return !decisive;
  };
}

function attempt(program: Program, scope: Scope): { value?: Value; error?: CelEvaluationError } {
  try {
    return { value: program(scope) };
  } catch (error) {
    if (error instanceof CelEvaluationError) return { error };
    throw error;
  }
}

function planList({ items }: Expression & { kind: 'list' }): Program {
  const planned = items.map(({ value, optional }) => ({ value: plan(value), optional }));
  return (scope) =>
    planned.flatMap(({ value, optional }) => {
      const item = value(scope);
      if (!optional) return [item];
      return item instanceof Optional && item.value !== undefined ? [item.value] : [];
    });
}

function planMap({ entries }: Expression & { kind: 'map' }): Program {
  const planned = entries.map(({ key, value, optional }) => ({ key: plan(key), value: plan(value), optional }));
  return (scope) => {
    const map = new Map<Value, Value>();
    for (const { key, value, optional } of planned) {
      const [name, content] = [key(scope), value(scope)];
      if (map.has(name)) failed(`Failed with repeated key`);
      if (!optional) map.set(name, content);
      else if (content instanceof Optional && content.value !== undefined) map.set(name, content.value);
    }
    return map;
  };
}

function planComprehension(expression: Comprehension): Program {
  const range = plan(expression.range);
  const condition = expression.condition && plan(expression.condition);
  const result = expression.result && plan(expression.result);
  return (scope) => {
    const over = range(scope);
    if (over instanceof Optional) return mapOptional(over, expression, result!, scope);
    const scopes = elements(over).map((element) => within(scope, expression.variables, element));
    return fold(expression, scopes, condition, result);
  };
}

function mapOptional({ value }: Optional, { macro, variables }: Comprehension, result: Program, scope: Scope): Value {
  if (value === undefined) return Optional.none;
  const mapped = result(within(scope, variables, [value, value, value]));
  return macro === 'optMap' ? new Optional(mapped) : mapped;
}

/** An element of what a macro goes through: index or key, value, and what one variable alone stands for. */
type Element = readonly [place: Value, value: Value, single: Value];

/** The scope of a macro's expressions for one element. */
interface ElementScope extends Scope {
  readonly element: Element;
}

function elements(over: Value): Element[] {
  if (Array.isArray(over)) return over.map((item, i) => [BigInt(i), item, item]);
  return over instanceof Map ? [...over.keys()].map((key) => [key, over.get(key), key]) : failed('no such overload');
}

function within(scope: Scope, names: readonly string[], element: Element): ElementScope {
  const values = names.length === 1 ? [element[2]] : element;
  return {
    element,
    get: (name) => {
      const at = names.indexOf(name);
      return at < 0 ? scope.get(name) : values[at];
    },
  };
}

function fold(
  { macro }: Comprehension,
  scopes: readonly ElementScope[],
  condition: Program | undefined,
  result: Program | undefined,
): Value {
  if (macro === 'all' || macro === 'exists') return quantified(scopes, condition!, macro === 'exists');
  const chosen = condition ? scopes.filter((scope) => condition(scope) === true) : scopes;
  switch (macro) {
    case 'existsOne':
      return chosen.length === 1;
    case 'filter':
      return chosen.map(({ element }) => element[2]);
    case 'transformMap':
      return new Map(chosen.map((scope) => [scope.element[0], result!(scope)]));
    case 'transformMapEntry':
      return new Map(chosen.flatMap((scope) => [...(result!(scope) as Map<Value, Value>)]));
    default:
      return chosen.map((scope) => result!(scope));
  }
}

/** One element that decides is enough, whatever errors others meet. */
function quantified(scopes: readonly Scope[], condition: Program, decisive: boolean): boolean {
  let error: CelEvaluationError | undefined;
  for (const scope of scopes) {
    const tried = attempt(condition, scope);
    if (tried.value === decisive) return decisive;
    error ??= tried.error;
  }
  if (error) throw error;
  return !decisive;
}
