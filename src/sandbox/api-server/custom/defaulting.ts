import { cloneJson, isRecord } from '../json.js';
import type { Json } from '../object.js';
import type { OpenApiSchema } from '../schema.js';

/**
 * Sets defaults in place, deeply; a null where the schema takes none counts as missing, and is dropped where there is no
 * default.
 *
 * Source: apiextensions-apiserver, pkg/apiserver/schema/defaulting/{algorithm,prunenulls}.go
 */
export function applyDefaults(value: unknown, schema: OpenApiSchema | undefined): void {
  dropNulls(value, schema);
  setDefaults(value, schema);
}

function valuesSchema(schema: OpenApiSchema): OpenApiSchema | undefined {
  return isRecord(schema.additionalProperties) ? schema.additionalProperties : undefined;
}

const isUnwantedNull = (value: unknown, schema: OpenApiSchema | undefined): boolean =>
  value === null && schema !== undefined && schema.nullable !== true;

/** Only fields of objects are dropped: items of lists and values of maps stay, to be refused. */
function dropNulls(value: unknown, schema: OpenApiSchema | undefined): void {
  if (!schema) return;
  if (Array.isArray(value)) for (const item of value) dropNulls(item, schema.items);
  if (!isRecord(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    const property = schema.properties?.[key];
    if (property && isUnwantedNull(inner, property) && property.default === undefined) delete value[key];
    else dropNulls(inner, property ?? valuesSchema(schema));
  }
}

function setDefaults(value: unknown, schema: OpenApiSchema | undefined): void {
  if (!schema) return;
  if (Array.isArray(value)) {
    setIn(value, (_index) => schema.items);
    return;
  }
  if (!isRecord(value)) return;
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (property.default !== undefined && value[key] === undefined) value[key] = cloneJson(property.default);
  }
  setIn(value, (key) => schema.properties?.[key] ?? valuesSchema(schema));
}

function setIn(
  holder: Record<string, unknown> | unknown[],
  schemaOf: (key: string) => OpenApiSchema | undefined,
): void {
  const values = holder as Record<string, unknown>;
  for (const key of Object.keys(values)) {
    const schema = schemaOf(key);
    if (isUnwantedNull(values[key], schema) && schema?.default !== undefined)
      values[key] = cloneJson<Json>(schema.default);
    setDefaults(values[key], schema);
  }
}
