import equal from 'fast-deep-equal';

import type { KubeObject } from './resource.js';

/** One step of a JSON patch (RFC 6902). */
export type JsonPatchOperation =
  { op: 'add' | 'replace' | 'test'; path: string; value: unknown } | { op: 'remove'; path: string };

/** A field to set, or to remove if `value` is undefined. */
export interface FieldChange {
  /** Keys from the root of the object; an index is written in digits, and `-` stands for the end of a list. */
  path: string[];
  value: unknown;
}

/** A key as a segment of a JSON pointer: `app.kubernetes.io/name` becomes `app.kubernetes.io~1name`. */
export function escapePointer(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * The patch that makes `changes` true on exactly the version of `object` that was read: it starts with a `test` of
 * `metadata.resourceVersion`, so that it fails as a whole (409 from `Client.jsonPatch`) if somebody else was faster.
 *
 * Missing parents are created, as maps. A change that is true already yields nothing; if all are, the result is empty
 * and there is nothing to send.
 *
 * @param object  the object as read from the server; not changed
 * @throws {TypeError} the object has no resourceVersion, or a path leads through a value that holds no fields
 */
export function guardedPatch(object: KubeObject, changes: FieldChange[]): JsonPatchOperation[] {
  const { resourceVersion } = object.metadata;
  if (resourceVersion === undefined)
    throw new TypeError('a guarded patch needs an object that was read from the server');
  // Later changes see what earlier ones did: two labels on an object without labels need one new map, not two.
  const draft = structuredClone(object) as unknown as Container;
  const operations = changes.flatMap((change) => operationsFor(draft, change));
  if (operations.length === 0) return [];
  return [{ op: 'test', path: '/metadata/resourceVersion', value: resourceVersion }, ...operations];
}

type Container = Record<string, unknown> | unknown[];

function operationsFor(draft: Container, { path, value }: FieldChange): JsonPatchOperation[] {
  const operations: JsonPatchOperation[] = [];
  let parent = draft;
  for (const [depth, segment] of path.slice(0, -1).entries()) {
    let child = read(parent, segment);
    if (child === undefined || child === null) {
      if (value === undefined) return [];
      operations.push({ op: 'add', path: pointer(path.slice(0, depth + 1)), value: {} });
      child = write(parent, segment, {});
    }
    if (typeof child !== 'object') throw new TypeError(`${pointer(path.slice(0, depth + 1))} holds no fields`);
    parent = child as Container;
  }
  const last = path.at(-1);
  if (last === undefined) throw new TypeError('a change needs a path');
  return [...operations, ...lastOperation(parent, last, pointer(path), value)];
}

function lastOperation(parent: Container, key: string, path: string, value: unknown): JsonPatchOperation[] {
  const before = read(parent, key);
  if (value === undefined) {
    if (before === undefined) return [];
    remove(parent, key);
    return [{ op: 'remove', path }];
  }
  if (equal(before, value)) return [];
  write(parent, key, structuredClone(value));
  return [{ op: before === undefined ? 'add' : 'replace', path, value }];
}

const pointer = (path: string[]): string => path.map((segment) => `/${escapePointer(segment)}`).join('');

function read(container: Container, key: string): unknown {
  if (Array.isArray(container)) return container[Number(key)];
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

function write(container: Container, key: string, value: unknown): unknown {
  if (!Array.isArray(container)) container[key] = value;
  else if (key === '-') container.push(value);
  else container[Number(key)] = value;
  return value;
}

function remove(container: Container, key: string): void {
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete container[key];
}
