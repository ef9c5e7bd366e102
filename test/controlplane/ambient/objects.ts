import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '../../conformance/server.js';

/** An object to create, its status included. */
export interface MeshObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: unknown;
  [field: string]: unknown;
}

/** Labels and annotations. */
export type Marks = Pick<MeshObject['metadata'], 'labels' | 'annotations'>;

const clusterScoped = new Set(['Namespace', 'GatewayClass', 'Node']);
const plurals: Record<string, string> = {
  EndpointSlice: 'endpointslices',
  ServiceEntry: 'serviceentries',
  WorkloadEntry: 'workloadentries',
  GatewayClass: 'gatewayclasses',
  AuthorizationPolicy: 'authorizationpolicies',
  Telemetry: 'telemetries',
};

/** The GatewayClass of Gateways that nobody serves: their status is ours to write. */
export const unservedClass = 'unserved';

const object =
  (apiVersion: string, kind: string) =>
  (name: string, spec: object, marks: Marks = {}): MeshObject => ({
    apiVersion,
    kind,
    metadata: { name, ...marks },
    spec,
  });

export const service = object('v1', 'Service');
export const serviceEntry = object('networking.istio.io/v1', 'ServiceEntry');
export const workloadEntry = object('networking.istio.io/v1', 'WorkloadEntry');
export const authorizationPolicy = object('security.istio.io/v1', 'AuthorizationPolicy');
export const peerAuthentication = object('security.istio.io/v1', 'PeerAuthentication');
export const deployment = object('apps/v1', 'Deployment');
export const job = object('batch/v1', 'Job');
const pods = object('v1', 'Pod');
const gateways = object('gateway.networking.k8s.io/v1', 'Gateway');

/** A Namespace. */
export function namespace(name: string, marks: Marks = {}): MeshObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...marks } };
}

/** A container with named ports. */
export function container(ports: Record<string, number> = {}): object {
  const named = Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort }));
  return { name: 'app', image: 'app', ports: named };
}

/** A pod on a node; `spec` overrides. */
export function pod(name: string, marks: Marks = {}, spec: object = {}): MeshObject {
  return pods(name, { nodeName: 'node-1', containers: [container()], ...spec }, marks);
}

/** An EndpointSlice of a Service, as people write them. */
export function endpointSlice(name: string, of: string, slice: object): MeshObject {
  const labels = { 'kubernetes.io/service-name': of };
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name, labels }, ...slice };
}

/** A Gateway that istiod serves. */
export function waypoint(name: string, marks: Marks = {}, namespaces?: object): MeshObject {
  const listener = {
    name: 'mesh',
    port: 15008,
    protocol: 'HBONE',
    ...(namespaces && { allowedRoutes: { namespaces } }),
  };
  return gateways(name, { gatewayClassName: 'istio-waypoint', listeners: [listener] }, marks);
}

/** A Gateway that nobody serves, with an address all the same. */
export function unserved(name: string, addresses: object[], marks: Marks = {}, listener: object = {}): MeshObject {
  const listeners = [{ name: 'mesh', port: 15008, protocol: 'HBONE', ...listener }];
  const gateway = gateways(name, { gatewayClassName: unservedClass, listeners }, marks);
  return addresses.length > 0 ? { ...gateway, status: { addresses } } : gateway;
}

/** A Gateway into another network. */
export function remoteGateway(name: string, network: string, addresses: object[]): MeshObject {
  const tls = { mode: 'Terminate', options: { 'gateway.istio.io/tls-terminate-mode': 'ISTIO_MUTUAL' } };
  const listeners = [{ name: 'cross-network', port: 15008, protocol: 'HBONE', tls }];
  const marks = { labels: { 'topology.istio.io/network': network } };
  return {
    ...gateways(name, { gatewayClassName: 'istio-remote', listeners, addresses }, marks),
    status: { addresses },
  };
}

/** Path of the collection of an object. */
export function collectionOf({ apiVersion, kind, metadata }: MeshObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = plurals[kind] ?? `${kind.toLowerCase()}s`;
  return clusterScoped.has(kind) ? `${root}/${plural}` : `${root}/namespaces/${metadata.namespace}/${plural}`;
}

/** Creates objects in the order in which they are given, their namespaces first; and writes their status. */
export async function create(server: Server, objects: readonly MeshObject[]): Promise<void> {
  for (const { status, ...given } of objects) {
    const object = given.kind === 'EndpointSlice' ? await withUids(server, given) : given;
    await sent(object, () => server.post(collectionOf(object), object));
    if (status === undefined) continue;
    const path = `${collectionOf(object)}/${object.metadata.name}/status`;
    await sent(object, () => server.patch('merge', path, { status }));
  }
}

/** Deletes objects. */
export async function remove(server: Server, objects: readonly MeshObject[]): Promise<void> {
  for (const object of objects) await server.delete(`${collectionOf(object)}/${object.metadata.name}`);
}

type PeerAuthentication = MeshObject & { spec: { portLevelMtls?: object } };

const hasPorts = ({ spec }: PeerAuthentication): boolean => spec.portLevelMtls !== undefined;

/** An EndpointSlice with the uids of the pods that it names. */
async function withUids(server: Server, slice: MeshObject): Promise<MeshObject> {
  const endpoints = (slice['endpoints'] as { targetRef?: { name: string } }[]).map(
    async ({ targetRef, ...endpoint }) => {
      if (!targetRef) return endpoint;
      const { namespace } = slice.metadata;
      const { body } = await server.get(`/api/v1/namespaces/${namespace}/pods/${targetRef.name}`);
      return { ...endpoint, targetRef: { kind: 'Pod', namespace, ...targetRef, uid: body.metadata.uid as string } };
    },
  );
  return { ...slice, endpoints: await Promise.all(endpoints) };
}

/**
 * Writes PeerAuthentications with ports of their own anew. istiod computes the policy of one only when it changes
 * itself, from what its namespace and the mesh demand at that moment: what it tells ztunnel depends on the order of writes. What
 * we compute is what istiod would say had it just been started.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/policies.go: PeerAuthByNamespace is looked up, not fetched
 */
export async function touchPeers(server: Server): Promise<void> {
  const { body } = await server.get('/apis/security.istio.io/v1/peerauthentications');
  const at = String(performance.now());
  await Promise.all(
    (body.items as PeerAuthentication[]).filter(hasPorts).map(async (object) => {
      const path = collectionOf({ ...object, apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication' });
      await server.patch('merge', `${path}/${object.metadata.name}`, { metadata: { annotations: { touched: at } } });
    }),
  );
}

async function sent(object: object, send: () => Promise<{ status: number; text: string }>): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const { status, text } = await send();
    if (status < 300) return;
    // The ServiceAccount of a namespace comes a moment after it.
    if (attempt === 100 || !text.includes('serviceaccount')) throw new Error(`${JSON.stringify(object)}: ${text}`);
    await delay(50);
  }
}
