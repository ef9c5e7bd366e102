import { StatusError, badRequest } from '../errors.js';
import { cloneJson, isEqual, isRecord } from '../json.js';
import type { ApiObject, Json } from '../object.js';
import { conflictError } from './apply-conflict.js';
import type { FieldSet } from './field-set.js';
import { fieldSetOf } from './field-set-of.js';
import { withoutNulls } from './go-zero-values.js';
import { allowedByLastApplied, withLastApplied } from './last-applied.js';
import { type Managed, type Managers, decodeManagedFields, identifier, withManagers } from './managed-fields.js';
import type { MergeType } from './merge-type.js';
import { merged } from './merged.js';
import type { MergedKind } from './merged-kind.js';
import { changeOwnership, managersOfToday, stripped, withoutEmpty } from './ownership.js';
import { withoutAbandoned } from './pruned.js';
import { comparable, newObject, timestamp, updated } from './track-update.js';
import { joinTypeErrors, typeErrors } from './type-errors.js';

/** A server-side apply. */
export interface Apply {
  readonly kind: MergedKind;
  /** As it is stored, in the version of the request; absent: the apply creates it. */
  readonly live?: ApiObject;
  /** What the client sent. */
  readonly applied: unknown;
  /** `fieldManager`. */
  readonly manager: string;
  readonly force: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Manager of what an object had before anybody managed it. */
const beforeFirstApply = 'before-first-apply';

/**
 * Merges a configuration into an object: its fields win and belong to the manager from now on, fields that it has applied
 * before and left out now go if nobody else has them.
 *
 * Source of the rules: structured-merge-diff, merge/update.go (`Apply`); apimachinery, pkg/util/managedfields/internal
 *
 * @throws {StatusError} 409 when others have applied fields with other values; 400 and 500 when it fits no such object
 */
export function applyPatch(apply: Apply): ApiObject {
  const { kind, live, manager, now } = apply;
  const applied = checkedConfiguration(kind, apply.applied);
  const base = live ?? newObject(kind);
  let managers = storedManagers(base);
  if (managers.size === 0) managers = updated(kind, undefined, base, managers, beforeFirstApply, now);
  const id = identifier({ manager, operation: 'Apply', apiVersion: kind.apiVersion, subresource: kind.subresource });
  const old = comparable(kind, base);
  const result = mergeAndOwn(kind, old, applied, managersOfToday(kind, managers), manager);

  const allowed = manager === 'kubectl' ? allowedByLastApplied(kind, base) : undefined;
  const conflicts = apply.force ? [] : withoutAllowed(result.conflicts, allowed);
  if (conflicts.length > 0) throw conflictError(new Map(conflicts), managers);

  const changed = !isEqual(result.object, old);
  const self = result.managers.get(id);
  if (self) result.managers.set(id, changed ? { ...self, time: timestamp(now) } : withTimeOf(self, managers.get(id)));
  const object = changed ? (toObject(kind, result.object) as unknown as ApiObject) : base;
  // The caller goes on to change it, and what is stored is frozen.
  const named = cloneJson(withManagers(object, result.managers));
  return manager === 'kubectl' ? withLastApplied(named, applied) : named;
}

/** What would become of object and managers, and whom it takes fields from. */
function mergeAndOwn(
  kind: MergedKind,
  old: Json,
  applied: ApiObject,
  managers: Managers,
  manager: string,
): { object: Json; managers: Managers; conflicts: Map<string, FieldSet> } {
  const { apiVersion, subresource } = kind;
  const type = kind.type(apiVersion)!;
  const self: Managed = {
    manager,
    operation: 'Apply',
    apiVersion,
    subresource,
    fields: fieldSetOf(applied as unknown as Json, type).without(kind.reset),
  };
  const id = identifier(self);
  const before = managers.get(id);
  const all: Managers = new Map(managers).set(id, self);
  const whole = merged(old, applied as unknown as Json, type);
  const object = before ? withoutAbandoned(kind, whole, before, all) : whole;
  const change = changeOwnership(kind, old, object, all, id);
  const left = withoutEmpty(change.managers);
  const own = left.get(id);
  const kept = own && stripped(own);
  if (kept) left.set(id, kept);
  else left.delete(id);
  return { object, managers: left, conflicts: change.conflicts };
}

function withTimeOf(self: Managed, before: Managed | undefined): Managed {
  return before?.time === undefined ? self : { ...self, time: before.time };
}

function withoutAllowed(conflicts: Map<string, FieldSet>, allowed: FieldSet | undefined): [string, FieldSet][] {
  if (!allowed) return [...conflicts];
  return [...conflicts]
    .map(([id, fields]): [string, FieldSet] => [id, fields.difference(allowed)])
    .filter(([, fields]) => !fields.empty);
}

function storedManagers(live: ApiObject): Managers {
  try {
    return decodeManagedFields(live.metadata.managedFields);
  } catch (error) {
    throw new StatusError(500, '', `failed to decode managed fields: ${(error as Error).message}`);
  }
}

/** The client's object, if it can be applied to this kind. */
function checkedConfiguration(kind: MergedKind, applied: unknown): ApiObject {
  if (!isRecord(applied)) throw badRequest(`error decoding YAML: json: cannot unmarshal into Go value`);
  const [apiVersion, name] = [text(applied.apiVersion), text(applied.kind)];
  const named = groupVersionKind(apiVersion, name);
  if (apiVersion !== kind.apiVersion || name !== kind.kind) throw badRequest(`invalid object type: ${named}`);
  const metadata = isRecord(applied.metadata) ? applied.metadata : {};
  if (metadata.managedFields !== undefined && metadata.managedFields !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const type: MergeType = kind.type(kind.apiVersion)!;
  const errors = typeErrors(applied as unknown as Json, type);
  if (errors.length > 0) {
    const who = `${text(metadata.namespace)}/${text(metadata.name)}; ${named}`;
    throw new StatusError(500, '', `failed to create typed patch object (${who}): ${joinTypeErrors(errors)}`);
  }
  return { ...applied, metadata } as unknown as ApiObject;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** `apps/v1, Kind=Deployment`, as Go prints it. */
function groupVersionKind(apiVersion: string, kind: string): string {
  const groupVersion = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  return `${groupVersion}, Kind=${kind}`;
}

function toObject(kind: MergedKind, object: Json): Json {
  return kind.custom ? object : withoutNulls(object, kind.schema);
}
