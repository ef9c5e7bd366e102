import { isRecord } from '../json.js';
import type { ApiObject, Json } from '../object.js';
import { FieldSet } from './field-set.js';
import { withGoZeroValues } from './go-zero-values.js';
import {
  type Managed,
  type Managers,
  capUpdateManagers,
  decodeManagedFields,
  identifier,
  withManagers,
} from './managed-fields.js';
import type { MergedKind } from './merged-kind.js';
import { changeOwnership, managersOfToday, stripped, withoutEmpty } from './ownership.js';

/** A write other than by apply. */
export interface TrackedUpdate {
  readonly kind: MergedKind;
  /** As it was, in the version of the request; absent in a create. */
  readonly live?: ApiObject;
  /** As the client wants it, defaults filled in. */
  readonly next: ApiObject;
  /** Who writes; empty: `unknown`. */
  readonly manager: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Notes in `managedFields` who has changed what by a create, an update or a patch, before admission sees the object. An
 * object without managers of which somebody writes stays without.
 *
 * Source of the rules: apimachinery, pkg/util/managedfields/internal/fieldmanager.go
 */
export function trackUpdate({ kind, live, next, manager, now }: TrackedUpdate): ApiObject {
  const managers = managersBefore(kind, live, next);
  if (managers.size === 0 && live !== undefined) return withManagers(next, managers);
  try {
    return withManagers(next, capUpdateManagers(updated(kind, live, next, managers, manager, now)));
  } catch {
    // As upstream: wrong managers would be worse than none.
    return withManagers(next, new Map());
  }
}

/**
 * Managers after an update: the writer has what it has changed, in addition to what it had before.
 *
 * @throws {Error} when a list has items that its keys do not tell apart
 */
export function updated(
  kind: MergedKind,
  live: ApiObject | undefined,
  next: ApiObject,
  managers: Managers,
  manager: string,
  now: number,
): Managers {
  const { apiVersion, subresource } = kind;
  const self = { manager: manager || 'unknown', operation: 'Update', apiVersion, subresource } as const;
  const change = changeOwnership(
    kind,
    comparable(kind, withoutShared(live ?? newObject(kind), next)),
    comparable(kind, withoutShared(next, live)),
    managersOfToday(kind, managers),
    '',
  );
  const { added, modified } = change.comparison;
  const written = stripped({ ...self, fields: added.union(modified).without(kind.reset), time: timestamp(now) });
  const result = withoutEmpty(change.managers);
  if (!written) return result;
  const id = identifier(self);
  const before = result.get(id)?.fields ?? new FieldSet();
  return result.set(id, { ...written, fields: written.fields.union(before) });
}

/** The object without the parts that are the same in the other one: these do not differ, whatever is in them. */
function withoutShared(object: ApiObject, other: ApiObject | undefined): ApiObject {
  const isShared = ([name, value]: [string, unknown]): boolean => isRecord(value) && value === other?.[name];
  return Object.fromEntries(Object.entries(object).filter((part) => !isShared(part))) as unknown as ApiObject;
}

/** An object of the kind with nothing set. */
export function newObject({ apiVersion, kind }: MergedKind): ApiObject {
  return { apiVersion, kind, metadata: {} } as unknown as ApiObject;
}

/** The object as server-side apply looks at it: without managers, and built-in ones with what Go adds. */
export function comparable(kind: MergedKind, object: ApiObject): Json {
  const { managedFields: _, ...metadata } = object.metadata;
  const plain = { ...object, metadata } as unknown as Json;
  return kind.custom ? plain : withGoZeroValues(plain, kind.schema);
}

/** RFC 3339 with whole seconds. */
export function timestamp(now: number): string {
  return new Date(now).toISOString().replace(/\.\d+/, '');
}

/** What the client says about managers, else what is stored. Writes of subresources have no say. */
function managersBefore(kind: MergedKind, live: ApiObject | undefined, next: ApiObject): Map<string, Managed> {
  const sent: unknown = next.metadata.managedFields;
  if (kind.subresource === '') {
    if (isReset(sent)) return new Map();
    const managers = decoded(sent);
    if (managers.size > 0) return managers;
  }
  return decoded(live?.metadata.managedFields);
}

function decoded(entries: unknown): Managers {
  try {
    return decodeManagedFields(entries);
  } catch {
    return new Map();
  }
}

/** `[]`, or one entry with nothing in it. */
function isReset(entries: unknown): boolean {
  if (!Array.isArray(entries)) return false;
  const [first] = entries as unknown[];
  return entries.length === 0 || (entries.length === 1 && isRecord(first) && Object.keys(first).length === 0);
}
