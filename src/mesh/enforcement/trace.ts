import { LABEL } from '../../api/labels.js';
import {
  type MeshPicture,
  type PictureService,
  type PictureWaypoint,
  type PictureWorkload,
  waypointAt,
} from '../picture.js';
import type { GatewayAddress, LocalPolicy } from '../ztunnel-config.js';
import { policiesOfSidecar, policiesOfWaypoint } from './attachment.js';
import { isAuthenticated, sidecarMutualTls } from './mutual-tls.js';
import { proxyAuthorization, type ProxyDecision } from './proxy-authorization.js';
import type { HttpRequest, ProxyRequest } from './request.js';
import { decideAtZtunnel, type ZtunnelDecision } from './ztunnel-authorization.js';

/** A request, or a connection, from a pod to a Service or to the address of a pod. */
export interface Call {
  /** Who sends it. A caller outside the mesh is a pod of mode `none`. */
  readonly from: PictureWorkload;
  readonly to:
    | { readonly service: PictureService; readonly port: number }
    | { readonly workload: PictureWorkload; readonly port: number };
  /** None for a protocol that proxies do not read. */
  readonly http?: HttpRequest;
  /** Of who began it, as `X-Forwarded-For` says (the caller's). */
  readonly remoteAddress?: string;
}

/** One place where a call may be stopped. */
export interface Hop {
  readonly hop: 'Waypoint' | 'Ztunnel' | 'Sidecar' | 'Nobody';
  /** Such as `Gateway/shop/waypoint` or `Pod/shop/web-1`. */
  readonly enforcer: string;
  /** Whom it takes for the caller; none if it came in plaintext. */
  readonly principal?: string;
  readonly allowed: boolean;
  /** The reason, with the policy that decided. */
  readonly by: string;
}

/** The way of a call to one pod, up to where it is stopped. */
export interface Trace {
  /** `Pod/namespace/name`; none if it got no further than the waypoint, or if the Service has no pods. */
  readonly backend?: string;
  readonly hops: readonly Hop[];
  readonly allowed: boolean;
}

/**
 * Who sees a call on its way, what each enforces, and whether it arrives: one trace for each pod that it may be sent to.
 *
 * A call that nobody looks at is allowed. Routes of waypoints and sidecars are not followed: the pods are those of the Service that is
 * called.
 *
 * @see istio-ambient facts 4.7, 5.0, 6.1; istio/ztunnel src/proxy/outbound.rs
 */
export function trace(call: Call, picture: MeshPicture): Trace[] {
  const { to } = call;
  if ('workload' in to) return [traceToPod(call, to.workload, to.port, picture, waypointOfPod(call, to.workload))];
  const { service, port } = to;
  const isHeadless = service.local.vips.length === 0;
  const through = isHeadless ? undefined : waypointOfService(call, service, picture);
  const [hop, waypoint] = through ? atWaypoint(call, through, service, port, picture) : [];
  if (hop?.allowed === false) return [{ hops: [hop], allowed: false }];
  const pods = picture.workloads.flatMap((workload) => {
    const target = workload.local.services[service.key]?.[String(port)];
    return target === undefined ? [] : [{ workload, target }];
  });
  if (pods.length === 0) return [{ hops: [...(hop ? [hop] : []), noPods(service, port)], allowed: false }];
  return pods.map(({ workload, target }) => {
    // A client of a headless Service calls the address of a pod.
    if (isHeadless) return traceToPod(call, workload, target, picture, waypointOfPod(call, workload));
    return behind(hop, atPod(call, waypoint, workload, target, picture), workload);
  });
}

function traceToPod(
  call: Call,
  workload: PictureWorkload,
  port: number,
  picture: MeshPicture,
  through: GatewayAddress | undefined,
): Trace {
  const [hop, waypoint] = through ? atWaypoint(call, through, workload, port, picture) : [];
  if (hop?.allowed === false) return { hops: [hop], allowed: false };
  return behind(hop, atPod(call, waypoint, workload, port, picture), workload);
}

function behind(before: Hop | undefined, last: Hop, { namespace, name }: PictureWorkload): Trace {
  return { backend: `Pod/${namespace}/${name}`, hops: [...(before ? [before] : []), last], allowed: last.allowed };
}

/** Ambient pods go through the waypoint, sidecars do not, and of gateways those that the Service or its namespace asks to. */
function waypointOfService({ from }: Call, service: PictureService, picture: MeshPicture): GatewayAddress | undefined {
  const asks = (labels: Readonly<Record<string, string>>): boolean => labels[LABEL.ingressUseWaypoint] === 'true';
  const isAsked = from.gateway && (asks(service.labels) || asks(picture.namespaceLabels(service.namespace)));
  return from.mode === 'ambient' || isAsked ? service.local.waypoint : undefined;
}

function waypointOfPod({ from }: Call, { local }: PictureWorkload): GatewayAddress | undefined {
  return from.mode === 'ambient' ? local.waypoint : undefined;
}

function atWaypoint(
  { from, http, remoteAddress }: Call,
  address: GatewayAddress,
  to: PictureService | PictureWorkload,
  port: number,
  picture: MeshPicture,
): [Hop, PictureWaypoint | undefined] {
  const waypoint = waypointAt(picture, address);
  if (!waypoint) {
    const by = `ztunnel finds no waypoint at ${address.destination}`;
    return [{ hop: 'Ztunnel', enforcer: podName(from), allowed: false, by }, undefined];
  }
  const service = 'key' in to ? to : undefined;
  const policies = [...picture.authorizationPolicies, ...picture.requestAuthentications];
  const principal = principalOf(from, picture);
  const decision = proxyAuthorization(
    policiesOfWaypoint(policies, waypoint, service, picture),
    picture.settings,
  ).decide({
    source: { principal, address: addressOf(from) },
    ...(remoteAddress !== undefined && { remoteAddress }),
    destination: { address: 'key' in to ? virtualAddressOf(to) : addressOf(to), port },
    ...(http && isHttp(service, port) && { http }),
  });
  const enforcer = `Gateway/${waypoint.namespace}/${waypoint.name}`;
  return [{ hop: 'Waypoint', enforcer, principal, allowed: decision.allowed, by: proxyReason(decision) }, waypoint];
}

