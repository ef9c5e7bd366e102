import { forbidden, invalid, required, unsupported } from '../builtin/field-errors.js';
import type { FieldError } from '../errors.js';
import type { OpenApiSchema } from '../schema.js';
import { child, entry } from './paths.js';

/** What is wrong with `x-kubernetes-list-type` and its keys. */
export function listErrors(schema: OpenApiSchema, path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const at = child(path, 'x-kubernetes-list-type');
  const errors: FieldError[] = [];
  if (listType !== undefined && schema.type !== 'array') {
    const why = 'must be array if x-kubernetes-list-type is specified';
    errors.push(schema.type ? invalid(child(path, 'type'), schema.type, why) : required(child(path, 'type'), why));
  } else if (listType === 'set' && schema.items) errors.push(...setErrors(schema.items, child(path, 'items')));
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) {
    errors.push(unsupported(at, listType, ['atomic', 'set', 'map']));
  }
  if (keys.length > 0 && listType !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(listType === undefined ? required(at, why) : invalid(at, listType, why));
  }
  if (listType === 'map') errors.push(...mapErrors(schema, keys, path));
  if ((listType === 'map' || listType === 'set') && schema.items) {
    errors.push(...keyErrors(schema.items, listType, keys, child(path, 'items')));
  }
  return errors;
}

/** Items of sets are compared as a whole. */
function setErrors(items: OpenApiSchema, path: string): FieldError[] {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items['x-kubernetes-list-type'];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') {
    return [invalid(child(path, 'x-kubernetes-list-type'), listType, why)];
  }
  if (items.type !== 'object' || items['x-kubernetes-map-type'] === 'atomic') return [];
  return [invalid(child(path, 'x-kubernetes-map-type'), listType ?? null, why)];
}

function mapErrors({ items }: OpenApiSchema, keys: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const keysAt = child(path, 'x-kubernetes-list-map-keys');
  if (keys.length === 0) errors.push(required(keysAt, 'must not be empty if x-kubernetes-list-type is map'));
  if (!items) return [...errors, required(child(path, 'items'), 'must have a schema if x-kubernetes-list-type is map')];
  if (items.type !== 'object') {
    const why = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, invalid(child(child(path, 'items'), 'type'), items.type ?? '', why)];
  }
  keys.forEach((key, i) => {
    const property = items.properties?.[key];
    if (!property) errors.push(invalid(keysAt, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') {
      const at = child(entry(child(child(path, 'items'), 'properties'), key), 'type');
      errors.push(invalid(at, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    }
    if (keys.indexOf(key) < i) errors.push(invalid(keysAt, keys, 'must not contain duplicate entries'));
  });
  return errors;
}

/** Items that are told apart must be there, and so must their keys. */
function keyErrors(items: OpenApiSchema, listType: 'map' | 'set', keys: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (items.nullable) {
    errors.push(forbidden(child(path, 'nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  }
  if (listType === 'set') return errors;
  for (const key of keys) {
    const property = items.properties?.[key];
    if (!property) continue;
    const at = entry(child(path, 'properties'), key);
    const inKeys = 'this property is in x-kubernetes-list-map-keys, so it';
    if (!items.required?.includes(key) && property.default === undefined) {
      errors.push(required(child(at, 'default'), `${inKeys} must have a default or be a required property`));
    }
    if (property.nullable) errors.push(forbidden(child(at, 'nullable'), `${inKeys} cannot be nullable`));
  }
  return errors;
}
