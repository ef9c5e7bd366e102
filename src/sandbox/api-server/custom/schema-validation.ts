import { forbidden, invalid, required, unsupported } from '../builtin/field-errors.js';
import type { FieldError } from '../errors.js';
import { isRecord } from '../json.js';
import type { OpenApiSchema } from '../schema.js';
import { listErrors } from './schema-lists.js';
import { child, entry } from './paths.js';
import { ruleErrors } from './schema-rules.js';

/** What is known on the way down a schema. */
interface Around {
  /** Why defaults are not allowed here. */
  readonly noDefaults?: string;
  readonly insideMetadata: boolean;
  /** The nearest schema above whose parts have no old values of their own. */
  readonly uncorrelated?: string;
  /** Whether rules are compiled: only on the spine of a structural schema. */
  readonly rules: boolean;
}

/** Errors of a schema; those of rules come last. */
interface SchemaErrors {
  readonly schema: FieldError[];
  readonly rules: FieldError[];
}

/**
 * What is wrong with a schema besides its structure.
 *
 * Source: apiextensions-apiserver, pkg/apis/apiextensions/validation/validation.go
 * (ValidateCustomResourceDefinitionOpenAPISchema)
 *
 * @param path  of the schema in the definition
 * @param rules  whether to compile rules: not while the structure is wrong
 */
export function schemaErrors(schema: OpenApiSchema, path: string, rules: boolean): FieldError[] {
  const found: SchemaErrors = { schema: [], rules: [] };
  visit(schema, path, true, { insideMetadata: false, rules }, found);
  return [...found.schema, ...found.rules];
}

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** JSON schema has these, Kubernetes does not. */
const unknown = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'];
const metadataFields = new Set(['metadata', 'kind', 'apiVersion']);

function visit(schema: OpenApiSchema, path: string, isRoot: boolean, around: Around, found: SchemaErrors): void {
  const before = found.schema.length;
  found.schema.push(...keywordErrors(schema, path, around));
  descend(schema, path, isRoot, around, found);
  found.schema.push(...extensionErrors(schema, path), ...listErrors(schema, path));
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  const rules = ruleErrors(schema, path, isResource, around.uncorrelated);
  found.schema.push(...rules.about);
  if (around.rules && found.schema.length === before) found.rules.push(...rules.compiled());
}

function keywordErrors(schema: OpenApiSchema, path: string, around: Around): FieldError[] {
  const errors: FieldError[] = [];
  const { type } = schema;
  if (type && !types.includes(type)) errors.push(unsupported(child(path, 'type'), type, types));
  if (schema.default !== undefined && around.noDefaults !== undefined) {
    errors.push(forbidden(child(path, 'default'), `must not be set ${around.noDefaults}`));
  }
  for (const keyword of unknown) {
    if (keyword in schema) errors.push(forbidden(child(path, keyword), `${keyword} is not supported`));
  }
  if ((type as string) === 'null') {
    errors.push(forbidden(child(path, 'type'), 'type cannot be set to null, use nullable as an alternative'));
  }
  if (Array.isArray(schema.items)) {
    errors.push(forbidden(child(path, 'items'), 'items must be a schema object and not an array'));
  }
  if (around.insideMetadata && schema['x-kubernetes-embedded-resource']) {
    errors.push(forbidden(child(path, 'x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'));
  }
  if (schema.uniqueItems) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.push(forbidden(child(path, 'uniqueItems'), why));
  }
  const { additionalProperties, properties = {} } = schema;
  if (additionalProperties !== undefined && additionalProperties !== true && Object.keys(properties).length > 0) {
    const why = 'additionalProperties and properties are mutual exclusive';
    errors.push(forbidden(child(path, 'additionalProperties'), why));
  }
  return errors;
}

function descend(schema: OpenApiSchema, path: string, isRoot: boolean, around: Around, found: SchemaErrors): void {
  const { properties = {}, additionalProperties, items } = schema;
  if (isRecord(additionalProperties)) {
    const below = around.insideMetadata
      ? { ...around, noDefaults: 'inside additionalProperties applying to object metadata' }
      : around;
    visit(additionalProperties, child(path, 'additionalProperties'), false, below, found);
  }
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, property] of Object.entries(properties)) {
    const meta = isResource && metadataFields.has(name);
    const below = {
      ...around,
      ...(meta && { insideMetadata: true }),
      ...(meta && isRoot && { noDefaults: `in top-level ${name}` }),
    };
    visit(property, entry(child(path, 'properties'), name), false, below, found);
  }
  const valuesOnly = { ...around, rules: false };
  if (schema.not) visit(schema.not, child(path, 'not'), false, valuesOnly, found);
  for (const junctor of ['allOf', 'oneOf', 'anyOf'] as const) {
    schema[junctor]?.forEach((inner, i) => visit(inner, entry(child(path, junctor), i), false, valuesOnly, found));
  }
  if (items && !Array.isArray(items)) {
    const correlated = schema['x-kubernetes-list-type'] === 'map' || around.uncorrelated !== undefined;
    const below = correlated ? around : { ...around, uncorrelated: path };
    visit(items, child(path, 'items'), false, below, found);
  }
}

function extensionErrors(schema: OpenApiSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(invalid(child(path, 'x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'));
  }
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType === undefined) return errors;
  if (schema.type !== 'object') {
    const why = 'must be object if x-kubernetes-map-type is specified';
    const at = child(path, 'type');
    errors.push(schema.type ? invalid(at, schema.type, why) : required(at, why));
  }
  if (mapType !== 'atomic' && mapType !== 'granular') {
    errors.push(unsupported(child(path, 'x-kubernetes-map-type'), mapType, ['atomic', 'granular']));
  }
  return errors;
}
