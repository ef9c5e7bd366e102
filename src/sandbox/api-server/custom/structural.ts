import { forbidden, invalid, required } from '../builtin/field-errors.js';
import { compileRe2 } from '../cel/re2.js';
import type { FieldError } from '../errors.js';
import { isEqual, isRecord } from '../json.js';
import type { OpenApiSchema } from '../schema.js';
import { child, entry } from './paths.js';

type Level = 'root' | 'item' | 'field';

/** Where a type is missing, in the words of the API server. */
const missingType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/**
 * What keeps a schema from being structural: the rules that make pruning and defaults possible.
 *
 * Source: apiextensions-apiserver, pkg/apiserver/schema/validation.go
 *
 * @param path  of the schema in the definition
 */
export function structuralErrors(schema: OpenApiSchema, path: string): FieldError[] {
  return invariants(schema, 'root', path).sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}

const textOf = ({ field, type, detail }: FieldError): string => `${field}: ${type}: ${detail}`;

function invariants(schema: OpenApiSchema, level: Level, path: string): FieldError[] {
  const { type, items, properties = {}, additionalProperties } = schema;
  const errors: FieldError[] = [];
  if (type === 'array' && !items) errors.push(required(child(path, 'items'), 'must be specified'));
  if (isRecord(items)) errors.push(...invariants(items, 'item', child(path, 'items')));
  for (const [name, property] of Object.entries(properties)) {
    errors.push(...invariants(property, 'field', entry(child(path, 'properties'), name)));
  }
  if (additionalProperties !== undefined) {
    const at = child(path, 'additionalProperties');
    if (level === 'root') errors.push(forbidden(at, 'must not be used at the root'));
    if (isRecord(additionalProperties)) errors.push(...invariants(additionalProperties, 'field', at));
  }
  errors.push(...extensionErrors(schema, path), ...valueErrors(schema, path), ...typeErrors(schema, level, path));
  return [...errors, ...resourceErrors(schema, level, path)];
}

function extensionErrors(schema: OpenApiSchema, path: string): FieldError[] {
  if (!schema['x-kubernetes-int-or-string']) return [];
  return (['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
    .filter((extension) => schema[extension] === true)
    .map((extension) => invalid(child(path, extension), true, 'must be false if x-kubernetes-int-or-string is true'));
}

function typeErrors(schema: OpenApiSchema, level: Level, path: string): FieldError[] {
  const { type } = schema;
  const at = child(path, 'type');
  const errors: FieldError[] = [];
  const free = schema['x-kubernetes-int-or-string'] ?? schema['x-kubernetes-preserve-unknown-fields'];
  if (schema['x-kubernetes-embedded-resource'] && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type ? invalid(at, type, why) : required(at, why));
  } else if (!type && !free) errors.push(required(at, missingType[level]));
  if (level === 'root' && type && type !== 'object') errors.push(invalid(at, type, 'must be object at the root'));
  return errors;
}

function resourceErrors(schema: OpenApiSchema, level: Level, path: string): FieldError[] {
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const { properties = {}, additionalProperties } = schema;
  const errors: FieldError[] = [];
  if (embedded && additionalProperties !== undefined) {
    errors.push(
      forbidden(child(path, 'additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set'),
    );
  }
  if (embedded && !schema['x-kubernetes-preserve-unknown-fields'] && Object.keys(properties).length === 0) {
    const why =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(required(child(path, 'properties'), why));
  }
  if (level !== 'root' && !embedded) return errors;
  for (const name of ['kind', 'apiVersion', 'metadata']) {
    const property = properties[name];
    const wanted = name === 'metadata' ? 'object' : 'string';
    if (!property || property.type === wanted) continue;
    errors.push(
      invalid(child(entry(child(path, 'properties'), name), 'type'), property.type ?? '', `must be ${wanted}`),
    );
  }
  return level === 'root' ? [...errors, ...metadataErrors(properties['metadata'], path)] : errors;
}

/** At the root, metadata may only restrict names. */
function metadataErrors(metadata: OpenApiSchema | undefined, path: string): FieldError[] {
  if (!metadata) return [];
  const { type: _type, default: _default, description: _description, properties = {}, ...rest } = metadata;
  const others = Object.keys(properties).filter((name) => name !== 'name' && name !== 'generateName');
  const described = metadata.description === undefined ? {} : { description: metadata.description };
  if (others.length === 0 && Object.keys({ ...rest, ...described }).length === 0) return [];
  const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
  return [forbidden(entry(child(path, 'properties'), 'metadata'), why)];
}

const intOrString: readonly OpenApiSchema[] = [{ type: 'integer' }, { type: 'string' }];

/** Value validations: what is inside of junctors may tell about values only. */
function valueErrors(
  schema: OpenApiSchema,
  path: string,
  exceptAnyOf = isEqual(schema.anyOf, intOrString),
): FieldError[] {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  const errors = exceptAnyOf ? [] : anyOf.flatMap((inner, i) => nestedErrors(inner, entry(child(path, 'anyOf'), i)));
  allOf.forEach((inner, i) => {
    const excepted = i === 0 && isEqual(inner.anyOf, intOrString);
    errors.push(...nestedErrors(inner, entry(child(path, 'allOf'), i), excepted));
  });
  errors.push(...oneOf.flatMap((inner, i) => nestedErrors(inner, entry(child(path, 'oneOf'), i))));
  if (not) errors.push(...nestedErrors(not, child(path, 'not')));
  const compiled = pattern ? compileRe2(pattern) : undefined;
  if (compiled && 'problem' in compiled) {
    const why = `must be a valid regular expression, but isn't: error parsing regexp: ${compiled.problem}`;
    errors.push(invalid(child(path, 'pattern'), pattern, why));
  }
  return errors;
}

/** What must not be set inside of junctors, and how it is called to be unset. */
const nestedUnset: readonly (readonly [keyof OpenApiSchema, string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

function nestedErrors(schema: OpenApiSchema, path: string, exceptAnyOf = false): FieldError[] {
  const errors = valueErrors(schema, path, exceptAnyOf);
  if (schema.items) errors.push(...nestedErrors(schema.items, child(path, 'items')));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    errors.push(...nestedErrors(property, entry(child(path, 'properties'), name)));
  }
  for (const [field, why] of nestedUnset) {
    if (schema[field] !== undefined && schema[field] !== false) errors.push(forbidden(child(path, field), why));
  }
  if (schema.properties?.['metadata']) {
    errors.push(forbidden(entry(child(path, 'properties'), 'metadata'), 'must not be specified in a nested context'));
  }
  return errors;
}
