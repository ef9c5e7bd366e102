import { Pointer, applyPatch } from 'rfc6902';
import { StatusError, badRequest } from '../errors.js';
import { cloneJson, isRecord } from '../json.js';
import type { Json } from '../object.js';

/** How many operations one patch may have. Source: apiserver, pkg/endpoints/handlers/patch.go */
const maxOperations = 10_000;

type Operation = Parameters<typeof applyPatch>[1][number];

const kinds = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

/** Paths that would lead out of the document, in JavaScript only. */
const prototypes = /\/__proto__(\/|$)|\/(constructor|prototype)\//;

/**
 * Applies a JSON patch (RFC 6902) to a copy, as the real server's library (evanphx/json-patch v4): `replace` of a field that
 * is not there adds it, `test` for null passes where nothing is, negative indices count from the end.
 *
 * @throws {StatusError} 400 for what is no list of operations, 413 for too many, 422 for one that fails, also a `test`
 */
export function jsonPatch(live: Json, operations: unknown): Json {
  if (!Array.isArray(operations)) throw notAPatch(operations, 'Patch');
  if (operations.length > maxOperations) {
    const message = `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${operations.length}`;
    throw new StatusError(413, 'RequestEntityTooLarge', message);
  }
  // The document hangs below a root of ours, so that the empty path can be replaced too.
  const document = { root: cloneJson(live) };
  for (const operation of operations as unknown[]) {
    if (!isRecord(operation)) throw notAPatch(operation, 'Operation');
    const { op, path, from, value = null } = operation as { [name: string]: Json };
    if (typeof op !== 'string' || !kinds.has(op) || typeof path !== 'string') throw failed();
    const hasFrom = op === 'move' || op === 'copy';
    if (hasFrom && typeof from !== 'string') throw failed();
    const prepared = {
      op,
      path: place(document.root, path, op !== 'test' && op !== 'replace' && op !== 'remove'),
      ...(hasFrom && { from: place(document.root, from as string, false) }),
      value: cloneJson(value),
    } as Operation;
    const [error] = applyPatch(document, [asUpstream(document, prepared)]);
    if (error) throw failed();
  }
  return document.root;
}

/** Upstream is less strict about fields that are not there than the RFC. */
function asUpstream(document: { root: Json }, operation: Operation): Operation {
  if (operation.op !== 'replace' && operation.op !== 'test') return operation;
  const { parent, value } = Pointer.fromJSON(operation.path).evaluate(document) as { parent: unknown; value: unknown };
  if (!isRecord(parent) || value !== undefined) return operation;
  if (operation.op === 'replace') return { ...operation, op: 'add' };
  return operation.value === null ? { op: 'test', path: '', value: document } : operation;
}

/** A path in the document with its root; the index is checked, and counted from the start. */
function place(root: Json, path: string, adds: boolean): string {
  if (path === '') return '/root';
  if (!path.startsWith('/')) throw failed();
  const start = path.slice(0, path.lastIndexOf('/'));
  const list: unknown = Pointer.fromJSON(start).get(root);
  if (typeof list !== 'object' || list === null || prototypes.test(path)) throw failed();
  const key = path.slice(start.length + 1);
  if (!Array.isArray(list) || (adds && key === '-')) return `/root${path}`;
  if (!/^[+-]?\d+$/.test(key)) throw failed();
  const length = adds ? list.length + 1 : list.length;
  const index = Number(key) < 0 ? Number(key) + length : Number(key);
  if (index < 0 || index >= length) throw failed();
  return `/root${start}/${index}`;
}

/** The real server does not tell why. */
function failed(): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

function notAPatch(value: unknown, expected: 'Patch' | 'Operation'): StatusError {
  const type =
    value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return badRequest(`json: cannot unmarshal ${type} into Go value of type jsonpatch.${expected}`);
}
