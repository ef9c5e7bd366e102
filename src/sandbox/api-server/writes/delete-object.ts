import { conflict, notFound } from '../errors.js';
import { cloneJson, isEqual } from '../json.js';
import type { ApiObject } from '../object.js';
import { timestamp } from './object-meta.js';
import { admissionAttributes, type Parts, type Write } from '../parts.js';
import type { ServedResource } from '../resource.js';
import { keyOf } from '../storage/storage.js';
import type { DeleteOptions } from '../operations.js';
import { serve, toStored } from '../versions.js';

/** An object that was deleted, or that is going to be. */
export interface Deleted {
  /** In the version of the request. */
  readonly object: ApiObject;
  /** False: it waits for finalizers or its grace period. */
  readonly gone: boolean;
}

/**
 * Deletes an object, or marks it as deleted where finalizers or a grace period hold it (`Store.Delete` of apiserver).
 *
 * @throws {import('../errors.js').StatusError} 404, 409 for preconditions, whatever admission refuses
 */
export async function deleteObject(parts: Parts, write: Write, options: DeleteOptions): Promise<Deleted> {
  const { resource } = write;
  const { storageKey } = resource;
  const key = keyOf(resource.namespaced ? write.namespace : undefined, write.name);
  let admitted: ApiObject | undefined;
  for (;;) {
    const stored = parts.storage.get(storageKey, key);
    if (!stored) throw notFound(resource, write.name);
    const live = serve(resource, stored);
    checkPreconditions(resource, live, options);
    if (admitted !== live && !write.skipAdmission) {
      const attributes = admissionAttributes(parts, write, 'DELETE', { oldObject: live });
      await parts.admission.mutate(attributes);
      await parts.admission.validate(attributes);
      admitted = live;
      if (parts.storage.get(storageKey, key) !== stored) continue;
    }
    const step = deletionStep(resource, live, options, parts.clock.now());
    if (step.pending) return { object: live, gone: false };
    let last = stored;
    if (step.marked && !isEqual(step.marked, live)) {
      if (write.dryRun) return { object: step.marked, gone: step.deleteNow };
      last = parts.storage.update(storageKey, key, stored, toStored(resource, step.marked))!;
    }
    if (!step.deleteNow) return { object: serve(resource, last), gone: false };
    if (write.dryRun) return { object: live, gone: true };
    return { object: serve(resource, parts.storage.delete(storageKey, key, last)!), gone: true };
  }
}

function checkPreconditions(resource: ServedResource, { metadata }: ApiObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions ?? {};
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(
      { group: resource.group, plural: resource.kind },
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      { group: resource.group, plural: resource.kind },
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

interface Step {
  /** A graceful deletion is under way already, and this one changes nothing. */
  readonly pending?: boolean;
  /** The object with its marks of deletion, if there are any to make. */
  readonly marked?: ApiObject;
  readonly deleteNow: boolean;
}

/** What a deletion does to an object. */
function deletionStep(resource: ServedResource, live: ApiObject, options: DeleteOptions, now: number): Step {
  const object = cloneJson(live);
  const { metadata } = object;
  const grace = gracefully(resource, object, options, now);
  if (grace === 'pending') return { pending: true, deleteNow: false };
  const finalizers = finalizersFor(resource, live, options);
  if (!isEqual(finalizers, metadata.finalizers ?? [])) metadata.finalizers = finalizers;
  if (finalizers.length === 0) delete metadata.finalizers;
  const held = finalizers.length > 0 || (resource.strategy.blocksDeletion?.(object) ?? false);
  if (grace !== 'none') {
    const deleteNow = !held && metadata.deletionGracePeriodSeconds === 0;
    return { marked: object, deleteNow };
  }
  if (!held) return { deleteNow: true };
  markAsDeleting(resource, object, now);
  return { marked: object, deleteNow: false };
}

/** `markAsDeleting` of apiserver: a deletion without grace period, which something holds. */
function markAsDeleting({ strategy }: ServedResource, object: ApiObject, now: number): void {
  const { metadata } = object;
  const first = metadata.deletionTimestamp === undefined;
  if (first && metadata.generation) metadata.generation += 1;
  if (first || Date.parse(metadata.deletionTimestamp!) > now) metadata.deletionTimestamp = timestamp(now);
  // Namespaces and definitions have stores of their own, which set no grace period.
  if (!strategy.beginDeletion) metadata.deletionGracePeriodSeconds = 0;
  if (first) strategy.beginDeletion?.(object, now);
}

/** The grace period, for kinds that have one (`BeforeDelete` of apiserver): sets the marks. */
function gracefully(
  { strategy }: ServedResource,
  object: ApiObject,
  { gracePeriodSeconds }: DeleteOptions,
  now: number,
): 'none' | 'pending' | 'marked' {
  if (!strategy.gracePeriod) return 'none';
  const { metadata } = object;
  const requested = gracePeriodSeconds !== undefined && gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds;
  if (metadata.deletionTimestamp === undefined) {
    const seconds = strategy.gracePeriod(object, requested);
    metadata.deletionTimestamp = timestamp(now + milliseconds(seconds));
    metadata.deletionGracePeriodSeconds = seconds;
    if (metadata.generation) metadata.generation += 1;
    return 'marked';
  }
  const current = metadata.deletionGracePeriodSeconds ?? 0;
  if (current === 0) return 'none';
  if (requested === undefined || requested >= current) return 'pending';
  const shortened = Date.parse(metadata.deletionTimestamp) - milliseconds(current) + milliseconds(requested);
  const late = shortened < now;
  metadata.deletionTimestamp = timestamp(late ? now : shortened);
  metadata.deletionGracePeriodSeconds = late && requested !== 0 ? 1 : requested;
  return 'marked';
}

/** As a Duration of Go, which overflows. */
function milliseconds(seconds: number): number {
  return Number(BigInt.asIntN(64, BigInt(seconds) * 1_000_000_000n) / 1_000_000n);
}

/** Finalizers that the garbage collector answers to, as the propagation policy wants them. */
function finalizersFor({ strategy }: ServedResource, { metadata }: ApiObject, options: DeleteOptions): string[] {
  const own = metadata.finalizers ?? [];
  const policy = options.propagationPolicy ?? inherited(own) ?? strategy.defaultPropagation ?? 'Background';
  const others = own.filter((finalizer) => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion');
  if (policy === 'Orphan') return own.includes('orphan') ? without(own, 'foregroundDeletion') : [...others, 'orphan'];
  if (policy === 'Foreground') {
    return own.includes('foregroundDeletion') ? without(own, 'orphan') : [...others, 'foregroundDeletion'];
  }
  return others;
}

function inherited(finalizers: readonly string[]): DeleteOptions['propagationPolicy'] {
  if (finalizers.includes('orphan')) return 'Orphan';
  return finalizers.includes('foregroundDeletion') ? 'Foreground' : undefined;
}

function without(finalizers: readonly string[], name: string): string[] {
  return finalizers.filter((finalizer) => finalizer !== name);
}
