import equal from 'fast-deep-equal';

import type { Client, WriteOptions } from './client.js';
import type { Condition } from './conditions.js';
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
  return { object: await writeStatus(client, type, live, wanted, options), written: true };
}

/**
 * Applies conditions beside those of other controllers, by server-side apply of these alone; not if the object has them
 * already. Those that this field manager applied before and leaves out now go.
 *
 * @param live  the object as last read; its `status.conditions` must be a list map by `type`, as in the Gateway API
 * @throws {ApiError} 404 if the object is gone
 */
export async function applyConditions<T extends KubeObject & { status?: { conditions?: unknown } }>(
  client: Client,
  type: ResourceType<T>,
  live: T,
  conditions: readonly Condition[],
  options: WriteOptions,
): Promise<{ object: T; written: boolean }> {
  const before = (live.status?.conditions ?? []) as Condition[];
  const isThere = (condition: Condition): boolean => before.some((other) => equal(other, condition));
  if (conditions.every(isThere)) return { object: live, written: false };
  return { object: await writeStatus(client, type, live, { conditions }, options), written: true };
}

function writeStatus<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  { metadata: { name, namespace } }: T,
  status: unknown,
  options: WriteOptions,
): Promise<T> {
  const metadata = namespace === undefined ? { name } : { name, namespace };
  const body = { apiVersion: apiVersionOf(type), kind: type.kind, metadata, status } as KubeObject;
  return client.apply<T>(type, body, { ...options, subresource: 'status', force: true });
}
