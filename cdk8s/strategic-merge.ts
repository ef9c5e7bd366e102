import type { PatchedField, PatchedFields } from './merge-keys.js';

type Json = Record<string, unknown>;

const DIRECTIVE = '$patch';
const RETAINED = '$retainKeys';
const DELETED = '$deleteFromPrimitiveList/';
const ORDERED = '$setElementOrder/';

/** A strategic merge patch that cannot be applied; the message names the field. */
export class PatchError extends Error {
  override readonly name = 'PatchError';
}

/**
 * Lays a strategic merge patch over an object: maps are merged, null removes, lists with a merge key are merged by it, others
 * replaced; with the directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList` and `$setElementOrder`. Elements that
 * only the patch has come first. Neither argument is changed.
 *
 * @param fields  merge keys of the object's fields
 * @param path    of the object, for messages
 * @throws {PatchError} on an unknown directive, or an element without its merge key
 * @see k8s.io/apimachinery pkg/util/strategicpatch/patch.go, mergeMap and mergeSlice
 */
export function strategicMerge(original: Json, patch: Json, fields: PatchedFields = {}, path = ''): Json {
  if (DIRECTIVE in patch) return replaced(patch, path);
  const merged = retained(original, patch, path);
  const isField = (key: string): boolean => !key.startsWith('$');
  for (const key of Object.keys(patch).filter(isField)) {
    const value = patch[key];
    const next = value === null ? undefined : mergedField(merged[key], value, fields[key], `${path}/${key}`);
    if (next === undefined) delete merged[key];
    else merged[key] = next;
  }
  for (const [key, list] of listDirectives(patch, DELETED, path)) {
    if (Array.isArray(merged[key])) merged[key] = merged[key].filter((element) => !list.includes(element));
  }
  for (const [key, order] of listDirectives(patch, ORDERED, path)) {
    const before = (original[key] ?? []) as unknown[];
    if (Array.isArray(merged[key])) merged[key] = inOrder(merged[key], order, before, fields[key]?.mergeKey);
  }
  return merged;
}

function mergedField(original: unknown, value: unknown, field: PatchedField = {}, path: string): unknown {
  if (isMap(original) && isMap(value)) {
    return field.replaces ? value : strategicMerge(original, value, field.fields, path);
  }
  if (Array.isArray(original) && Array.isArray(value)) {
    return field.mergeKey === undefined ? value : mergedList(original, value, field, field.mergeKey, path);
  }
  return withoutDirectives(value);
}

function mergedList(original: unknown[], patch: unknown[], field: PatchedField, key: string, path: string): unknown[] {
  const elements = patch.map((element, index) => elementOf(element, key, `${path}[${index}]`));
  const wanted = elements.filter((element) => !(DIRECTIVE in element));
  if (elements.some((element) => element[DIRECTIVE] === 'replace')) return wanted;
  const gone = elements.filter((element) => element[DIRECTIVE] === 'delete').map((element) => element[key]);
  const kept = (original as Json[]).filter((element) => !gone.includes(element[key]));
  const changed = wanted.map((element) => {
    const old = kept.find((other) => other[key] === element[key]);
    return old
      ? strategicMerge(old, element, field.fields, `${path}/${String(element[key])}`)
      : withoutDirectives(element);
  });
  const untouched = kept.filter((element) => !wanted.some((other) => other[key] === element[key]));
  return interleaved(untouched, changed, (element) => kept.findIndex((other) => other[key] === (element as Json)[key]));
}

function elementOf(element: unknown, key: string, path: string): Json {
  if (!isMap(element)) throw new PatchError(`${path} must be a map with the field ${key}, by which the list is merged`);
  const directive = element[DIRECTIVE];
  if (directive !== undefined && directive !== 'replace' && directive !== 'delete') {
    throw new PatchError(`${path}/$patch is ${JSON.stringify(directive)}; in a list it must be "replace" or "delete"`);
  }
  if (element[key] === undefined && directive !== 'replace') {
    throw new PatchError(`${path} lacks the field ${key}, by which the list is merged; add it`);
  }
  return element;
}

/** Both lists keep their own order. Where the position of both is known, it decides; else the patch's element comes first. */
function interleaved(untouched: unknown[], changed: unknown[], position: (element: unknown) => number): unknown[] {
  const isBefore = (a: unknown, b: unknown): boolean => position(a) >= 0 && position(a) < position(b);
  const result: unknown[] = [];
  let next = 0;
  for (const element of changed) {
    while (next < untouched.length && isBefore(untouched[next], element)) result.push(untouched[next++]);
    result.push(element);
  }
  return [...result, ...untouched.slice(next)];
}

function inOrder(list: unknown[], order: unknown[], before: unknown[], key: string | undefined): unknown[] {
  const name = (element: unknown): unknown => (key !== undefined && isMap(element) ? element[key] : element);
  const indexIn = (other: unknown[], element: unknown): number => other.findIndex((one) => name(one) === name(element));
  const listed = list.filter((element) => indexIn(order, element) >= 0);
  const rest = list.filter((element) => indexIn(order, element) < 0);
  const sorted = listed.toSorted((a, b) => indexIn(order, a) - indexIn(order, b));
  return interleaved(rest, sorted, (element) => indexIn(before, element));
}

function replaced(patch: Json, path: string): Json {
  const { [DIRECTIVE]: directive, ...rest } = patch;
  if (directive === 'replace') return rest;
  if (directive === 'delete') return {};
  throw new PatchError(`${path}/$patch is ${JSON.stringify(directive)}; in a map it must be "replace" or "delete"`);
}

/** A copy of the original with what `$retainKeys` lists, or all of it. */
function retained(original: Json, patch: Json, path: string): Json {
  if (!(RETAINED in patch)) return { ...original };
  const keys = patch[RETAINED];
  const isListed = (key: string): boolean => Array.isArray(keys) && keys.includes(key);
  const missing = Object.keys(patch).find((key) => !key.startsWith('$') && patch[key] !== null && !isListed(key));
  if (!Array.isArray(keys) || missing !== undefined)
    throw new PatchError(
      `${path}/$retainKeys must list every field of the patch beside it, ${missing ?? 'and be a list'}`,
    );
  return Object.fromEntries(Object.entries(original).filter(([key]) => isListed(key)));
}

function listDirectives(patch: Json, prefix: string, path: string): [string, unknown[]][] {
  const found = Object.entries(patch).filter(([key]) => key.startsWith(prefix));
  return found.map(([key, list]) => {
    if (!Array.isArray(list)) throw new PatchError(`${path}/${key} must be a list`);
    return [key.slice(prefix.length), list];
  });
}

/** What a patch brings where nothing was: nulls and directives have nothing to act on. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((element) => element !== undefined);
  if (!isMap(value)) return value;
  if (DIRECTIVE in value) return undefined;
  const entries = Object.entries(value).map(([key, child]) => [key, withoutDirectives(child)] as const);
  return Object.fromEntries(entries.filter(([, child]) => child !== undefined && child !== null));
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
