import { AMBIENT_MIGRATION } from '../api/ambient-migration.js';
import { GATEWAY, ROUTE_KINDS } from '../api/gateway-api.js';
import { ISTIO_KINDS } from '../api/istio.js';
import type { Client } from '../kube/client.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import {
  CONFIG_MAP,
  CRON_JOB,
  DAEMON_SET,
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  JOB,
  NAMESPACE,
  NETWORK_POLICY,
  POD,
  POD_DISRUPTION_BUDGET,
  SERVICE,
  STATEFUL_SET,
} from '../kube/types.js';
import { checkNamespace, list, unlessMissing } from './cluster.js';
import { SYSTEM_NAMESPACE } from './declared-mesh.js';
import type { Manifest } from './manifests.js';

/** Of the whole cluster: one elsewhere may concern the namespace. */
const EVERYWHERE: readonly ResourceType[] = [
  NAMESPACE,
  SERVICE,
  ...ISTIO_KINDS,
  ...ROUTE_KINDS,
  NETWORK_POLICY,
  GATEWAY,
  AMBIENT_MIGRATION,
];
/** What keeps workloads from being restarted, or scales them. */
const BESIDE_WORKLOADS: readonly ResourceType[] = [POD_DISRUPTION_BUDGET, HORIZONTAL_POD_AUTOSCALER];
/** What makes pods. */
const WORKLOADS: readonly ResourceType[] = [DEPLOYMENT, STATEFUL_SET, DAEMON_SET, CRON_JOB, JOB];

/**
 * The objects of a cluster as if they were manifests. What others make of them, such as the pods of a Deployment, is left out.
 *
 * @param namespace  the one whose workloads are looked at; undefined: all
 * @param isProving  everybody who may call matters: workloads everywhere, and every pod of the namespace
 * @throws {CommandError} there is no such namespace
 * @throws {ApiError} the cluster refuses to show something
 * @throws {TransportError} the cluster cannot be reached
 */
export async function liveManifests(
  client: Client,
  namespace: string | undefined,
  isProving = false,
): Promise<Manifest[]> {
  if (namespace !== undefined) await checkNamespace(client, namespace);
  const place = namespace === undefined ? {} : { namespace };
  const found: Manifest[] = [];
  // One after the other: an API server that limits requests has to serve others, too.
  for (const type of EVERYWHERE) found.push(...(await list(client, type)).map((object) => manifestOf(type, object)));
  const isOwn = ({ metadata }: KubeObject): boolean => !metadata.ownerReferences?.length;
  for (const type of WORKLOADS) {
    const objects = await list(client, type, isProving ? {} : place);
    found.push(...objects.filter(isOwn).map((object) => manifestOf(type, object)));
  }
  for (const type of BESIDE_WORKLOADS) {
    const objects = await list(client, type, place);
    found.push(...objects.map((object) => manifestOf(type, object)));
  }
  const pods = await list(client, POD, place);
  found.push(...pods.filter((pod) => isProving || isOwn(pod)).map((object) => manifestOf(POD, object)));
  const mesh = await unlessMissing(client.get(CONFIG_MAP, { namespace: SYSTEM_NAMESPACE, name: 'istio' }));
  return mesh ? [...found, manifestOf(CONFIG_MAP, mesh)] : found;
}

/** Items of a list say neither kind nor version. */
function manifestOf({ group, version, kind }: ResourceType, object: KubeObject): Manifest {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return { ...object, apiVersion, kind, metadata: object.metadata as unknown as Manifest['metadata'] };
}
