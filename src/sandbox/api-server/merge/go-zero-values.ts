import { isRecord } from '../json.js';
import type { Json } from '../object.js';
import type { OpenApiSchema } from '../schema.js';

/**
 * A built-in object as Go's type of it shows it: with the fields that Go never leaves out. Server-side apply sees them, so
 * that for instance nobody owns `spec` itself, but whoever sets it owns `spec.strategy.rollingUpdate`.
 *
 * The published schema tells them apart: structs by value have the default `{}`, plain values the zero of their type, and
 * required fields without default are null until they are set.
 */
export function withGoZeroValues(value: Json, schema: OpenApiSchema): Json {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item) => withGoZeroValues(item, items)) : value;
  }
  if (!isRecord(value)) return value;
  const filled = new Map<string, Json>();
  const { properties, additionalProperties } = schema;
  for (const [name, field] of Object.entries(value)) {
    const type = properties?.[name] ?? (isRecord(additionalProperties) ? additionalProperties : {});
    // Go cannot tell null from what is not set.
    if (field !== null || !properties?.[name]) filled.set(name, withGoZeroValues(field, type));
  }
  for (const [name, field] of Object.entries(properties ?? {})) {
    if (filled.has(name)) continue;
    const zero = zeroOf(field, schema.required?.includes(name) ?? false);
    if (zero !== undefined) filled.set(name, zero);
  }
  return Object.fromEntries(filled);
}

/** Undefined: Go leaves the field out while it is not set. */
function zeroOf(schema: OpenApiSchema, required: boolean): Json | undefined {
  const value = schema.default;
  if (isRecord(value)) return Object.keys(value).length === 0 ? withGoZeroValues({}, schema) : undefined;
  if (value === '' || value === 0 || value === false) return value;
  return required && value === undefined ? null : undefined;
}

/** The object without nulls, which Go's types cannot hold; what has no schema keeps them. */
export function withoutNulls(value: Json, schema: OpenApiSchema): Json {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item) => withoutNulls(item, items)) : value;
  }
  if (!isRecord(value)) return value;
  const { properties, additionalProperties } = schema;
  const other = isRecord(additionalProperties) ? (additionalProperties as OpenApiSchema) : undefined;
  if (!properties && !other) return value;
  const left = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(
    left.map(([name, field]) => [name, withoutNulls(field, properties?.[name] ?? other ?? {})]),
  );
}
