import type { Declarations } from './overloads.js';
import { CelEvaluationError, Uint } from './syntax.js';
import { compare, Duration, equals, type Value } from './values.js';

const failed = (message: string): never => {
  throw new CelEvaluationError(message);
};

const isSorted = (list: Value[]): boolean => list.every((item, i) => i === 0 || compare(list[i - 1], item) <= 0);

function extreme(name: string, sign: number): (list: Value[]) => Value {
  return (list) =>
    list.length === 0
      ? failed(`${name} called on empty list`)
      : list.reduce((best, item) => (compare(item, best) * sign > 0 ? item : best));
}

function sum(zero: Value): (list: never[]) => Value {
  return (list: Value[]) =>
    list.reduce((total: Value, item) => {
      if (typeof item === 'number') return (typeof total === 'number' ? total : 0) + item;
      if (item instanceof Uint) return new Uint((total as Uint).value + item.value);
      if (item instanceof Duration) return new Duration((total as Duration).nanos + item.nanos);
      return (total as bigint) + (item as bigint);
    }, zero);
}

const position = (at: number): bigint => BigInt(at);
const distinct = (list: Value[]): Value[] =>
  list.filter((item, i) => list.findIndex((other) => equals(item, other)) === i);
const contains = (list: Value[], other: Value[]): boolean =>
  other.every((item) => list.some((one) => equals(one, item)));

/** Types that can be sorted. */
const sortable = ['int', 'uint', 'double', 'bool', 'string', 'bytes', 'timestamp', 'duration'];
const each = (make: (type: string) => Declarations): Declarations =>
  Object.assign({}, ...sortable.map(make)) as Declarations;

/** Lists: of Kubernetes, sets, and the extension of cel-go. */
export const lists: Declarations = {
  ...each((type) => ({
    [`list<${type}>!isSorted() -> bool`]: isSorted,
    [`list<${type}>!min() -> ${type}`]: extreme('min', -1),
    [`list<${type}>!max() -> ${type}`]: extreme('max', 1),
    [`list<${type}>!sort() -> list<${type}>`]: (list: Value[]) => [...list].sort(compare),
  })),
  'list<int>!sum() -> int': sum(0n),
  'list<uint>!sum() -> uint': sum(new Uint(0n)),
  'list<double>!sum() -> double': sum(0),
  'list<duration>!sum() -> duration': sum(new Duration(0n)),
  'list<T>!indexOf(T) -> int': (list: Value[], item: Value) => position(list.findIndex((other) => equals(item, other))),
  'list<T>!lastIndexOf(T) -> int': (list: Value[], item: Value) =>
    position(list.findLastIndex((other) => equals(item, other))),
  'list<T>!distinct() -> list<T>': distinct,
  'list<T>!reverse() -> list<T>': (list: Value[]) => [...list].reverse(),
  'list<list<T>>!flatten() -> list<T>': (list: Value[]) => list.flat(),
  'list<T>!slice(int, int) -> list<T>': (list: Value[], start: bigint, end: bigint) =>
    start < 0n || end < start || end > list.length
      ? failed(`cannot slice(${start}, ${end}), list is length ${list.length}`)
      : list.slice(Number(start), Number(end)),
  'lists.range(int) -> list<int>': (count: bigint) => Array.from({ length: Number(count) }, (_, i) => BigInt(i)),
  'sets.contains(list<T>, list<T>) -> bool': contains,
  'sets.equivalent(list<T>, list<T>) -> bool': (a: Value[], b: Value[]) => contains(a, b) && contains(b, a),
  'sets.intersects(list<T>, list<T>) -> bool': (a: Value[], b: Value[]) => a.some((item) => contains(b, [item])),
};
