import { LABEL } from '../api/labels.js';
import type { Finding } from './findings.js';
import { classTargetFindings, unservedTargetFindings } from './findings/attachment.js';
import { authorizationFindings, usesIdentity } from './findings/authorization.js';
import { networkPolicyFindings } from './findings/network-policy.js';
import { isIgnored, isStrict, peerAuthenticationFindings } from './findings/peer-authentication.js';
import {
  type PolicyScope,
  appliesBySelector,
  finding,
  hasTargetRefs,
  isExportedTo,
  isOwn,
  notUnderstood,
} from './findings/scope.js';
import { type PolicyObject, asRecord, asRecords, asStrings, stringAt } from './policy-object.js';
import { identityFindings } from './waypoint-identity.js';
import { markedLabels, namesWaypoint, waypointNeed } from './waypoint-needs.js';

export type { MeshSettings, PolicyScope, ProbedPort } from './findings/scope.js';

/** What the policies of a namespace demand of its callers. */
export interface CallerDemands {
  /** A caller without mTLS is refused somewhere in the namespace. */
  readonly strict: boolean;
  /** A policy decides by the caller's identity, which a plaintext caller lacks. */
  readonly identityBased: boolean;
}

/**
 * Findings about Istio, Gateway API and NetworkPolicy objects that apply to a namespace, the root namespace's included.
 *
 * Silent is what means the same in ambient mode: L4 AuthorizationPolicies that ztunnel reads exactly as a sidecar does, and
 * PeerAuthentications that ask for nothing but STRICT or PERMISSIVE. A kind or field that nobody has looked into blocks.
 *
 * @param objects  objects of any namespace, with `kind` set; those that do not apply here yield nothing
 */
export function policyFindings(objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  return [
    ...objects.flatMap((object) => objectFindings(object, objects, scope)),
    ...behindWaypoint(objects, scope),
    ...meshFindings(scope),
  ];
}

function behindWaypoint(objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  const { waypoint, namespace, mesh } = scope;
  if (!waypoint) return [];
  const ofPods = objects.filter(
    (object) => object.kind === 'AuthorizationPolicy' && !hasTargetRefs(object) && appliesBySelector(object, scope),
  );
  return identityFindings(ofPods, objects, { waypoint, namespace, trustDomain: mesh.trustDomain });
}

/** Whether callers that cannot speak mTLS with ambient pods would be refused, computed from the policies that apply. */
export function callerDemands(objects: readonly PolicyObject[], scope: PolicyScope): CallerDemands {
  const applying = objects.filter((object) => appliesBySelector(object, scope));
  return {
    strict: isStrict(applying, scope),
    identityBased: applying.some((object) => object.kind === 'AuthorizationPolicy' && usesIdentity(object)),
  };
}

function objectFindings(object: PolicyObject, objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  const { waypoint } = scope;
  const need = waypoint && waypointNeed(object, waypoint, scope.namespace);
  if (need) return [need];
  const ofClass = classTargetFindings(object, scope);
  if (ofClass.length > 0) return ofClass;
  const field = appliesBy(object, scope);
  if (field === undefined) return [];
  if (ATTACHABLE.has(object.kind) && hasTargetRefs(object)) return unservedTargetFindings(object, scope);
  switch (object.kind) {
    case 'AuthorizationPolicy':
      return orKept(object, authorizationFindings(object, scope), scope);
    case 'PeerAuthentication':
      return orKept(object, peerAuthenticationFindings(object, objects, scope), scope);
    case 'RequestAuthentication':
      return [finding('SST2017', object, field, 'ztunnel looks at no tokens', scope)];
    case 'NetworkPolicy': {
      const policies = objects.filter((other) => other.kind === 'NetworkPolicy' && isOwn(other, scope));
      return networkPolicyFindings(object, policies, scope);
    }
    case 'Namespace':
    case 'Service':
      return [finding('SST2004', object, field, 'binds to a waypoint', scope)];
    default:
      return [notUnderstood(object, field, scope)];
  }
}

/** Kinds whose `targetRefs` sidecars and ztunnel do not read. */
const ATTACHABLE = new Set([
  'AuthorizationPolicy',
  'RequestAuthentication',
  'WasmPlugin',
  'TrafficExtension',
  'Telemetry',
]);

