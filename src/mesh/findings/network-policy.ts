import { matchesSelector } from '../ambient-index/label-selector.js';
import type { Finding, FindingCode } from '../findings.js';
import { type PolicyObject, asRecord, asRecords } from '../policy-object.js';
import {
  type Direction,
  EGRESS,
  HBONE_PORT,
  INGRESS,
  PROBE_ADDRESSES,
  type Rule,
  admitsPort,
  coversPeers,
  isForMesh,
  isIn,
  isIsolating,
  isSame,
  isTcp,
  podSelector,
  rulesOf,
  selectsAll,
  selectsAllOf,
} from './network-rules.js';
import { type PolicyScope, type ProbedPort, finding } from './scope.js';

/**
 * What a NetworkPolicy of the namespace would stop in ambient mode. It is enforced outside the pod, where mesh traffic has the
 * port 15008 and probes another source than with sidecars.
 *
 * @param policies  every NetworkPolicy of the namespace: what one does not admit, another may
 * @see istio.io, ambient/usage/networkpolicy
 */
export function networkPolicyFindings(
  policy: PolicyObject,
  policies: readonly PolicyObject[],
  scope: PolicyScope,
): Finding[] {
  const { waypoint } = scope;
  const found = (code: FindingCode, fields: readonly string[], text: string): Finding[] =>
    fields.length > 0 ? [finding(code, policy, fields, text, scope)] : [];
  const port = `admits no TCP ${HBONE_PORT}`;
  const mixed = waypoint ? mixedUp(policy, policies, waypoint.namespace === scope.namespace) : [];
  return [
    ...found('SST2003', withoutTunnel(policy, policies, INGRESS), `${port}, where mesh traffic arrives`),
    ...probeFindings(policy, policies, scope),
    ...found(
      'SST2022',
      openedToOthers(policy, policies),
      `opens every port, by TCP ${HBONE_PORT}, to callers without any port`,
    ),
    ...found('SST2023', mixed, `pods see waypoint ${waypoint?.name ?? ''} instead of these callers`),
    ...found('SST2021', withoutTunnel(policy, policies, EGRESS), `${port}, where mesh traffic goes`),
  ];
}

/** Paths of the rules that admit traffic of the mesh on its own port, and on the tunnel's port nobody does. */
function withoutTunnel(policy: PolicyObject, policies: readonly PolicyObject[], direction: Direction): string[] {
  const tunnels = policies
    .filter((other) => selectsAllOf(other, policy))
    .flatMap((other) => rulesOf(other, direction))
    .filter((rule) => admitsPort(rule, HBONE_PORT));
  return rulesOf(policy, direction).flatMap((rule, index) => {
    const isCovered = tunnels.some((tunnel) => coversPeers(tunnel, rule, direction));
    return isForMesh(rule, direction) && !isCovered ? [`spec.${direction.rules}[${index}]`] : [];
  });
}

/** Paths of the rules that let callers in by the tunnel, and so to all ports, whom nobody lets in to a port of the application. */
function openedToOthers(policy: PolicyObject, policies: readonly PolicyObject[]): string[] {
  const ofApplication = policies
    .filter((other) => selectsAllOf(other, policy))
    .flatMap((other) => rulesOf(other, INGRESS))
    .filter(admitsToApplication);
  return rulesOf(policy, INGRESS).flatMap((rule, index) => {
    const isCovered = ofApplication.some((other) => coversPeers(other, rule, INGRESS));
    return admitsPort(rule, HBONE_PORT) && isForMesh(rule, INGRESS) && !isCovered ? [`spec.ingress[${index}]`] : [];
  });
}

/** Paths of the rules that tell callers of the mesh apart, where all requests come from a waypoint. */
function mixedUp(policy: PolicyObject, policies: readonly PolicyObject[], isOwnWaypoint: boolean): string[] {
  const tunnels = policies
    .filter((other) => selectsAllOf(other, policy))
    .flatMap((other) => rulesOf(other, INGRESS))
    .filter((rule) => admitsPort(rule, HBONE_PORT));
  const isOpen = tunnels.some(({ from }) => asRecords(from).length === 0);
  // A policy for all pods is one for those of the waypoint, too: these tell callers apart, and pods need to admit them only.
  const selectsWaypoint = isOwnWaypoint && selectsAll(policy);
  const admitsWaypoint = tunnels.some(({ from }) => asRecords(from).some((peer) => isSame(peer, { podSelector: {} })));
  if (isOpen || (selectsWaypoint && admitsWaypoint)) return [];
  return rulesOf(policy, INGRESS).flatMap((rule, index) => {
    const isForSome = asRecords(rule['from']).length > 0 && isForMesh(rule, INGRESS);
    return isForSome ? [`spec.ingress[${index}]`] : [];
  });
}

/** Ports of pods that the policy selects and whose probes no policy lets in. */
function probeFindings(policy: PolicyObject, policies: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  const stopped = stoppedProbes(policy, policies, scope);
  if (stopped.length === 0) return [];
  const from = [...new Set(stopped.map(addressOf))].join(' and ');
  const ports = [...new Set(stopped.map(({ port }) => port))].sort((a, b) => a - b);
  const text = `does not admit probes from ${from} on ${ports.length > 1 ? 'ports' : 'port'} ${ports.join(', ')}`;
  return [finding('SST2020', policy, 'spec.ingress', text, scope)];
}

function stoppedProbes(policy: PolicyObject, policies: readonly PolicyObject[], scope: PolicyScope): ProbedPort[] {
  if (!isIsolating(policy, INGRESS)) return [];
  const selected = scope.probes.filter(({ labels }) => matchesSelector(podSelector(policy), labels));
  return selected.filter(
    (probe) =>
      !policies
        .filter((other) => matchesSelector(podSelector(other), probe.labels))
        .flatMap((other) => rulesOf(other, INGRESS))
        .some((rule) => admitsProbe(rule, probe)),
  );
}

const addressOf = ({ family = 'IPv4' }: ProbedPort): string => PROBE_ADDRESSES[family];

function admitsProbe(rule: Rule, probe: ProbedPort): boolean {
  const peers = asRecords(rule['from']);
  const isPeer = ({ ipBlock }: Rule): boolean => ipBlock !== undefined && isIn(addressOf(probe), asRecord(ipBlock));
  return admitsPort(rule, probe.port, probe.name) && (peers.length === 0 || peers.some(isPeer));
}

function admitsToApplication(rule: Rule): boolean {
  const ports = asRecords(rule['ports']);
  return ports.length === 0 || ports.some((port) => isTcp(port) && (port['port'] !== HBONE_PORT || 'endPort' in port));
}