/** What happens at the pod: by whatever stands in front of it. */
function atPod(
  { from, to, http, remoteAddress }: Call,
  waypoint: PictureWaypoint | undefined,
  workload: PictureWorkload,
  port: number,
  picture: MeshPicture,
): Hop {
  const enforcer = podName(workload);
  if (workload.mode === 'none') return { hop: 'Nobody', enforcer, allowed: true, by: 'the pod is outside the mesh' };
  const isKnown = isAuthenticated(waypoint ? 'waypoint' : from, workload, picture);
  const principal = isKnown ? principalOf(waypoint ?? from, picture) : undefined;
  const source = { ...(principal !== undefined && { principal }), address: waypoint ? '' : addressOf(from) };
  const destination = { address: addressOf(workload), port };
  const seen = { enforcer, ...(principal !== undefined && { principal }) };
  if (workload.mode === 'ambient') {
    const decision = decideAtZtunnel(policiesOfZtunnel(workload, picture), { source, destination });
    return { hop: 'Ztunnel', ...seen, allowed: decision.allowed, by: ztunnelReason(decision) };
  }
  if (!isKnown && sidecarMutualTls(workload, port, picture) === 'STRICT') {
    return { hop: 'Sidecar', ...seen, allowed: false, by: 'plaintext, where PeerAuthentication asks for mTLS' };
  }
  const policies = [...picture.authorizationPolicies, ...picture.requestAuthentications];
  const request: ProxyRequest = {
    source,
    ...(remoteAddress !== undefined && { remoteAddress }),
    destination,
    ...(http && isHttp('service' in to ? to.service : undefined, to.port) && { http }),
  };
  const decision = proxyAuthorization(policiesOfSidecar(policies, workload, picture), picture.settings).decide(request);
  return { hop: 'Sidecar', ...seen, allowed: decision.allowed, by: proxyReason(decision) };
}

/** Those of the mesh, of the namespace, and those whose selector chooses the pod. */
function policiesOfZtunnel({ namespace, local }: PictureWorkload, { index }: MeshPicture): LocalPolicy[] {
  const attached = new Set(local.authorizationPolicies);
  return index.policies.filter((policy) => {
    if (policy.scope === 'Global') return true;
    if (policy.scope === 'Namespace') return policy.namespace === namespace;
    return attached.has(`${policy.namespace}/${policy.name}`);
  });
}

const HTTP = new Set(['http', 'http2', 'grpc', 'grpc-web']);
const NOT_HTTP = new Set(['https', 'tls', 'tcp', 'udp', 'mongo', 'mysql', 'redis']);

/**
 * Whether proxies read requests on a port as HTTP: its `appProtocol` says so, or its name up to the first hyphen; what says
 * neither is sniffed.
 *
 * @see istio/istio pkg/config/kube/conversion.go, ConvertProtocol
 */
function isHttp(service: PictureService | undefined, number: number): boolean {
  const port = service?.ports.find((one) => one.port === number);
  const protocol = (port?.appProtocol ?? port?.name ?? '').toLowerCase();
  const known = [protocol, protocol.split('-')[0]!].find((name) => HTTP.has(name) || NOT_HTTP.has(name));
  return known === undefined || HTTP.has(known);
}

/** As policies write it. */
function principalOf(
  { namespace, account }: { namespace: string; account: string },
  { settings }: MeshPicture,
): string {
  return `${settings.trustDomain}/ns/${namespace}/sa/${account}`;
}

const addressOf = ({ local }: PictureWorkload): string => local.workloadIps[0] ?? '';
/** Without the name of its network. */
const virtualAddressOf = ({ local }: PictureService): string => local.vips[0]?.replace(/^[^/]*\//, '') ?? '';
const podName = ({ namespace, name }: PictureWorkload): string => `Pod/${namespace}/${name}`;

function noPods({ namespace, name }: PictureService, port: number): Hop {
  const by = `no pod serves port ${port}`;
  return { hop: 'Nobody', enforcer: `Service/${namespace}/${name}`, allowed: false, by };
}

function proxyReason(decision: ProxyDecision): string {
  switch (decision.by) {
    case 'NoPolicy':
      return 'no policy says anything';
    case 'Allow':
    case 'Deny':
      return `${decision.by.toUpperCase()} ${policyName(decision.policy.metadata)}, rule ${decision.rule}`;
    case 'Custom':
      return `CUSTOM ${policyName(decision.policy.metadata)}, whose provider cannot be asked`;
    case 'NoAllow':
      return `no rule allows it of ${decision.policies.map(({ metadata }) => policyName(metadata)).join(', ')}`;
    case 'Token':
      return decision.status === 401 ? 'the token is not valid' : 'the token is for another audience';
  }
}

function ztunnelReason(decision: ZtunnelDecision): string {
  switch (decision.by) {
    case 'NoPolicy':
      return 'no policy says anything';
    case 'Allow':
    case 'Deny':
      return `${decision.by.toUpperCase()} ${policyName(decision.policy)}`;
    case 'NoAllow':
      return `no rule allows it of ${decision.policies.map(policyName).join(', ')}`;
  }
}

const policyName = ({ namespace = '', name }: { name: string; namespace?: string | undefined }): string =>
  `${namespace}/${name}`;
