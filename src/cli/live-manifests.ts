import { AMBIENT_MIGRATION } from '../api/ambient-migration.js';
import { GATEWAY, GATEWAY_CLASS, ROUTE_KINDS } from '../api/gateway-api.js';
import { ISTIO_KINDS } from '../api/istio.js';
import { ARGO_ROLLOUT } from '../kube/argo-rollouts.js';
import type { Client } from '../kube/client.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
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
  type Pod,
  POD,
  POD_DISRUPTION_BUDGET,
  SERVICE,
  STATEFUL_SET,
} from '../kube/types.js';
import type { IndexedEndpointSlice } from '../mesh/ambient-index/objects.js';
import { FOREIGN_SLICES } from '../mesh/ztunnel-view.js';
import { checkNamespace, list, unlessMissing } from './cluster.js';
import { SYSTEM_NAMESPACE } from './declared-mesh.js';
import { foreignNetworkPolicies } from './foreign-network-policies.js';
import type { Manifest } from './manifests.js';

/** Of the whole cluster: one elsewhere may concern the namespace. */
const EVERYWHERE: readonly ResourceType[] = [
  NAMESPACE,
  SERVICE,
  ...ISTIO_KINDS,
  ...ROUTE_KINDS,
  NETWORK_POLICY,
  GATEWAY,
  GATEWAY_CLASS,
  AMBIENT_MIGRATION,
];
/** What keeps workloads from being restarted, or scales them. */
const BESIDE_WORKLOADS: readonly ResourceType[] = [POD_DISRUPTION_BUDGET, HORIZONTAL_POD_AUTOSCALER];
/** What makes pods. */
const WORKLOADS: readonly ResourceType[] = [DEPLOYMENT, STATEFUL_SET, DAEMON_SET, ARGO_ROLLOUT, CRON_JOB, JOB];
/** What makes pods, or what makes these: of the static pods of nodes, the node. */
const MAKERS: ReadonlySet<string> = new Set([...WORKLOADS.map(({ kind }) => kind), 'ReplicaSet', 'Node']);

/** What a cluster has, as far as it shows it. */
export interface LiveManifests {
  readonly manifests: readonly Manifest[];
  /** What is not among them that may matter, in words. */
  readonly warnings: readonly string[];
}

/**
 * The objects of a cluster as if they were manifests. What others make of them, such as the pods of a Deployment, is left out.
 *
 * @param namespace  the one whose pods are looked at; undefined: all. Workloads are those of all, for they call each other
 * @param isProving  every pod anywhere matters, not only those without a workload
 * @throws {CommandError} there is no such namespace
 * @throws {ApiError} the cluster refuses to show something
 * @throws {TransportError} the cluster cannot be reached
 */
export async function liveManifests(
  client: Client,
  namespace: string | undefined,
  isProving = false,
): Promise<LiveManifests> {
  if (namespace !== undefined) await checkNamespace(client, namespace);
  const place = namespace === undefined ? {} : { namespace };
  const found: Manifest[] = [];
  // One after the other: an API server that limits requests has to serve others, too.
  for (const type of EVERYWHERE) found.push(...(await list(client, type)).map((object) => manifestOf(type, object)));
  for (const type of WORKLOADS) {
    const objects = await list(client, type);
    found.push(...objects.filter(isItsOwn).map((object) => manifestOf(type, object)));
  }
  for (const type of BESIDE_WORKLOADS) {
    const objects = await list(client, type, place);
    found.push(...objects.map((object) => manifestOf(type, object)));
  }
  const slices = await list(client, ENDPOINT_SLICE, { ...place, labelSelector: FOREIGN_SLICES });
  found.push(...slices.map((object) => manifestOf(ENDPOINT_SLICE, object)));
  const isListed = listedBy(slices);
  // Policies may name the address of anybody.
  const pods = await list(client, POD, isProving ? {} : place);
  found.push(
    ...pods.filter((pod) => isProving || isItsOwn(pod) || isListed(pod)).map((object) => manifestOf(POD, object)),
  );
  const others = await foreignNetworkPolicies(client, namespace);
  found.push(...others.policies.map(({ type, object }) => manifestOf(type, object)));
  const mesh = await unlessMissing(client.get(CONFIG_MAP, { namespace: SYSTEM_NAMESPACE, name: 'istio' }));
  return {
    manifests: mesh ? [...found, manifestOf(CONFIG_MAP, mesh)] : found,
    warnings: others.warning === undefined ? [] : [others.warning],
  };
}

/** Whether a pod may be an endpoint of one of these, by its name or address. */
function listedBy(slices: readonly IndexedEndpointSlice[]): (pod: Pod) => boolean {
  const endpoints = slices.flatMap(({ metadata, endpoints = [] }) =>
    endpoints.flatMap(({ addresses, targetRef }) =>
      [...addresses, targetRef?.name ?? ''].map((one) => `${metadata.namespace ?? ''}/${one}`),
    ),
  );
  const listed = new Set(endpoints);
  return ({ metadata: { namespace = '', name }, status }) =>
    [name, ...(status?.podIPs ?? []).map(({ ip }) => ip)].some((one) => listed.has(`${namespace}/${one}`));
}

/** Whether nothing else that is listed makes it: what an operator of somebody's makes, such as a StatefulSet of a database, is. */
function isItsOwn({ metadata }: KubeObject): boolean {
  return !(metadata.ownerReferences ?? []).some(({ kind }) => MAKERS.has(kind));
}

/** Items of a list say neither kind nor version. */
function manifestOf({ group, version, kind }: ResourceType, object: KubeObject): Manifest {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return { ...object, apiVersion, kind, metadata: object.metadata as unknown as Manifest['metadata'] };
}
