import { LABEL } from '../../api/labels.js';
import type { Finding } from '../findings.js';
import { type PolicyObject, stringAt } from '../policy-object.js';
import { isHeldByMigration } from '../waypoint-holders.js';
import { type IntendedWaypoint, isServed, targetsOf } from '../waypoint-needs.js';
import { type PolicyScope, finding, notUnderstood } from './scope.js';

/** Policies that a waypoint of a class takes from the root namespace. */
const OF_CLASSES = new Set([
  'AuthorizationPolicy',
  'RequestAuthentication',
  'Telemetry',
  'WasmPlugin',
  'TrafficExtension',
]);

/**
 * A policy of the namespace with `targetRefs` that the waypoint of the migration does not serve: sidecars and ztunnel do not read
 * it, so that the migration changes nothing about it, unless a waypoint that the migration has bound before enforces it today.
 *
 * @param objects  every object: labels of a migration name the waypoint of today
 * @see istio-ambient facts 5.0
 */
export function unservedTargetFindings(
  policy: PolicyObject,
  objects: readonly PolicyObject[],
  scope: PolicyScope,
): Finding[] {
  const { waypoint, namespace } = scope;
  // Half of it would come into force.
  if (waypoint && targetsOf(policy).some((target) => isServed(target, waypoint, namespace))) {
    return [notUnderstood(policy, 'spec.targetRefs', scope)];
  }
  const former = formerWaypoints(objects, scope).find((one) =>
    targetsOf(policy).some((target) => isServed(target, one, namespace)),
  );
  if (former) {
    const text = `waypoint ${former.name} enforces it today, and this migration is to take that away`;
    return [finding('SST2025', policy, 'spec.targetRefs', text, scope)];
  }
  const targets = targetsOf(policy).map(
    (target) => `${stringAt(target, 'kind') ?? ''}/${stringAt(target, 'name') ?? ''}`,
  );
  const text = `no waypoint of this migration serves ${targets.join(', ')}`;
  return [finding('SST2015', policy, 'spec.targetRefs', text, scope)];
}

/** What a migration, or the account that it has labelled, has bound the namespace and its Services to. */
function formerWaypoints(objects: readonly PolicyObject[], { namespace, followers }: PolicyScope): IntendedWaypoint[] {
  return objects.flatMap((object) => {
    const { name, labels = {} } = object.metadata;
    const isNamespace = object.kind === 'Namespace' && name === namespace;
    const isService = object.kind === 'Service' && object.metadata.namespace === namespace;
    const isOurs = isHeldByMigration(object) || (isService && followers?.has(name) === true);
    const waypoint = labels[LABEL.useWaypoint];
    if (!(isNamespace || isService) || !isOurs || waypoint === undefined) return [];
    return [{ name: waypoint, namespace: labels[LABEL.useWaypointNamespace] ?? namespace, account: waypoint }];
  });
}

/**
 * A policy of the root namespace for every waypoint of a class, which a waypoint of the migration would be.
 *
 * @see istio-ambient facts 5.0 (from Istio 1.25 on)
 */
export function classTargetFindings(policy: PolicyObject, scope: PolicyScope): Finding[] {
  const { waypoint, rootNamespace } = scope;
  if (!waypoint || policy.metadata.namespace !== rootNamespace || !OF_CLASSES.has(policy.kind)) return [];
  const target = targetsOf(policy).find(({ kind }) => kind === 'GatewayClass');
  if (!target) return [];
  const text = `waypoint ${waypoint.name} enforces it if it is of class ${stringAt(target, 'name') ?? ''}`;
  return [finding('SST2016', policy, 'spec.targetRefs', text, scope)];
}

/** A policy of another namespace for the Gateway of a shared waypoint: it is enforced on the way to every namespace that uses it. */
export function sharedTargetFindings(policy: PolicyObject, scope: PolicyScope): Finding[] {
  const { waypoint, namespace } = scope;
  if (!waypoint || waypoint.namespace === namespace || policy.metadata.namespace !== waypoint.namespace) return [];
  const isShared = targetsOf(policy).some(({ kind, name }) => kind === 'Gateway' && name === waypoint.name);
  if (!isShared || !OF_CLASSES.has(policy.kind)) return [];
  const text = `waypoint ${waypoint.namespace}/${waypoint.name} enforces it for this namespace, too`;
  return [finding('SST2024', policy, 'spec.targetRefs', text, scope)];
}
