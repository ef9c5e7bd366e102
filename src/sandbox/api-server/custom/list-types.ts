import type { FieldError } from '../errors.js';
import { isRecord } from '../json.js';
import type { OpenApiSchema } from '../schema.js';
import { child, entry } from './paths.js';

/**
 * Duplicates in lists of type set and map.
 *
 * Source: apiextensions-apiserver, pkg/apiserver/schema/listtype
 */
export function validateListTypes(value: unknown, schema: OpenApiSchema | undefined, path = ''): FieldError[] {
  if (!schema) return [];
  if (Array.isArray(value)) {
    const inner = value.flatMap((item, i) => validateListTypes(item, schema.items, entry(path, i)));
    return [...duplicates(value, schema, path), ...inner];
  }
  if (!isRecord(value)) return [];
  const others = isRecord(schema.additionalProperties) ? (schema.additionalProperties as OpenApiSchema) : undefined;
  return Object.entries(value).flatMap(([key, inner]) => {
    const own = schema.properties?.[key];
    return own ? validateListTypes(inner, own, child(path, key)) : validateListTypes(inner, others, entry(path, key));
  });
}

function duplicates(list: unknown[], schema: OpenApiSchema, path: string): FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  if (type === 'set') return repeated(list, path);
  if (type !== 'map') return [];
  const stray = list.findIndex((item) => item !== null && !isRecord(item));
  if (stray >= 0) {
    const detail = 'must be an object for an array of list-type map';
    return [{ type: 'Invalid value', field: entry(path, stray), value: list[stray], detail }];
  }
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return repeated(
    list.map((item) =>
      Object.fromEntries(keys.flatMap((key) => (isRecord(item) && key in item ? [[key, item[key]] as const] : []))),
    ),
    path,
  );
}

/** The second of each that is there more than once. */
function repeated(values: unknown[], path: string): FieldError[] {
  const times = new Map<string, number>();
  return values.flatMap((value, i) => {
    const text = JSON.stringify(value);
    const before = times.get(text) ?? 0;
    times.set(text, before + 1);
    return before === 1 ? [{ type: 'Duplicate value' as const, field: entry(path, i), value, detail: '' }] : [];
  });
}
