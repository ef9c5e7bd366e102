/** A type of CEL, as the checker knows it. */
export type CelType =
  | { readonly kind: Simple }
  | { readonly kind: 'list'; readonly element: CelType }
  | { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
  | { readonly kind: 'optional'; readonly of: CelType }
  /** An object with known fields. */
  | { readonly kind: 'object'; readonly name: string; readonly fields: ReadonlyMap<string, CelType> }
  /** A type of a library, such as `kubernetes.Quantity`. */
  | { readonly kind: 'opaque'; readonly name: string }
  /** A type parameter of a function, `T`. */
  | { readonly kind: 'parameter'; readonly name: string };

/** Types without parts. `dyn` takes and is taken for all. */
export type Simple =
  'dyn' | 'null' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'timestamp' | 'duration' | 'type';

const simples: ReadonlySet<string> = new Set<Simple>([
  'dyn',
  'null',
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'timestamp',
  'duration',
  'type',
]);

/** Known only when the expression is evaluated. */
export const dyn: CelType = { kind: 'dyn' };
/** `true` or `false`. */
export const bool: CelType = { kind: 'bool' };
/** Text. */
export const string: CelType = { kind: 'string' };
/** Integers of 64 bits. */
export const int: CelType = { kind: 'int' };

/** A type from its text: `list<T>`, `map<string, dyn>`, `optional<T>`, `kubernetes.Quantity`. */
export function typeOf(text: string): CelType {
  const generic = /^(list|map|optional)<(.*)>$/.exec(text);
  if (generic) {
    const [, kind, inside] = generic as unknown as [string, string, string];
    if (kind === 'list') return { kind: 'list', element: typeOf(inside) };
    if (kind === 'optional') return { kind: 'optional', of: typeOf(inside) };
    const comma = inside.indexOf(',');
    return { kind: 'map', key: typeOf(inside.slice(0, comma)), value: typeOf(inside.slice(comma + 1).trim()) };
  }
  if (simples.has(text)) return { kind: text as Simple };
  return /^[A-Z]$/.test(text) ? { kind: 'parameter', name: text } : { kind: 'opaque', name: text };
}

/** A type as cel-go prints it. */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${typeText(type.element)})`;
    case 'map':
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case 'optional':
      return `optional_type(${typeText(type.of)})`;
    case 'object':
    case 'opaque':
    case 'parameter':
      return type.name;
    default:
      return type.kind;
  }
}

/** Types of a function's parameters, as far as its arguments have told. */
export type Bindings = Map<string, CelType>;

/** Whether a value of one type may stand where the other is wanted; parameters of `wanted` are bound. */
export function fits(given: CelType, wanted: CelType, bindings: Bindings): boolean {
  if (wanted.kind === 'parameter') return bind(given, wanted.name, bindings);
  if (given.kind === 'dyn' || wanted.kind === 'dyn' || given.kind === 'parameter') return true;
  if (given.kind !== wanted.kind)
    return (
      given.kind === 'null' &&
      (wanted.kind === 'object' ||
        wanted.kind === 'opaque' ||
        wanted.kind === 'timestamp' ||
        wanted.kind === 'duration')
    );
  if (given.kind === 'list' && wanted.kind === 'list') return fits(given.element, wanted.element, bindings);
  if (given.kind === 'optional' && wanted.kind === 'optional') return fits(given.of, wanted.of, bindings);
  if (given.kind === 'map' && wanted.kind === 'map') {
    return fits(given.key, wanted.key, bindings) && fits(given.value, wanted.value, bindings);
  }
  if (given.kind === 'object' && wanted.kind === 'object') return given.name === wanted.name;
  if (given.kind === 'opaque' && wanted.kind === 'opaque') return given.name === wanted.name;
  return true;
}

/** What is known of a parameter only ever becomes more general (cel-go, checker/types.go: mostGeneral). */
function bind(given: CelType, name: string, bindings: Bindings): boolean {
  const bound = bindings.get(name);
  const isCompatible = bound === undefined || fits(given, bound, new Map()) || fits(bound, given, new Map());
  if (isCompatible && (bound === undefined || isAsGeneral(given, bound))) bindings.set(name, given);
  return isCompatible;
}

/** Whether every value of type `b` may be one of type `a`. */
function isAsGeneral(a: CelType, b: CelType): boolean {
  if (a.kind === 'dyn' || a.kind === 'parameter') return true;
  if (a.kind === 'list' && b.kind === 'list') return isAsGeneral(a.element, b.element);
  if (a.kind === 'optional' && b.kind === 'optional') return isAsGeneral(a.of, b.of);
  if (a.kind === 'map' && b.kind === 'map') return isAsGeneral(a.key, b.key) && isAsGeneral(a.value, b.value);
  return a.kind === b.kind;
}

/** A type with its parameters replaced by what is known of them. */
export function substitute(type: CelType, bindings: Bindings): CelType {
  switch (type.kind) {
    case 'parameter':
      return bindings.get(type.name) ?? dyn;
    case 'list':
      return { kind: 'list', element: substitute(type.element, bindings) };
    case 'optional':
      return { kind: 'optional', of: substitute(type.of, bindings) };
    case 'map':
      return { kind: 'map', key: substitute(type.key, bindings), value: substitute(type.value, bindings) };
    default:
      return type;
  }
}
