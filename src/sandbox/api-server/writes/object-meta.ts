import { isEqual } from '../json.js';
import type { FieldError } from '../errors.js';
import { labelName, labelValueRule, type NameRule, pathSegmentName, qualifiedName, subdomainName } from './names.js';
import type { OwnerReference } from '../../../kube/resource.js';
import type { ApiObject, StoredMeta } from '../object.js';
import type { ServedResource } from '../resource.js';

const annotationsLimitBytes = 256 * 1024;

const wrong = (field: string, value: unknown, detail: string): FieldError => ({
  type: 'Invalid value',
  field: `metadata.${field}`,
  value,
  detail,
});

/** What is wrong with the metadata of a new object (`ValidateObjectMeta` of apimachinery). */
export function validateNewMeta(resource: ServedResource, object: ApiObject): FieldError[] {
  const metadata = asRead(resource, object.metadata);
  const rule = resource.strategy.nameRule ?? subdomainName;
  return [
    ...validateName(metadata, rule),
    ...validateNamespace(metadata, resource),
    ...validateCommon(metadata),
    ...validateFinalizers(metadata.finalizers ?? []),
    ...(resource.custom ? [] : qualifiedFinalizers(metadata.finalizers ?? [])),
  ];
}

/**
 * What is wrong with the metadata of a changed object. Upstream checks it once for all kinds and again for each, so that
 * causes are told twice.
 */
export function validateChangedMeta(
  resource: ServedResource,
  object: ApiObject,
  { metadata: old }: ApiObject,
): FieldError[] {
  const metadata = asRead(resource, object.metadata);
  const changes = validateChanges(metadata, old);
  return [
    ...validateName(metadata, pathSegmentName),
    ...validateNamespace(metadata, resource),
    ...validateCommon(metadata),
    ...validateFinalizers(metadata.finalizers ?? []),
    ...changes,
    ...changes,
    ...(resource.custom ? [] : qualifiedFinalizers(metadata.finalizers ?? [])),
  ];
}

/** Metadata as Go reads them: custom resources keep nulls, which are zeros there. */
function asRead({ custom }: ServedResource, metadata: StoredMeta): StoredMeta {
  if (!custom) return metadata;
  const texts = (map?: Record<string, string | null> | null): Record<string, string> =>
    Object.fromEntries(Object.entries(map ?? {}).map(([key, value]) => [key, value ?? '']));
  const list = <T>(items: (T | null)[] | null | undefined, zero: T): T[] => (items ?? []).map((item) => item ?? zero);
  return {
    ...metadata,
    labels: texts(metadata.labels),
    annotations: texts(metadata.annotations),
    ownerReferences: list(metadata.ownerReferences, {} as OwnerReference),
    finalizers: list(metadata.finalizers, ''),
  };
}

/** `ValidateObjectMetaUpdate` of apimachinery. */
function validateChanges(metadata: StoredMeta, old: StoredMeta): FieldError[] {
  const errors = newFinalizers(metadata, old);
  for (const field of immutable) {
    if (!isEqual(metadata[field], old[field])) errors.push(wrong(field, metadata[field] ?? null, 'field is immutable'));
  }
  return [...errors, ...validateCommon(metadata)];
}

const immutable = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

