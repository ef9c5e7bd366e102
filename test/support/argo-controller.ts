import { ARGO_ROLLOUT, type ArgoRollout } from '../../src/kube/argo-rollouts.js';
import { ApiError } from '../../src/kube/errors.js';
import type { Client } from '../../src/kube/client.js';
import { DEPLOYMENT, POD, type Pod, type PodTemplate, REPLICA_SET } from '../../src/kube/types.js';
import type { Cluster } from './cluster.js';
import { Recurring } from './recurring.js';

const EVERY_MS = 100;
const FIELD_MANAGER = 'rollouts-controller';
const HASH = 'rollouts-pod-template-hash';

/** On a Rollout: says that a canary is under way, paused at a step. */
export const CANARY_PAUSED = 'test/canary-paused';

/** The definition of the kind, with a schema that knows nothing. */
export const ROLLOUT_DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'rollouts.argoproj.io' },
  spec: {
    group: ARGO_ROLLOUT.group,
    scope: 'Namespaced',
    names: { kind: 'Rollout', listKind: 'RolloutList', plural: 'rollouts', singular: 'rollout' },
    versions: [
      {
        name: ARGO_ROLLOUT.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

/**
 * Stands in for the controller of Argo Rollouts in one namespace, as far as its documentation and its source say how pods are
 * restarted: one ReplicaSet for each Rollout, pods older than `spec.restartAt` are evicted while enough others are available, then
 * `status.restartedAt` follows. There are no updates: a pod template is taken once, a canary is only said to be there.
 *
 * @see argoproj/argo-rollouts docs/features/restart.md; rollout/restart.go
 */
export function argoController(cluster: Cluster, namespace: string): Recurring {
  return new Recurring(cluster.time, EVERY_MS, async () => {
    const { items } = await cluster.client.list(ARGO_ROLLOUT, { namespace });
    for (const rollout of items) await sync(rollout, namespace, cluster);
  });
}

async function sync(rollout: ArgoRollout, namespace: string, { client, time }: Cluster): Promise<void> {
  const { metadata, spec = {}, status = {} } = rollout;
  const name = `${metadata.name}-0`;
  const known = await client.list(REPLICA_SET, { namespace });
  if (!known.items.some((set) => set.metadata.name === name)) await createReplicaSet(rollout, name, client);
  const { items } = await client.list(POD, { namespace });
  const pods = items.filter((pod) => pod.metadata.ownerReferences?.some((owner) => owner.name === name));
  const isDue = spec.restartAt !== undefined && time.now() > Date.parse(spec.restartAt);
  const restarted = isDue && (await restart(rollout, pods, client));
  const available = pods.filter(isAvailable).length;
  const restartedAt = restarted ? spec.restartAt : status.restartedAt;
  const next = {
    observedGeneration: String(metadata.generation),
    ...(restartedAt !== undefined && { restartedAt }),
    ...phaseOf(rollout, restartedAt, available),
  };
  if (JSON.stringify(next) === JSON.stringify(sorted(status, next))) return;
  const object = { apiVersion: rollout.apiVersion, kind: rollout.kind, metadata: { name: metadata.name, namespace } };
  await client.apply(ARGO_ROLLOUT, { ...object, status: next } as ArgoRollout, {
    fieldManager: FIELD_MANAGER,
    subresource: 'status',
    force: true,
  });
}

/** Evicts what may go; whether every pod is new. */
async function restart({ spec = {} }: ArgoRollout, pods: readonly Pod[], client: Client): Promise<boolean> {
  const atMs = Date.parse(spec.restartAt ?? '');
  const old = pods.filter(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '') < atMs);
  let free = pods.filter(isAvailable).length - (Math.max(spec.replicas ?? 1, pods.length) - 1);
  for (const { metadata } of old) {
    if (free <= 0 || metadata.deletionTimestamp !== undefined) continue;
    if (await evict(metadata.namespace ?? '', metadata.name, client)) free -= 1;
  }
  return old.length === 0;
}

/** False if a budget forbids it. */
async function evict(namespace: string, name: string, client: Client): Promise<boolean> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  try {
    await client.create(POD, eviction, { subresource: 'eviction', fieldManager: FIELD_MANAGER });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 429) return false;
    throw error;
  }
}

async function createReplicaSet(rollout: ArgoRollout, name: string, client: Client): Promise<void> {
  const { metadata, spec = {} } = rollout;
  const { namespace = '', uid = '' } = metadata;
  const template = spec.template ?? (await templateOf(rollout, client));
  const labels = { ...template.metadata?.labels, [HASH]: '0' };
  const owner = { apiVersion: rollout.apiVersion, kind: rollout.kind, name: metadata.name, uid, controller: true };
  const set = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace, labels, ownerReferences: [owner] },
    spec: {
      replicas: spec.replicas ?? 1,
      selector: { matchLabels: labels },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  await client.create(REPLICA_SET, set, { fieldManager: FIELD_MANAGER });
}

async function templateOf({ metadata, spec }: ArgoRollout, client: Client): Promise<PodTemplate> {
  const ref = { namespace: metadata.namespace, name: spec?.workloadRef?.name ?? '' };
  return (await client.get(DEPLOYMENT, ref)).spec.template;
}

function phaseOf({ metadata, spec = {} }: ArgoRollout, restartedAt: string | undefined, available: number): object {
  if (metadata.annotations?.[CANARY_PAUSED]) return { phase: 'Paused', message: 'CanaryPauseStep' };
  if (spec.restartAt !== restartedAt) return { phase: 'Progressing', message: 'rollout is restarting' };
  const missing = available < (spec.replicas ?? 1);
  return missing
    ? { phase: 'Progressing', message: 'updated replicas are still becoming available' }
    : { phase: 'Healthy' };
}

function isAvailable({ metadata, status }: Pod): boolean {
  const isReady = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return isReady === true && metadata.deletionTimestamp === undefined;
}

/** With the keys in the order of the other. */
function sorted(object: object, like: object): object {
  const keys = [...new Set([...Object.keys(like), ...Object.keys(object)])];
  return Object.fromEntries(
    keys.flatMap((key) => (key in object ? [[key, (object as Record<string, unknown>)[key]]] : [])),
  );
}
