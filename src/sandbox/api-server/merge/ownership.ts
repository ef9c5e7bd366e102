import type { Json } from '../object.js';
import { type Comparison, compare, withoutReset } from './comparison.js';
import { FieldSet } from './field-set.js';
import { fieldElement } from './path-element.js';
import type { Managed, Managers } from './managed-fields.js';
import type { MergedKind } from './merged-kind.js';
import { reconciledWithSchema } from './reconciled-with-schema.js';

/** What a write does to the managers of an object. */
export interface OwnershipChange {
  /** All managers, without fields that the write takes from them; those that are left with none are gone. */
  readonly managers: Managers;
  /** What the write changes, in the version of the request, without what the kind resets. */
  readonly comparison: Comparison;
  /** The fields that the write takes, by the identifier of who has them now. */
  readonly conflicts: Map<string, FieldSet>;
}

/**
 * Who loses which fields if an object becomes another.
 *
 * Source of the rules: structured-merge-diff, merge/update.go (`update`)
 *
 * @param writer  identifier of the manager that writes, who loses nothing
 */
export function changeOwnership(
  kind: MergedKind,
  old: Json,
  next: Json,
  managers: Managers,
  writer: string,
): OwnershipChange {
  const comparisons = new Map<string, Comparison>();
  const compared = (apiVersion: string): Comparison | undefined => {
    let comparison = comparisons.get(apiVersion);
    if (!comparison) {
      const type = kind.type(apiVersion);
      if (!type) return undefined;
      comparison = withoutReset(compare(old, next, type), kind.reset);
      comparisons.set(apiVersion, comparison);
    }
    return comparison;
  };
  const left: Managers = new Map();
  const conflicts = new Map<string, FieldSet>();
  for (const [id, managed] of managers) {
    if (id === writer) {
      left.set(id, managed);
      continue;
    }
    const comparison = compared(managed.apiVersion);
    if (!comparison) continue;
    const taken = managed.fields.intersection(comparison.modified.union(comparison.added));
    if (!taken.empty) conflicts.set(id, taken);
    left.set(id, { ...managed, fields: managed.fields.difference(taken).difference(comparison.removed) });
  }
  return { managers: withoutEmpty(left), comparison: compared(kind.apiVersion)!, conflicts };
}

/** Those that manage anything. */
export function withoutEmpty(managers: Managers): Managers {
  return new Map([...managers].filter(([, { fields }]) => !fields.empty));
}

/** Managers as the kind's schema of today has their fields; those of versions that are not served are left out. */
export function managersOfToday(kind: MergedKind, managers: Managers): Managers {
  const today: Managers = new Map();
  for (const [id, managed] of managers) {
    const type = kind.type(managed.apiVersion);
    if (type) today.set(id, { ...managed, fields: reconciledWithSchema(managed.fields, type) });
  }
  return today;
}

/** Fields that nobody manages: they identify an object, or the server writes them. */
const unmanaged = FieldSet.of(
  ...['apiVersion', 'kind', 'metadata'].map((name) => [fieldElement(name)]),
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name) => [fieldElement('metadata'), fieldElement(name)]),
);

/** One manager without the fields that nobody manages; undefined if nothing is left. */
export function stripped(managed: Managed): Managed | undefined {
  const fields = managed.fields.difference(unmanaged);
  return fields.empty ? undefined : { ...managed, fields };
}
