import { isRecord } from '../json.js';
import { metadataSchema } from '../merge/metadata-schema.js';
import type { OpenApiSchema } from '../schema.js';
import { child, entry } from './paths.js';

/** Fields that every resource has, also embedded ones. */
const resourceFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/** Paths of removed fields: in metadata of the resource, elsewhere, and in metadata of embedded resources. */
interface Removed {
  readonly own: string[];
  readonly fields: string[];
  readonly embedded: string[];
}

/**
 * Removes from a resource, in place, what its schema does not have, its metadata and those of embedded resources included.
 *
 * Source: apiextensions-apiserver, pkg/apiserver/schema/{pruning,objectmeta}
 */
export function prune(resource: unknown, schema: OpenApiSchema): void {
  removedFields(resource, schema);
}

/** As {@link prune}; returns paths of what was removed, in the order in which the API server tells them. */
export function removedFields(resource: unknown, schema: OpenApiSchema): string[] {
  const removed: Removed = { own: [], fields: [], embedded: [] };
  pruneValue(resource, { ...schema, 'x-kubernetes-embedded-resource': true }, '', removed);
  return [...removed.own, ...removed.fields.sort(), ...removed.embedded.sort()];
}

/** As {@link prune} for a value that is no resource by itself, such as a default. */
export function pruneDefault(value: unknown, schema: OpenApiSchema): string[] {
  const removed: Removed = { own: [], fields: [], embedded: [] };
  pruneValue(value, schema, '', removed);
  return [...removed.fields, ...removed.embedded];
}

function pruneValue(value: unknown, schema: OpenApiSchema | undefined, path: string, removed: Removed): void {
  if (Array.isArray(value)) {
    value.forEach((item, i) => pruneValue(item, schema?.items, entry(path, i), removed));
    return;
  }
  if (!isRecord(value)) return;
  const keeps = schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  const embedded = schema?.['x-kubernetes-embedded-resource'] === true;
  for (const [key, inner] of Object.entries(value)) {
    const at = child(path, key);
    if (embedded && resourceFields.has(key)) {
      if (key === 'metadata') pruneMetadata(inner, at, path === '' ? removed.own : removed.embedded);
      continue;
    }
    const own = Object.hasOwn(schema?.properties ?? {}, key) ? schema!.properties![key] : undefined;
    const others = schema?.additionalProperties;
    if (own) pruneValue(inner, own, at, removed);
    else if (isRecord(others)) pruneValue(inner, others, at, removed);
    else if (!keeps && others !== true) {
      removed.fields.push(at);
      delete value[key];
    }
  }
}

/** Metadata have the fields of ObjectMeta, whatever the schema says. */
function pruneMetadata(metadata: unknown, path: string, removed: string[]): void {
  if (isRecord(metadata)) pruneKnown(metadata, metadataSchema, path, removed);
}

function pruneKnown(value: unknown, schema: OpenApiSchema, path: string, removed: string[]): void {
  if (Array.isArray(value)) value.forEach((item, i) => pruneKnown(item, schema.items ?? {}, entry(path, i), removed));
  if (!isRecord(value) || !schema.properties) return;
  for (const [key, inner] of Object.entries(value)) {
    const known = schema.properties[key];
    if (known) pruneKnown(inner, known, child(path, key), removed);
    else {
      removed.push(child(path, key));
      delete value[key];
    }
  }
}
