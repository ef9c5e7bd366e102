import type { Service } from '../../../kube/types.js';
import type { Wanted } from './conditions.js';
import type { AuthorizationPolicy, PolicyRule, TargetReference } from './kinds.js';
import { bindingOf, isWaypoint, type WaypointLookup } from './waypoints.js';

/** What the conditions of policies depend on besides waypoints. */
export interface PolicyLookup extends WaypointLookup {
  service(namespace: string, name: string): Service | undefined;
  rootNamespace: string;
}

/** What ztunnel cannot decide by; lists of a source, of an operation. */
const httpSources = ['remoteIpBlocks', 'notRemoteIpBlocks', 'requestPrincipals', 'notRequestPrincipals'];
const httpOperations = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'];
const l4Keys = ['source.ip', 'source.namespace', 'source.principal', 'destination.ip', 'destination.port'];

/**
 * The condition that istiod writes on an AuthorizationPolicy: `ZtunnelAccepted`, or `WaypointAccepted` if it has targets.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/{authorization,policies}.go
 */
export function policyCondition(policy: AuthorizationPolicy, lookup: PolicyLookup): Wanted {
  const { targetRef, targetRefs = [] } = policy.spec ?? {};
  const targets = targetRefs.length > 0 ? targetRefs : targetRef === undefined ? [] : [targetRef];
  return targets.length === 0 ? ztunnelAccepted(policy) : waypointAccepted(policy, targets, lookup);
}

function ztunnelAccepted({ metadata, spec }: AuthorizationPolicy): Wanted {
  const type = 'ZtunnelAccepted';
  const unsupported = (status: 'True' | 'False', message: string): Wanted => {
    return { type, status, reason: 'UnsupportedValue', message };
  };
  if (metadata.annotations?.['istio.io/dry-run'] === 'true') {
    const what = `found policy "${metadata.namespace}/${metadata.name}" using dry-run annotation`;
    const message = `${what}, but support for ambient dry-run authorizationPolicies isn't enabled`;
    return unsupported('False', message);
  }
  const { action = 'ALLOW', rules = [] } = spec ?? {};
  if (action !== 'ALLOW' && action !== 'DENY')
    return unsupported('False', `ztunnel does not support the ${action} action`);
  const attributes = [...new Set(rules.flatMap(httpAttributes))].sort();
  if (attributes.length === 0) return { type, status: 'True', reason: 'Accepted', message: 'attached to ztunnel' };
  const found = `ztunnel does not support HTTP attributes (found: ${attributes.join(', ')}).`;
  const instead = 'In ambient mode you must use a waypoint proxy to enforce HTTP rules.';
  return unsupported(
    'True',
    `${found} ${instead} ${consequence[action]} This will be more restrictive than requested.`,
  );
}

const consequence = {
  ALLOW: 'Within an ALLOW policy, rules matching HTTP attributes are omitted.',
  DENY: 'DENY policy with HTTP attributes is enforced without the HTTP rules.',
};

function httpAttributes({ from = [], to = [], when = [] }: PolicyRule): string[] {
  const filled = (names: string[], lists: Record<string, string[] | undefined> = {}): string[] =>
    names.filter((name) => (lists[name] ?? []).length > 0);
  return [
    ...from.flatMap(({ source }) => filled(httpSources, source)),
    ...to.flatMap(({ operation }) => filled(httpOperations, operation)),
    ...when.map(({ key = '' }) => key).filter((key) => !l4Keys.includes(key)),
  ];
}

interface Bound {
  isBound: boolean;
  reason: string;
  message: string;
  ancestor: string;
}

function waypointAccepted(policy: AuthorizationPolicy, targets: TargetReference[], lookup: PolicyLookup): Wanted {
  const type = 'WaypointAccepted';
  const all = targets.map((target) => boundTo(target, policy.metadata.namespace ?? '', lookup));
  const [only] = all;
  if (all.length === 1 && only !== undefined) {
    return { type, status: only.isBound ? 'True' : 'False', reason: only.reason, message: only.message };
  }
  const unbound = all.filter(({ isBound }) => !isBound).map(({ ancestor }) => ancestor);
  const message = unbound.length > 0 ? `Invalid targetRefs: ${unbound.join(', ')}` : '';
  if (unbound.length === all.length) return { type, status: 'False', reason: 'Invalid', message };
  return { type, status: 'True', reason: unbound.length > 0 ? 'PartiallyInvalid' : 'Accepted', message };
}

function boundTo(target: TargetReference, own: string, lookup: PolicyLookup): Bound {
  const { group, kind, namespace = own, name } = target;
  const key = `${namespace}/${name}`;
  const ancestor = `${kind}.${group || 'core'}:${key}`;
  const found = { Service: serviceTarget, Gateway: gatewayTarget, GatewayClass: classTarget }[kind];
  const answer = found?.(namespace, name, lookup) ?? { reason: 'unknown', message: 'not bound' };
  return { ancestor, isBound: answer.reason === 'Accepted', ...answer };
}

type Judge = (namespace: string, name: string, lookup: PolicyLookup) => { reason: string; message: string };

const serviceTarget: Judge = (namespace, name, lookup) => {
  const service = lookup.service(namespace, name);
  const key = `${namespace}/${name}`;
  if (service === undefined) return { reason: 'TargetNotFound', message: `Service ${key} was not found` };
  const { waypoint } = bindingOf(service, lookup);
  return waypoint === undefined
    ? { reason: 'AncestorNotBound', message: `Service ${key} is not bound to a waypoint` }
    : { reason: 'Accepted', message: `bound to ${waypoint}` };
};

const gatewayTarget: Judge = (namespace, name, lookup) => {
  const gateway = lookup.gateway(namespace, name);
  return gateway !== undefined && isWaypoint(gateway)
    ? { reason: 'Accepted', message: `bound to ${namespace}/${name}` }
    : { reason: 'TargetNotFound', message: 'not bound' };
};

const classTarget: Judge = (namespace, name, lookup) => {
  if (namespace !== lookup.rootNamespace) {
    const where = `must be in the root namespace \`${lookup.rootNamespace}\` when referencing a GatewayClass`;
    return { reason: 'Invalid', message: `AuthorizationPolicy ${where}` };
  }
  const found = lookup.gatewayClass(name);
  if (found === undefined) return { reason: 'TargetNotFound', message: 'not bound' };
  return found.spec.controllerName === 'istio.io/mesh-controller'
    ? { reason: 'Accepted', message: `bound to ${name}` }
    : { reason: 'Invalid', message: 'GatewayClass must use controller name `istio.io/mesh-controller` for waypoints' };
};
