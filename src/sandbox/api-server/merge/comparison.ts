import { isEqual, isRecord, member } from '../json.js';
import type { Json } from '../object.js';
import { type FieldPath, FieldSet } from './field-set.js';
import { type ListType, type MapType, type MergeType, fitting, itemElement, sameType } from './merge-type.js';
import { type PathElement, fieldElement } from './path-element.js';

/** What differs between two objects; no field is in more than one of the sets. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

type Value = Json | undefined;

/**
 * Compares two objects of one type.
 *
 * Source of the rules: structured-merge-diff, typed/compare.go
 */
export function compare(old: Json, next: Json, type: MergeType): Comparison {
  const found = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() };
  compareValues(old, next, type, [], found);
  return found;
}

/** A comparison without the fields that a kind resets on every write. */
export function withoutReset({ added, modified, removed }: Comparison, reset: FieldSet): Comparison {
  return { added: added.without(reset), modified: modified.without(reset), removed: removed.without(reset) };
}

function compareValues(old: Value, next: Value, type: MergeType, path: FieldPath, found: Comparison): void {
  // Most of what is compared has not changed.
  if (isEqual(old, next)) return;
  const before = fitting(type, old);
  const after = fitting(type, next);
  let leaf: boolean;
  if (next === undefined) {
    leaf = compareAs(before, old, next, path, found);
  } else {
    if (old !== undefined && !sameType(before, after)) compareAs(before, old, next, path, found);
    leaf = compareAs(after, old, next, path, found);
  }
  if (leaf) return;
  if (old === undefined) found.added.insert(path);
  else if (next === undefined) found.removed.insert(path);
}

/** Returns true if the two were compared as one value. */
function compareAs(type: MergeType, old: Value, next: Value, path: FieldPath, found: Comparison): boolean {
  const { map, scalar, list } = type;
  if (map) {
    if (map.atomic || (isEmptyObject(old) && isEmptyObject(next))) return compareLeaf(old, next, path, found);
    compareFields(map, isRecord(old) ? old : {}, isRecord(next) ? next : {}, path, found);
    return false;
  }
  if (scalar || !list) return compareLeaf(old, next, path, found);
  if (list.relation === 'atomic' || (isEmptyList(old) && isEmptyList(next))) {
    return compareLeaf(old, next, path, found);
  }
  compareItems(list, Array.isArray(old) ? old : [], Array.isArray(next) ? next : [], path, found);
  return false;
}

function compareLeaf(old: Value, next: Value, path: FieldPath, found: Comparison): true {
  if (old === undefined) found.added.insert(path);
  else if (next === undefined) found.removed.insert(path);
  else if (!isEqual(old, next)) found.modified.insert(path);
  return true;
}

function compareFields(
  map: MapType,
  old: Record<string, unknown>,
  next: Record<string, unknown>,
  path: FieldPath,
  found: Comparison,
): void {
  for (const name of new Set([...Object.keys(old), ...Object.keys(next)])) {
    const type = map.field(name);
    const [before, after] = [member(old, name) as Value, member(next, name) as Value];
    if (type) compareValues(before, after, type, [...path, fieldElement(name)], found);
  }
}

function compareItems(list: ListType, old: Json[], next: Json[], path: FieldPath, found: Comparison): void {
  const before = byElement(list, old);
  const after = byElement(list, next);
  for (const element of new Set([...before.keys(), ...after.keys()])) {
    const olds = before.get(element) ?? [];
    const nexts = after.get(element) ?? [];
    const below = [...path, element];
    // Items that cannot be told apart are compared as one value.
    if (olds.length > 1 && nexts.length > 1) {
      if (!isEqual(olds, nexts)) found.modified.insert(below);
    } else if (olds.length > 1) {
      if (nexts.length > 0) compareValues(undefined, nexts[0], list.element, below, found);
      found.removed.insert(below);
    } else if (nexts.length > 1) {
      if (olds.length > 0) compareValues(olds[0], undefined, list.element, below, found);
      found.added.insert(below);
    } else {
      compareValues(olds[0], nexts[0], list.element, below, found);
    }
  }
}

function byElement(list: ListType, items: Json[]): Map<PathElement, Json[]> {
  const found = new Map<PathElement, Json[]>();
  for (const item of items) {
    const element = itemElement(list, item);
    const same = found.get(element);
    if (same) same.push(item);
    else found.set(element, [item]);
  }
  return found;
}

/** Whether a value has no fields: an empty object, or none at all. */
export function isEmptyObject(value: Value): boolean {
  return !isRecord(value) || Object.keys(value).length === 0;
}

function isEmptyList(value: Value): boolean {
  return !Array.isArray(value) || value.length === 0;
}
