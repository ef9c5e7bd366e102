import { MERGE_KEYS } from './merge-keys.js';
import type { Manifest } from './objects.js';
import { strategicMerge } from './strategic-merge.js';

/** Keys of a parameters ConfigMap, by the kind that each patches. */
const KEYS: Readonly<Record<string, string>> = {
  Deployment: 'deployment',
  Service: 'service',
  ServiceAccount: 'serviceAccount',
  HorizontalPodAutoscaler: 'horizontalPodAutoscaler',
  PodDisruptionBudget: 'podDisruptionBudget',
};

/** Rendered only where somebody asks for them. */
const ON_DEMAND = ['HorizontalPodAutoscaler', 'PodDisruptionBudget'];

/** Metadata that a patch may not change. */
const FIXED = [
  ...['name', 'generateName', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp'],
  ...['deletionTimestamp', 'deletionGracePeriodSeconds', 'ownerReferences', 'finalizers', 'managedFields'],
];

/** Patches for what a Gateway is deployed with. */
export interface Parameters {
  /** Where they come from, for messages, such as `ConfigMap bookinfo/waypoint-options`. */
  readonly source: string;
  /** `data` of the ConfigMap; each value already parsed from YAML: a strategic merge patch, or null for an empty text. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Parameters that cannot be applied; the message names source and key, and says what to do. */
export class ParametersError extends Error {
  override readonly name = 'ParametersError';

  constructor(
    readonly source: string,
    readonly key: string,
    problem: string,
    cause?: unknown,
  ) {
    super(`${source}, key ${key}: ${problem}`, { cause });
  }
}

/**
 * The objects with all parameters applied, one after the other. HorizontalPodAutoscaler and PodDisruptionBudget are left out
 * unless some parameters have their key.
 *
 * @throws {ParametersError} on a key that means nothing, a value that is no patch, or a change of metadata that would break
 *         the tie between the object and its Gateway
 * @see istio/istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go, applyOverlay
 */
export function withParameters(objects: readonly Manifest[], parameters: readonly Parameters[]): Manifest[] {
  for (const { source, data } of parameters) {
    const unknown = Object.keys(data).find((key) => !Object.values(KEYS).includes(key));
    if (unknown !== undefined) {
      throw new ParametersError(source, unknown, `no such key; use ${Object.values(KEYS).join(', ')}`);
    }
  }
  return objects.flatMap((object) => {
    const key = KEYS[object.kind] ?? '';
    const patches = parameters.filter(({ data }) => data[key] !== undefined);
    if (patches.length === 0 && ON_DEMAND.includes(object.kind)) return [];
    return [patches.reduce((merged, { source, data }) => patched(merged, source, key, data[key]), object)];
  });
}

/**
 * The number of replicas that parameters ask for, the last that say it; undefined if none does. Deployments are applied
 * without it, so whoever scales them has to know.
 */
export function requestedReplicas(parameters: readonly Parameters[]): number | undefined {
  const asked = parameters.map(
    ({ data }) => (data.deployment as { spec?: { replicas?: unknown } } | null)?.spec?.replicas,
  );
  return asked.findLast((replicas) => typeof replicas === 'number');
}

function patched(object: Manifest, source: string, key: string, patch: unknown): Manifest {
  if (typeof patch !== 'object' || Array.isArray(patch)) {
    throw new ParametersError(source, key, `must be YAML of a map, such as "metadata: {labels: {team: a}}"`);
  }
  const merged = merge(object, source, key, (patch ?? {}) as Record<string, unknown>);
  const before = object.metadata as Manifest['metadata'] & Record<string, unknown>;
  const after = (merged.metadata ?? {}) as typeof before;
  const changed = FIXED.find((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  if (changed !== undefined) {
    throw new ParametersError(source, key, `illegal metadata change: metadata.${changed} cannot be changed; remove it`);
  }
  return merged;
}

function merge(object: Manifest, source: string, key: string, patch: Record<string, unknown>): Manifest {
  try {
    return strategicMerge(object, patch, MERGE_KEYS[object.kind]) as Manifest;
  } catch (error) {
    throw new ParametersError(source, key, error instanceof Error ? error.message : String(error), error);
  }
}
