import { type Gateway, type GatewayClass, GATEWAY, GATEWAY_CLASS } from '../api/gateway-api.js';
import {
  AUTHORIZATION_POLICY,
  ENVOY_FILTER,
  REQUEST_AUTHENTICATION,
  SERVICE_ENTRY,
  TELEMETRY,
  TRAFFIC_EXTENSION,
  WASM_PLUGIN,
  WORKLOAD_ENTRY,
} from '../api/istio.js';
import { LABEL } from '../api/labels.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import { matchesSelector } from '../kube/selectors.js';
import { NAMESPACE, POD, SERVICE, SERVICE_ACCOUNT } from '../kube/types.js';
import { isLive } from '../mesh/dataplane.js';
import { chosenWaypoint, namedWaypoints, refKey, targetedGateways, type WaypointRef } from '../mesh/use-waypoint.js';
import type { Waypoints } from '../mesh/waypoint-binding.js';
import { HBONE_PORT, isProgrammed, trafficOf } from '../mesh/waypoint-gateway.js';
import type { Request } from '../runtime/request.js';
import type { Stores } from '../runtime/stores.js';
import { type WatchSpec, generationOrMetadataChanged, metadataChanged, watch } from '../runtime/watch.js';
import { trimPod } from './stored-pod.js';

/*
 * Who names which waypoint, and what stands in the way: what several controllers read of labels and Gateways, so that they share one
 * watch and one way to read it. Their keys are names of namespaces.
 */

/** Kinds whose labels name a waypoint, besides pods. A ServiceAccount's label only Sidestep knows. */
const NAMING_KINDS: readonly ResourceType[] = [NAMESPACE, SERVICE, SERVICE_ENTRY, WORKLOAD_ENTRY, SERVICE_ACCOUNT];

/** Kinds of policies that have `targetRefs`. */
export const TARGETING_KINDS: readonly ResourceType[] = [
  AUTHORIZATION_POLICY,
  REQUEST_AUTHENTICATION,
  WASM_PLUGIN,
  TELEMETRY,
  TRAFFIC_EXTENSION,
  ENVOY_FILTER,
];

/** Name of the store index that finds the objects whose labels name a waypoint, by `namespace/name`: the value is {@link namedBy}. */
export const NAMED_INDEX = 'named-waypoint';
const TARGET_INDEX = 'targeted-gateway';

/** The namespace that an object is in; a Namespace is in itself. */
export function homeOf({ kind, metadata }: KubeObject): string {
  return kind === NAMESPACE.kind ? metadata.name : (metadata.namespace ?? '');
}

/** Everything by which a waypoint is used: a change concerns the namespace of the object, and that of each waypoint that it names. */
export function watchUse(): WatchSpec[] {
  return [
    ...NAMING_KINDS.map((type) =>
      watch({
        type,
        map: concernedByName,
        indexes: { [NAMED_INDEX]: namedBy },
        predicate: generationOrMetadataChanged,
      }),
    ),
    // A pod uses nothing once it has finished, and that is no change of its metadata.
    watch({ type: POD, map: concernedByName, indexes: { [NAMED_INDEX]: namedBy }, transform: trimPod }),
    ...TARGETING_KINDS.map((type) =>
      watch({
        type,
        map: (policy) => (targetedBy(policy).length > 0 ? [{ name: homeOf(policy) }] : []),
        indexes: { [TARGET_INDEX]: targetedBy },
        predicate: generationOrMetadataChanged,
      }),
    ),
    watch({ type: GATEWAY, map: concernedByGateway }),
    watch({ type: GATEWAY_CLASS, map: concernedByClass, predicate: metadataChanged }),
  ];
}

/** `namespace/name` of every waypoint that an object's labels name. */
export function namedBy(object: KubeObject): string[] {
  return namedWaypoints(object.metadata.labels, homeOf(object));
}

function targetedBy(policy: KubeObject): string[] {
  return targetedGateways(policy);
}

function concernedByName(object: KubeObject): readonly Request[] {
  const named = namedBy(object);
  if (named.length === 0) return [];
  const namespaces = named.map((key) => key.slice(0, key.indexOf('/')));
  return [...new Set([homeOf(object), ...namespaces])].map((name) => ({ name }));
}

function concernedByGateway({ metadata: { namespace = '', name } }: KubeObject, stores: Stores): readonly Request[] {
  const kinds: readonly ResourceType[] = [NAMESPACE, SERVICE, SERVICE_ACCOUNT];
  const users = kinds.flatMap((type) => usersOf({ namespace, name }, type, stores));
  return [...new Set([namespace, ...users.map(homeOf)])].map((home) => ({ name: home }));
}

