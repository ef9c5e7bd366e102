import { isEqual, isRecord } from '../json.js';
import type { ApiObject, ManagedFieldsEntry } from '../object.js';
import { FieldSet } from './field-set.js';
import { isPrintable } from './patch-options.js';

/** The fields of one manager. */
export interface Managed {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  /** In which the fields are meant. */
  readonly apiVersion: string;
  readonly subresource: string;
  readonly fields: FieldSet;
  /** RFC 3339. */
  readonly time?: string;
}

/** Managers by {@link identifier}. */
export type Managers = Map<string, Managed>;

/** How many entries of `Update` an object has at most; the oldest of more are put together. */
const maxUpdateManagers = 10;

/** Manager of the entries that were put together. */
const ancientChanges = 'ancient-changes';

/** The longest name of a manager. Source: apimachinery, pkg/apis/meta/v1/validation */
const maxNameLength = 128;

/**
 * What tells managers apart: one that applies is the same in all versions. It is JSON in the order of Go's struct, by which
 * the real server sorts conflicts.
 */
export function identifier(manager: Pick<Managed, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): string {
  return JSON.stringify({
    ...(manager.manager !== '' && { manager: manager.manager }),
    operation: manager.operation,
    ...(manager.operation === 'Update' && { apiVersion: manager.apiVersion }),
    ...(manager.subresource !== '' && { subresource: manager.subresource }),
  });
}

/**
 * Reads `metadata.managedFields`.
 *
 * @throws {Error} when an entry is not as the API server writes them
 */
export function decodeManagedFields(entries: unknown): Managers {
  const managers: Managers = new Map();
  if (entries === undefined || entries === null) return managers;
  if (!Array.isArray(entries)) throw new Error('managedFields is not a list');
  for (const [i, entry] of (entries as unknown[]).entries()) {
    const managed = decodeEntry(entry, i);
    managers.set(identifier(managed), managed);
  }
  return managers;
}

function decodeEntry(value: unknown, index: number): Managed {
  if (!isRecord(value)) throw new Error(`managed fields entry ${index} is not an object`);
  const entry = value as ManagedFieldsEntry;
  if (entry.operation !== 'Apply' && entry.operation !== 'Update') {
    throw new Error('operation must be `Apply` or `Update`');
  }
  if (!entry.apiVersion) throw new Error('apiVersion must not be empty');
  if (!entry.fieldsType) throw new Error(`missing fieldsType in managed fields entry ${index}`);
  if (entry.fieldsType !== 'FieldsV1') {
    throw new Error(`invalid fieldsType "${String(entry.fieldsType)}" in managed fields entry ${index}`);
  }
  return {
    manager: entry.manager ?? '',
    operation: entry.operation,
    apiVersion: entry.apiVersion,
    subresource: entry.subresource ?? '',
    fields: FieldSet.fromFieldsV1(entry.fieldsV1 ?? {}),
    ...(typeof entry.time === 'string' && { time: entry.time }),
  };
}

/** Entries for `metadata.managedFields`: those of Apply first, then by time, manager, version and subresource. */
export function encodeManagedFields(managers: Managers): ManagedFieldsEntry[] {
  return [...managers.values()].sort(inOrder).map((managed) => ({
    ...(managed.manager !== '' && { manager: managed.manager }),
    operation: managed.operation,
    apiVersion: managed.apiVersion,
    ...(managed.time !== undefined && { time: managed.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: managed.fields.toFieldsV1(),
    ...(managed.subresource !== '' && { subresource: managed.subresource }),
  }));
}

function inOrder(a: Managed, b: Managed): number {
  return (
    order(a.operation, b.operation) ||
    seconds(a) - seconds(b) ||
    order(a.manager, b.manager) ||
    order(a.apiVersion, b.apiVersion) ||
    order(a.subresource, b.subresource)
  );
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const seconds = ({ time }: Managed): number => (time === undefined ? 0 : Math.floor(Date.parse(time) / 1000));

/** A copy of the object with these managers, or with no `managedFields` if there is none. */
export function withManagers(object: ApiObject, managers: Managers): ApiObject {
  const { managedFields: _, ...metadata } = object.metadata;
  if (managers.size === 0) return { ...object, metadata };
  return { ...object, metadata: { ...metadata, managedFields: encodeManagedFields(managers) } };
}

/**
 * Puts the oldest entries of Update together while there are too many. Entries of one version only, so it may not succeed.
 *
 * Source: apimachinery, pkg/util/managedfields/internal/capmanagers.go
 */
export function capUpdateManagers(managers: Managers): Managers {
  const updaters = [...managers].filter(([, { operation }]) => operation === 'Update');
  let surplus = updaters.length - maxUpdateManagers;
  if (surplus <= 0) return managers;
  const capped = new Map(managers);
  updaters.sort(([a, x], [b, y]) => seconds(x) - seconds(y) || order(a, b));
  const firsts = new Map<string, string>();
  for (const [id, managed] of updaters) {
    if (surplus <= 0) break;
    const { apiVersion } = managed;
    const first = firsts.get(apiVersion);
    if (first === undefined) {
      firsts.set(apiVersion, id);
      continue;
    }
    const bucket = { manager: ancientChanges, operation: 'Update', apiVersion, subresource: '' } as const;
    const bucketId = identifier(bucket);
    const before = capped.get(bucketId) ?? capped.get(first);
    capped.delete(first);
    capped.delete(id);
    const fields = before ? managed.fields.union(before.fields) : managed.fields;
    capped.set(bucketId, { ...bucket, fields, ...(managed.time !== undefined && { time: managed.time }) });
    surplus -= 1;
  }
  return capped;
}

/** The manager of a request without `fieldManager`: the program's name of its user agent. */
export function managerOfUserAgent(userAgent: string | undefined): string {
  const name = (userAgent ?? '').split('/')[0]!;
  const printable = [...name].filter(isPrintable).join('');
  return printable.slice(0, maxNameLength) || 'unknown';
}

/**
 * For the last step of an update: if the object is as before but for times in `managedFields`, it gets the old times, so
 * that nothing has changed.
 *
 * Source: apiserver, pkg/endpoints/handlers/fieldmanager/equality.go
 */
export function keepTimes(next: ApiObject, live: ApiObject): ApiObject {
  const entries = next.metadata.managedFields;
  const before = live.metadata.managedFields;
  if (!entries || !before || entries.length === 0 || entries.length !== before.length) return next;
  const timeless = (all: ManagedFieldsEntry[]): object[] => all.map((entry) => ({ ...entry, time: undefined }));
  if (!isEqual(timeless(entries), timeless(before))) return next;
  const kept = { ...next, metadata: { ...next.metadata, managedFields: before } };
  return isEqual(kept, live) ? kept : next;
}

/**
 * For the step after mutating admission: `managedFields` that a webhook has broken become those of before.
 *
 * Source: apiserver, pkg/endpoints/handlers/fieldmanager/admission.go
 */
export function validManagedFields(next: ApiObject, before: ApiObject): ApiObject {
  try {
    decodeManagedFields(next.metadata.managedFields);
    return next;
  } catch {
    const { managedFields: _, ...metadata } = next.metadata;
    const { managedFields } = before.metadata;
    return { ...next, metadata: { ...metadata, ...(managedFields && { managedFields }) } };
  }
}
