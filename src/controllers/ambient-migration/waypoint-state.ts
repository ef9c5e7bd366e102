import type { Gateway, GatewayCondition } from '../../api/gateway-api.js';
import { LABEL } from '../../api/labels.js';
import { DECLINE_REASONS, SERVING } from '../../api/serving.js';
import { findCondition } from '../../kube/conditions.js';
import type { Finding, FindingCode } from '../../mesh/findings.js';
import { ISTIO_CLASS, isProgrammed, isWaypoint, servingOf } from '../../mesh/waypoint-gateway.js';
import type { Observed } from './observed.js';
import type { Waypoint } from './intended-waypoint.js';
import { isChosen, wantedWaypoint } from './scope.js';

/**
 * Controllers whose classes make waypoints.
 *
 * @see istio/istio pilot/pkg/config/kube/gatewaycommon/classinfo.go
 */
const WAYPOINT_CONTROLLERS: readonly string[] = [
  'istio.io/mesh-controller',
  'istio.io/agentgateway-waypoint-controller',
  'sidestep.dev/waypoint-controller',
];

/** What keeps the Gateway that the spec names from ever serving the namespace, be it a label there. Pure. */
export function waypointFindings(observed: Observed): Finding[] {
  const waypoint = wantedWaypoint(observed);
  return waypoint ? [...gatewayFindings(observed, waypoint), ...labelFindings(observed, waypoint)] : [];
}

function gatewayFindings(observed: Observed, waypoint: Waypoint): Finding[] {
  const { gateway, admits } = observed.waypoint;
  const object = waypoint.own ? `Gateway/${waypoint.name}` : `Gateway/${waypoint.namespace}/${waypoint.name}`;
  const found = (code: FindingCode, message: string): Finding[] => [{ code, object, message: `${object} ${message}` }];
  if (!gateway) {
    return waypoint.own ? classFindings(observed, waypoint.className) : found('SST5006', 'does not exist');
  }
  const unfit = unfitness(gateway);
  if (unfit !== undefined) return found('SST5005', unfit);
  if (!admits) return found('SST5006', `does not let namespace ${observed.namespace.metadata.name} use it`);
  return [];
}

/** A person's label on the namespace wins, so that the waypoint reaches nothing. */
function labelFindings({ namespace }: Observed, waypoint: Waypoint): Finding[] {
  if (!waypoint.needed || waypoint.scope !== 'Namespace' || !isChosen(namespace, waypoint)) return [];
  const { name, labels } = namespace.metadata;
  const label = `${LABEL.useWaypoint}=${labels?.[LABEL.useWaypoint]}`;
  const message = `Namespace ${name} is labelled ${label}: what needs Gateway ${waypoint.namespace}/${waypoint.name} would have no effect`;
  return [{ code: 'SST5007', object: `Namespace/${name}`, message }];
}

function classFindings({ waypoint: { gatewayClass } }: Observed, name: string): Finding[] {
  const object = `GatewayClass/${name}`;
  if (name === ISTIO_CLASS) return [];
  if (!gatewayClass) return [{ code: 'SST5004', object, message: `${object} does not exist` }];
  const { controllerName } = gatewayClass.spec;
  if (WAYPOINT_CONTROLLERS.includes(controllerName)) return [];
  return [{ code: 'SST5004', object, message: `${object} belongs to ${controllerName}, which makes no waypoints` }];
}

/** Why a Gateway can be nobody's waypoint, whatever happens; undefined if it can. */
function unfitness(gateway: Gateway): string | undefined {
  if (!isWaypoint(gateway)) return 'is no waypoint: it has not one HBONE listener on port 15008';
  if (gateway.spec.gatewayClassName !== ISTIO_CLASS) return undefined;
  // istiod deploys an ingress gateway for this class: only what Sidestep serves is a waypoint.
  const declined = servingOf(gateway);
  if (declined?.kind === 'declined') return `is of class ${ISTIO_CLASS}, and not served: ${declined.message}`;
  const serving = conditionOf(gateway, SERVING);
  const isDeclined = DECLINE_REASONS.some((reason) => reason === serving?.reason);
  return isDeclined ? `is of class ${ISTIO_CLASS}, and not served: ${serving?.message ?? ''}` : undefined;
}

/**
 * What a waypoint lacks before anything may be bound to it, for a missing one fails open; undefined if it takes traffic.
 *
 * @param enough  pods that must be available
 */
export function unreadiness(
  gateway: Gateway,
  { available }: Observed['waypoint'],
  { namespace, name }: Waypoint,
  enough: number,
): string | undefined {
  const what = `Gateway ${namespace}/${name}`;
  const { generation = 0, deletionTimestamp } = gateway.metadata;
  if (deletionTimestamp !== undefined) return `${what} is being deleted`;
  const isIstio = gateway.spec.gatewayClassName === ISTIO_CLASS;
  // istiod never accepts an HBONE listener of class istio.
  for (const type of [isIstio ? SERVING : 'Accepted', 'Programmed']) {
    const condition = conditionOf(gateway, type);
    const problem = problemOf(condition, generation, type === 'Programmed' ? isProgrammed(gateway) : undefined);
    if (problem !== undefined) return `${what}, condition ${type}: ${problem}`;
  }
  const listeners = isIstio ? [] : (gateway.status?.listeners ?? []);
  for (const { name: listener, conditions = [] } of listeners) {
    for (const type of ['Accepted', 'Programmed', 'ResolvedRefs']) {
      const condition = conditions.find((one) => one.type === type);
      const problem = problemOf(condition, generation);
      if (problem !== undefined) return `${what}, listener ${listener}, condition ${type}: ${problem}`;
    }
  }
  return available >= enough ? undefined : `${what} has ${available} of ${enough} pods available`;
}

function problemOf(
  condition: GatewayCondition | undefined,
  generation: number,
  isFulfilled = condition?.status === 'True',
): string | undefined {
  if (!condition || (condition.observedGeneration ?? generation) < generation) return 'not known yet';
  return isFulfilled ? undefined : `${condition.reason}: ${condition.message}`;
}

function conditionOf({ status }: Gateway, type: string): GatewayCondition | undefined {
  return findCondition(status?.conditions, type);
}