/** What its waypoints are for may stand on the class. */
function concernedByClass({ metadata }: GatewayClass, stores: Stores): readonly Request[] {
  const ofClass = stores
    .of(GATEWAY)
    .list()
    .filter(({ spec }) => spec.gatewayClassName === metadata.name);
  return ofClass.flatMap((gateway) => concernedByGateway(gateway, stores));
}

function usersOf(ref: WaypointRef, type: ResourceType, stores: Stores): readonly KubeObject[] {
  return stores.of(type).byIndex(NAMED_INDEX, refKey(ref));
}

/** Whether anything that lives names a waypoint, or a policy targets it. */
export function isUsed(ref: WaypointRef, stores: Stores): boolean {
  return (
    NAMING_KINDS.some((type) => usersOf(ref, type, stores).length > 0) ||
    usersOf(ref, POD, stores).some(isLive) ||
    TARGETING_KINDS.some((type) => stores.of(type).byIndex(TARGET_INDEX, refKey(ref)).length > 0)
  );
}

/** What accounts and Services of a namespace find when they look for a waypoint. */
export function waypointsFor(namespace: string, stores: Stores): Waypoints {
  const { labels } = stores.of(NAMESPACE).get({ name: namespace })?.metadata ?? {};
  return {
    gateways: stores
      .of(GATEWAY)
      .list(namespace)
      .filter((gateway) => isUsable(gateway, namespace, stores)),
    shared: sharedWith(namespace, stores),
    isOptedOut: labels?.[LABEL.useWaypoint] === 'none',
  };
}

/** Whether istiod would send traffic of the namespace through it, at least once it is Programmed. */
function isUsable({ metadata: { name } }: Gateway, namespace: string, stores: Stores): boolean {
  const obstacle = obstacleTo({ namespace, name }, namespace, stores);
  return obstacle === undefined || obstacle.kind === 'not-programmed';
}

/** Waypoints of other namespaces that accounts of this one name, and that let it use them. */
function sharedWith(namespace: string, stores: Stores): Gateway[] {
  const accounts = stores.of(SERVICE_ACCOUNT).list(namespace);
  const gateways = accounts.flatMap(({ metadata }) => {
    const ref = chosenWaypoint(metadata.labels, namespace);
    if (ref === undefined || ref === 'none' || ref.namespace === namespace) return [];
    const obstacle = obstacleTo(ref, namespace, stores);
    const gateway = stores.of(GATEWAY).get(ref);
    // One that is bound to stays so while it is not Programmed.
    return gateway && (obstacle === undefined || obstacle.kind === 'not-programmed') ? [gateway] : [];
  });
  return [...new Set(gateways)];
}

/** Why traffic goes around a waypoint that is named: it fails open. */
export interface Obstacle {
  readonly kind: 'missing' | 'not-programmed' | 'denied' | 'unsupported';
  /** Begins with the Gateway. */
  readonly message: string;
}

/**
 * What keeps Services of a namespace from the waypoint that they name; undefined if nothing does.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go, fetchWaypointForService
 */
export function obstacleTo(ref: WaypointRef, namespace: string, stores: Stores): Obstacle | undefined {
  const gateway = stores.of(GATEWAY).get(ref);
  const subject = `Gateway ${refKey(ref)}`;
  if (!gateway) return { kind: 'missing', message: `${subject} is missing` };
  if (!admits(gateway, namespace, stores)) {
    const message = `${subject} does not admit namespace ${namespace}: see its listener's allowedRoutes.namespaces`;
    return { kind: 'denied', message };
  }
  const traffic = trafficOf(gateway, stores.of(GATEWAY_CLASS).get({ name: gateway.spec.gatewayClassName }));
  if (traffic !== 'service' && traffic !== 'all') {
    return {
      kind: 'unsupported',
      message: `${subject} is for traffic to "${traffic}": see its label ${LABEL.waypointFor}`,
    };
  }
  return isProgrammed(gateway) ? undefined : { kind: 'not-programmed', message: `${subject} is not Programmed` };
}

/** Whether a waypoint lets a namespace use it. */
export function admits({ metadata, spec }: Gateway, namespace: string, stores: Stores): boolean {
  const listener = spec.listeners.find(({ port, protocol }) => port === HBONE_PORT && protocol === 'HBONE');
  const { from = 'Same', selector } = listener?.allowedRoutes?.namespaces ?? {};
  if (from === 'All') return true;
  if (from !== 'Selector') return from === 'Same' && metadata.namespace === namespace;
  return matchesSelector(selector, stores.of(NAMESPACE).get({ name: namespace })?.metadata.labels);
}
