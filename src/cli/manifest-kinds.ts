import { AMBIENT_MIGRATION } from '../api/ambient-migration.js';
import { GATEWAY, GATEWAY_CLASS, ROUTE_KINDS } from '../api/gateway-api.js';
import { ISTIO_KINDS } from '../api/istio.js';
import { ARGO_ROLLOUT } from '../kube/argo-rollouts.js';
import type { ResourceType } from '../kube/resource.js';
import {
  CONFIG_MAP,
  CRON_JOB,
  DAEMON_SET,
  DEPLOYMENT,
  ENDPOINT_SLICE,
  HORIZONTAL_POD_AUTOSCALER,
  JOB,
  NAMESPACE,
  NETWORK_POLICY,
  NODE,
  POD,
  POD_DISRUPTION_BUDGET,
  REPLICA_SET,
  SERVICE,
  STATEFUL_SET,
} from '../kube/types.js';
import { CLUSTER_NETWORK_POLICIES } from '../mesh/findings/foreign-network-policy.js';

/** Kinds of which something is read in manifests. */
const READ: readonly Pick<ResourceType, 'group' | 'kind'>[] = [
  NAMESPACE,
  NODE,
  POD,
  SERVICE,
  ENDPOINT_SLICE,
  CONFIG_MAP,
  DEPLOYMENT,
  STATEFUL_SET,
  DAEMON_SET,
  REPLICA_SET,
  { group: '', kind: 'ReplicationController' },
  JOB,
  CRON_JOB,
  ARGO_ROLLOUT,
  POD_DISRUPTION_BUDGET,
  HORIZONTAL_POD_AUTOSCALER,
  NETWORK_POLICY,
  ...ISTIO_KINDS,
  ...ROUTE_KINDS,
  GATEWAY,
  { group: 'networking.istio.io', kind: 'Gateway' },
  GATEWAY_CLASS,
  AMBIENT_MIGRATION,
  // Where these were before Kubernetes 1.16; what says so still means the same.
  ...['Deployment', 'DaemonSet', 'ReplicaSet', 'NetworkPolicy'].map((kind) => ({ group: 'extensions', kind })),
];

const GROUPS = new Map<string, readonly string[]>();
for (const { group, kind } of READ) GROUPS.set(kind, [...(GROUPS.get(kind) ?? []), group]);

const CLUSTER_KINDS: ReadonlySet<string> = new Set([
  'Namespace',
  'Node',
  'GatewayClass',
  'CustomResourceDefinition',
  'ClusterRole',
  ...CLUSTER_NETWORK_POLICIES,
]);

/** What says of which kind an object is. */
export interface Typed {
  readonly apiVersion?: string;
  readonly kind: string;
}

/** The API group of an object; empty for the core group. */
export function groupOf({ apiVersion = '' }: Typed): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

/** API groups of a kind that is read; undefined for other kinds. */
export const groupsOf = (kind: string): readonly string[] | undefined => GROUPS.get(kind);

/** How a kind is written that is read, where an object has it in other cases: the API server does not know that one. */
export function spelling(object: Typed): string | undefined {
  if (GROUPS.has(object.kind)) return undefined;
  const lower = object.kind.toLowerCase();
  const [kind] = [...GROUPS].find(([one, of]) => one.toLowerCase() === lower && of.includes(groupOf(object))) ?? [];
  return kind;
}

/**
 * The kind by which an object is known here. One of another API group is not the kind that it has its name from: it is named in full, as
 * kubectl does, such as `Service.serving.knative.dev`.
 */
export function knownKind(object: Typed): string {
  const groups = GROUPS.get(object.kind);
  const group = groupOf(object);
  return groups === undefined || groups.includes(group) ? object.kind : `${object.kind}.${group}`;
}

/** Whether objects of a kind are in no namespace. */
export const isOfCluster = (kind: string): boolean => CLUSTER_KINDS.has(kind);
