import { type Gateway, GATEWAY, GATEWAY_CLASS, type GatewayClass } from '../../api/gateway-api.js';
import { SERVICE_ENTRY, WORKLOAD_ENTRY } from '../../api/istio.js';
import { LABEL } from '../../api/labels.js';
import type { AmbientMigrationSpec } from '../../api/ambient-migration.js';
import { byName, type OwnerReference, type ResourceType } from '../../kube/resource.js';
import {
  type Deployment,
  DEPLOYMENT,
  ENDPOINT_SLICE,
  NAMESPACE,
  type Namespace,
  POD,
  SERVICE,
  SERVICE_ACCOUNT,
} from '../../kube/types.js';
import { isLive } from '../../mesh/dataplane.js';
import { listedPods } from '../../mesh/listed-pods.js';
import { bindings } from '../../mesh/waypoint-binding.js';
import { refKey } from '../../mesh/use-waypoint.js';
import { trafficOf } from '../../mesh/waypoint-gateway.js';
import { namedBy as namedWaypoint } from '../../mesh/waypoint-users.js';
import type { Stores } from '../../runtime/stores.js';
import { admits, NAMED_INDEX, waypointsFor } from '../use-waypoint.js';
import { isTranslated } from './observe-mesh.js';
import type { WaypointView } from './observed.js';

/** What a pass knows of waypoints, and of what may be bound to them. */
export function observeWaypoint(spec: AmbientMigrationSpec, namespace: Namespace, stores: Stores): WaypointView {
  const { name } = namespace.metadata;
  const home = spec.waypoint.namespace ?? name;
  const gateways = stores.of(GATEWAY).list(name);
  const gateway = stores.of(GATEWAY).get({ namespace: home, name: spec.waypoint.name });
  // Those that stand for subsets are called by waypoints only.
  const services = stores
    .of(SERVICE)
    .list(name)
    .filter((service) => !isTranslated(service))
    .sort(byName);
  const accounts = [...stores.of(SERVICE_ACCOUNT).list(name)].sort(byName);
  const pods = stores.of(POD).list(name).filter(isLive);
  const classOf = (className: string): GatewayClass | undefined => stores.of(GATEWAY_CLASS).get({ name: className });
  return {
    gateway,
    gatewayClass: classOf(spec.waypoint.className),
    traffic: trafficOf(gateway, classOf(gateway?.spec.gatewayClassName ?? spec.waypoint.className)),
    available: Math.max(0, ...(gateway ? deploymentsOf(gateway, stores).map(availableOf) : [])),
    admits: gateway !== undefined && admits(gateway, name, stores),
    gateways,
    namers: new Map(gateways.map((one) => [one.metadata.name, namersOf(one, stores)])),
    services,
    listedPods: listedPods(stores.of(ENDPOINT_SLICE).list(name), pods),
    accounts,
    unsettled: bindings(services, pods, accounts, waypointsFor(name, stores)).map(({ service }) => service),
    orphans: orphansOf(name, gateways, stores),
  };
}

function deploymentsOf({ metadata }: Gateway, stores: Stores): Deployment[] {
  const deployments = stores.of(DEPLOYMENT).list(metadata.namespace);
  return deployments.filter((deployment) => deployment.metadata.labels?.[LABEL.gatewayName] === metadata.name);
}

/** Pods that take traffic and stay: in a rollout there are more for a moment. None while the Deployment's controller has not seen its spec. */
function availableOf({ metadata, spec, status }: Deployment): number {
  if (status?.observedGeneration !== metadata.generation) return 0;
  return Math.min(status?.availableReplicas ?? 0, status?.updatedReplicas ?? 0, spec.replicas ?? 1);
}

/** `Kind namespace/name` of everything that names the waypoint. */
function namersOf({ metadata }: Gateway, stores: Stores): string[] {
  const ref = { namespace: metadata.namespace ?? '', name: metadata.name };
  const kinds = [NAMESPACE, SERVICE, SERVICE_ACCOUNT, SERVICE_ENTRY, WORKLOAD_ENTRY] as readonly ResourceType[];
  const pods = stores.of(POD).byIndex(NAMED_INDEX, refKey(ref)).filter(isLive);
  return namedWaypoint(ref, [...kinds.flatMap((type) => stores.of(type).list()), ...pods]);
}

const isGateway = ({ apiVersion, kind }: OwnerReference): boolean =>
  kind === GATEWAY.kind && apiVersion.startsWith(`${GATEWAY.group}/`);

/** What was deployed for a Gateway that is gone, and goes after it. */
function orphansOf(namespace: string, gateways: readonly Gateway[], stores: Stores): string[] {
  const kinds: readonly ResourceType[] = [DEPLOYMENT, SERVICE, SERVICE_ACCOUNT];
  const alive = new Set(gateways.map(({ metadata }) => metadata.uid));
  return kinds.flatMap((type) =>
    stores
      .of(type)
      .list(namespace)
      .filter(({ metadata }) => {
        const owners = metadata.ownerReferences?.filter(isGateway) ?? [];
        return owners.length > 0 && !owners.some(({ uid }) => alive.has(uid));
      })
      .sort(byName)
      .map(({ metadata }) => `${type.kind} ${metadata.name}`),
  );
}
