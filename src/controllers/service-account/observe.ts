import { type Gateway, GATEWAY } from '../../api/gateway-api.js';
import {
  NAMESPACE,
  type Pod,
  POD,
  SERVICE,
  type Service,
  SERVICE_ACCOUNT,
  type ServiceAccount,
} from '../../kube/types.js';
import type { Situation } from '../../mesh/created-waypoint.js';
import { isLive } from '../../mesh/dataplane.js';
import { chosenWaypoint, type WaypointRef } from '../../mesh/use-waypoint.js';
import type { Waypoints } from '../../mesh/waypoint-binding.js';
import { boundWaypoint } from '../../mesh/waypoint-holders.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import type { Stores } from '../../runtime/stores.js';
import { concernsWaypoint, markOf, type OwnerObject, waypointSituation } from '../created-waypoint.js';
import { type Obstacle, obstacleTo, waypointsFor } from '../use-waypoint.js';

/** An account whose label Sidestep acts on, or what is left of it. */
export interface Account {
  readonly owner: OwnerObject;
  /** Of the waypoint that its label names. */
  readonly waypoint: Situation;
  /** The waypoint that it names, be it of another namespace, and what keeps its Services from it. */
  readonly blocked: { readonly ref: WaypointRef; readonly obstacle: Obstacle } | undefined;
}

/** What a pass knows of a namespace; from the caches, so it may be a moment old. */
export interface Observed {
  readonly services: readonly Service[];
  /** Live ones. */
  readonly pods: readonly Pod[];
  readonly accounts: readonly ServiceAccount[];
  readonly waypoints: Waypoints;
  readonly labelled: readonly Account[];
}

/** What there is of a namespace; undefined if no account of it can have a waypoint, as in most, which may have many pods. */
export function observe(namespace: string, { stores, clock }: ReconcileContext): Observed | undefined {
  const services = stores.of(SERVICE).list(namespace);
  const accounts = stores.of(SERVICE_ACCOUNT).list(namespace);
  const gateways = stores.of(GATEWAY).list(namespace);
  const owners = ownersIn(namespace, accounts, gateways);
  const isBound = (service: Service): boolean => boundWaypoint(service) !== undefined;
  if (gateways.length === 0 && owners.length === 0 && !services.some(isBound)) return undefined;
  const isLeaving = stores.of(NAMESPACE).get({ name: namespace })?.metadata.deletionTimestamp !== undefined;
  return {
    services,
    pods: stores.of(POD).list(namespace).filter(isLive),
    accounts,
    waypoints: waypointsFor(namespace, stores),
    // Everything in it goes anyway.
    labelled: isLeaving ? [] : owners.map((owner) => accountOf(owner, stores, clock.now())),
  };
}

/**
 * The accounts that have a label or what is left of one, and those that a waypoint was made for: they may have forgotten it before it was
 * deleted, or be no more.
 */
function ownersIn(namespace: string, accounts: readonly ServiceAccount[], gateways: readonly Gateway[]): OwnerObject[] {
  const marked = gateways.flatMap((gateway) => {
    const [kind, name = ''] = markOf(gateway)?.split('/') ?? [];
    return kind === SERVICE_ACCOUNT.kind ? [name] : [];
  });
  const labelled = accounts.filter(concernsWaypoint).map(({ metadata }) => metadata.name);
  return [...new Set([...labelled, ...marked])].map((name) => {
    const object = accounts.find(({ metadata }) => metadata.name === name);
    return { type: SERVICE_ACCOUNT, name, namespace, object, refusal: undefined };
  });
}

function accountOf(owner: OwnerObject, stores: Stores, nowMs: number): Account {
  const { namespace, object } = owner;
  const ref = chosenWaypoint(object?.metadata.labels, namespace);
  const obstacle = ref === undefined || ref === 'none' ? undefined : obstacleTo(ref, namespace, stores);
  const blocked = obstacle && ref !== 'none' ? ref && { ref, obstacle } : undefined;
  return { owner, waypoint: waypointSituation(owner, stores, nowMs), blocked };
}
