import type { AdmissionAttributes } from '../admission/admission-chain.js';
import { createObject, matchNamespace, namedKind, warnOfDuplicateOwners } from './create-object.js';
import { conflict, invalid, notFound, StatusError } from '../errors.js';
import { accessForbidden } from '../http/forbidden.js';
import { cloneJson, isEqual } from '../json.js';
import { keepTimes, validManagedFields } from '../merge/managed-fields.js';
import { trackUpdate } from '../merge/track-update.js';
import type { ApiObject, StoredMeta } from '../object.js';
import { validateChangedMeta } from './object-meta.js';
import { admissionAttributes, mergedKindOf, type Parts, type Write, writeContext } from '../parts.js';
import type { ServedResource } from '../resource.js';
import { keyOf, keyOfObject } from '../storage/storage.js';
import { unparsable } from '../http/resource-version.js';
import { serve, toStored } from '../versions.js';

/** What somebody had in mind who updates an object that has changed meanwhile. */
export const optimisticLockMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

/** How an update comes about. */
export interface Change {
  /**
   * The new object, from the one that is there; called again when somebody else was faster.
   *
   * @param live  frozen; undefined if there is none, and {@link createsMissing}
   * @returns an object of its own
   */
  next(live: ApiObject | undefined): ApiObject;
  /** The object is created if it is missing (apply; PUT for some kinds). */
  readonly createsMissing: boolean;
  /** {@link next} has written managedFields itself (apply). */
  readonly tracked?: boolean;
  /** Refuses an object with another uid. */
  readonly uid?: string | undefined;
}

/** An object, in the version of the request, and whether it is new. */
export interface Updated {
  readonly object: ApiObject;
  readonly created: boolean;
}

/**
 * Changes an object: new state, field owners, admission, validation, storage. What changes nothing is not stored; the end
 * of the last finalizer deletes.
 *
 * @throws {StatusError} whatever refuses it
 */
export async function updateObject(parts: Parts, write: Write, change: Change): Promise<Updated> {
  const { resource } = write;
  const key = keyOf(resource.namespaced ? write.namespace : undefined, write.name);
  for (;;) {
    const stored = parts.storage.get(resource.storageKey, key);
    if (!stored) {
      const created = await createMissing(parts, write, change);
      // Somebody else has just created it: then it is an update.
      if (created) return { object: created, created: true };
      continue;
    }
    const live = serve(resource, stored);
    const next = await admitted(parts, write, change, live);
    const object = await storeNext(parts, write, { stored, live, next });
    if (object) return { object, created: false };
  }
}

async function createMissing(parts: Parts, write: Write, change: Change): Promise<ApiObject | undefined> {
  const { resource } = write;
  if (!change.createsMissing || write.subresource !== '') throw notFound(resource, write.name);
  if (change.uid) {
    throw otherUid(write, change.uid, '');
  }
  const object = change.next(undefined);
  refuseUnparsable(object);
  delete (object.metadata as Partial<StoredMeta>).resourceVersion;
  const access = { verb: 'create', resource: resource.plural, group: resource.group, version: resource.version };
  const where = { subresource: '', namespace: write.namespace, name: write.name, path: '' };
  const attributes = { ...access, ...where };
  const decision = parts.authorizer.authorize(write.user, attributes);
  if (!decision.allowed) throw accessForbidden(write.user, attributes, true, decision.reason);
  try {
    return await createObject(parts, write, object, change.tracked);
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'AlreadyExists' && change.tracked) return undefined;
    throw error;
  }
}

