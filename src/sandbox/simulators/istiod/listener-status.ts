import { withConditions, type Wanted } from './conditions.js';
import type { ClassInfo } from './gateway-classes.js';
import type { Gateway, Listener, ListenerStatus, RouteKind } from './kinds.js';

const waypointController = 'istio.io/mesh-controller';
const group = 'gateway.networking.k8s.io';

/** Kinds of routes that a listener may have, by its protocol. */
const kindsOfProtocol: Record<string, string[]> = {
  HTTP: ['HTTPRoute', 'GRPCRoute'],
  HTTPS: ['HTTPRoute', 'GRPCRoute'],
  TCP: ['TCPRoute'],
  TLS: ['TLSRoute'],
};

/** The status of one listener, and whether it counts as valid for the Gateway. */
export interface JudgedListener {
  status: ListenerStatus;
  isValid: boolean;
}

/**
 * Judges a listener as istiod does. Certificates are not looked at, nor are conflicts between listeners.
 *
 * @see istio/istio pilot/pkg/config/kube/gateway/conversion.go, buildListener
 */
export function judgeListener(gateway: Gateway, index: number, info: ClassInfo, nowMs: number): JudgedListener {
  const listener = gateway.spec.listeners[index]!;
  const unsupported = unsupportedProtocol(listener, info);
  const isWaypoint = info.controller === waypointController;
  const misplaced =
    isWaypoint && (listener.port !== 15008 || listener.protocol !== 'HBONE')
      ? 'Expected a single listener on port 15008 with protocol "HBONE"'
      : undefined;
  const problem = misplaced ?? unsupported;
  const { supported, areKindsRight } = supportedKinds(listener);
  const fine = 'No errors found';
  const wanted: Wanted[] = [
    problem === undefined
      ? { type: 'Accepted', status: 'True', reason: 'Accepted', message: fine }
      : { type: 'Accepted', status: 'False', reason: 'UnsupportedProtocol', message: problem },
    { type: 'Conflicted', status: 'False', reason: 'NoConflicts', message: fine },
    { type: 'Programmed', status: 'True', reason: 'Programmed', message: fine },
    areKindsRight
      ? { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: fine }
      : { type: 'ResolvedRefs', status: 'False', reason: 'InvalidRouteKinds', message: 'Invalid route kinds' },
  ];
  const before = gateway.status?.listeners?.[index]?.conditions;
  const conditions = withConditions(before, wanted, gateway.metadata.generation, nowMs);
  return {
    status: { attachedRoutes: 0, conditions, name: listener.name, supportedKinds: supported },
    isValid: unsupported === undefined,
  };
}

function unsupportedProtocol({ protocol }: Listener, info: ClassInfo): string | undefined {
  if (protocol === 'HBONE') {
    return info.controller === waypointController
      ? undefined
      : 'protocol "HBONE" is only supported for waypoint proxies';
  }
  if (protocol in kindsOfProtocol) return undefined;
  const upper = protocol.toUpperCase();
  const hint = upper in kindsOfProtocol || upper === 'HBONE' ? `. hint: "${upper}" (uppercase) may be supported` : '';
  return `protocol "${protocol}" is unsupported${hint}`;
}

function supportedKinds(listener: Listener): { supported: RouteKind[]; areKindsRight: boolean } {
  const terminates = listener.protocol === 'TLS' && listener.tls?.mode === 'Terminate';
  const kinds = [...(kindsOfProtocol[listener.protocol] ?? []), ...(terminates ? ['TCPRoute'] : [])];
  const supported = kinds.map((kind) => ({ group, kind }));
  const asked = listener.allowedRoutes?.kinds ?? [];
  if (asked.length === 0) return { supported, areKindsRight: true };
  const both = supported.filter(({ kind }) =>
    asked.some((other) => other.kind === kind && (other.group ?? group) === group),
  );
  return { supported: both, areKindsRight: both.length === asked.length };
}
