import { LABEL } from '../../api/labels.js';
import type { Finding, FindingCode } from '../findings.js';
import { type Labels, type PolicyObject, asRecord, asRecords, stringAt } from '../policy-object.js';
import {
  type Direction,
  EGRESS,
  HBONE_PORT,
  INGRESS,
  type Pods,
  type Rule,
  admitsPods,
  admitsPort,
  isForMesh,
  isTcp,
  rulesOf,
  selectsAllOf,
} from './network-rules.js';
import { type PolicyScope, finding, isOwn } from './scope.js';

/** What a rule that names this namespace raises, by direction; one for everybody says little about who calls whom. */
const CODES = { Egress: 'SST2026', Ingress: 'SST2027', everybody: 'SST2030' } as const;

/**
 * What NetworkPolicies of other namespaces of the mesh would stop: calls of their pods to the namespace, and its calls to theirs.
 * Both use TCP 15008 once its pods are ambient, also where the other side has a sidecar.
 *
 * @see istio.io, ambient/usage/networkpolicy; istio-ambient facts 6.1
 */
export function neighbourFindings(objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  const policies = objects.filter((object) => object.kind === 'NetworkPolicy' && !isOwn(object, scope));
  if (policies.length === 0) return [];
  const namespaces = new Map(
    objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => [metadata.name, metadata.labels ?? {}]),
  );
  const here = podsOf(scope, namespaces.get(scope.namespace) ?? {});
  const ports = servicePorts(objects, scope);
  const byNamespace = new Map<string, PolicyObject[]>();
  for (const policy of policies) {
    const { namespace = '' } = policy.metadata;
    if (isInMesh(namespaces.get(namespace) ?? {}))
      byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), policy]);
  }
  return [...byNamespace.values()].flatMap((siblings) =>
    siblings.flatMap((policy) => [
      ...stopped(policy, siblings, EGRESS, here, (rule) => ports.some((port) => admitsService(rule, port)), scope),
      ...stopped(policy, siblings, INGRESS, here, (rule) => isForMesh(rule, INGRESS), scope),
    ]),
  );
}

/** Whether pods of a namespace with these labels have sidecars, or are ambient, unless they say otherwise themselves. */
export function isInMesh(labels: Labels): boolean {
  const isInjected = labels[LABEL.injection] === 'enabled' || labels[LABEL.revision] !== undefined;
  return labels[LABEL.dataplaneMode] === 'ambient' || (isInjected && labels[LABEL.injection] !== 'disabled');
}

/** The pods of the namespace, as peers of others. */
export function podsOf({ namespace, workloadLabels }: PolicyScope, namespaceLabels: Labels): Pods[] {
  return workloadLabels.map((labels) => withName(namespace, namespaceLabels, labels));
}

/** Pods as a peer; every namespace has the label with its name. @see Kubernetes docs, Namespaces, Automatic labelling */
export function withName(namespace: string, namespaceLabels: Labels, labels: Labels): Pods {
  return { namespace, namespaceLabels: { 'kubernetes.io/metadata.name': namespace, ...namespaceLabels }, labels };
}

function stopped(
  policy: PolicyObject,
  siblings: readonly PolicyObject[],
  direction: Direction,
  here: readonly Pods[],
  isAsked: (rule: Rule) => boolean,
  scope: PolicyScope,
): Finding[] {
  const home = policy.metadata.namespace ?? '';
  const tunnels = siblings
    .filter((other) => selectsAllOf(other, policy))
    .flatMap((other) => rulesOf(other, direction))
    .filter((rule) => admitsPort(rule, HBONE_PORT));
  const isCovered = (pods: Pods): boolean =>
    tunnels.some((tunnel) => admitsPods(tunnel, direction, pods, home) !== 'no');
  const paths = new Map<FindingCode, string[]>();
  for (const [index, rule] of rulesOf(policy, direction).entries()) {
    const concerned = here.filter((pods) => admitsPods(rule, direction, pods, home) === 'yes');
    if (admitsPort(rule, HBONE_PORT) || !isAsked(rule) || concerned.every(isCovered)) continue;
    const code = asRecords(rule[direction.peers]).length === 0 ? CODES.everybody : CODES[direction.type];
    paths.set(code, [...(paths.get(code) ?? []), `spec.${direction.rules}[${index}]`]);
  }
  const side = direction.type === 'Egress' ? 'to' : 'from';
  const text = `admits no TCP ${HBONE_PORT} ${side} namespace ${scope.namespace}`;
  return [...paths].map(([code, fields]) => finding(code, policy, fields, text, scope));
}

/** A port at pods behind a Service: its number, or its name in the container. */
type PodPort = number | string;

/** TCP ports of the pods behind Services of the namespace. */
function servicePorts(objects: readonly PolicyObject[], scope: PolicyScope): PodPort[] {
  const services = objects.filter((object) => object.kind === 'Service' && isOwn(object, scope));
  return services.flatMap(({ spec }) =>
    asRecords(asRecord(spec)['ports'])
      .filter(isTcp)
      .map((port) => (stringAt(port, 'targetPort') ?? port['targetPort'] ?? port['port']) as PodPort),
  );
}

/** Whether a rule lets callers out to a port; what has a name there may have any number. */
function admitsService(rule: Rule, port: PodPort): boolean {
  if (typeof port === 'number') return admitsPort(rule, port);
  return isForMesh(rule, EGRESS);
}