/** A policy that keeps its meaning is worth a word only if it is not the team's own. */
function orKept(policy: PolicyObject, found: Finding[], scope: PolicyScope): Finding[] {
  if (found.length > 0 || isOwn(policy, scope)) return found;
  return [finding('SST2019', policy, 'metadata.namespace', 'reaches this namespace and keeps its meaning', scope)];
}

/** The field by which an object applies to the namespace, or undefined if it does not. */
function appliesBy(object: PolicyObject, scope: PolicyScope): string | undefined {
  switch (object.kind) {
    case 'PeerAuthentication':
      return appliesBySelector(object, scope) && !isIgnored(object, scope) ? 'spec' : undefined;
    case 'AuthorizationPolicy':
    case 'RequestAuthentication':
    case 'WasmPlugin':
    case 'TrafficExtension':
    case 'Telemetry':
    case 'EnvoyFilter':
    case 'ProxyConfig':
    case 'Sidecar':
      return appliesBySelector(object, scope) ? 'spec' : undefined;
    case 'VirtualService':
      return isExportedTo(object, scope.namespace) && concernsMeshTraffic(object) ? 'spec.hosts' : undefined;
    case 'DestinationRule':
      return isExportedTo(object, scope.namespace) ? 'spec.host' : undefined;
    case 'ServiceEntry':
      return isExportedTo(object, scope.namespace) ? 'spec.hosts' : undefined;
    case 'HTTPRoute':
    case 'GRPCRoute':
    case 'TLSRoute':
    case 'TCPRoute':
      return hasServiceParent(object, scope.namespace) ? 'spec.parentRefs' : undefined;
    case 'WorkloadEntry':
    case 'WorkloadGroup':
      return isOwn(object, scope) ? 'spec' : undefined;
    case 'NetworkPolicy':
      return isOwn(object, scope) ? 'spec.podSelector' : undefined;
    case 'Namespace':
      return object.metadata.name === scope.namespace ? waypointLabel(object, scope) : undefined;
    case 'Service':
      return isOwn(object, scope) ? waypointLabel(object, scope) : undefined;
    default:
      return isOwn(object, scope) ? 'kind' : undefined;
  }
}

/** A VirtualService that is bound to ingress gateways only stays with them. */
function concernsMeshTraffic(virtualService: PolicyObject): boolean {
  const gateways = asStrings(asRecord(virtualService.spec)['gateways']);
  return gateways.length === 0 || gateways.includes('mesh');
}

/** Sidecars honour routes whose parent is a Service (GAMMA); without a waypoint nobody would. */
function hasServiceParent(route: PolicyObject, namespace: string): boolean {
  return asRecords(asRecord(route.spec)['parentRefs']).some((parent) => {
    const toService = parent['kind'] === 'Service' || parent['kind'] === 'ServiceEntry';
    const parentNamespace = stringAt(parent, 'namespace') ?? route.metadata.namespace;
    return toService && (parentNamespace === namespace || route.metadata.namespace === namespace);
  });
}

/** A label of ours leads to the waypoint that was intended when it was set. */
function waypointLabel(object: PolicyObject, { waypoint }: PolicyScope): string | undefined {
  const value = object.metadata.labels?.[LABEL.useWaypoint];
  const isIntended = waypoint !== undefined && namesWaypoint(object, waypoint);
  const isMarked = markedLabels(object)[LABEL.useWaypoint] === value;
  return value === undefined || value === 'none' || isIntended || isMarked
    ? undefined
    : `metadata.labels[${LABEL.useWaypoint}]`;
}

function meshFindings(scope: PolicyScope): Finding[] {
  const { mesh } = scope;
  const found: Finding[] = [];
  const add = (field: string, message: string): void => {
    found.push({ code: 'SST2001', object: mesh.object, message: `${field}: ${message}` });
  };
  if (mesh.outboundTrafficPolicy === 'REGISTRY_ONLY')
    add('outboundTrafficPolicy.mode', 'REGISTRY_ONLY is not enforced by ztunnel: unknown destinations would open');
  if (!mesh.enableAutoMtls) add('enableAutoMtls', 'false: sidecars would talk plaintext to ambient pods');
  return found;
}
