import { masked, parseAddress, parsePrefix } from '../ambient-index/ip-address.js';
import { type LabelSelector, matchesSelector } from '../ambient-index/label-selector.js';
import { type Labels, type PolicyObject, asRecord, asRecords, asStrings, stringAt } from '../policy-object.js';

/*
 * How a NetworkPolicy is read.
 * @see kubernetes/api networking/v1/types.go
 */

/** Where mesh traffic leaves and arrives, whatever port it is for. */
export const HBONE_PORT = 15_008;
/** Where istiod gives proxies their configuration and certificates. */
export const ISTIOD_PORT = 15_012;
/**
 * Where probes of the kubelet seem to come from, once a pod is ambient, by the family of the pod's first address.
 *
 * @see istio/istio cni/README.md, HOST_PROBE_SNAT_IP and HOST_PROBE_SNAT_IPV6
 */
export const PROBE_ADDRESSES = { IPv4: '169.254.7.127', IPv6: 'fd16:9254:7127:1337:ffff:ffff:ffff:ffff' } as const;

/** Where pods call nobody of the mesh: DNS, and a sidecar's own way to istiod. */
const OTHER_PORTS = new Set<unknown>([53, ISTIOD_PORT]);

/** A rule of a NetworkPolicy, in one direction. */
export type Rule = Readonly<Record<string, unknown>>;

/** One of the two sides of a NetworkPolicy. */
export interface Direction {
  readonly type: 'Ingress' | 'Egress';
  readonly rules: 'ingress' | 'egress';
  readonly peers: 'from' | 'to';
}
export const INGRESS: Direction = { type: 'Ingress', rules: 'ingress', peers: 'from' };
export const EGRESS: Direction = { type: 'Egress', rules: 'egress', peers: 'to' };

/** Pods as a peer of a rule: their labels, and their namespace. */
export interface Pods {
  readonly namespace: string;
  readonly namespaceLabels: Labels;
  readonly labels: Labels;
}

/** Whether pods that a policy selects have nothing in this direction but what rules admit. */
export function isIsolating(policy: PolicyObject, { type, rules }: Direction): boolean {
  const spec = asRecord(policy.spec);
  const types = asStrings(spec['policyTypes']);
  // Kubernetes docs, NetworkPolicy: without policyTypes always ingress, and egress if there are rules for it.
  return types.length > 0 ? types.includes(type) : type === 'Ingress' || asRecords(spec[rules]).length > 0;
}

/** The rules of a direction; none where the policy says nothing about it, and where it admits nothing. */
export function rulesOf(policy: PolicyObject, direction: Direction): readonly Rule[] {
  return isIsolating(policy, direction) ? asRecords(asRecord(policy.spec)[direction.rules]) : [];
}

/** The pods of its namespace that a policy is for. */
export const podSelector = (policy: PolicyObject): LabelSelector => asRecord(asRecord(policy.spec)['podSelector']);

/** Whether a policy is for all pods of its namespace. */
export const selectsAll = (policy: PolicyObject): boolean => Object.values(podSelector(policy)).every(isEmpty);

/** Whether a policy certainly selects every pod that another one selects. */
export function selectsAllOf(policy: PolicyObject, other: PolicyObject): boolean {
  return selectsAll(policy) || isSame(podSelector(policy), podSelector(other));
}

const isEmpty = (value: unknown): boolean => Object.keys(value ?? {}).length === 0;

/** Whether a rule admits what the mesh carries: TCP, and neither DNS nor probes alone. */
export function isForMesh(rule: Rule, { type, peers }: Direction): boolean {
  const from = asRecords(rule[peers]);
  if (from.length > 0 && from.every((peer) => isOfProbes(asRecord(peer['ipBlock'])))) return false;
  const ports = asRecords(rule['ports']);
  const isOther = ({ port }: Rule): boolean => type === 'Egress' && OTHER_PORTS.has(port);
  return ports.length === 0 || ports.some((port) => isTcp(port) && !isOther(port));
}

const isOfProbes = ({ cidr }: Rule): boolean =>
  typeof cidr === 'string' && (cidr.startsWith('169.254.') || isIn(PROBE_ADDRESSES.IPv6, { cidr }));

/** Whether an entry of `ports` is about TCP, the default. */
export const isTcp = (port: Rule): boolean => (stringAt(port, 'protocol') ?? 'TCP') === 'TCP';

/** Whether a rule admits a TCP port, or its name in the container. */
export function admitsPort(rule: Rule, number: number, name?: string): boolean {
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
export function coversPeers(rule: Rule, other: Rule, { peers }: Direction): boolean {
  const all = asRecords(rule[peers]);
  const some = asRecords(other[peers]);
  return all.length === 0 || (some.length > 0 && some.every((peer) => all.some((one) => isSame(one, peer))));
}

/**
 * Whether pods are among the peers of a rule; `unknown` where it names addresses, for theirs come and go.
 *
 * @param home  namespace of the policy: a peer without `namespaceSelector` is there
 */
export function admitsPods(rule: Rule, { peers }: Direction, pods: Pods, home: string): 'yes' | 'no' | 'unknown' {
  const named = asRecords(rule[peers]);
  const isAdmitted = named.some((peer) => {
    if (peer['ipBlock'] !== undefined) return false;
    const ofNamespace = peer['namespaceSelector'];
    const ofPods = peer['podSelector'];
    const isThere = ofNamespace ? matchesSelector(ofNamespace, pods.namespaceLabels) : pods.namespace === home;
    return isThere && (!ofPods || matchesSelector(ofPods, pods.labels));
  });
  if (named.length === 0 || isAdmitted) return 'yes';
  return named.some((peer) => peer['ipBlock'] !== undefined) ? 'unknown' : 'no';
}

/** Whether an address is in an `ipBlock`. */
export function isIn(address: string, { cidr, except }: Rule): boolean {
  const contains = (block: string): boolean => {
    const prefix = parsePrefix(block);
    const bytes = parseAddress(address);
    return prefix !== undefined && bytes !== undefined && isSame(masked(prefix), masked({ ...prefix, address: bytes }));
  };
  return typeof cidr === 'string' && contains(cidr) && !asStrings(except).some(contains);
}

/** Whether two values are the same JSON. */
export function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
