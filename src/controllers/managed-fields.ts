import { FIELD_MANAGER } from '../api/field-managers.js';
import type { KubeObject } from '../kube/resource.js';
import { asRecord, stringAt } from '../mesh/policy-object.js';

/** Somebody who manages fields of an object. */
export interface Manager {
  readonly manager: string;
  /** When what it manages last changed, RFC 3339. */
  readonly time: string;
  /** As `metadata.managedFields` tells them. */
  readonly fields: unknown;
}

/**
 * Everybody who manages fields of an object but ourselves, and but those who write status.
 *
 * @param object  read with `metadata.managedFields`, which caches leave out
 */
export function managersIn({ metadata }: KubeObject): Manager[] {
  return (metadata.managedFields ?? [])
    .map(asRecord)
    .filter((entry) => entry['manager'] !== FIELD_MANAGER && !entry['subresource'])
    .map((entry) => ({
      manager: stringAt(entry, 'manager') ?? '',
      time: stringAt(entry, 'time') ?? '',
      fields: entry['fieldsV1'],
    }));
}

/** Whether fields, as `metadata.managedFields` tells them, hold the one at a path. */
export function owns(fields: unknown, path: readonly string[]): boolean {
  return path.reduce<unknown>((inner, key) => asRecord(inner)[`f:${key}`], fields) !== undefined;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Whether somebody else has declared a label of an object, as it is, after we have set it: by server-side apply he manages it then, too;
 * client-side apply sends nothing, and only notes it.
 *
 * @param object  read with `metadata.managedFields`
 */
export function isDeclaredByOthers(object: KubeObject, label: string): boolean {
  const value = object.metadata.labels?.[label];
  if (value === undefined) return false;
  return (
    managersIn(object).some(({ fields }) => owns(fields, ['metadata', 'labels', label])) ||
    lastApplied(object, label) === value
  );
}

/** What the last client-side apply said of a label. */
function lastApplied({ metadata }: KubeObject, label: string): unknown {
  const configuration = metadata.annotations?.[LAST_APPLIED];
  if (configuration === undefined) return undefined;
  try {
    const { labels } = asRecord(asRecord(JSON.parse(configuration))['metadata']);
    return asRecord(labels)[label];
  } catch {
    return undefined;
  }
}
