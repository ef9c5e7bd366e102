import { isRecord } from '../json.js';
import type { ApiObject, Json } from '../object.js';
import { compare } from './comparison.js';
import type { FieldSet } from './field-set.js';
import { fieldSetOf } from './field-set-of.js';
import type { MergedKind } from './merged-kind.js';
import { comparable } from './track-update.js';

/** Where `kubectl apply` without server-side apply keeps what it has applied. */
const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Fields that kubectl has applied on the client's side and that are still so: server-side apply by kubectl takes them over
 * without conflict.
 *
 * Source: apimachinery, pkg/util/managedfields/internal/lastappliedmanager.go
 */
export function allowedByLastApplied(kind: MergedKind, live: ApiObject): FieldSet | undefined {
  const value = live.metadata.annotations?.[annotation];
  const type = kind.type(kind.apiVersion);
  if (!value || !type) return undefined;
  try {
    const last = JSON.parse(value) as Json;
    if (!isRecord(last) || last.apiVersion !== kind.apiVersion) return undefined;
    const { added, modified, removed } = compare(last, comparable(kind, live), type);
    return fieldSetOf(last, type).difference(modified).difference(added).difference(removed);
  } catch {
    return undefined;
  }
}

/**
 * Keeps the annotation up to date where the object has it, for those who go on with client-side apply.
 *
 * Source: apimachinery, pkg/util/managedfields/internal/lastappliedupdater.go
 */
export function withLastApplied(object: ApiObject, applied: ApiObject): ApiObject {
  const { annotations } = object.metadata;
  if (!annotations?.[annotation]) return object;
  const { [annotation]: _, ...others } = applied.metadata.annotations ?? {};
  const hadAnnotations = applied.metadata.annotations !== undefined;
  const { annotations: __, ...metadata } = applied.metadata;
  const configuration = { ...applied, metadata: { ...metadata, ...(hadAnnotations && { annotations: others }) } };
  const value = `${JSON.stringify(sorted(configuration as unknown as Json))}\n`;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [annotation]: value } } };
}

/** As Go writes JSON: fields by name. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name]!)]),
  );
}
