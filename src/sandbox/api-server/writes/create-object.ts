import { alreadyExists, badRequest, invalid, StatusError } from '../errors.js';
import type { ApiObject, StoredMeta } from '../object.js';
import { dedupOwnerReferences, timestamp, validateNewMeta } from './object-meta.js';
import { validManagedFields } from '../merge/managed-fields.js';
import { trackUpdate } from '../merge/track-update.js';
import { admissionAttributes, mergedKindOf, type Parts, type Write, writeContext } from '../parts.js';
import type { ServedResource } from '../resource.js';
import { keyOf } from '../storage/storage.js';
import { serve, toStored } from '../versions.js';

/** How often a generated name that is taken is generated again (`maxNameGenerationCreateAttempts`). */
const nameAttempts = 8;

/** Longest prefix that a generated name keeps. */
const generatedPrefixLimit = 58;

/**
 * Creates an object: defaults, field owners, admission, validation, storage.
 *
 * @param object  as the client sent it, or as an apply made it; becomes the server's own
 * @param tracked  the object has its managedFields already
 * @returns the object as it is stored, in the version of the request; frozen
 * @throws {StatusError} whatever refuses it
 */
export async function createObject(parts: Parts, write: Write, object: ApiObject, tracked = false): Promise<ApiObject> {
  const { resource } = write;
  prepareMeta(write, object.metadata);
  refuseVersion(object);
  resource.strategy.setDefaults?.(object);
  let next = tracked ? object : trackCreate(parts, write, object);
  const before = { ...next, metadata: { ...next.metadata } };
  next = (await parts.admission.mutate(admissionAttributes(parts, write, 'CREATE', { object: next }))) ?? next;
  next = validManagedFields(next, before);
  matchNamespace(write, next.metadata);
  refuseVersion(next);
  warnOfDuplicateOwners(write, next.metadata, 'after mutating admission happens');
  resource.strategy.setDefaults?.(next);
  return storeNew(parts, write, next);
}

/** Takes from the client's metadata what only the server sets, and puts the object into the request's namespace. */
function prepareMeta(write: Write, metadata: StoredMeta): void {
  const wiped: (keyof StoredMeta | 'selfLink')[] = [
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'selfLink',
  ];
  for (const field of wiped) delete (metadata as unknown as Record<string, unknown>)[field];
  matchNamespace(write, metadata);
  warnOfDuplicateOwners(write, metadata);
}

/** What is no number other than 0 is not seen as a version. */
function refuseVersion({ metadata }: ApiObject): void {
  if (/^0*[1-9]\d*$/.test(metadata.resourceVersion)) {
    throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created');
  }
}

/** `EnsureObjectNamespaceMatchesRequestNamespace` of apiserver. */
export function matchNamespace({ namespace, resource }: Write, metadata: StoredMeta): void {
  if (!resource.namespaced) delete metadata.namespace;
  else if (!metadata.namespace) metadata.namespace = namespace;
  else if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
}

/** Drops owner references that are there twice, and says so. */
export function warnOfDuplicateOwners(write: Write, metadata: StoredMeta, when = ''): void {
  const dropped = dedupOwnerReferences(metadata);
  if (dropped.length === 0) return;
  const after = when === '' ? '' : ` ${when}`;
  const uids = dropped.join(', ');
  write.warn(
    `.metadata.ownerReferences contains duplicate entries${after}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uids}`,
  );
}

/** Clients do not set the status of what they create, where status is a subresource. */
function resetStatus(resource: ServedResource, object: ApiObject): void {
  if (resource.subresources.has('status') && !resource.strategy.keepsStatusOnCreate) delete object.status;
}

function trackCreate(parts: Parts, write: Write, next: ApiObject): ApiObject {
  return trackUpdate({ kind: mergedKindOf(parts, write), next, manager: write.manager, now: parts.clock.now() });
}

async function storeNew(parts: Parts, write: Write, template: ApiObject): Promise<ApiObject> {
  const { resource } = write;
  const generated = template.metadata.generateName && !template.metadata.name;
  for (let attempt = 1; ; attempt += 1) {
    const object = generated ? { ...template, metadata: { ...template.metadata } } : template;
    if (generated) object.metadata.name = generateName(parts, object.metadata.generateName!);
    finish(parts, write, object);
    // Until it is stored, nobody else gets the addresses and ports that it has been given.
    if (!write.dryRun) parts.arriving.set(object, resource.storageKey);
    try {
      await parts.admission.validate(admissionAttributes(parts, write, 'CREATE', { object }));
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      if (parts.storage.get(resource.storageKey, key) === undefined) {
        if (write.dryRun) return object;
        return serve(resource, parts.storage.create(resource.storageKey, key, toStored(resource, object))!);
      }
    } finally {
      parts.arriving.delete(object);
    }
    if (!template.metadata.generateName) throw alreadyExists(resource, object.metadata.name);
    if (!generated || attempt === nameAttempts) throw nameConflict(resource, object.metadata.name);
  }
}

/** What errors call the kind: custom resources by what the object says of itself. */
export function namedKind(resource: ServedResource, object: ApiObject): { group: string; kind: string } {
  if (!resource.custom) return resource;
  const [group = '', version] = object.apiVersion.split('/');
  return { group: version === undefined ? '' : group, kind: object.kind };
}

function generateName({ names }: Parts, prefix: string): string {
  return prefix.slice(0, generatedPrefixLimit) + names.suffix();
}

/** `NewGenerateNameConflict` of apimachinery. */
function nameConflict(resource: ServedResource, name: string): StatusError {
  const taken = alreadyExists(resource, name);
  return new StatusError(
    409,
    'AlreadyExists',
    `${taken.message}, the server was not able to generate a unique name for the object`,
    { ...taken.details, retryAfterSeconds: 1 },
  );
}

/** What the server sets, and whether all of it is right. */
function finish(parts: Parts, write: Write, object: ApiObject): void {
  const { resource } = write;
  const { strategy } = resource;
  const context = writeContext(parts, write);
  object.metadata.uid = parts.names.uid();
  object.metadata.creationTimestamp = timestamp(context.now);
  if (strategy.hasGeneration) object.metadata.generation = 1;
  resetStatus(resource, object);
  strategy.prepareForCreate?.(object, context);
  const errors = [...validateNewMeta(resource, object), ...(strategy.validate?.(object, context) ?? [])];
  if (errors.length > 0) throw invalid(namedKind(resource, object), object.metadata.name, errors);
  for (const warning of strategy.warnings?.(object) ?? []) write.warn(warning);
}
