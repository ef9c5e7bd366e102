import { masked, parseAddress, parsePrefix } from '../ambient-index/ip-address.js';
import { type LabelSelector, matchesSelector } from '../ambient-index/label-selector.js';
import type { Finding } from '../findings.js';
import { type PolicyObject, asRecord, asRecords, asStrings, stringAt } from '../policy-object.js';
import { type PolicyScope, type ProbedPort, finding } from './scope.js';

/** Where mesh traffic leaves and arrives, whatever port it is for. */
const HBONE_PORT = 15_008;
/** Where probes of the kubelet seem to come from. */
const PROBE_ADDRESS = '169.254.7.127';
/** Where pods call nobody of the mesh: DNS, and a sidecar's own way to istiod. */
const OTHER_PORTS = new Set<unknown>([53, 15_012]);

type Fields = Readonly<Record<string, unknown>>;

interface Direction {
  readonly type: 'Ingress' | 'Egress';
  readonly rules: 'ingress' | 'egress';
  readonly peers: 'from' | 'to';
}
const INGRESS: Direction = { type: 'Ingress', rules: 'ingress', peers: 'from' };
const EGRESS: Direction = { type: 'Egress', rules: 'egress', peers: 'to' };

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
  const inbound = withoutTunnel(policy, policies, INGRESS);
  const outbound = withoutTunnel(policy, policies, EGRESS);
  const probes = stoppedProbes(policy, policies, scope);
  const { waypoint } = scope;
  const opened = openedToOthers(policy, policies);
  const mixed = waypoint ? mixedUp(policy, policies, waypoint.namespace === scope.namespace) : [];
  const port = `admits no TCP ${HBONE_PORT}`;
  return [
    ...(inbound.length > 0 ? [finding('SST2003', policy, inbound, `${port}, where mesh traffic arrives`, scope)] : []),
    ...(probes.length > 0
      ? [
          finding(
            'SST2020',
            policy,
            'spec.ingress',
            `does not admit probes from ${PROBE_ADDRESS} on ${probes.length > 1 ? 'ports' : 'port'} ${probes.join(', ')}`,
            scope,
          ),
        ]
      : []),
    ...(opened.length > 0
      ? [
          finding(
            'SST2022',
            policy,
            opened,
            `opens every port, by TCP ${HBONE_PORT}, to callers without any port`,
            scope,
          ),
        ]
      : []),
    ...(mixed.length > 0
      ? [finding('SST2023', policy, mixed, `pods see waypoint ${waypoint?.name ?? ''} instead of these callers`, scope)]
      : []),
    ...(outbound.length > 0 ? [finding('SST2021', policy, outbound, `${port}, where mesh traffic goes`, scope)] : []),
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
  const selectsWaypoint = isOwnWaypoint && Object.values(podSelector(policy)).every(isEmpty);
  const admitsWaypoint = tunnels.some(({ from }) => asRecords(from).some((peer) => isSame(peer, { podSelector: {} })));
  if (isOpen || (selectsWaypoint && admitsWaypoint)) return [];
  return rulesOf(policy, INGRESS).flatMap((rule, index) => {
    const isForSome = asRecords(rule['from']).length > 0 && isForMesh(rule, INGRESS);
    return isForSome ? [`spec.ingress[${index}]`] : [];
  });
}

/** Ports of pods that the policy selects and whose probes no policy lets in. */
function stoppedProbes(policy: PolicyObject, policies: readonly PolicyObject[], scope: PolicyScope): number[] {
  if (!isIsolating(policy, INGRESS)) return [];
  const selected = scope.probes.filter(({ labels }) => matchesSelector(podSelector(policy), labels));
  const stopped = selected.filter(
    (probe) =>
      !policies
        .filter((other) => matchesSelector(podSelector(other), probe.labels))
        .flatMap((other) => rulesOf(other, INGRESS))
        .some((rule) => admitsProbe(rule, probe)),
  );
  return [...new Set(stopped.map(({ port }) => port))].sort((a, b) => a - b);
}

function isIsolating(policy: PolicyObject, { type, rules }: Direction): boolean {
  const spec = asRecord(policy.spec);
  const types = asStrings(spec['policyTypes']);
  // Kubernetes docs, NetworkPolicy: without policyTypes always ingress, and egress if there are rules for it.
  return types.length > 0 ? types.includes(type) : type === 'Ingress' || asRecords(spec[rules]).length > 0;
}

function rulesOf(policy: PolicyObject, direction: Direction): readonly Fields[] {
  return isIsolating(policy, direction) ? asRecords(asRecord(policy.spec)[direction.rules]) : [];
}

const podSelector = (policy: PolicyObject): LabelSelector => asRecord(asRecord(policy.spec)['podSelector']);

/** Whether a policy certainly selects every pod that another one selects. */
function selectsAllOf(policy: PolicyObject, other: PolicyObject): boolean {
  const selector = podSelector(policy);
  return Object.values(selector).every(isEmpty) || isSame(selector, podSelector(other));
}

const isEmpty = (value: unknown): boolean => Object.keys(value ?? {}).length === 0;

/** Whether a rule admits what the mesh carries: TCP, and neither DNS nor probes alone. */
function isForMesh(rule: Fields, { type, peers }: Direction): boolean {
  const from = asRecords(rule[peers]);
  if (from.length > 0 && from.every((peer) => isLinkLocal(asRecord(peer['ipBlock'])))) return false;
  const ports = asRecords(rule['ports']);
  const isOther = ({ port }: Fields): boolean => type === 'Egress' && OTHER_PORTS.has(port);
  return ports.length === 0 || ports.some((port) => isTcp(port) && !isOther(port));
}

const isLinkLocal = ({ cidr }: Fields): boolean => typeof cidr === 'string' && cidr.startsWith('169.254.');
const isTcp = (port: Fields): boolean => (stringAt(port, 'protocol') ?? 'TCP') === 'TCP';

function admitsToApplication(rule: Fields): boolean {
  const ports = asRecords(rule['ports']);
  return ports.length === 0 || ports.some((port) => isTcp(port) && (port['port'] !== HBONE_PORT || 'endPort' in port));
}

function admitsPort(rule: Fields, number: number, name?: string): boolean {
  const ports = asRecords(rule['ports']);
  return (
    ports.length === 0 ||
    ports.some((port) => {
      if (!isTcp(port)) return false;
      const first = port['port'];
      if (typeof first !== 'number') return first === undefined || first === name;
      const last = port['endPort'];
      return first <= number && number <= (typeof last === 'number' ? last : first);
    })
  );
}

/** Whether one rule is for all peers of another. */
function coversPeers(rule: Fields, other: Fields, { peers }: Direction): boolean {
  const all = asRecords(rule[peers]);
  const some = asRecords(other[peers]);
  return all.length === 0 || (some.length > 0 && some.every((peer) => all.some((one) => isSame(one, peer))));
}

function admitsProbe(rule: Fields, { port, name }: ProbedPort): boolean {
  const peers = asRecords(rule['from']);
  return (
    admitsPort(rule, port, name) &&
    (peers.length === 0 || peers.some(({ ipBlock }) => ipBlock !== undefined && isIn(PROBE_ADDRESS, asRecord(ipBlock))))
  );
}

function isIn(address: string, { cidr, except }: Fields): boolean {
  const contains = (block: string): boolean => {
    const prefix = parsePrefix(block);
    const bytes = parseAddress(address);
    return prefix !== undefined && bytes !== undefined && isSame(masked(prefix), masked({ ...prefix, address: bytes }));
  };
  return typeof cidr === 'string' && contains(cidr) && !asStrings(except).some(contains);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
