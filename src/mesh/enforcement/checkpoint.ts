import { LABEL } from '../../api/labels.js';
import {
  type MeshPicture,
  type PictureService,
  type PictureWaypoint,
  type PictureWorkload,
  waypointAt,
} from '../picture.js';
import type { GatewayAddress, LocalPolicy } from '../ztunnel-config.js';
import { isAuthenticated, sidecarMutualTls } from './mutual-tls.js';
import type { ProxyRequest } from './request.js';
import type { Connection } from './ztunnel-authorization.js';

/** Who is called: a port of a Service, or of a pod by its address. */
export type Destination =
  | { readonly service: PictureService; readonly port: number }
  | { readonly workload: PictureWorkload; readonly port: number };

/** A place on the way of a call where it may be stopped, as far as it is known before one knows what is asked for. */
export type Checkpoint = {
  /** Such as `Gateway/shop/waypoint` or `Pod/shop/web-1`. */
  readonly enforcer: string;
  /** Whom it takes for the caller; none if it came in plaintext. */
  readonly principal?: string;
} & (
  | {
      readonly hop: 'Waypoint';
      readonly waypoint: PictureWaypoint;
      /** Undefined for traffic to the address of a pod. */
      readonly service: PictureService | undefined;
      readonly request: Omit<ProxyRequest, 'http' | 'remoteAddress'>;
      /** Whether it reads requests, and not only connections. */
      readonly readsHttp: boolean;
    }
  | {
      readonly hop: 'Sidecar';
      readonly workload: PictureWorkload;
      readonly request: Omit<ProxyRequest, 'http' | 'remoteAddress'>;
      readonly readsHttp: boolean;
    }
  | { readonly hop: 'Ztunnel'; readonly workload: PictureWorkload; readonly connection: Connection }
  /** Whatever is asked for. */
  | {
      readonly hop: 'Any';
      readonly as: 'Ztunnel' | 'Sidecar' | 'Nobody';
      readonly allowed: boolean;
      readonly by: string;
    }
);

/** A pod that a call is sent to, and its port. */
export interface Endpoint {
  readonly workload: PictureWorkload;
  readonly port: number;
}

/** The Service that is called by its own address; a headless one has none. */
export function serviceByAddress(to: Destination): PictureService | undefined {
  return 'service' in to && to.service.local.vips.length > 0 ? to.service : undefined;
}

/** The pods that a call may be sent to. */
export function endpointsOf(to: Destination, { workloads }: MeshPicture): Endpoint[] {
  if ('workload' in to) return [to];
  return workloads.flatMap((workload) => {
    const port = workload.local.services[to.service.key]?.[String(to.port)];
    return port === undefined ? [] : [{ workload, port }];
  });
}

/**
 * The waypoint on the way of a call; undefined if it goes through none. It is the same for all pods of a Service, except of a headless
 * one: who calls that calls the address of a pod.
 *
 * @param endpoint  the pod that the call is sent to
 */
export function waypointOn(
  from: PictureWorkload,
  to: Destination,
  endpoint: Endpoint | undefined,
  picture: MeshPicture,
): Checkpoint | undefined {
  const service = serviceByAddress(to);
  const address = service
    ? waypointOfService(from, service, picture)
    : endpoint && waypointOfPod(from, endpoint.workload);
  if (!address) return undefined;
  const waypoint = waypointAt(picture, address);
  if (!waypoint) {
    const by = `ztunnel finds no waypoint at ${address.destination}`;
    return { hop: 'Any', as: 'Ztunnel', enforcer: podName(from), allowed: false, by };
  }
  const principal = principalOf(from, picture);
  return {
    hop: 'Waypoint',
    enforcer: `Gateway/${waypoint.namespace}/${waypoint.name}`,
    principal,
    waypoint,
    service,
    request: {
      source: { principal, address: addressOf(from) },
      destination: service
        ? { address: virtualAddressOf(service), port: to.port }
        : { address: addressOf(endpoint!.workload), port: endpoint!.port },
    },
    readsHttp: isHttp(service, to.port),
  };
}

/** Whether proxies read what is sent to a destination as HTTP. */
export function speaksHttp(to: Destination): boolean {
  return isHttp('service' in to ? to.service : undefined, to.port);
}

