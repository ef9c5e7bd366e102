import { type Gateway, GATEWAY, GATEWAY_CLASS } from '../../api/gateway-api.js';
import { SERVICE_ENTRY } from '../../api/istio.js';
import { LABEL } from '../../api/labels.js';
import type { AmbientMigrationSpec } from '../../api/ambient-migration.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { matchesSelector } from '../../kube/selectors.js';
import {
  type Deployment,
  DEPLOYMENT,
  NAMESPACE,
  type Namespace,
  POD,
  type Pod,
  SERVICE,
  SERVICE_ACCOUNT,
} from '../../kube/types.js';
import { isLive } from '../../mesh/dataplane.js';
import { bindings } from '../../mesh/waypoint-binding.js';
import { HBONE_PORT } from '../../mesh/waypoint-gateway.js';
import type { Stores } from '../../runtime/stores.js';
import type { WaypointView } from './observed.js';

/** Name of the store index that finds the pods that name a waypoint, by {@link waypointKey}. */
export const WAYPOINT_INDEX = 'names-waypoint';

/** `namespace/name` of the waypoint that an object's labels name; undefined if they name none. */
export function waypointKey({ metadata }: KubeObject): string | undefined {
  const { [LABEL.useWaypoint]: name, [LABEL.useWaypointNamespace]: namespace } = metadata.labels ?? {};
  return name === undefined ? undefined : `${namespace ?? metadata.namespace ?? metadata.name}/${name}`;
}

/** Index values of a pod: the waypoint that it names. */
export function waypointOfPod(pod: Pod): string[] {
  const key = waypointKey(pod);
  return key === undefined ? [] : [key];
}

/** What a pass knows of waypoints, and of what may be bound to them. */
export function observeWaypoint(spec: AmbientMigrationSpec, namespace: Namespace, stores: Stores): WaypointView {
  const { name } = namespace.metadata;
  const home = spec.waypoint.namespace ?? name;
  const gateways = stores.of(GATEWAY).list(name);
  const gateway = stores.of(GATEWAY).get({ namespace: home, name: spec.waypoint.name });
  const services = stores.of(SERVICE).list(name);
  const accounts = stores.of(SERVICE_ACCOUNT).list(name);
  const pods = stores.of(POD).list(name).filter(isLive);
  return {
    gateway,
    gatewayClass: stores.of(GATEWAY_CLASS).get({ name: spec.waypoint.className }),
    available: Math.max(0, ...(gateway ? deploymentsOf(gateway, stores).map(availableOf) : [])),
    admits: gateway !== undefined && admits(gateway, namespace),
    gateways,
    namers: new Map(gateways.map((one) => [one.metadata.name, namersOf(one, stores)])),
    services,
    accounts,
    unsettled: bindings(services, pods, accounts, { gateways }).map(({ service }) => service),
    orphans: orphansOf(name, gateways, stores),
  };
}

function deploymentsOf({ metadata }: Gateway, stores: Stores): Deployment[] {
  const deployments = stores.of(DEPLOYMENT).list(metadata.namespace);
  return deployments.filter((deployment) => deployment.metadata.labels?.[LABEL.gatewayName] === metadata.name);
}

/** Pods that take traffic; none while the Deployment's controller has not seen its spec. */
function availableOf({ metadata, status }: Deployment): number {
  return status?.observedGeneration === metadata.generation ? (status?.availableReplicas ?? 0) : 0;
}

/**
 * Whether a namespace may use a waypoint: its own may, unless it says otherwise.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go
 */
function admits({ metadata, spec }: Gateway, namespace: Namespace): boolean {
  const listener = spec.listeners.find(({ port, protocol }) => port === HBONE_PORT && protocol === 'HBONE');
  const { from = 'Same', selector } = listener?.allowedRoutes?.namespaces ?? {};
  if (from === 'Selector') return matchesSelector(selector, namespace.metadata.labels);
  return from === 'All' || (from === 'Same' && metadata.namespace === namespace.metadata.name);
}

/** `Kind namespace/name` of everything that names the waypoint. */
function namersOf({ metadata }: Gateway, stores: Stores): string[] {
  const key = `${metadata.namespace ?? ''}/${metadata.name}`;
  const kinds: readonly ResourceType[] = [NAMESPACE, SERVICE, SERVICE_ENTRY];
  return [...kinds.flatMap((type) => stores.of(type).list()), ...stores.of(POD).byIndex(WAYPOINT_INDEX, key)]
    .filter((object) => waypointKey(object) === key)
    .map(
      (object) =>
        `${object.kind} ${object.metadata.namespace ? `${object.metadata.namespace}/` : ''}${object.metadata.name}`,
    );
}

/** What was deployed for a Gateway that is gone, and goes after it. */
function orphansOf(namespace: string, gateways: readonly Gateway[], stores: Stores): string[] {
  const kinds: readonly ResourceType[] = [DEPLOYMENT, SERVICE, SERVICE_ACCOUNT];
  const alive = new Set(gateways.map(({ metadata }) => metadata.uid));
  return kinds.flatMap((type) =>
    stores
      .of(type)
      .list(namespace)
      .filter(({ metadata }) => {
        const owners = metadata.ownerReferences?.filter(({ kind }) => kind === GATEWAY.kind) ?? [];
        return owners.length > 0 && !owners.some(({ uid }) => alive.has(uid));
      })
      .map(({ metadata }) => `${type.kind} ${metadata.name}`),
  );
}