/** 409 of an update that insists on another uid; the real server tells of its storage. */
function otherUid({ resource, namespace, name }: Write, expected: string, found: string): StatusError {
  const kind = resource.custom ? `${resource.group}/${resource.plural}` : resource.plural;
  const key = ['/registry', kind, ...(namespace === '' ? [] : [namespace]), name].join('/');
  const failed = `Precondition failed: UID in precondition: ${expected}, UID in object meta: ${found}`;
  const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${failed}`;
  return conflict(resource, name, why);
}

/** The state that is wanted, and that admission has not finished with. */
async function admitted(parts: Parts, write: Write, change: Change, live: ApiObject): Promise<ApiObject> {
  const { resource } = write;
  const { strategy } = resource;
  if (change.uid && change.uid !== live.metadata.uid) {
    throw otherUid(write, change.uid, live.metadata.uid);
  }
  let next = change.next(live);
  matchNamespace(write, next.metadata);
  warnOfDuplicateOwners(write, next.metadata);
  // An empty list, which defaults drop, resets the field owners.
  const { managedFields } = next.metadata;
  strategy.setDefaults?.(next);
  if (managedFields) next.metadata.managedFields = managedFields;
  if (!change.tracked) next = track(parts, write, next, live);
  if (!write.skipAdmission) {
    const before = { ...next, metadata: { ...next.metadata } };
    next = validManagedFields(await mutated(parts, write, next, live), before);
    warnOfDuplicateOwners(write, next.metadata, 'after mutating admission happens');
    strategy.setDefaults?.(next);
  }
  return next;
}

/** Validates a new state and stores it; undefined if somebody else was faster. */
async function storeNext(
  parts: Parts,
  write: Write,
  { stored, live, next: wanted }: { stored: ApiObject; live: ApiObject; next: ApiObject },
): Promise<ApiObject | undefined> {
  const { resource } = write;
  checkVersion(write, wanted, live);
  finish(parts, write, wanted, live);
  const next = keepTimes(wanted, live);
  // Until it is stored, nobody else gets the addresses and ports that it has been given.
  if (!write.dryRun) parts.arriving.set(next, resource.storageKey);
  try {
    if (!write.skipAdmission) await parts.admission.validate(attributesOf(parts, write, next, live));
    const done = isDone(resource, next);
    if (!done && isEqual(next, live)) return live;
    if (write.dryRun) return next;
    const key = keyOfObject(stored);
    if (done) return parts.storage.delete(resource.storageKey, key, stored) && next;
    const written = parts.storage.update(resource.storageKey, key, stored, toStored(resource, next));
    return written && serve(resource, written);
  } finally {
    parts.arriving.delete(next);
  }
}

/**
 * The state that an update by the server itself stores: without admission, at once.
 *
 * @param next  the changed object; becomes the server's own
 * @returns `live` if nothing changes
 */
export function settleUpdate(parts: Parts, write: Write, next: ApiObject, live: ApiObject): ApiObject {
  // Upstream stores what binding and eviction do to a pod as it is, without an owner.
  const tracked = crossing.has(write.subresource) ? next : track(parts, write, next, live);
  finish(parts, write, tracked, live);
  const settled = keepTimes(tracked, live);
  return isEqual(settled, live) ? live : settled;
}

async function mutated(parts: Parts, write: Write, next: ApiObject, live: ApiObject): Promise<ApiObject> {
  const result = await parts.admission.mutate(attributesOf(parts, write, next, live));
  if (!write.projection) return result ?? next;
  if (result) write.projection.write(next, result, write.resource);
  return next;
}

/** Subresources with a form of their own are admitted in that form. */
function attributesOf(parts: Parts, write: Write, next: ApiObject, live: ApiObject): AdmissionAttributes {
  const form = (object: ApiObject): ApiObject => write.projection?.read(object, write.resource) ?? object;
  return admissionAttributes(parts, write, 'UPDATE', { object: form(next), oldObject: form(live) });
}

/** The object's own endpoint does not change status, and `status` nothing else. */
function keepOtherParts({ resource, subresource }: Write, next: ApiObject, live: ApiObject): void {
  if (!resource.subresources.has('status') || subresource === 'finalize' || crossing.has(subresource)) return;
  if (subresource !== 'status') {
    if (live.status === undefined) delete next.status;
    else next.status = cloneJson(live.status);
    return;
  }
  for (const field of Object.keys(next)) {
    if (!(field in live) && !parted.has(field)) delete next[field];
  }
  for (const field of Object.keys(live)) {
    if (!parted.has(field) && next[field] !== live[field]) next[field] = cloneJson(live[field]);
  }
  if (!resource.custom) return;
  const { managedFields, resourceVersion } = next.metadata;
  next.metadata = { ...cloneJson(live.metadata), resourceVersion };
  if (managedFields) next.metadata.managedFields = managedFields;
}

/** Subresources that change spec and status at once. */
const crossing = new Set(['binding', 'eviction']);

const parted = new Set(['apiVersion', 'kind', 'metadata', 'status']);

function track(parts: Parts, write: Write, next: ApiObject, live: ApiObject): ApiObject {
  return trackUpdate({ kind: mergedKindOf(parts, write), live, next, manager: write.manager, now: parts.clock.now() });
}

function checkVersion({ resource, name }: Write, next: ApiObject, live: ApiObject): void {
  const { metadata } = next;
  refuseUnparsable(next);
  if (!metadata.resourceVersion || metadata.resourceVersion === '0') {
    if (!(resource.strategy.unconditionalUpdate ?? !resource.custom)) {
      const detail = 'must be specified for an update';
      const error = { type: 'Invalid value', field: 'metadata.resourceVersion', value: 0, detail } as const;
      throw invalid({ group: resource.group, kind: resource.plural }, name, [error]);
    }
    metadata.resourceVersion = live.metadata.resourceVersion;
  }
  if (metadata.resourceVersion !== live.metadata.resourceVersion) throw conflict(resource, name, optimisticLockMessage);
}

function refuseUnparsable({ metadata: { resourceVersion } }: ApiObject): void {
  if (resourceVersion && !/^\d+$/.test(resourceVersion)) throw new StatusError(500, '', unparsable(resourceVersion));
}

/** What the server sets, and whether all of it is right (`BeforeUpdate` of apiserver). */
function finish(parts: Parts, write: Write, next: ApiObject, live: ApiObject): void {
  const { resource } = write;
  const { strategy } = resource;
  const context = writeContext(parts, write);
  keepSystemMeta(next, live);
  keepOtherParts(write, next, live);
  strategy.prepareForUpdate?.(next, live, context);
  const raises = strategy.hasGeneration && write.subresource !== 'status' && !crossing.has(write.subresource);
  if (raises && !isEqual(specOf(next), specOf(live))) {
    next.metadata.generation = (live.metadata.generation ?? 0) + 1;
  }
  const errors = [
    ...validateChangedMeta(resource, next, live),
    ...(strategy.validateUpdate?.(next, live, context) ?? []),
  ];
  if (errors.length > 0) throw invalid(namedKind(resource, next), next.metadata.name, errors);
  for (const warning of strategy.warnings?.(next, live) ?? []) write.warn(warning);
}

function keepSystemMeta({ metadata }: ApiObject, { metadata: old }: ApiObject): void {
  metadata.uid ||= old.uid;
  metadata.creationTimestamp = old.creationTimestamp;
  if (old.generation === undefined) delete metadata.generation;
  else metadata.generation = old.generation;
  if (old.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.deletionTimestamp;
  if (old.deletionGracePeriodSeconds !== undefined)
    metadata.deletionGracePeriodSeconds ??= old.deletionGracePeriodSeconds;
}

function specOf({
  apiVersion: _version,
  kind: _kind,
  metadata: _metadata,
  status: _status,
  ...rest
}: ApiObject): object {
  return rest;
}

/** Whether the object only waited for what this update has taken away. */
export function isDone({ strategy }: ServedResource, { metadata, ...object }: ApiObject): boolean {
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) return false;
  if ((metadata.deletionGracePeriodSeconds ?? 0) !== 0) return false;
  return !strategy.blocksDeletion?.({ metadata, ...object });
}
