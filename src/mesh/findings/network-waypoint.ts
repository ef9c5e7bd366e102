import { LABEL } from '../../api/labels.js';
import { matchesSelector } from '../ambient-index/label-selector.js';
import type { Finding } from '../findings.js';
import type { Labels, PolicyObject } from '../policy-object.js';
import { podsOf, withName } from './network-neighbours.js';
import {
  EGRESS,
  HBONE_PORT,
  INGRESS,
  ISTIOD_PORT,
  type Pods,
  type Rule,
  admitsPods,
  admitsPort,
  coversPeers,
  isForMesh,
  isIsolating,
  podSelector,
  rulesOf,
  selectsAllOf,
} from './network-rules.js';
import { type PolicyScope, finding, isOwn } from './scope.js';

/**
 * What NetworkPolicies would stop on the way through the waypoint: callers that do not get to it, and a waypoint that gets
 * neither to the pods nor to istiod.
 *
 * @see istio.io, ambient/usage/networkpolicy; istio-ambient facts 5.8
 */
export function waypointNetworkFindings(objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  const { waypoint } = scope;
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy');
  if (!waypoint || policies.length === 0) return [];
  const namespaces = new Map(
    objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => [metadata.name, metadata.labels ?? {}]),
  );
  const pods = podsOf(scope, namespaces.get(scope.namespace) ?? {});
  // Pods of a waypoint have the name of their Gateway (istio-ambient facts 3.3).
  const target = withName(waypoint.namespace, namespaces.get(waypoint.namespace) ?? {}, {
    [LABEL.gatewayName]: waypoint.name,
    [LABEL.dataplaneMode]: 'none',
  });
  return [
    ...atWaypoint(policies, pods, target, namespaces.get(scope.rootNamespace) ?? {}, scope),
    ...callers(policies, namespaces, pods, target, scope),
  ];
}

/** Labels of istiod's pods. @see istio/istio manifests/charts/istio-control/istio-discovery/templates/deployment.yaml */
const ISTIOD_LABELS = { app: 'istiod', istio: 'pilot' };

/** Policies that select the pods of the waypoint: together they must admit callers, and let it out. */
function atWaypoint(
  policies: readonly PolicyObject[],
  pods: readonly Pods[],
  target: Pods,
  rootLabels: Labels,
  scope: PolicyScope,
): Finding[] {
  const selecting = policies.filter(
    (policy) => policy.metadata.namespace === target.namespace && matchesSelector(podSelector(policy), target.labels),
  );
  const inbound = selecting
    .flatMap((policy) => rulesOf(policy, INGRESS))
    .filter((rule) => admitsPort(rule, HBONE_PORT));
  const outbound = selecting.flatMap((policy) => rulesOf(policy, EGRESS));
  const isEntered = callersOfPods(policies, selecting, scope).every((rule) =>
    inbound.some((tunnel) => coversPeers(tunnel, rule, INGRESS)),
  );
  const reaches = (one: Pods, port: number): boolean =>
    outbound.some((rule) => admitsPort(rule, port) && admitsPods(rule, EGRESS, one, target.namespace) !== 'no');
  const istiod = withName(scope.rootNamespace, rootLabels, ISTIOD_LABELS);
  const missing = {
    ingress: inbound.length === 0 || !isEntered ? [`callers on TCP ${HBONE_PORT}`] : [],
    egress: [
      ...(pods.every((one) => reaches(one, HBONE_PORT)) ? [] : [`pods on TCP ${HBONE_PORT}`]),
      ...(reaches(istiod, ISTIOD_PORT) ? [] : [`istiod on TCP ${ISTIOD_PORT}`]),
    ],
  };
  return selecting.flatMap((policy) => {
    const directions = [INGRESS, EGRESS].filter(
      (direction) => isIsolating(policy, direction) && missing[direction.rules].length > 0,
    );
    if (directions.length === 0) return [];
    const what = directions.flatMap(({ rules }) => missing[rules]).join(', ');
    const fields = directions.map(({ rules }) => `spec.${rules}`);
    return [finding('SST2028', policy, fields, `cuts waypoint ${scope.waypoint?.name ?? ''} off from ${what}`, scope)];
  });
}

/** Rules for callers of the pods, who will come to the waypoint instead; those for its pods are its own. */
function callersOfPods(
  policies: readonly PolicyObject[],
  selecting: readonly PolicyObject[],
  scope: PolicyScope,
): Rule[] {
  return policies
    .filter((policy) => isOwn(policy, scope) && !selecting.includes(policy))
    .flatMap((policy) => rulesOf(policy, INGRESS))
    .filter((rule) => isForMesh(rule, INGRESS));
}

/** Policies that let ambient pods out to pods of the namespace, and nobody lets them out to its waypoint. */
function callers(
  policies: readonly PolicyObject[],
  namespaces: ReadonlyMap<string, Labels>,
  pods: readonly Pods[],
  target: Pods,
  scope: PolicyScope,
): Finding[] {
  return policies.flatMap((policy) => {
    const home = policy.metadata.namespace ?? '';
    // Sidecars pass every waypoint by.
    if (!isOwn(policy, scope) && namespaces.get(home)?.[LABEL.dataplaneMode] !== 'ambient') return [];
    if (isOfWaypointOnly(policy, target)) return [];
    const siblings = policies.filter((other) => other.metadata.namespace === home && selectsAllOf(other, policy));
    const rules = siblings.flatMap((other) => rulesOf(other, EGRESS)).filter((rule) => admitsPort(rule, HBONE_PORT));
    if (rules.some((rule) => admitsPods(rule, EGRESS, target, home) !== 'no')) return [];
    const fields = rulesOf(policy, EGRESS).flatMap((rule, index) => {
      const isCalling =
        admitsPort(rule, HBONE_PORT) && pods.some((one) => admitsPods(rule, EGRESS, one, home) === 'yes');
      return isCalling ? [`spec.egress[${index}]`] : [];
    });
    const text = `admits no TCP ${HBONE_PORT} to waypoint ${target.namespace}/${scope.waypoint?.name ?? ''}`;
    return fields.length > 0 ? [finding('SST2029', policy, fields, text, scope)] : [];
  });
}

/** Whether a policy is for the pods of the waypoint and no others: they call pods themselves. */
function isOfWaypointOnly(policy: PolicyObject, { namespace, labels }: Pods): boolean {
  const gateway = podSelector(policy).matchLabels?.[LABEL.gatewayName];
  return policy.metadata.namespace === namespace && gateway === labels[LABEL.gatewayName];
}
