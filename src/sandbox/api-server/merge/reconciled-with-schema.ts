import { type FieldPath, FieldSet } from './field-set.js';
import type { ListType, MapType, MergeType } from './merge-type.js';
import { type PathElement, fieldName } from './path-element.js';

/**
 * A manager's fields after the schema has changed: whoever has anything inside of what is atomic now has all of it.
 *
 * Source of the rules: structured-merge-diff, typed/reconcile_schema.go
 */
export function reconciledWithSchema(fields: FieldSet, type: MergeType): FieldSet {
  const atomic: FieldPath[] = [];
  visit(fields, type, [], false, atomic);
  if (atomic.length === 0) return fields;
  const roots = FieldSet.of(...atomic);
  return fields.without(roots).union(roots);
}

function visit(fields: FieldSet, type: MergeType, path: FieldPath, whole: boolean, atomic: FieldPath[]): void {
  const { map, scalar, list } = type;
  if (map) {
    if (map.atomic && !whole) {
      if (!fields.empty) atomic.push(path);
    } else {
      visitBelow(fields, path, atomic, (element) => fieldType(map, element));
    }
  } else if (list && !scalar) {
    if (list.relation === 'atomic' && !whole) atomic.push(path);
    else visitBelow(fields, path, atomic, () => itemType(list));
  }
}

function visitBelow(
  fields: FieldSet,
  path: FieldPath,
  atomic: FieldPath[],
  typeOf: (element: PathElement) => MergeType | undefined,
): void {
  for (const element of new Set([...fields.parents, ...fields.members])) {
    const type = typeOf(element);
    const below = fields.below(element);
    if (type) visit(below, type, [...path, element], fields.has(element) && below.empty, atomic);
  }
}

/** Objects without schema are left alone: they have had none before either. */
function fieldType(map: MapType, element: PathElement): MergeType | undefined {
  const name = fieldName(element);
  const type = name === undefined ? undefined : map.field(name);
  return type?.scalar === 'untyped' ? undefined : type;
}

function itemType(list: ListType): MergeType | undefined {
  return list.relation === 'atomic' ? undefined : list.element;
}
