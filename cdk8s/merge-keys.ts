/** How a field of an object is patched. A field that is not named: maps are merged, all else is replaced. */
export interface PatchedField {
  /** Lists are merged, by this field of their elements. */
  readonly mergeKey?: string;
  /** Maps are replaced and not merged. */
  readonly replaces?: true;
  /** Fields of the map, or of each element of the list. */
  readonly fields?: PatchedFields;
}

/** Fields of a map by name. */
export type PatchedFields = Readonly<Record<string, PatchedField>>;

const byName = { mergeKey: 'name' };
const metadata = { fields: { ownerReferences: { mergeKey: 'uid' } } };

const container: PatchedFields = {
  ports: { mergeKey: 'containerPort' },
  env: byName,
  volumeMounts: { mergeKey: 'mountPath' },
  volumeDevices: { mergeKey: 'devicePath' },
};

const podSpec: PatchedFields = {
  containers: { ...byName, fields: container },
  initContainers: { ...byName, fields: container },
  ephemeralContainers: { ...byName, fields: container },
  volumes: byName,
  imagePullSecrets: byName,
  schedulingGates: byName,
  resourceClaims: byName,
  hostAliases: { mergeKey: 'ip' },
  topologySpreadConstraints: { mergeKey: 'topologyKey' },
};

/**
 * Merge keys of the kinds that a Gateway is deployed with.
 *
 * @see k8s.io/api v0.36.1 core/v1, apps/v1, autoscaling/v2 and policy/v1 types.go, tags patchStrategy and patchMergeKey
 */
export const MERGE_KEYS: Readonly<Record<string, PatchedFields>> = {
  Deployment: { metadata, spec: { fields: { template: { fields: { metadata, spec: { fields: podSpec } } } } } },
  Service: { metadata, spec: { fields: { ports: { mergeKey: 'port' } } } },
  ServiceAccount: { metadata, secrets: byName },
  HorizontalPodAutoscaler: { metadata },
  PodDisruptionBudget: { metadata, spec: { fields: { selector: { replaces: true } } } },
};