function newFinalizers(metadata: StoredMeta, old: StoredMeta): FieldError[] {
  if (old.deletionTimestamp === undefined) return [];
  const added = (metadata.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer)).sort();
  if (added.length === 0) return [];
  const list = `[]string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
  return [{ type: 'Forbidden', field: 'metadata.finalizers', detail }];
}

function validateName(metadata: StoredMeta, rule: NameRule): FieldError[] {
  const errors: FieldError[] = [];
  // Go writes an empty name as none.
  const { name = '', generateName } = metadata as Partial<StoredMeta>;
  if (generateName)
    errors.push(...rule(maskTrailingDash(generateName)).map((why) => wrong('generateName', generateName, why)));
  if (name === '') {
    errors.push({ type: 'Required value', field: 'metadata.name', detail: 'name or generateName is required' });
  }
  if (name !== '') errors.push(...rule(name).map((why) => wrong('name', name, why)));
  return errors;
}

/** A prefix may end with a dash. */
function maskTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix;
}

function validateNamespace({ namespace }: StoredMeta, { namespaced }: ServedResource): FieldError[] {
  if (!namespaced) {
    const detail = 'not allowed on this type';
    return namespace ? [{ type: 'Forbidden', field: 'metadata.namespace', detail }] : [];
  }
  if (!namespace) return [{ type: 'Required value', field: 'metadata.namespace', detail: '' }];
  return labelName(namespace).map((why) => wrong('namespace', namespace, why));
}

function validateCommon(metadata: StoredMeta): FieldError[] {
  return [
    ...validateLabels(metadata.labels ?? {}),
    ...validateAnnotations(metadata.annotations ?? {}),
    ...validateOwners(metadata.ownerReferences ?? []),
  ];
}

/** What is wrong with labels, also those of templates. */
export function validateLabels(labels: Readonly<Record<string, string>>, path = 'metadata.labels'): FieldError[] {
  const invalid =
    (value: string) =>
    (detail: string): FieldError => ({ type: 'Invalid value', field: path, value, detail });
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedName(key).map(invalid(key)),
    ...labelValueRule(value).map(invalid(value)),
  ]);
}

function validateAnnotations(annotations: Readonly<Record<string, string>>): FieldError[] {
  const errors = Object.keys(annotations).flatMap((key) =>
    qualifiedName(key.toLowerCase()).map((why) => wrong('annotations', key, why)),
  );
  const bytes = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (bytes > annotationsLimitBytes) {
    const detail = `may not be more than ${annotationsLimitBytes} bytes`;
    errors.push({ type: 'Too long', field: 'metadata.annotations', detail });
  }
  return errors;
}

function validateOwners(owners: readonly OwnerReference[]): FieldError[] {
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const owner of owners) {
    if (!owner.apiVersion)
      errors.push(wrong('ownerReferences.apiVersion', owner.apiVersion ?? '', 'version must not be empty'));
    for (const field of ['kind', 'name', 'uid'] as const) {
      if (!owner[field]) errors.push(wrong(`ownerReferences.${field}`, owner[field] ?? '', 'must not be empty'));
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
      errors.push(wrong('ownerReferences', owner, '/v1, Kind=Event is disallowed from being an owner'));
    }
    if (!owner.controller) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller !== undefined) {
      const both = `Found "true" in references for ${controller} and ${name}`;
      errors.push(
        wrong('ownerReferences', owners.map(inGoOrder), `Only one reference can have Controller set to true. ${both}`),
      );
    }
    controller ??= name;
  }
  return errors;
}

/** Fields as Go's struct has them: messages show whole references. */
function inGoOrder({ apiVersion, kind, name, uid, ...rest }: OwnerReference): OwnerReference {
  return { apiVersion, kind, name, uid, ...rest };
}

function validateFinalizers(finalizers: readonly string[]): FieldError[] {
  const errors = finalizers.flatMap((name) => qualifiedName(name).map((why) => wrong('finalizers', name, why)));
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(wrong('finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
  return errors;
}

const standardFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

/** Built-in kinds want finalizers of others with a domain. */
function qualifiedFinalizers(finalizers: readonly string[]): FieldError[] {
  const detail = 'name is neither a standard finalizer name nor is it fully qualified';
  return finalizers.flatMap((name, index) =>
    name.includes('/') || standardFinalizers.has(name) ? [] : [wrong(`finalizers[${index}]`, name, detail)],
  );
}

/**
 * Leaves each owner reference in once.
 *
 * @returns uids of those that were dropped
 */
export function dedupOwnerReferences(metadata: StoredMeta): string[] {
  const kept: (OwnerReference | null)[] = [];
  const dropped: string[] = [];
  for (const owner of (metadata.ownerReferences ?? []) as (OwnerReference | null)[]) {
    if (kept.some((other) => isEqual(other, owner))) dropped.push(owner?.uid ?? '');
    else kept.push(owner);
  }
  if (dropped.length > 0) metadata.ownerReferences = kept as OwnerReference[];
  return dropped;
}

/** RFC 3339 with whole seconds, as metadata has it. */
export function timestamp(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}
