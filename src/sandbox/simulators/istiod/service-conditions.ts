import type { Service } from '../../../kube/types.js';
import type { Wanted } from './conditions.js';
import { bindingOf, type WaypointLookup } from './waypoints.js';

const ingressLabel = 'istio.io/ingress-use-waypoint';

/**
 * The condition `istio.io/WaypointBound` of a Service; undefined where it asks for no waypoint.
 *
 * @see istio/istio pilot/pkg/model/service.go, ServiceInfo.GetConditions
 */
export function waypointBound(service: Service, lookup: WaypointLookup): Wanted | undefined {
  const type = 'istio.io/WaypointBound';
  const { waypoint, problem } = bindingOf(service, lookup);
  if (problem !== undefined) return { type, status: 'False', ...problem };
  if (waypoint === undefined) return undefined;
  const message = `Successfully attached to waypoint ${waypoint}${aboutIngress(service, lookup)}`;
  return { type, status: 'True', reason: 'WaypointAccepted', message };
}

function aboutIngress({ metadata }: Service, lookup: WaypointLookup): string {
  const ofNamespace = lookup.namespace(metadata.namespace ?? '')?.metadata.labels?.[ingressLabel];
  const value = metadata.labels?.[ingressLabel] ?? ofNamespace;
  if (value === undefined) return '';
  return value === 'true'
    ? '. Ingress traffic will traverse the waypoint'
    : `. Ingress traffic is not using the waypoint, set the ${ingressLabel} label to true if desired.`;
}
