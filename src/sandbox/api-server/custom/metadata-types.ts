import { isRecord } from '../json.js';
import { metadataSchema } from '../merge/metadata-schema.js';
import type { OpenApiSchema } from '../schema.js';

/** The first field of metadata that has another type than ObjectMeta wants, in the words of Go's decoder. */
export function metadataProblem(metadata: unknown): string | undefined {
  if (!isRecord(metadata)) return `json: cannot unmarshal ${goType(metadata)} into Go value of type v1.ObjectMeta`;
  for (const [name, value] of Object.entries(metadata)) {
    const schema = metadataSchema.properties![name];
    const problem = schema && value !== null ? problemOf(value, schema) : undefined;
    if (problem !== undefined)
      return `json: cannot unmarshal ${problem[0]} into Go struct field ObjectMeta.${name} of type ${problem[1]}`;
  }
  return undefined;
}

/** What a value is, and what it should be. */
function problemOf(value: unknown, schema: OpenApiSchema): [string, string] | undefined {
  const { type, items, additionalProperties } = schema;
  const given = goType(value);
  if (type === 'array') {
    if (!Array.isArray(value)) return [given, items?.type === 'string' ? '[]string' : '[]v1.Object'];
    return items?.type === 'string' ? firstProblem(value, items) : undefined;
  }
  if (type === 'object') {
    if (!isRecord(value)) return [given, 'map[string]string'];
    return isRecord(additionalProperties) ? firstProblem(Object.values(value), additionalProperties) : undefined;
  }
  const wanted = type === 'integer' ? 'number' : type === 'boolean' ? 'bool' : 'string';
  if (given === wanted) return undefined;
  return [given, wanted === 'number' ? 'int64' : wanted];
}

function firstProblem(values: unknown[], schema: OpenApiSchema): [string, string] | undefined {
  for (const value of values) {
    const problem = value === null ? undefined : problemOf(value, schema);
    if (problem) return problem;
  }
  return undefined;
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return value === null ? 'null' : typeof value;
}
