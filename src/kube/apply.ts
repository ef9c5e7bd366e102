import { createHash } from 'node:crypto';

import type { Client, WriteOptions } from './client.js';
import type { KubeObject, ResourceType } from './resource.js';
import { isSubset } from './subset.js';

/** What an apply came to. */
export interface ApplyResult<T> {
  /** The object as the server has it now. */
  object: T;
  outcome: 'created' | 'configured' | 'unchanged';
}

/**
 * Brings an object of ours to `desired` by a forced server-side apply, unless that would change nothing: then no request
 * is made.
 *
 * Nothing would change if the hash in `options.hashAnnotation` says that the last apply was of this very content (so no
 * field needs to be given up) and everything desired is in `live` (so nobody has changed it since).
 *
 * @param desired  complete object: apiVersion, kind, metadata.name; no status, no managedFields
 * @param live     the object as last seen, or undefined if there is none
 */
export async function applyIfChanged<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  desired: KubeObject,
  live: T | undefined,
  options: WriteOptions & { hashAnnotation: string },
): Promise<ApplyResult<T>> {
  const { hashAnnotation, ...writeOptions } = options;
  const marked = withAnnotation(desired, hashAnnotation, contentHash(desired));
  if (live && isSubset(marked, live)) return { object: live, outcome: 'unchanged' };
  const object = await client.apply<T>(type, marked, { ...writeOptions, force: true });
  return { object, outcome: outcomeOf(live, object) };
}

function outcomeOf(live: KubeObject | undefined, applied: KubeObject): ApplyResult<unknown>['outcome'] {
  if (!live || live.metadata.uid !== applied.metadata.uid) return 'created';
  return live.metadata.resourceVersion === applied.metadata.resourceVersion ? 'unchanged' : 'configured';
}

function withAnnotation(object: KubeObject, key: string, value: string): KubeObject {
  const annotations = { ...object.metadata.annotations, [key]: value };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** A short hash of an object's content, the same whatever the order of its keys. 16 hexadecimal digits. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, sortKeys)).digest('hex').slice(0, 16);
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
