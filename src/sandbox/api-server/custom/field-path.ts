import { isRecord } from '../json.js';
import type { OpenApiSchema } from '../schema.js';
import { child, entry } from './paths.js';

/** What a path in a definition names. */
export interface NamedField {
  /** As in errors. */
  readonly path: string;
  readonly schema: OpenApiSchema;
}

/**
 * Resolves a path such as `.spec.map['key']` in a schema; undefined if it names nothing there.
 *
 * Source: apiextensions-apiserver, pkg/apiserver/schema/cel/validation.go (ValidFieldPath)
 */
export function resolveFieldPath(text: string, schema: OpenApiSchema): NamedField | undefined {
  let found: NamedField = { path: '', schema };
  let rest = text;
  while (rest !== '') {
    const step = /^(?:\.([^.[\]]+)|\['((?:\\.|[^'\\])*)'\])/.exec(rest);
    if (!step) return undefined;
    const name = step[1] ?? step[2]!.replace(/\\(.)/g, '$1');
    const { properties, additionalProperties } = found.schema;
    const own = properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
    const others = !properties && isRecord(additionalProperties) ? (additionalProperties as OpenApiSchema) : undefined;
    const next = own ?? others;
    if (!next) return undefined;
    found = { path: own ? child(found.path, name) : entry(found.path, name), schema: next };
    rest = rest.slice(step[0].length);
  }
  return found.path === '' ? undefined : found;
}
