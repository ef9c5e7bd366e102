import type { Declarations } from './overloads.js';
import { CelEvaluationError, Uint } from './syntax.js';
import { compare, Duration, equals, type Value, Timestamp, Optional } from './values.js';

const limits = { int: [-(2n ** 63n), 2n ** 63n - 1n], uint: [0n, 2n ** 64n - 1n] } as const;

function within(kind: 'int' | 'uint', value: bigint): bigint {
  const [low, high] = limits[kind];
  if (value < low || value > high)
    throw new CelEvaluationError(`${kind === 'int' ? 'integer' : 'unsigned integer'} overflow`);
  return value;
}

type Arithmetic = (a: bigint, b: bigint) => bigint;

const divided =
  (what: string, operation: Arithmetic): Arithmetic =>
  (a, b) => {
    if (b === 0n) throw new CelEvaluationError(`${what} by zero`);
    return operation(a, b);
  };

/** An operator on whole numbers of both kinds. */
function whole(name: string, operation: Arithmetic): Declarations {
  return {
    [`${name}(int, int) -> int`]: (a: bigint, b: bigint) => within('int', operation(a, b)),
    [`${name}(uint, uint) -> uint`]: (a: Uint, b: Uint) => new Uint(within('uint', operation(a.value, b.value))),
  };
}

const ordered = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'];
const numbers = ['int', 'uint', 'double'];

/** `<` and its like: of the same type, and between numbers. */
function ordering(name: string, holds: (order: number) => boolean): Declarations {
  const pairs = ordered.flatMap((left) =>
    (numbers.includes(left) ? numbers : [left]).map((right) => `${name}(${left}, ${right}) -> bool`),
  );
  return Object.fromEntries(pairs.map((signature) => [signature, (a: Value, b: Value) => holds(compare(a, b))]));
}

/** Operators, as functions of their names in cel-go. `&&`, `||` and `?:` are evaluated elsewhere: they need not their operands. */
export const operators: Declarations = {
  '_&&_(bool, bool) -> bool': (a: boolean, b: boolean) => a && b,
  '_||_(bool, bool) -> bool': (a: boolean, b: boolean) => a || b,
  '_?_:_(bool, T, T) -> T': (condition: boolean, yes: Value, no: Value) => (condition ? yes : no),
  '!_(bool) -> bool': (a: boolean) => !a,
  '-_(int) -> int': (a: bigint) => within('int', -a),
  '-_(double) -> double': (a: number) => -a,
  '_==_(T, T) -> bool': equals,
  '_!=_(T, T) -> bool': (a: Value, b: Value) => !equals(a, b),
  ...ordering('_<_', (order) => order < 0),
  ...ordering('_<=_', (order) => order <= 0),
  ...ordering('_>_', (order) => order > 0),
  ...ordering('_>=_', (order) => order >= 0),
  ...whole('_+_', (a, b) => a + b),
  ...whole('_-_', (a, b) => a - b),
  ...whole('_*_', (a, b) => a * b),
  ...whole(
    '_/_',
    divided('division', (a, b) => a / b),
  ),
  ...whole(
    '_%_',
    divided('modulus', (a, b) => a % b),
  ),
  '_+_(double, double) -> double': (a: number, b: number) => a + b,
  '_-_(double, double) -> double': (a: number, b: number) => a - b,
  '_*_(double, double) -> double': (a: number, b: number) => a * b,
  '_/_(double, double) -> double': (a: number, b: number) => a / b,
  '_+_(string, string) -> string': (a: string, b: string) => a + b,
  '_+_(bytes, bytes) -> bytes': (a: Uint8Array, b: Uint8Array) => new Uint8Array(Buffer.concat([a, b])),
  '_+_(list<T>, list<T>) -> list<T>': (a: Value[], b: Value[]) => [...a, ...b],
  '_+_(duration, duration) -> duration': (a: Duration, b: Duration) => new Duration(a.nanos + b.nanos),
  '_+_(timestamp, duration) -> timestamp': (a: Timestamp, b: Duration) => new Timestamp(a.nanos + b.nanos),
  '_+_(duration, timestamp) -> timestamp': (a: Duration, b: Timestamp) => new Timestamp(a.nanos + b.nanos),
  '_-_(duration, duration) -> duration': (a: Duration, b: Duration) => new Duration(a.nanos - b.nanos),
  '_-_(timestamp, timestamp) -> duration': (a: Timestamp, b: Timestamp) => new Duration(a.nanos - b.nanos),
  '_-_(timestamp, duration) -> timestamp': (a: Timestamp, b: Duration) => new Timestamp(a.nanos - b.nanos),
  '@in(T, list<T>) -> bool': (item: Value, list: Value[]) => list.some((other) => equals(item, other)),
  '@in(K, map<K, V>) -> bool': (key: Value, map: Map<Value, Value>) => map.has(key),
  '_[_](list<T>, int) -> T': (list: Value[], index: bigint) => {
    if (index < 0n || index >= list.length) throw new CelEvaluationError(`index out of bounds: ${index}`);
    return list[Number(index)];
  },
  '_[_](map<K, V>, K) -> V': (map: Map<Value, Value>, key: Value) => {
    const value = map.get(key);
    if (value === undefined) throw new CelEvaluationError(`no such key: ${String(key)}`);
    return value;
  },
  '_[?_](list<T>, int) -> optional<T>': (list: Value[], index: bigint) => optionalAt(list, index),
  '_[?_](map<K, V>, K) -> optional<V>': (map: Map<Value, Value>, key: Value) => optionalAt(map, key),
  '_[?_](optional<list<T>>, int) -> optional<T>': ({ value }: Optional, index: bigint) => optionalAt(value, index),
  '_[?_](optional<map<K, V>>, K) -> optional<V>': ({ value }: Optional, key: Value) => optionalAt(value, key),
  '_[_](optional<list<T>>, int) -> optional<T>': ({ value }: Optional, index: bigint) => optionalAt(value, index),
  '_[_](optional<map<K, V>>, K) -> optional<V>': ({ value }: Optional, key: Value) => optionalAt(value, key),
};

function optionalAt(holder: Value, key: Value): Optional {
  const value: Value =
    holder instanceof Map ? holder.get(key) : Array.isArray(holder) ? holder[Number(key)] : undefined;
  return value === undefined ? Optional.none : new Optional(value);
}
