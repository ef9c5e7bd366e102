import { LABEL } from '../api/labels.js';
import type { Finding, FindingCode } from './findings.js';
import { type PolicyObject, asRecord, asRecords, objectName, stringAt } from './policy-object.js';
import { isHeldByAccount, isHeldByMigration } from './waypoint-holders.js';

/** A waypoint that a namespace is to use, as far as it decides what policies and routes mean. */
export interface IntendedWaypoint {
  readonly name: string;
  readonly namespace: string;
  /** ServiceAccount of its pods. */
  readonly account: string;
}

/** Policies that a waypoint takes by `targetRefs`. */
const ATTACHED = new Set([
  'AuthorizationPolicy',
  'RequestAuthentication',
  'Telemetry',
  'WasmPlugin',
  'TrafficExtension',
]);
const ROUTES = new Set(['HTTPRoute', 'GRPCRoute']);

/**
 * What an object asks of the waypoint of a namespace; undefined if it asks for nothing that the waypoint can do.
 *
 * @param namespace  the namespace that is to use the waypoint
 */
export function waypointNeed(object: PolicyObject, waypoint: IntendedWaypoint, namespace: string): Finding | undefined {
  const { name } = object.metadata;
  const found = (code: FindingCode, message: string): Finding => {
    return { code, object: objectName(object, namespace), message: `${object.kind} ${name} ${message}` };
  };
  if (object.kind === 'Namespace' ? name !== namespace : object.metadata.namespace !== namespace) return undefined;
  if (ATTACHED.has(object.kind)) {
    const isAttached =
      targetsOf(object).length > 0 && targetsOf(object).every((target) => isServed(target, waypoint, namespace));
    return isAttached ? found('SST5001', 'is enforced by the waypoint') : undefined;
  }
  if (ROUTES.has(object.kind)) {
    return isProducerRoute(object, namespace) ? found('SST5002', 'is carried out by the waypoint') : undefined;
  }
  if (object.kind === 'Namespace' || object.kind === 'Service') {
    const isNamed = namesWaypoint(object, waypoint) && !isOurs(object);
    return isNamed ? found('SST5003', `names the waypoint ${waypoint.name}`) : undefined;
  }
  return undefined;
}

/** What a policy is attached to. */
export function targetsOf(policy: PolicyObject): readonly Readonly<Record<string, unknown>>[] {
  const { targetRef, targetRefs } = asRecord(policy.spec);
  const targets = asRecords(targetRefs);
  return targets.length > 0 || targetRef === undefined ? targets : [asRecord(targetRef)];
}

/** A Service of the policy's namespace, or the waypoint itself: a Gateway that is targeted is always of the policy's namespace. */
export function isServed(
  { kind, name }: Readonly<Record<string, unknown>>,
  waypoint: IntendedWaypoint,
  namespace: string,
): boolean {
  return kind === 'Service' || (kind === 'Gateway' && name === waypoint.name && waypoint.namespace === namespace);
}

/** A route of the Service's own namespace: a waypoint knows no other. */
function isProducerRoute(route: PolicyObject, namespace: string): boolean {
  const parents = asRecords(asRecord(route.spec)['parentRefs']);
  const ofMesh = parents.filter(({ kind }) => kind === 'Service' || kind === 'ServiceEntry');
  return (
    ofMesh.length > 0 &&
    ofMesh.every((parent) => parent['kind'] === 'Service' && (stringAt(parent, 'namespace') ?? namespace) === namespace)
  );
}

/** Whether the labels of an object name the waypoint. */
export function namesWaypoint(object: PolicyObject, waypoint: Pick<IntendedWaypoint, 'name' | 'namespace'>): boolean {
  const { labels = {}, namespace, name } = object.metadata;
  const home = namespace ?? name;
  return (
    labels[LABEL.useWaypoint] === waypoint.name && (labels[LABEL.useWaypointNamespace] ?? home) === waypoint.namespace
  );
}

/** Whether Sidestep has set the label `istio.io/use-waypoint`: for a migration, or for the account of the pods. */
function isOurs(object: PolicyObject): boolean {
  return isHeldByMigration(object) || isHeldByAccount(object);
}
