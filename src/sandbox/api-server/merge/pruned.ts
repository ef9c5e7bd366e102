import type { Json } from '../object.js';
import { FieldSet } from './field-set.js';
import { fieldSetOf } from './field-set-of.js';
import type { Managed, Managers } from './managed-fields.js';
import type { MapType, MergeType } from './merge-type.js';
import type { MergedKind } from './merged-kind.js';
import { fieldName } from './path-element.js';
import { withoutFields } from './without-fields.js';

/**
 * An object without the fields that a manager has applied before and that nobody has now.
 *
 * Source of the rules: structured-merge-diff, merge/update.go (`prune`)
 *
 * @param object  with the new configuration merged in
 * @param before  the manager, with what it applied the last time
 * @param managers  all managers, with what it applies this time
 */
export function withoutAbandoned(kind: MergedKind, object: Json, before: Managed, managers: Managers): Json {
  const type = kind.type(before.apiVersion);
  if (!type || before.fields.empty) return object;
  const last = withDeclaredParents(before.fields, type);
  let pruned = withoutFields(object, last, type);
  for (const [apiVersion, owned] of ownedByVersion(before.apiVersion, managers)) {
    const versioned = kind.type(apiVersion);
    if (versioned) pruned = withOwned(object, pruned, owned, versioned);
  }
  // What went with its parent but was never the manager's comes back.
  const lost = fieldsOf(object, type).difference(fieldsOf(pruned, type));
  return withoutFields(object, lost.intersection(last), type);
}

/** The fields that anybody manages, by version, that of the last apply first. */
function ownedByVersion(first: string, managers: Managers): Map<string, FieldSet> {
  const owned = new Map<string, FieldSet>([[first, new FieldSet()]]);
  for (const { apiVersion, fields } of managers.values()) {
    owned.set(apiVersion, (owned.get(apiVersion) ?? new FieldSet()).union(fields));
  }
  return owned;
}

function withOwned(object: Json, pruned: Json, owned: FieldSet, type: MergeType): Json {
  const keep = fieldsOf(pruned, type).union(withDeclaredParents(owned, type));
  return withoutFields(object, fieldsOf(object, type).difference(keep), type);
}

function fieldsOf(object: Json, type: MergeType): FieldSet {
  return withDeclaredParents(fieldSetOf(object, type), type);
}

/** The set, and the fields of the schema that lead to its members. */
function withDeclaredParents(fields: FieldSet, type: MergeType): FieldSet {
  const members = new Set(fields.members);
  const children: [string, FieldSet][] = [];
  for (const element of fields.parents) {
    const name = fieldName(element);
    if (name !== undefined && type.map?.declares(name)) members.add(element);
    children.push([element, withDeclaredParents(fields.below(element), typeBelow(type, name))]);
  }
  return new FieldSet(members, children);
}

const unknown: MergeType = {};

function typeBelow(type: MergeType, name: string | undefined): MergeType {
  const map: MapType | undefined = type.map;
  if (name !== undefined) return map?.field(name) ?? unknown;
  return type.list?.element ?? unknown;
}
