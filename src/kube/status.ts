import equal from 'fast-deep-equal';

import type { Client, WriteOptions } from './client.js';
import { apiVersionOf, type KubeObject, type ResourceType } from './resource.js';

/**
 * Makes `status` the status of `live` by a forced server-side apply on the status subresource; sends nothing if it is so
 * already, because a write that changes nothing still costs the server a write and wakes every watcher's diff.
 *
 * Fields that `options.fieldManager` wrote before and leaves out now are removed.
 *
 * @param live    the object as last seen; its status decides whether there is anything to write
 * @param status  the complete status
 * @returns       the object as the server has it now (`live` itself if nothing was written)
 * @throws {ApiError} 404 if the object is gone
 */
export async function applyStatus<T extends KubeObject & { status?: unknown }>(
  client: Client,
  type: ResourceType<T>,
  live: T,
  status: object,
  options: WriteOptions,
): Promise<{ object: T; written: boolean }> {
  // Through JSON, so that a field set to undefined counts as the absent field that it is sent as.
  const wanted = JSON.parse(JSON.stringify(status)) as unknown;
  if (equal(live.status ?? {}, wanted)) return { object: live, written: false };
  const { name, namespace } = live.metadata;
  const object = await client.apply<T>(
    type,
    {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      metadata: namespace === undefined ? { name } : { name, namespace },
      status: wanted,
    } as KubeObject,
    { ...options, subresource: 'status', force: true },
  );
  return { object, written: true };
}
