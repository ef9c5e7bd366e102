import * as z from 'zod';
import { re2Objection } from './re2.js';

/** A rule in CEL, as the CRD holds it. */
export interface ValidationRule {
  rule: string;
  message: string;
  fieldPath?: string;
  reason?: 'FieldValueForbidden';
}

/**
 * A structural schema: the part of OpenAPI v3 that a CustomResourceDefinition may use, less what we never write.
 *
 * @see Kubernetes docs, "Specifying a structural schema"
 */
export interface StructuralSchema {
  type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  format?: string;
  default?: unknown;
  enum?: unknown[];
  nullable?: boolean;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  required?: string[];
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: ValidationRule[];
}

/** A schema that has no structural form; the message starts with the path of the field. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
  }
}

type JsonSchema = Readonly<Record<string, unknown>>;

/** Keywords that mean the same in both worlds. Children and numbers are looked at apart. */
const COPIED = [
  'description',
  'format',
  'default',
  'enum',
  'nullable',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'required',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
] as const satisfies readonly (keyof StructuralSchema)[];

const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean'] as const;
const CHILDREN = ['type', 'properties', 'items', 'additionalProperties', '$schema'];
const KNOWN = new Set<string>([...COPIED, ...CHILDREN]);

/**
 * The structural schema of a zod schema, for what a user may write: fields with a default are optional. Objects inside
 * take their default with `.prefault({})`; it is spelled out here, because the API server validates every default by
 * itself, before it fills in the ones inside.
 *
 * @param root  name of the field, with which error messages begin
 * @throws {SchemaError} for what a structural schema cannot say: unions, tuples, `z.any()`, open objects, recursion,
 *   a regular expression that RE2 does not know
 */
export function structuralSchema(schema: z.ZodType, root: string): StructuralSchema {
  return spellOutDefaults(convert(jsonSchemaOf(schema, root), root));
}

/** Fills in defaults as the API server does; the value itself is left alone. */
export function withDefaults(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value))
    return schema.items ? value.map((item) => withDefaults(schema.items as StructuralSchema, item)) : value;
  if (typeof value !== 'object' || value === null) return value;
  const filled = { ...value } as Record<string, unknown>;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const given = filled[name] ?? property.default;
    if (given !== undefined) filled[name] = withDefaults(property, structuredClone<unknown>(given));
  }
  return filled;
}

/**
 * Leaves out fields that are null, as the API server does before it fills in defaults; those of a list's items stay as
 * items. No field of ours is nullable. The value itself is left alone.
 *
 * @see Kubernetes docs, "Defaulting and nullable" of CustomResourceDefinitions
 */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const given = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(given.map(([name, field]) => [name, withoutNulls(field)]));
}

function jsonSchemaOf(schema: z.ZodType, root: string): JsonSchema {
  try {
    // What has no JSON form becomes an empty schema, which `convert` refuses by its path; by itself zod would not name it.
    return z.toJSONSchema(schema, {
      target: 'openapi-3.0',
      io: 'input',
      reused: 'inline',
      cycles: 'throw',
      unrepresentable: 'any',
    });
  } catch (error) {
    throw new SchemaError(root, error instanceof Error ? error.message : String(error));
  }
}

function convert(source: JsonSchema, path: string): StructuralSchema {
  const foreign = Object.keys(source).find((keyword) => !KNOWN.has(keyword));
  if (foreign !== undefined) throw new SchemaError(path, `${foreign} has no structural form`);
  const type = TYPES.find((known) => known === source['type']);
  if (type === undefined) throw new SchemaError(path, 'needs exactly one type');

  const copied = COPIED.filter((keyword) => source[keyword] !== undefined).map((keyword) => [keyword, source[keyword]]);
  const schema: StructuralSchema = { type, ...(Object.fromEntries(copied) as Partial<StructuralSchema>) };
  if (type === 'integer') narrowInteger(schema);
  if (type === 'object') convertFields(source, schema, path);
  if (type === 'array') convertItems(source, schema, path);
  checkExpressions(schema, path);
  return schema;
}

/** zod writes the limits of its number types; the API server wants a format, and only limits that somebody chose. */
function narrowInteger(schema: StructuralSchema): void {
  const isInt32 = (schema.minimum ?? -Infinity) >= -0x8000_0000 && (schema.maximum ?? Infinity) <= 0x7fff_ffff;
  schema.format ??= isInt32 ? 'int32' : 'int64';
  if (schema.minimum === -0x8000_0000 || schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === 0x7fff_ffff || schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}

function convertFields(source: JsonSchema, schema: StructuralSchema, path: string): void {
  const { properties, additionalProperties: rest } = source;
  const isOpen = typeof rest === 'object' && rest !== null;
  if (isRecord(properties) && Object.keys(properties).length > 0) {
    // `additionalProperties: false` says what the API server does anyway; beside `properties` it is forbidden.
    if (isOpen) throw new SchemaError(path, 'is an open object (loose or catchall); unknown fields are pruned');
    schema.properties = mapValues(properties, (field, name) => convert(asSchema(field), `${path}.${name}`));
    return;
  }
  if (!isOpen) throw new SchemaError(path, 'has no fields');
  schema.additionalProperties = convert(asSchema(rest), `${path}.*`);
}

function convertItems(source: JsonSchema, schema: StructuralSchema, path: string): void {
  if (!isRecord(source['items'])) throw new SchemaError(path, 'needs one schema for all items');
  const items = convert(source['items'], `${path}[]`);
  schema.items = items;
  const missing = schema['x-kubernetes-list-map-keys']?.find(
    (key) => !items.required?.includes(key) && items.properties?.[key]?.default === undefined,
  );
  if (missing !== undefined)
    throw new SchemaError(path, `the key ${missing} must be required in each item, or have a default`);
}

/** Checks what the API server compiles as RE2: patterns, and expressions in the rules. */
function checkExpressions(schema: StructuralSchema, path: string): void {
  const inRules = (schema['x-kubernetes-validations'] ?? []).flatMap(({ rule }) =>
    [...rule.matchAll(/matches\('((?:[^'\\]|\\.)*)'\)/g)].map(([, literal = '']) => literal.replaceAll(/\\(.)/g, '$1')),
  );
  for (const pattern of [...(schema.pattern === undefined ? [] : [schema.pattern]), ...inRules]) {
    const objection = re2Objection(pattern);
    if (objection !== undefined) throw new SchemaError(path, `RE2 does not know ${objection}: ${pattern}`);
  }
}

function spellOutDefaults(schema: StructuralSchema): StructuralSchema {
  const spelled = { ...schema };
  if (schema.properties) spelled.properties = mapValues(schema.properties, spellOutDefaults);
  if (schema.items) spelled.items = spellOutDefaults(schema.items);
  if (schema.additionalProperties) spelled.additionalProperties = spellOutDefaults(schema.additionalProperties);
  if (schema.default !== undefined) spelled.default = withDefaults(spelled, schema.default);
  return spelled;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asSchema(value: unknown): JsonSchema {
  return isRecord(value) ? value : {};
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T, name: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}
