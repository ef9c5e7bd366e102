import type { FieldError } from '../errors.js';
import { isRecord } from '../json.js';
import { label1035Name } from '../writes/names.js';
import { validateLabels } from '../writes/object-meta.js';
import type { OpenApiSchema } from '../schema.js';
import { child, entry } from './paths.js';

/**
 * What is wrong with the apiVersion, kind and metadata of embedded resources.
 *
 * Source: apiextensions-apiserver, pkg/apiserver/schema/objectmeta
 */
export function validateEmbedded(value: unknown, schema: OpenApiSchema | undefined, path = ''): FieldError[] {
  if (!schema) return [];
  if (Array.isArray(value)) return value.flatMap((item, i) => validateEmbedded(item, schema.items, entry(path, i)));
  if (!isRecord(value)) return [];
  const own = schema['x-kubernetes-embedded-resource'] ? resourceErrors(value, path) : [];
  const others = isRecord(schema.additionalProperties) ? (schema.additionalProperties as OpenApiSchema) : undefined;
  const inner = Object.entries(value).flatMap(([key, field]) => {
    const property = schema.properties?.[key];
    return property
      ? validateEmbedded(field, property, child(path, key))
      : validateEmbedded(field, others, entry(path, key));
  });
  return [...own, ...inner];
}

function resourceErrors(value: Record<string, unknown>, path: string): FieldError[] {
  const errors: FieldError[] = ['apiVersion', 'kind']
    .filter((field) => value[field] === undefined)
    .map((field) => ({ type: 'Required value', field: child(path, field), detail: '' }));
  for (const field of ['apiVersion', 'kind']) {
    const problem = value[field] === undefined ? undefined : typeProblem(field, value[field]);
    if (problem)
      errors.push({ type: 'Invalid value', field: child(path, field), value: value[field], detail: problem });
  }
  const { labels } = isRecord(value['metadata']) ? value['metadata'] : {};
  if (isRecord(labels)) {
    errors.push(...validateLabels(labels as Record<string, string>, child(path, 'metadata.labels')));
  }
  return errors;
}

function typeProblem(field: string, value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  if (value === '') return 'must not be empty';
  if (field === 'apiVersion') {
    return value.split('/').length > 2 ? `unexpected GroupVersion string: ${value}` : undefined;
  }
  const problems = label1035Name(value.toLowerCase());
  return problems.length === 0 ? undefined : `may have mixed case, but should otherwise match: ${problems.join(',')}`;
}
