import type { Declarations } from './overloads.js';
import { CelEvaluationError, Uint } from './syntax.js';
import {
  Duration,
  durationText,
  equals,
  isNumber,
  kindOf,
  type Opaque,
  Optional,
  parseDuration,
  parseTimestamp,
  Timestamp,
  timestampText,
  TypeValue,
  type Value,
} from './values.js';

const sizes = {
  string: (text: string) => BigInt([...text].length),
  bytes: (bytes: Uint8Array) => BigInt(bytes.length),
  'list<T>': (list: Value[]) => BigInt(list.length),
  'map<K, V>': (map: Map<Value, Value>) => BigInt(map.size),
};

const typeNames: Readonly<Record<string, string>> = {
  null: 'null_type',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  optional: 'optional_type',
};

const failed = (message: string): never => {
  throw new CelEvaluationError(message);
};

const parsed = (text: string, base: string): bigint =>
  /^-?\d+$/.test(text) ? BigInt(text) : failed(`strconv.${base}: parsing ${JSON.stringify(text)}: invalid syntax`);

const truncated = (value: number): bigint =>
  Number.isFinite(value) && Math.abs(value) < 2 ** 63 ? BigInt(Math.trunc(value)) : failed('integer overflow');

/** Functions of the CEL standard: conversions, sizes, types, and methods of optional values. */
export const standard: Declarations = {
  ...Object.fromEntries(
    Object.entries(sizes).flatMap(([type, size]) => [
      [`size(${type}) -> int`, size],
      [`${type}!size() -> int`, size],
    ]),
  ),
  'dyn(T) -> dyn': (value: Value) => value,
  'type(T) -> type': (value: Value) => new TypeValue(typeNames[kindOf(value)] ?? kindOf(value)),
  'bool(bool) -> bool': (value: boolean) => value,
  'bool(string) -> bool': (text: string) =>
    /^(1|t|T|true|TRUE|True)$/.test(text)
      ? true
      : /^(0|f|F|false|FALSE|False)$/.test(text)
        ? false
        : failed(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`),
  'int(int) -> int': (value: bigint) => value,
  'int(uint) -> int': ({ value }: Uint) => value,
  'int(double) -> int': truncated,
  'int(string) -> int': (text: string) => parsed(text, 'ParseInt'),
  'int(timestamp) -> int': ({ nanos }: Timestamp) => nanos / 1_000_000_000n,
  'int(duration) -> int': ({ nanos }: Duration) => nanos,
  'uint(uint) -> uint': (value: Uint) => value,
  'uint(int) -> uint': (value: bigint) => (value < 0n ? failed('unsigned integer overflow') : new Uint(value)),
  'uint(double) -> uint': (value: number) => new Uint(truncated(value)),
  'uint(string) -> uint': (text: string) => new Uint(parsed(text, 'ParseUint')),
  'double(double) -> double': (value: number) => value,
  'double(int) -> double': (value: bigint) => Number(value),
  'double(uint) -> double': ({ value }: Uint) => Number(value),
  'double(string) -> double': (text: string) =>
    text.trim() === '' || Number.isNaN(Number(text))
      ? failed(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
      : Number(text),
  'string(string) -> string': (text: string) => text,
  'string(bool) -> string': String,
  'string(int) -> string': String,
  'string(uint) -> string': ({ value }: Uint) => String(value),
  'string(double) -> string': String,
  'string(bytes) -> string': (bytes: Uint8Array) => Buffer.from(bytes).toString(),
  'string(timestamp) -> string': timestampText,
  'string(duration) -> string': durationText,
  'string(net.IP) -> string': ({ key }: Opaque) => key,
  'string(net.CIDR) -> string': ({ key }: Opaque) => key,
  'bytes(bytes) -> bytes': (bytes: Uint8Array) => bytes,
  'bytes(string) -> bytes': (text: string) => new TextEncoder().encode(text),
  'timestamp(timestamp) -> timestamp': (value: Timestamp) => value,
  'timestamp(int) -> timestamp': (seconds: bigint) => new Timestamp(seconds * 1_000_000_000n),
  'timestamp(string) -> timestamp': (text: string) =>
    parseTimestamp(text) ?? failed(`cannot parse ${JSON.stringify(text)} as timestamp`),
  'duration(duration) -> duration': (value: Duration) => value,
  'duration(int) -> duration': (nanos: bigint) => new Duration(nanos),
  'duration(string) -> duration': (text: string) =>
    parseDuration(text) ?? failed(`time: invalid duration ${JSON.stringify(text)}`),
  'optional.of(T) -> optional<T>': (value: Value) => new Optional(value),
  'optional.ofNonZeroValue(T) -> optional<T>': (value: Value) => (isZero(value) ? Optional.none : new Optional(value)),
  'optional.none() -> optional<T>': () => Optional.none,
  'optional<T>!hasValue() -> bool': ({ value }: Optional) => value !== undefined,
  'optional<T>!value() -> T': ({ value }: Optional) =>
    value === undefined ? failed('optional.none() dereference') : value,
  'optional<T>!or(optional<T>) -> optional<T>': (first: Optional, second: Optional) =>
    first.value === undefined ? second : first,
  'optional<T>!orValue(T) -> T': ({ value }: Optional, other: Value) => (value === undefined ? other : value),
};

function isZero(value: Value): boolean {
  if (value === null || value === false || value === '') return true;
  if (isNumber(value)) return equals(value, 0n);
  if (value instanceof Map) return value.size === 0;
  return (Array.isArray(value) || value instanceof Uint8Array) && value.length === 0;
}

const part =
  (pick: (date: Date) => number) =>
  ({ nanos }: Timestamp, zone?: string) =>
    BigInt(pick(local(nanos, zone)));

/** A date whose UTC parts are those of the zone: `UTC`, an offset such as `+01:00`, or an IANA name. */
function local(nanos: bigint, zone = 'UTC'): Date {
  const milliseconds = Number(nanos / 1_000_000n);
  const offset = /^([-+]?)(\d\d):(\d\d)$/.exec(zone);
  if (offset) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return new Date(milliseconds + (offset[1] === '-' ? -minutes : minutes) * 60_000);
  }
  try {
    const text = new Date(milliseconds).toLocaleString('sv-SE', { timeZone: zone });
    return new Date(Date.parse(`${text.replace(' ', 'T')}Z`) + (milliseconds % 1000));
  } catch {
    return failed(`unknown time zone ${zone}`);
  }
}

const dayOfYear = (date: Date): number =>
  Math.floor(
    (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 1)) /
      86_400_000,
  );

const dateParts: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDayOfYear: dayOfYear,
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDate: (date) => date.getUTCDate(),
  getDayOfWeek: (date) => date.getUTCDay(),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

/** Parts of timestamps and durations. */
export const times: Declarations = {
  ...Object.fromEntries(
    Object.entries(dateParts).flatMap(([name, pick]) => [
      [`timestamp!${name}() -> int`, part(pick)],
      [`timestamp!${name}(string) -> int`, part(pick)],
    ]),
  ),
  'duration!getHours() -> int': ({ nanos }: Duration) => nanos / 3_600_000_000_000n,
  'duration!getMinutes() -> int': ({ nanos }: Duration) => nanos / 60_000_000_000n,
  'duration!getSeconds() -> int': ({ nanos }: Duration) => nanos / 1_000_000_000n,
  'duration!getMilliseconds() -> int': ({ nanos }: Duration) => nanos / 1_000_000n,
};
