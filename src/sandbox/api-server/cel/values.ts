import type { OpenApiSchema } from '../schema.js';
import { CelEvaluationError, Uint } from './syntax.js';
import type { CelType } from './types.js';

/**
 * Values while CEL is evaluated: null, boolean, bigint (int), number (double), {@link Uint}, string, Uint8Array, arrays,
 * Maps, {@link Timestamp}, {@link Duration}, {@link Optional}, {@link TypeValue}, {@link Opaque}.
 */
export type Value = unknown;

/** A point in time, in nanoseconds since the epoch. */
export class Timestamp {
  constructor(readonly nanos: bigint) {}
}

/** A length of time, in nanoseconds. */
export class Duration {
  constructor(readonly nanos: bigint) {}
}

/** A value that may be missing. */
export class Optional {
  static readonly none = new Optional(undefined);

  /** @param value  undefined: none */
  constructor(readonly value: Value) {}
}

/** What `type(x)` gives. */
export class TypeValue {
  constructor(readonly typeName: string) {}
}

/** A value of a library, such as a quantity. Two are equal whose keys are. */
export class Opaque<T = unknown> {
  constructor(
    /** As {@link CelType} `opaque` names it. */
    readonly typeName: string,
    readonly key: string,
    readonly data: T,
  ) {}
}

const simpleKinds: Readonly<Record<string, string>> = {
  boolean: 'bool',
  bigint: 'int',
  number: 'double',
  string: 'string',
};

/** The type of a value; `list`, `map` and `optional` without what is inside, libraries' types by name. */
export function kindOf(value: Value): string {
  if (value === null) return 'null';
  const simple = simpleKinds[typeof value];
  if (simple !== undefined) return simple;
  if (Array.isArray(value)) return 'list';
  if (value instanceof Map) return 'map';
  if (value instanceof Uint) return 'uint';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Timestamp) return 'timestamp';
  if (value instanceof Duration) return 'duration';
  if (value instanceof Optional) return 'optional';
  if (value instanceof TypeValue) return 'type';
  return value instanceof Opaque ? value.typeName : 'dyn';
}

/** Whether a value may be given where a type is wanted, as far as it shows without looking inside. */
export function isOf(value: Value, type: CelType): boolean {
  if (type.kind === 'dyn' || type.kind === 'parameter') return true;
  const kind = kindOf(value);
  if (type.kind === 'opaque') return kind === type.name;
  return kind === (type.kind === 'object' ? 'map' : type.kind);
}

/** CEL's `==`: numbers by value whatever their type, lists and maps deeply. */
export function equals(a: Value, b: Value): boolean {
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b) === 0;
  if (kindOf(a) !== kindOf(b)) return false;
  if (Array.isArray(a)) {
    const other = b as Value[];
    return a.length === other.length && a.every((item, i) => equals(item, other[i]));
  }
  if (a instanceof Map) {
    const other = b as Map<Value, Value>;
    return a.size === other.size && [...a].every(([key, value]) => other.has(key) && equals(value, other.get(key)));
  }
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array) === 0;
  if (a instanceof Timestamp || a instanceof Duration) return a.nanos === (b as Timestamp).nanos;
  if (a instanceof TypeValue) return a.typeName === (b as TypeValue).typeName;
  if (a instanceof Opaque) return a.key === (b as Opaque).key;
  if (a instanceof Optional) {
    const other = (b as Optional).value;
    return a.value === undefined || other === undefined ? a.value === other : equals(a.value, other);
  }
  return a === b;
}

/** Whether a value is an int, uint or double. */
export function isNumber(value: Value): value is bigint | number | Uint {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;
}

function compareNumbers(a: bigint | number | Uint, b: bigint | number | Uint): number {
  const [left, right] = [a, b].map((number) => (number instanceof Uint ? number.value : number)) as [bigint, bigint];
  return left < right ? -1 : left > right ? 1 : left == right ? 0 : NaN; // eslint-disable-line eqeqeq -- 1n == 1
}

/** Negative, 0 or positive; NaN for what has no order. @throws {CelEvaluationError} for types that do not compare */
export function compare(a: Value, b: Value): number {
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b);
  if (kindOf(a) !== kindOf(b)) throw new CelEvaluationError('no such overload');
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  if (typeof a === 'boolean') return Number(a) - Number(b);
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array);
  if (a instanceof Timestamp || a instanceof Duration) {
    const difference = a.nanos - (b as Timestamp).nanos;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  throw new CelEvaluationError('no such overload');
}

/** A JSON value as CEL sees it: numbers, times and bytes by the schema, and without one whole numbers as int. */
export function celValue(json: unknown, schema?: OpenApiSchema): Value {
  if (json === null || json === undefined) return null;
  if (json instanceof Map || json instanceof Opaque) return json;
  if (Array.isArray(json)) return json.map((item) => celValue(item, schema?.items));
  if (typeof json === 'object') {
    const values = typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
    return new Map(
      Object.entries(json).map(([key, value]) => [key, celValue(value, schema?.properties?.[key] ?? values)]),
    );
  }
  if (typeof json === 'number') return schema?.type !== 'number' && Number.isInteger(json) ? BigInt(json) : json;
  return typeof json === 'string' && schema?.type === 'string' ? formatted(json, schema.format) : json;
}

function formatted(text: string, format: string | undefined): Value {
  if (format === 'byte') return new Uint8Array(Buffer.from(text, 'base64'));
  if (format === 'duration') return parseDuration(text) ?? text;
  if (format === 'date-time') return parseTimestamp(text) ?? text;
  return format === 'date' ? (parseTimestamp(`${text}T00:00:00Z`) ?? text) : text;
}

/** A value of CEL as JSON; ints become numbers. */
export function jsonValue(value: Value): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (Array.isArray(value)) return value.map(jsonValue);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, inner]) => [String(key), jsonValue(inner)]));
  if (value instanceof Optional) return value.value === undefined ? null : jsonValue(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  return value;
}

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Go's `time.ParseDuration`: `1h30m`, `-1.5s`. */
export function parseDuration(text: string): Duration | undefined {
  if (/^[-+]?0$/.test(text)) return new Duration(0n);
  const whole = /^([-+]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/.exec(text);
  if (!whole) return undefined;
  let nanos = 0n;
  for (const [, amount, unit] of whole[2]!.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    const [units = '', fraction = ''] = amount!.split('.');
    nanos +=
      BigInt(units || '0') * unitNanos[unit!]! +
      (BigInt(fraction || '0') * unitNanos[unit!]!) / 10n ** BigInt(fraction.length);
  }
  return new Duration(whole[1] === '-' ? -nanos : nanos);
}

/** RFC 3339. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[-+]\d\d:\d\d)$/.exec(text);
  if (!parts) return undefined;
  const milliseconds = Date.parse(`${parts[1]}T${parts[2]}${parts[4]!.toUpperCase()}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return new Timestamp(BigInt(milliseconds) * 1_000_000n + BigInt((parts[3] ?? '').padEnd(9, '0').slice(0, 9)));
}

/** RFC 3339, UTC. */
export function timestampText({ nanos }: Timestamp): string {
  const seconds = nanos / 1_000_000_000n;
  const fraction = (nanos % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${text}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** As cel-go turns durations into strings: seconds. */
export function durationText({ nanos }: Duration): string {
  return `${Number(nanos) / 1e9}s`;
}
