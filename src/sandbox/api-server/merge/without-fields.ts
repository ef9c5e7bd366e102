import type { Json } from '../object.js';
import type { FieldSet } from './field-set.js';
import { type ListType, type MapType, type MergeType, fitting, itemElement } from './merge-type.js';
import { fieldElement } from './path-element.js';

/**
 * A value without the fields of a set. An object or list that becomes empty by it becomes null.
 *
 * Source of the rules: structured-merge-diff, typed/remove.go
 */
export function withoutFields(value: Json, set: FieldSet, type: MergeType): Json {
  const { map, scalar, list } = fitting(type, value);
  if (map) return typeof value === 'object' && !Array.isArray(value) ? withoutMembers(value, set, map) : null;
  if (scalar) return value;
  return list && Array.isArray(value) ? withoutItems(value, set, list) : null;
}

function withoutMembers(object: { [name: string]: Json } | null, set: FieldSet, map: MapType): Json {
  // As upstream does it: what is atomic is never removed in part, and its owner removes it from above.
  if (object === null || map.atomic) return null;
  const left: [name: string, value: Json][] = [];
  for (const [name, value] of Object.entries(object)) {
    const element = fieldElement(name);
    if (set.has(element)) continue;
    const below = set.below(element);
    const type = map.field(name);
    left.push([name, below.empty || !type ? value : withoutFields(value, below, type)]);
  }
  return left.length > 0 ? Object.fromEntries(left) : null;
}

function withoutItems(items: Json[], set: FieldSet, list: ListType): Json {
  if (list.relation === 'atomic') return null;
  const left: Json[] = [];
  for (const item of items) {
    const element = itemElement(list, item);
    if (set.has(element)) continue;
    const below = set.below(element);
    left.push(below.empty ? item : withoutFields(item, below, list.element));
  }
  return left.length > 0 ? left : null;
}
