import type { AmbientMigrationStatus } from '../../api/ambient-migration.js';
import type { Gateway } from '../../api/gateway-api.js';
import { isBoundTo } from './bind-step.js';
import { intendedServices } from './binding.js';
import type { Observed } from './observed.js';
import { isCreatedByMigration } from './intended-waypoint.js';
import { wantedWaypoint } from './scope.js';
import { unreadiness } from './waypoint-state.js';

/** `status.waypoints` of a pass: the waypoint that is used, and those of ours that are still there; pure. */
export function waypointStatus(observed: Observed): Pick<AmbientMigrationStatus, 'waypoints'> {
  const isForward = observed.spec.dataplaneMode === 'Ambient';
  const waypoint = isForward ? wantedWaypoint(observed) : undefined;
  const used = waypoint ? [usedStatus(observed, waypoint)] : [];
  const left = observed.waypoint.gateways
    .filter(isCreatedByMigration)
    .filter(({ metadata: { name } }) => !waypoint?.own || name !== waypoint.name)
    .map((gateway) => leftStatus(gateway));
  const waypoints = [...used, ...left];
  return waypoints.length > 0 ? { waypoints } : {};
}

/** Whether a waypoint of ours is there. */
export function isWaypointKept({ waypoint: { gateways } }: Observed): boolean {
  return gateways.some(isCreatedByMigration);
}

type WaypointStatus = NonNullable<AmbientMigrationStatus['waypoints']>[number];

function usedStatus(observed: Observed, waypoint: NonNullable<ReturnType<typeof wantedWaypoint>>): WaypointStatus {
  const { gateway } = observed.waypoint;
  const services = intendedServices(observed, waypoint);
  const bound = services.filter((service) => isBoundTo(service, waypoint)).length;
  return {
    name: waypoint.name,
    namespace: waypoint.namespace,
    ...(gateway && { className: gateway.spec.gatewayClassName }),
    created: gateway !== undefined && isCreatedByMigration(gateway),
    ready: gateway !== undefined && unreadiness(gateway, observed.waypoint, waypoint, 1) === undefined,
    services: `${bound}/${services.length}`,
  };
}

function leftStatus({ metadata, spec }: Gateway): WaypointStatus {
  const { name, namespace = '' } = metadata;
  return { name, namespace, className: spec.gatewayClassName, created: true, ready: false, services: '0/0' };
}
