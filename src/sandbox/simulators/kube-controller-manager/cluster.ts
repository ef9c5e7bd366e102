import equal from 'fast-deep-equal';

import type { Client } from '../../../kube/client.js';
import { formatTime } from '../../../kube/conditions.js';
import { ApiError, isNotFound } from '../../../kube/errors.js';
import { guardedPatch, type FieldChange } from '../../../kube/patch.js';
import { apiVersionOf, type KubeObject, type ObjectMeta, type ResourceType } from '../../../kube/resource.js';
import type { Clock } from '../../../clock.js';
import type { Informer, Informers } from '../informers.js';

/** Who the API server notes as the owner of the fields that controllers write. */
export const fieldManager = 'kube-controller-manager';

/** An object that is to be created: the server gives it a name if it has only a `generateName`. */
export interface Draft {
  metadata: Omit<ObjectMeta, 'name'> & { name?: string };
  [field: string]: unknown;
}

/** The cluster as controllers see it: caches to read from, and writes that the caches know of at once. */
export class Cluster {
  constructor(
    readonly client: Client,
    readonly clock: Clock,
    readonly informers: Informers,
  ) {}

  /** Now, as the API writes times. */
  now(): string {
    return formatTime(this.clock.now());
  }

  /** The cache of a kind. */
  informer<T extends KubeObject>(type: ResourceType<T>): Informer<T> {
    return this.informers.of(type);
  }

  /** Creates an object. */
  async create<T extends KubeObject>(type: ResourceType<T>, draft: Draft): Promise<T> {
    const object = { apiVersion: apiVersionOf(type), kind: type.kind, ...draft } as unknown as KubeObject;
    const created = await this.client.create<T>(type, object, { fieldManager });
    this.informer(type).written(created);
    return created;
  }

  /**
   * Deletes an object, if it still is the one that was seen.
   *
   * @returns false if it was gone already
   */
  async delete<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    propagationPolicy?: 'Background' | 'Foreground' | 'Orphan',
  ): Promise<boolean> {
    const { uid } = object.metadata;
    try {
      await this.client.delete(type, object.metadata, {
        ...(uid !== undefined && { uid }),
        ...(propagationPolicy !== undefined && { propagationPolicy }),
      });
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
    this.informer(type).deleting(object, this.now());
    return true;
  }

  /**
   * Changes fields of an object, if nobody else has changed it since it was read; writes nothing if they are so already.
   *
   * @throws {ApiError} 409 if somebody has
   */
  async change<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    changes: FieldChange[],
    subresource?: string,
  ): Promise<T> {
    const operations = guardedPatch(object, changes);
    if (operations.length === 0) return object;
    const options = { fieldManager, ...(subresource !== undefined && { subresource }) };
    const changed = await this.client.jsonPatch<T>(type, object.metadata, operations, options);
    this.informer(type).written(changed);
    return changed;
  }

  /** Makes `status` the whole status of `object`; writes nothing if it is so already. Fields that are undefined are left out. */
  async setStatus<T extends KubeObject & { status?: unknown }>(
    type: ResourceType<T>,
    object: T,
    status: object,
  ): Promise<T> {
    const value = JSON.parse(JSON.stringify(status)) as unknown;
    if (equal(object.status ?? {}, value)) return object;
    return this.change(type, object, [{ path: ['status'], value }], 'status');
  }
}

/** What the server said, without what the client adds; other errors as they are. */
export function serverMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof ApiError)) return error.message;
  const prefix = `: ${error.code} ${error.reason}: `;
  const at = error.message.indexOf(prefix);
  return at < 0 ? error.message : error.message.slice(at + prefix.length);
}

/** Whether a create was refused because the namespace is being deleted: no reason to try again. */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  const { causes = [] } = (error.details ?? {}) as { causes?: { reason?: string }[] };
  return causes.some(({ reason }) => reason === 'NamespaceTerminating');
}
