import { LABEL } from '../../api/labels.js';
import type { Finding } from '../findings.js';
import { type PolicyObject, asRecord, asRecords, asStrings, objectName, selects } from '../policy-object.js';
import { isServed, targetsOf } from '../waypoint-needs.js';
import { isDryRun } from './authorization.js';
import { isHeadless } from './headless.js';
import { type PolicyScope, finding, isOwn } from './scope.js';

/** A port in a rule: its path, and what is written there. */
interface NamedPort {
  readonly path: string;
  readonly port: number;
}

/** A port of a Service, and the one of the pods that it leads to. */
interface PortPair {
  readonly port: number;
  readonly target: number;
}

/**
 * AuthorizationPolicies that the waypoint is to enforce, and that name a port on which pods listen. The waypoint compares with the
 * port of the Service that is called, where a sidecar and ztunnel compare with that of the pod.
 *
 * @param objects  every object: Services of the namespace say which port leads where
 * @see src/mesh/enforcement/trace.ts; istio-ambient facts 5.1
 */
export function waypointPortFindings(objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  const services = objects.filter((object) => object.kind === 'Service' && isOwn(object, scope) && isCalled(object));
  return objects.flatMap((policy) => {
    const named = policy.kind === 'AuthorizationPolicy' && !isDryRun(policy) ? portsOf(policy) : [];
    const targets = named.length > 0 ? services.filter((service) => isCovered(service, policy, scope)) : [];
    const wrong = named.flatMap((one) => targets.flatMap((service) => differing(one, service, scope)));
    if (wrong.length === 0) return [];
    const paths = [...new Set(wrong.map(({ path }) => path))];
    const texts = [...new Set(wrong.map(({ text }) => text))];
    return [finding('SST2031', policy, paths, `the waypoint compares with ports of Services: ${shown(texts)}`, scope)];
  });
}

/** Most ports that a message names. */
const MAX_TEXTS = 3;

function shown(texts: readonly string[]): string {
  const rest = texts.length > MAX_TEXTS ? ` and ${texts.length - MAX_TEXTS} more` : '';
  return `${texts.slice(0, MAX_TEXTS).join(', ')}${rest}`;
}

/** By an address of its own, and by way of a waypoint. */
function isCalled(service: PolicyObject): boolean {
  return !isHeadless(service) && service.metadata.labels?.[LABEL.useWaypoint] !== 'none';
}

/** Whether the waypoint asks a policy about calls of a Service of the namespace. */
function isCovered(
  service: PolicyObject,
  policy: PolicyObject,
  { waypoint, namespace, rootNamespace }: PolicyScope,
): boolean {
  if (!waypoint) return false;
  const home = policy.metadata.namespace ?? '';
  return targetsOf(policy).some((target) => {
    const { kind, name } = target;
    if (kind === 'Service') return home === namespace && name === service.metadata.name;
    return kind === 'GatewayClass' ? home === rootNamespace : isServed(target, waypoint, home);
  });
}

/** Every port that a policy compares with, and does so as a number. */
function portsOf(policy: PolicyObject): NamedPort[] {
  return asRecords(asRecord(policy.spec)['rules']).flatMap((rule, index) => {
    const operations = asRecords(rule['to']).flatMap((to, at) =>
      ['ports', 'notPorts'].map((field) => ({
        path: `spec.rules[${index}].to[${at}].operation.${field}`,
        values: asStrings(asRecord(to['operation'])[field]),
      })),
    );
    const conditions = asRecords(rule['when']).flatMap((when, at) =>
      ['values', 'notValues'].map((field) => ({
        path: `spec.rules[${index}].when[${at}].${field}`,
        values: when['key'] === 'destination.port' ? asStrings(when[field]) : [],
      })),
    );
    return [...operations, ...conditions].flatMap(({ path, values }) =>
      values.map((value) => ({ path, port: Number(value) })),
    );
  });
}

/** A port that the Service itself does not have, and that another one of its leads to. */
function differing(
  { path, port }: NamedPort,
  service: PolicyObject,
  scope: PolicyScope,
): { path: string; text: string }[] {
  const pairs = pairsOf(service, scope);
  if (pairs.some((pair) => pair.port === port)) return [];
  return pairs
    .filter(({ target }) => target === port)
    .map((pair) => ({ path, text: `${pair.port} instead of ${port} for ${objectName(service, scope.namespace)}` }));
}

function pairsOf({ spec }: PolicyObject, scope: PolicyScope): PortPair[] {
  const { ports, selector } = asRecord(spec);
  return asRecords(ports).flatMap((entry) => {
    const { port, targetPort } = entry;
    if (typeof port !== 'number') return [];
    if (typeof targetPort !== 'string') return [{ port, target: typeof targetPort === 'number' ? targetPort : port }];
    const numbers = (scope.containerPorts ?? [])
      .filter(({ name, labels }) => name === targetPort && selects(asRecord(selector), labels))
      .map((container) => container.port);
    return [...new Set(numbers)].map((target) => ({ port, target }));
  });
}
