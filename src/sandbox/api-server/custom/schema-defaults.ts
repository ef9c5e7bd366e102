import { invalid } from '../builtin/field-errors.js';
import type { FieldError } from '../errors.js';
import { cloneJson } from '../json.js';
import type { OpenApiSchema } from '../schema.js';
import { validateListTypes } from './list-types.js';
import { child, entry } from './paths.js';
import { pruneDefault } from './pruning.js';
import { validateRules } from './rules.js';
import { validateSchema } from './validation.js';

/**
 * Defaults of a schema that are not valid by themselves.
 *
 * Source: apiextensions-apiserver, pkg/apiserver/schema/defaulting/validation.go
 *
 * @param path  of the schema in the definition
 */
export function defaultErrors(schema: OpenApiSchema, path: string): FieldError[] {
  const errors: FieldError[] = schema.default === undefined ? [] : errorsOf(schema, child(path, 'default'));
  if (schema.items) errors.push(...defaultErrors(schema.items, child(path, 'items')));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    errors.push(...defaultErrors(property, entry(child(path, 'properties'), name)));
  }
  return errors;
}

function errorsOf(schema: OpenApiSchema, at: string): FieldError[] {
  const value = cloneJson(schema.default);
  const isResource = schema['x-kubernetes-embedded-resource'] === true;
  const unknown = pruneDefault(cloneJson(value), schema);
  const pruned = unknown.length > 0 ? [invalid(at, value, 'must not have unknown fields')] : [];
  const errors = [...validateSchema(value, schema, at), ...validateListTypes(value, schema, at)];
  if (errors.length > 0) return [...pruned, ...errors];
  // As an update that changes nothing, and as new.
  const rules = validateRules(value, schema, value, at, isResource);
  return [...pruned, ...(rules.length > 0 ? rules : validateRules(value, schema, undefined, at, isResource))];
}
