import { StatusError, badRequest } from '../errors.js';
import { cloneJson, isRecord } from '../json.js';
import type { Json } from '../object.js';
import type { OpenApiSchema } from '../schema.js';
import { type JsonObject, directiveKey, invalidFormat, mergeLists, unknownDirective } from './strategic-list.js';

const retainKey = '$retainKeys';
const orderPrefix = '$setElementOrder/';
const deletionPrefix = '$deleteFromPrimitiveList/';

/**
 * Applies a strategic merge patch to a copy: as a merge patch, but lists that the schema says so are merged by a key of
 * their items, and directives delete, replace and order.
 *
 * Source of the rules and messages: apimachinery, pkg/util/strategicpatch/patch.go
 *
 * @param schema  of the whole object
 * @throws {StatusError} 400 for directives of a wrong form; 500 for patches that do not fit, as the real server
 */
export function strategicMergePatch(live: Json, patch: unknown, schema: OpenApiSchema): Json {
  if (!isRecord(patch)) {
    const type = Array.isArray(patch) ? 'array' : typeof patch === 'boolean' ? 'bool' : typeof patch;
    throw badRequest(`json: cannot unmarshal ${type} into Go value of type map[string]interface {}`);
  }
  return mergeObjects(cloneJson(live) as JsonObject, cloneJson(patch) as JsonObject, schema);
}

/** Merges a patch into an object. Both are changed. */
function mergeObjects(original: JsonObject, patch: JsonObject, schema: OpenApiSchema): JsonObject {
  const directive = patch[directiveKey];
  if (directive !== undefined) {
    if (directive === 'delete') return {};
    if (directive !== 'replace') throw unknownDirective(directive, patch);
    delete patch[directiveKey];
    return patch;
  }
  retainKeys(original, patch);
  for (const key of Object.keys(patch)) if (key.startsWith(orderPrefix)) orderList(key, original, patch, schema);
  for (const [key, change] of Object.entries(patch)) {
    if (key.startsWith(deletionPrefix)) deleteItems(key, original, change, schema);
    else mergeField(key, original, change, schema);
  }
  return original;
}

function mergeField(name: string, original: JsonObject, change: Json, schema: OpenApiSchema): void {
  if (change === null) {
    delete original[name];
    return;
  }
  const value = original[name];
  const type = fieldSchema(schema, name);
  if (isRecord(value) && isRecord(change)) {
    const replaces = strategies(type).includes('replace');
    original[name] = replaces ? change : mergeObjects(value, change, type);
  } else if (Array.isArray(value) && Array.isArray(change)) {
    original[name] = mergesItems(type) ? mergeLists(value, { items: change }, type, mergeObjects) : change;
  } else {
    const clean = withoutDirectives(withoutNulls(change));
    if (clean === undefined) delete original[name];
    else original[name] = clean;
  }
}

/** Fields that `$retainKeys` does not name go. */
function retainKeys(original: JsonObject, patch: JsonObject): void {
  const names = patch[retainKey];
  if (names === undefined) return;
  delete patch[retainKey];
  if (!Array.isArray(names)) throw invalidFormat('retainKeys');
  const isData = (key: string): boolean => !key.startsWith(deletionPrefix) && !key.startsWith(orderPrefix);
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null && isData(key) && !names.includes(key)) throw invalidFormat('retainKeys');
  }
  for (const key of Object.keys(original)) if (!names.includes(key)) delete original[key];
}

/** Items of a list of plain values that go. */
function deleteItems(key: string, original: JsonObject, values: Json, schema: OpenApiSchema): void {
  const name = key.slice(deletionPrefix.length);
  const list = original[name];
  if (values === null) delete original[name];
  else if (Array.isArray(list) && Array.isArray(values)) {
    original[name] = mergeLists(list, { items: values, deletes: true }, fieldSchema(schema, name), mergeObjects);
  }
}

/** Merges a list and puts it in the order that `$setElementOrder` names. */
function orderList(key: string, original: JsonObject, patch: JsonObject, schema: OpenApiSchema): void {
  const order = patch[key]!;
  delete patch[key];
  if (!Array.isArray(order)) throw badType('[]interface {}', order);
  const name = key.slice(orderPrefix.length);
  const [list, change] = [original[name], patch[name]];
  for (const value of [list, change]) {
    if (value !== undefined && !Array.isArray(value)) throw badType('[]interface {}', value);
  }
  if (list === undefined && change === undefined) return;
  const type = fieldSchema(schema, name);
  if (list === undefined) {
    const items = (withoutDirectives(change!) ?? []) as Json[];
    original[name] = mergeLists([], { items, order }, type, mergeObjects);
  } else {
    const changes = (change ?? []) as Json[];
    if (mergesItems(type)) original[name] = mergeLists(list as Json[], { items: changes, order }, type, mergeObjects);
    else original[name] = change === undefined ? list : change;
  }
  delete patch[name];
}

const strategies = (schema: OpenApiSchema): string[] => schema['x-kubernetes-patch-strategy']?.split(',') ?? [];

const mergesItems = (schema: OpenApiSchema): boolean => strategies(schema).includes('merge');

function fieldSchema({ properties, additionalProperties }: OpenApiSchema, name: string): OpenApiSchema {
  const other = isRecord(additionalProperties) ? (additionalProperties as OpenApiSchema) : {};
  return properties && Object.hasOwn(properties, name) ? properties[name]! : other;
}

/** Objects of a patch with a directive have nothing to act on where the original has none. */
function withoutDirectives(value: Json): Json | undefined {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isRecord(value)) return value;
  if (directiveKey in value) return undefined;
  const fields = Object.entries(value).map(([name, field]) => [name, withoutDirectives(field)] as const);
  return Object.fromEntries(fields.filter((field): field is [string, Json] => field[1] !== undefined));
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutNulls(field)]));
}

function badType(expected: string, value: Json): StatusError {
  const type = isRecord(value) ? 'map[string]interface {}' : typeof value === 'boolean' ? 'bool' : typeof value;
  return new StatusError(500, '', `expected a ${expected}, but received a ${type}`);
}