/** What stands in front of a pod. */
export function guardOf(
  from: PictureWorkload,
  to: Destination,
  before: Checkpoint | undefined,
  { workload, port }: Endpoint,
  picture: MeshPicture,
): Checkpoint {
  const enforcer = podName(workload);
  if (workload.mode === 'none') {
    return { hop: 'Any', as: 'Nobody', enforcer, allowed: true, by: 'the pod is outside the mesh' };
  }
  const waypoint = before?.hop === 'Waypoint' ? before.waypoint : undefined;
  const mode = workload.mode === 'sidecar' ? sidecarMutualTls(workload, port, picture) : 'PERMISSIVE';
  const isKnown = isAuthenticated(waypoint ? 'waypoint' : from, workload, mode, picture);
  const principal = isKnown ? principalOf(waypoint ?? from, picture) : undefined;
  const source = { ...(principal !== undefined && { principal }), address: waypoint ? '' : addressOf(from) };
  const connection: Connection = { source, destination: { address: addressOf(workload), port } };
  const seen = { enforcer, ...(principal !== undefined && { principal }) };
  if (workload.mode === 'ambient') return { hop: 'Ztunnel', ...seen, workload, connection };
  if (!isKnown && mode === 'STRICT') {
    const by = 'plaintext, where PeerAuthentication asks for mTLS';
    return { hop: 'Any', as: 'Sidecar', ...seen, allowed: false, by };
  }
  return { hop: 'Sidecar', ...seen, workload, request: connection, readsHttp: speaksHttp(to) };
}

/** Those of the mesh, of the namespace, and those whose selector chooses the pod. */
export function policiesOfZtunnel({ namespace, local }: PictureWorkload, { index }: MeshPicture): LocalPolicy[] {
  const attached = new Set(local.authorizationPolicies);
  return index.policies.filter((policy) => {
    if (policy.scope === 'Global') return true;
    if (policy.scope === 'Namespace') return policy.namespace === namespace;
    return attached.has(`${policy.namespace}/${policy.name}`);
  });
}

/** Ambient pods go through the waypoint, sidecars do not, and of gateways those that the Service or its namespace asks to. */
function waypointOfService(
  from: PictureWorkload,
  service: PictureService,
  picture: MeshPicture,
): GatewayAddress | undefined {
  const asks = (labels: Readonly<Record<string, string>>): boolean => labels[LABEL.ingressUseWaypoint] === 'true';
  const isAsked = from.gateway && (asks(service.labels) || asks(picture.namespaceLabels(service.namespace)));
  return from.mode === 'ambient' || isAsked ? service.local.waypoint : undefined;
}

function waypointOfPod(from: PictureWorkload, { local }: PictureWorkload): GatewayAddress | undefined {
  return from.mode === 'ambient' ? local.waypoint : undefined;
}

const HTTP = new Set(['http', 'http2', 'grpc', 'grpc-web', 'kubernetes.io/h2c', 'kubernetes.io/ws']);
const NOT_HTTP = new Set(['https', 'tls', 'tcp', 'udp', 'mongo', 'mysql', 'redis', 'kubernetes.io/wss']);
/** Of mail, names, MySQL and MongoDB: where the server speaks first, nothing can be sniffed. */
const TCP_PORTS = new Set([25, 53, 3306, 27017]);

/**
 * Whether proxies read requests on a port as HTTP: its `appProtocol` says so, or its name up to the first hyphen; what says
 * neither is sniffed, but for some ports of old.
 *
 * @see istio/istio pkg/config/kube/conversion.go, ConvertProtocol
 */
function isHttp(service: PictureService | undefined, number: number): boolean {
  const port = service?.ports.find((one) => one.port === number);
  const protocol = (port?.appProtocol ?? port?.name ?? '').toLowerCase();
  const known = [protocol, protocol.split('-')[0]!].find((name) => HTTP.has(name) || NOT_HTTP.has(name));
  return known === undefined ? !TCP_PORTS.has(port?.port ?? 0) : HTTP.has(known);
}

/** A caller, or a waypoint, as policies write it. */
export function principalOf(
  { namespace, account }: { namespace: string; account: string },
  { settings }: Pick<MeshPicture, 'settings'>,
): string {
  return `${settings.trustDomain}/ns/${namespace}/sa/${account}`;
}

/** Where calls of a pod come from. */
export const addressOf = ({ local }: PictureWorkload): string => local.workloadIps[0] ?? '';
/** Without the name of its network. */
const virtualAddressOf = ({ local }: PictureService): string => local.vips[0]?.replace(/^[^/]*\//, '') ?? '';
/** `Pod/namespace/name` */
export const podName = ({ namespace, name }: PictureWorkload): string => `Pod/${namespace}/${name}`;
