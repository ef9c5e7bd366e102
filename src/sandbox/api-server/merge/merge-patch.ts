import { badRequest } from '../errors.js';
import { cloneJson, isRecord } from '../json.js';
import type { Json } from '../object.js';

/**
 * Applies a JSON merge patch (RFC 7386) to a copy. Beyond the RFC, as the real server's library: nulls of objects inside of
 * lists are left out too.
 *
 * Source: evanphx/json-patch v4, merge.go
 *
 * @throws {StatusError} 400 when the patch is no object
 */
export function mergePatch(live: Json, patch: unknown): Json {
  if (!isRecord(patch)) {
    const type = Array.isArray(patch) ? 'array' : typeof patch === 'boolean' ? 'bool' : typeof patch;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
    );
  }
  return merge(live, patch as Json);
}

function merge(value: Json | undefined, patch: Json): Json {
  if (!isRecord(patch) || !isRecord(value)) return withoutNulls(patch);
  const result: { [name: string]: Json } = { ...value };
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) delete result[name];
    else result[name] = merge(result[name], change);
  }
  return result;
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return cloneJson(value);
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]));
}
