import { matchesSelector } from '../../../kube/selectors.js';
import type { KubeObject } from '../../../kube/resource.js';
import type { Namespace, Service } from '../../../kube/types.js';
import { managedLabel } from './gateway-classes.js';
import type { Gateway, GatewayClass } from './kinds.js';
import type { ReasonAndMessage } from './gateway-names.js';

const useWaypoint = 'istio.io/use-waypoint';
const waypointFor = 'istio.io/waypoint-for';

/** What waypoints are looked up in. */
export interface WaypointLookup {
  gateway(namespace: string, name: string): Gateway | undefined;
  gatewayClass(name: string): GatewayClass | undefined;
  namespace(name: string): Namespace | undefined;
}

/** The waypoint of a Service (`namespace/name`), or why it has none; neither if it asks for none. */
export interface Binding {
  waypoint?: string;
  problem?: ReasonAndMessage;
}

/**
 * Finds the waypoint of a Service: its own label beats that of its namespace, `none` opts out. Any Gateway that has an
 * address counts as a waypoint, whatever its class.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go, fetchWaypointForService
 */
export function bindingOf(service: Service, lookup: WaypointLookup): Binding {
  const { labels, namespace = '' } = service.metadata;
  // Waypoints have no waypoint.
  if (labels?.[managedLabel] === 'istio.io-mesh-controller') return {};
  const home = lookup.namespace(namespace);
  const asking = [service, home].find((object) => object?.metadata.labels?.[useWaypoint] !== undefined);
  if (asking === undefined || asking.metadata.labels?.[useWaypoint] === 'none') return {};
  return bindTo(asking, namespace, lookup);
}

function bindTo(asking: KubeObject, namespace: string, lookup: WaypointLookup): Binding {
  const { labels = {} } = asking.metadata;
  const name = labels[useWaypoint] ?? '';
  const home = labels['istio.io/use-waypoint-namespace'] ?? namespace;
  const waypoint = `${home}/${name}`;
  const gateway = lookup.gateway(home, name);
  if (gateway === undefined || !isWaypoint(gateway)) {
    return { problem: { reason: 'WaypointIsNotReady', message: `waypoint "${waypoint}" is not ready` } };
  }
  if (!admits(gateway, namespace, lookup)) {
    const message = `we are not permitted to attach to waypoint "${waypoint}" (missing allowedRoutes?)`;
    return { problem: { reason: 'AttachmentDenied', message } };
  }
  if (!['service', 'all'].includes(trafficOf(gateway, lookup))) {
    const message = `attempting to bind to traffic type "service" which the waypoint "${waypoint}" does not support`;
    return { problem: { reason: 'UnsupportedTrafficType', message } };
  }
  return { waypoint };
}

/** Whether a Gateway can be used as a waypoint: it has had an address. */
export function isWaypoint({ status }: Gateway): boolean {
  return (status?.addresses ?? []).length > 0;
}

function trafficOf({ metadata, spec }: Gateway, lookup: WaypointLookup): string {
  const ofClass = lookup.gatewayClass(spec.gatewayClassName)?.metadata.labels?.[waypointFor];
  return metadata.labels?.[waypointFor] ?? ofClass ?? 'service';
}

/** Whether Services of a namespace may use the waypoint; those of its own always may, unless it says otherwise. */
function admits({ metadata, spec }: Gateway, namespace: string, lookup: WaypointLookup): boolean {
  const listener = spec.listeners.find(({ port, protocol }) => port === 15008 && protocol === 'HBONE');
  const { from = 'Same', selector } = listener?.allowedRoutes?.namespaces ?? {};
  if (from === 'All') return true;
  if (from === 'Selector') return matchesSelector(selector, lookup.namespace(namespace)?.metadata.labels);
  return from === 'Same' && metadata.namespace === namespace;
}
