import { isRecord, member } from '../json.js';
import type { Json } from '../object.js';
import { isEmptyObject } from './comparison.js';
import { type ListType, type MapType, type MergeType, fitting, itemElement } from './merge-type.js';
import type { PathElement } from './path-element.js';

type Value = Json | undefined;

/**
 * An object with another merged over it: fields of `over` win, items of lists are matched by their keys and take the order
 * of `over` among themselves. Both must fit the type (see `typeErrors`); `under` may have items that cannot be told apart.
 *
 * Source of the rules: structured-merge-diff, typed/merge.go
 */
export function merged(under: Json, over: Json, type: MergeType): Json {
  return mergeValues(under, over, type) ?? {};
}

function mergeValues(under: Value, over: Value, type: MergeType): Value {
  const { map, scalar, list } = fitting(type, over === undefined ? under : over);
  const atomic = over ?? (over === null ? null : under);
  if (map) {
    if (map.atomic || (isEmptyObject(under) && isEmptyObject(over))) return atomic;
    return mergeFields(map, isRecord(under) ? under : {}, isRecord(over) ? over : {});
  }
  if (scalar || !list || list.relation === 'atomic') return atomic;
  const [unders, overs] = [Array.isArray(under) ? under : [], Array.isArray(over) ? over : []];
  if (unders.length === 0 && overs.length === 0) return atomic;
  return mergeItems(list, unders, overs);
}

function mergeFields(map: MapType, under: Record<string, unknown>, over: Record<string, unknown>): Value {
  const fields: [name: string, value: Json][] = [];
  for (const name of new Set([...Object.keys(under), ...Object.keys(over)])) {
    const type = map.field(name);
    const value = type && mergeValues(member(under, name) as Value, member(over, name) as Value, type);
    if (value !== undefined) fields.push([name, value]);
  }
  return fields.length > 0 ? Object.fromEntries(fields) : undefined;
}

/** Items of `under` keep their places; those of both are put in the order of `over`; new ones come where `over` has them. */
function mergeItems(list: ListType, unders: Json[], overs: Json[]): Value {
  const left = unders.map((item) => itemElement(list, item));
  const right = overs.map((item) => itemElement(list, item));
  const under = firstOf(left, unders);
  const over = firstOf(right, overs);
  const shared = right.filter((element) => under.has(element));
  const done = new Set<PathElement>();
  const items: Json[] = [];
  const put = (element: PathElement, below: Value): void => {
    const item = mergeValues(below, over.get(element), list.element);
    if (item !== undefined) items.push(item);
  };
  let [l, r] = [0, 0];
  let next = shared.shift();
  while (l < left.length || r < right.length) {
    const lower = left[l];
    if (lower !== undefined && r < right.length) {
      if (lower === right[r]) {
        done.add(lower);
        put(lower, under.get(lower));
        l += 1;
        r += 1;
        next = shared.shift();
        continue;
      }
      if (over.has(lower) && next !== undefined && next !== lower) {
        l += 1;
        continue;
      }
    }
    if (lower !== undefined) {
      if (!over.has(lower)) {
        put(lower, unders[l]);
        l += 1;
        continue;
      }
      if (done.has(lower)) l += 1;
    }
    const upper = right[r];
    if (upper !== undefined) {
      done.add(upper);
      put(upper, under.get(upper));
      r += 1;
      if (next === upper) next = shared.shift();
    }
  }
  return items.length > 0 ? items : undefined;
}

/** Items by element. Of items that cannot be told apart there is nothing to merge with. */
function firstOf(elements: PathElement[], items: Json[]): Map<PathElement, Value> {
  const found = new Map<PathElement, Value>();
  for (const [i, element] of elements.entries()) found.set(element, found.has(element) ? undefined : items[i]);
  return found;
}
