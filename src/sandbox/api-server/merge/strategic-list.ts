import { StatusError, badRequest } from '../errors.js';
import { isRecord } from '../json.js';
import type { Json } from '../object.js';
import type { OpenApiSchema } from '../schema.js';
import { goValue } from './go-value.js';

/** Key of a directive inside of an object: `replace`, `delete` or `merge`. */
export const directiveKey = '$patch';

/** A JSON object. */
export interface JsonObject {
  [name: string]: Json;
}

/** Merges an item of a patch into one of the object; both may be changed. */
type MergeItem = (original: JsonObject, patch: JsonObject, schema: OpenApiSchema) => JsonObject;

/** What a list of a strategic merge patch does. */
export interface ListPatch {
  readonly items: Json[];
  /** The items are plain values that go. */
  readonly deletes?: boolean;
  /** Order of the items that the patch names. Default: as they come. */
  readonly order?: Json[];
}

/**
 * Merges a list of a strategic merge patch into a list of an object.
 *
 * @param schema  of the list
 */
export function mergeLists(
  list: Json[],
  { items: patch, deletes = false, order }: ListPatch,
  schema: OpenApiSchema,
  mergeItem: MergeItem,
): Json[] {
  if (list.length === 0 && patch.length === 0) return list;
  if (!itemsAreObjects([...list, ...patch])) {
    if (deletes) return list.filter((item) => !patch.includes(item));
    const items = [...new Set([...list, ...patch])];
    return inOrder(items, order ?? patch, list, (item) => item);
  }
  const key = schema['x-kubernetes-patch-merge-key'];
  if (key === undefined) {
    throw new StatusError(500, '', `cannot merge lists without merge key for ${schema.title ?? 'schema'}`);
  }
  const keyOf = (item: Json): Json => keyValue(item as JsonObject, key);
  if (order) checkOrder(patch as JsonObject[], order as JsonObject[], key);
  const { items, changes } = withSpecialItems(list as JsonObject[], patch as JsonObject[], key);
  for (const change of changes) {
    const value = keyOf(change);
    const at = items.findIndex((item) => item[key] === value);
    if (at >= 0) items[at] = mergeItem(items[at]!, change, schema.items ?? {});
    else items.push(change);
  }
  return inOrder(items, order ?? changes, list, keyOf);
}

/** Carries out the items with a directive; what is left of the patch are changes. */
function withSpecialItems(
  list: JsonObject[],
  patch: JsonObject[],
  key: string,
): { items: JsonObject[]; changes: JsonObject[] } {
  const changes = patch.filter((item) => !(directiveKey in item));
  let items = [...list];
  let replace = false;
  for (const special of patch) {
    const directive = special[directiveKey];
    if (directive === undefined) continue;
    if (directive === 'delete') {
      const value = keyValue(special, key);
      items = items.filter((item) => item[key] !== value);
    } else if (directive === 'replace') {
      replace = true;
    } else if (directive === 'merge') {
      throw new StatusError(500, '', 'merging lists cannot yet be specified in the patch');
    } else {
      throw unknownDirective(directive, special);
    }
  }
  return replace ? { items: changes, changes: [] } : { items, changes };
}

/**
 * Items that the patch names come in its order, the others as the object has them; the two are merged so that each of the
 * others stays before those that it was before.
 */
function inOrder<T extends Json>(items: T[], order: Json[], server: Json[], keyOf: (item: Json) => Json): T[] {
  const places = (all: Json[]): Map<Json, number> => {
    const found = new Map<Json, number>();
    for (const [i, item] of all.entries()) if (!found.has(keyOf(item))) found.set(keyOf(item), i);
    return found;
  };
  const [ordered, before] = [places(order), places(server)];
  const by = (place: Map<Json, number>) => (a: T, b: T) =>
    (place.get(keyOf(a)) ?? Infinity) - (place.get(keyOf(b)) ?? Infinity) || 0;
  const right = items.filter((item) => ordered.has(keyOf(item))).sort(by(ordered));
  const left = items.filter((item) => !ordered.has(keyOf(item))).sort(by(before));
  const result: T[] = [];
  while (left.length > 0 && right.length > 0) {
    const [l, r] = [before.get(keyOf(left[0]!)), before.get(keyOf(right[0]!))];
    result.push((l !== undefined && r !== undefined && l < r ? left : right).shift()!);
  }
  return [...result, ...left, ...right];
}

/** Changes must come in the order that is asked for. */
function checkOrder(patch: JsonObject[], order: JsonObject[], key: string): void {
  if (order.length === 0) return;
  const changes = patch.filter((item) => !(directiveKey in item));
  let next = 0;
  for (const item of order)
    if (next < changes.length && keyValue(changes[next]!, key) === keyValue(item, key)) next += 1;
  if (next === changes.length) return;
  const lists = `${goValue(patch)}\n doesn't match $setElementOrder list:\n${goValue(order)}\n`;
  throw new StatusError(500, '', `The order in patch list:\n${lists}`);
}

function itemsAreObjects(items: Json[]): boolean {
  if (items.some((item) => Array.isArray(item)))
    throw new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
  const objects = items.filter((item) => isRecord(item)).length;
  if (objects > 0 && objects < items.length) {
    throw new StatusError(500, '', `list element types are not identical: [${goValue(items)}]`);
  }
  return objects > 0;
}

function keyValue(item: JsonObject, key: string): Json {
  const value = isRecord(item) ? item[key] : undefined;
  if (value === undefined) {
    throw new StatusError(500, '', `map: ${goValue(item)} does not contain declared merge key: ${key}`);
  }
  return value;
}

/** A directive of a wrong form. */
export function invalidFormat(directive: 'retainKeys' | 'setElementOrder list' | 'primitive list'): StatusError {
  return badRequest(`invalid patch format of ${directive}`);
}

/** A directive that there is not. */
export function unknownDirective(directive: Json, patch: JsonObject): StatusError {
  return new StatusError(500, '', `unknown patch type: ${goValue(directive)} in map: ${goValue(patch)}`);
}
