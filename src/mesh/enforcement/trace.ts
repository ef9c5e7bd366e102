import type { MeshPicture, PictureService, PictureWorkload } from '../picture.js';
import { type Labels, selects } from '../policy-object.js';
import type { Outcome, Routed, RoutedRequest, Router } from '../routing/routed.js';
import { routesOfService } from '../routing/routes-of-service.js';
import { policiesOfSidecar, policiesOfWaypoint } from './attachment.js';
import {
  type Checkpoint,
  type Destination,
  endpointsOf,
  guardOf,
  podName,
  policiesOfZtunnel,
  serviceByAddress,
  speaksHttp,
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
 * A call that nobody looks at is allowed. Sidecars and waypoints send it where routes say (`src/mesh/routing/`); routes of gateways, and
 * of anything but HTTP, are not followed.
 *
 * @see istio-ambient facts 4.7, 5.0, 5.7, 6.1; istio/ztunnel src/proxy/outbound.rs
 */
export function trace({ from, to, ...asked }: Call, picture: MeshPicture): Trace[] {
  return tracer({ from, to }, picture)(asked);
}

/** The same of many requests on the same way: policies are compiled once. */
export function tracer({ from, to }: Pick<Call, 'from' | 'to'>, picture: MeshPicture): (asked: Asked) => Trace[] {
  const service = serviceByAddress(to);
  const shared = service && waypointOn(from, to, undefined, picture);
  const atShared = shared && decider(shared, picture);
  const waysTo = (target: Destination, labels: Labels = {}): Way[] =>
    endpointsOf(target, picture)
      .filter(({ workload }) => selects(labels, workload.labels))
      .map((endpoint) => {
        const waypoint = service ? shared : waypointOn(from, target, endpoint, picture);
        return {
          workload: endpoint.workload,
          atFirst: service ? undefined : waypoint && decider(waypoint, picture),
          atLast: decider(guardOf(from, target, waypoint, endpoint, picture), picture),
        };
      });
  const arrivals = (ways: readonly Way[], asked: Asked, before: readonly Hop[], target: Destination): Trace[] => {
    if ('service' in target && ways.length === 0) {
      return [{ hops: [...before, noPods(target.service, target.port)], allowed: false }];
    }
    return ways.map(({ workload, atFirst, atLast }) => {
      const first = atFirst?.(asked);
      if (first?.allowed === false) return { hops: [...before, first], allowed: false };
      const last = atLast(asked);
      return { backend: podName(workload), hops: [...before, ...(first ? [first] : []), last], allowed: last.allowed };
    });
  };
  const ways = waysTo(to);
  const route = routeOn(from, to, shared, picture);
  return (asked) => {
    const hop = atShared?.(asked);
    if (hop?.allowed === false) return [{ hops: [hop], allowed: false }];
    const before = hop ? [hop] : [];
    const routed = asked.http && route?.choose({ http: asked.http, port: to.port });
    if (!route || !routed) return arrivals(ways, asked, before, to);
    return routed.outcomes.flatMap((outcome) => {
      const said = (allowed: boolean, what: string): Hop => ({ ...route.seen, allowed, by: `${routed.by}, ${what}` });
      if ('answer' in outcome) {
        return [{ hops: [...before, said(outcome.allowed, outcome.answer)], allowed: outcome.allowed }];
      }
      const target = targetOf(outcome, to.port, picture);
      const host = `${outcome.service.name}.${outcome.service.namespace}`;
      if (!target)
        return [{ hops: [...before, said(false, `sends it to ${host}, which is not there`)], allowed: false }];
      const subset = Object.entries(outcome.labels).map(([name, value]) => `${name}=${value}`);
      const where = `${host}:${target.port}${subset.length > 0 ? ` (${subset.join(', ')})` : ''}`;
      const hops = [...before, said(true, `sends it to ${where}`)];
      return arrivals(waysTo(target, outcome.labels), { ...asked, http: outcome.http }, hops, target);
    });
  };
}

/** A way to a pod, and who decides on it. */
interface Way {
  readonly workload: PictureWorkload;
  readonly atFirst: ((asked: Asked) => Hop) | undefined;
  readonly atLast: (asked: Asked) => Hop;
}

/** Who sends requests where routes say, and where that is; undefined if nobody does. */
function routeOn(
  from: PictureWorkload,
  to: Destination,
  waypoint: Checkpoint | undefined,
  picture: MeshPicture,
): { seen: Pick<Hop, 'hop' | 'enforcer'>; choose: (request: RoutedRequest) => Routed | undefined } | undefined {
  if (picture.routes.length === 0 || !('service' in to) || !speaksHttp(to)) return undefined;
  const isByCaller = waypoint === undefined && from.mode === 'sidecar' && !from.gateway;
  const router: Router | undefined = isByCaller
    ? { kind: 'Sidecar', namespace: from.namespace, labels: from.labels }
    : waypoint?.hop === 'Waypoint'
      ? { kind: 'Waypoint', namespace: waypoint.waypoint.namespace, labels: {} }
      : undefined;
  const choose = router && routesOfService(picture.routes, router, to.service, picture.settings.rootNamespace);
  if (!choose) return undefined;
  return { seen: { hop: router.kind, enforcer: waypoint?.enforcer ?? podName(from) }, choose };
}

/** Where a backend of a route is: at its only port, or at the one that was called, if the route names none. */
function targetOf(
  { service: { namespace, name }, port }: Extract<Outcome, { service: unknown }>,
  called: number,
  { services }: MeshPicture,
): Extract<Destination, { service: unknown }> | undefined {
  const service = services.find((one) => one.namespace === namespace && one.name === name);
  if (!service) return undefined;
  const [only, ...others] = service.ports;
  return { service, port: port ?? (others.length === 0 && only ? only.port : called) };
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
