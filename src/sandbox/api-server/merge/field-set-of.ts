import { isRecord } from '../json.js';
import type { Json } from '../object.js';
import { FieldSet, type FieldPath } from './field-set.js';
import { type ListType, type MapType, type MergeType, fitting, itemElement } from './merge-type.js';
import { fieldElement } from './path-element.js';

/**
 * The fields that a value sets: leaves, atomic values as one, items of lists, and fields of objects without schema.
 *
 * Source of the rules: structured-merge-diff, typed/tofieldset.go
 */
export function fieldSetOf(value: Json, type: MergeType): FieldSet {
  const set = new FieldSet();
  visit(value, type, [], set);
  return set;
}

function visit(value: Json, type: MergeType, path: FieldPath, set: FieldSet): void {
  const { map, scalar, list } = fitting(type, value);
  if (map) {
    if (map.atomic) set.insert(path);
    else if (isRecord(value)) visitFields(value, map, path, set);
  } else if (scalar) {
    set.insert(path);
  } else if (list) {
    if (list.relation === 'atomic') set.insert(path);
    else if (Array.isArray(value)) visitItems(value, list, path, set);
  }
}

function visitFields(object: { [name: string]: Json }, map: MapType, path: FieldPath, set: FieldSet): void {
  for (const [name, value] of Object.entries(object)) {
    const below = [...path, fieldElement(name)];
    const type = map.field(name);
    if (type) visit(value, type, below, set);
    const isEmpty = value === null || (isRecord(value) && Object.keys(value).length === 0);
    if (isEmpty || !map.declares(name)) set.insert(below);
  }
}

function visitItems(items: Json[], list: ListType, path: FieldPath, set: FieldSet): void {
  const elements = items.map((item) => itemElement(list, item));
  const counts = new Map<string, number>();
  for (const element of elements) counts.set(element, (counts.get(element) ?? 0) + 1);
  for (const [i, element] of elements.entries()) {
    const below = [...path, element];
    // Items that cannot be told apart belong to somebody as a whole only.
    if (counts.get(element) === 1) visit(items[i]!, list.element, below, set);
    set.insert(below);
  }
}
