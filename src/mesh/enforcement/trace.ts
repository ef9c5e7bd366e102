import type { MeshPicture, PictureService, PictureWorkload } from '../picture.js';
import { policiesOfSidecar, policiesOfWaypoint } from './attachment.js';
import {
  type Checkpoint,
  type Destination,
  endpointsOf,
  guardOf,
  podName,
  policiesOfZtunnel,
  serviceByAddress,
  waypointOn,
} from './checkpoint.js';
import { proxyAuthorization, type ProxyDecision } from './proxy-authorization.js';
import type { HttpRequest } from './request.js';
import { decideAtZtunnel, type ZtunnelDecision } from './ztunnel-authorization.js';

/** A request, or a connection, from a pod to a Service or to the address of a pod. */
export interface Call {
  /** Who sends it. A caller outside the mesh is a pod of mode `none`. */
  readonly from: PictureWorkload;
  readonly to: Destination;
  /** None for a protocol that proxies do not read. */
  readonly http?: HttpRequest;
  /** Of who began it, as `X-Forwarded-For` says (the caller's). */
  readonly remoteAddress?: string;
}

/** What is asked for. */
export type Asked = Pick<Call, 'http' | 'remoteAddress'>;

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
export function trace({ from, to, ...asked }: Call, picture: MeshPicture): Trace[] {
  return tracer({ from, to }, picture)(asked);
}

/** The same of many requests on the same way: policies are compiled once. */
export function tracer({ from, to }: Pick<Call, 'from' | 'to'>, picture: MeshPicture): (asked: Asked) => Trace[] {
  const service = serviceByAddress(to);
  const shared = service && waypointOn(from, to, undefined, picture);
  const atShared = shared && decider(shared, picture);
  const ways = endpointsOf(to, picture).map((endpoint) => {
    const waypoint = service ? shared : waypointOn(from, to, endpoint, picture);
    return {
      workload: endpoint.workload,
      atFirst: service ? undefined : waypoint && decider(waypoint, picture),
      atLast: decider(guardOf(from, to, waypoint, endpoint, picture), picture),
    };
  });
  return (asked) => {
    const hop = atShared?.(asked);
    if (hop?.allowed === false) return [{ hops: [hop], allowed: false }];
    if ('service' in to && ways.length === 0) {
      return [{ hops: [...(hop ? [hop] : []), noPods(to.service, to.port)], allowed: false }];
    }
    return ways.map(({ workload, atFirst, atLast }) => {
      const first = hop ?? atFirst?.(asked);
      if (first?.allowed === false) return { hops: [first], allowed: false };
      const last = atLast(asked);
      return { backend: podName(workload), hops: [...(first ? [first] : []), last], allowed: last.allowed };
    });
  };
}

function decider(checkpoint: Checkpoint, picture: MeshPicture): (asked: Asked) => Hop {
  const { enforcer, principal } = checkpoint;
  const seen = { enforcer, ...(principal !== undefined && { principal }) };
  if (checkpoint.hop === 'Any') {
    return () => ({ hop: checkpoint.as, ...seen, allowed: checkpoint.allowed, by: checkpoint.by });
  }
  if (checkpoint.hop === 'Ztunnel') {
    const decision = decideAtZtunnel(policiesOfZtunnel(checkpoint.workload, picture), checkpoint.connection);
    return () => ({ hop: 'Ztunnel', ...seen, allowed: decision.allowed, by: ztunnelReason(decision) });
  }
  const all = [...picture.authorizationPolicies, ...picture.requestAuthentications];
  const policies =
    checkpoint.hop === 'Waypoint'
      ? policiesOfWaypoint(all, checkpoint.waypoint, checkpoint.service, picture)
      : policiesOfSidecar(all, checkpoint.workload, picture);
  const authorization = proxyAuthorization(policies, picture.settings);
  return ({ http, remoteAddress }) => {
    const decision = authorization.decide({
      ...checkpoint.request,
      ...(remoteAddress !== undefined && { remoteAddress }),
      ...(http && checkpoint.readsHttp && { http }),
    });
    return { hop: checkpoint.hop, ...seen, allowed: decision.allowed, by: proxyReason(decision) };
  };
}

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
