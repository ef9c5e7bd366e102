import { child, entry } from '../custom/paths.js';
import { removedFields } from '../custom/pruning.js';
import { duplicateFields, duplicateKeys } from './duplicate-fields.js';
import { cloneJson, isRecord } from '../json.js';
import type { ServedResource } from '../resource.js';
import type { OpenApiSchema } from '../schema.js';

/** Something about fields that strict decoding refuses. */
export interface FieldProblem {
  /** As strict errors tell it. */
  readonly error: string;
  /** As a warning tells it. */
  readonly warning: string;
}

const problem = (error: string): FieldProblem => ({ error, warning: error });

/** Fields of an object that its kind does not have, as `unknown field "spec.foo"`. */
export function unknownFields(
  object: unknown,
  { schema, custom }: Pick<ServedResource, 'schema' | 'custom'>,
): FieldProblem[] {
  const paths = custom ? removedFields(cloneJson(object), schema) : undeclared(object, schema, '');
  return paths.map((path) => problem(`unknown field ${JSON.stringify(path)}`));
}

/** Fields that a body has twice. */
export function duplicates(text: string, encoding: 'json' | 'yaml'): FieldProblem[] {
  if (encoding === 'json')
    return duplicateFields(text).map((path) => problem(`duplicate field ${JSON.stringify(path)}`));
  if (isJson(text) && duplicateFields(text).length === 0) return [];
  const keys = duplicateKeys(text);
  // The YAML parser tells all of them in one error.
  return keys.map((warning, i) => ({
    warning,
    error: i === 0 ? `yaml: unmarshal errors:\n  ${keys.join('\n  ')}` : '',
  }));
}

/** Programs send JSON as YAML, and it is read a hundred times faster. */
function isJson(text: string): boolean {
  if (!text.startsWith('{')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What is wrong with the operations of a JSON patch besides what they do. */
export function patchProblems(operations: unknown, text: string): FieldProblem[] {
  const known = ['op', 'path', 'from', 'value'];
  const unknown = (Array.isArray(operations) ? operations : []).flatMap((operation, i) =>
    Object.keys(isRecord(operation) ? operation : {})
      .filter((field) => !known.includes(field))
      .map((field) => problem(`json patch unknown field ${JSON.stringify(`[${i}].${field}`)}`)),
  );
  const twice = duplicateFields(text).map((path) => problem(`json patch duplicate field ${JSON.stringify(path)}`));
  return [...twice, ...unknown];
}

/** `strict decoding error: …`. */
export function strictError(problems: readonly FieldProblem[]): string {
  const errors = problems.map(({ error }) => error).filter((error) => error !== '');
  return `strict decoding error: ${errors.join(', ')}`;
}

/** Paths of fields that a schema of a built-in kind does not declare; what it says nothing about may be anything. */
function undeclared(value: unknown, schema: OpenApiSchema, path: string): string[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.flatMap((item, i) => undeclared(item, items, entry(path, i))) : [];
  }
  if (!isRecord(value)) return [];
  const { properties, additionalProperties } = schema;
  const others = isRecord(additionalProperties) ? (additionalProperties as OpenApiSchema) : undefined;
  if (!properties && !others) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const own = properties && Object.hasOwn(properties, key) ? properties[key] : others;
    return own ? undeclared(inner, own, child(path, key)) : [child(path, key)];
  });
}
