import { LABEL } from '../api/labels.js';
import type { Finding } from './findings.js';
import { classTargetFindings, sharedTargetFindings, unservedTargetFindings } from './findings/attachment.js';
import { authorizationFindings, isDryRun, usesIdentity } from './findings/authorization.js';
import { destinationRuleFindings } from './findings/destination-rule.js';
import { FOREIGN_NETWORK_POLICIES, foreignNetworkFindings } from './findings/foreign-network-policy.js';
import { headlessFindings } from './findings/headless.js';
import { neighbourFindings } from './findings/network-neighbours.js';
import { networkPolicyFindings } from './findings/network-policy.js';
import { waypointNetworkFindings } from './findings/network-waypoint.js';
import { exportFindings, serviceEntryFindings, workloadEntryFindings } from './findings/outside.js';
import { isIgnored, isStrict, peerAuthenticationFindings } from './findings/peer-authentication.js';
import { envoyFilterFindings, telemetryFindings } from './findings/proxy-settings.js';
import { routeFindings, virtualServiceFindings } from './findings/routes.js';
import { type PolicyScope, appliesBySelector, finding, hasTargetRefs, isOwn, notUnderstood } from './findings/scope.js';
import { meshSettingsFindings, sidecarFindings } from './findings/sidecar.js';
import { waypointPortFindings } from './findings/waypoint-ports.js';
import type { PolicyObject } from './policy-object.js';
import { identityFindings } from './waypoint-identity.js';
import { isHeldByMigration } from './waypoint-holders.js';
import { namesWaypoint, waypointNeed } from './waypoint-needs.js';

export type { ContainerPort, PolicyScope, ProbedPort } from './findings/scope.js';

/** What the policies of a namespace demand of its callers. */
export interface CallerDemands {
  /** A caller without mTLS is refused somewhere in the namespace. */
  readonly strict: boolean;
  /** A policy decides by the caller's identity, which a plaintext caller lacks. */
  readonly identityBased: boolean;
}

/** Kinds of objects that {@link policyFindings} knows. */
export const READ_KINDS: ReadonlySet<string> = new Set([
  'AuthorizationPolicy',
  'PeerAuthentication',
  'RequestAuthentication',
  'VirtualService',
  'DestinationRule',
  'EnvoyFilter',
  'Sidecar',
  'ServiceEntry',
  'WorkloadEntry',
  'WorkloadGroup',
  'ProxyConfig',
  'WasmPlugin',
  'TrafficExtension',
  'Telemetry',
  'HTTPRoute',
  'GRPCRoute',
  'TLSRoute',
  'TCPRoute',
  'NetworkPolicy',
  ...FOREIGN_NETWORK_POLICIES,
  'Namespace',
  'Service',
]);

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
    ...neighbourFindings(objects, scope),
    ...waypointNetworkFindings(objects, scope),
    ...waypointPortFindings(objects, scope),
    ...headlessFindings(objects, scope),
    ...meshSettingsFindings(scope),
  ];
}

function behindWaypoint(objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  const { waypoint, namespace, mesh } = scope;
  if (!waypoint) return [];
  const ofPods = objects.filter(
    (object) => isDeciding(object) && !hasTargetRefs(object) && appliesBySelector(object, scope),
  );
  return identityFindings(ofPods, objects, { waypoint, namespace, trustDomain: mesh.trustDomain });
}

/** Whether callers that cannot speak mTLS with ambient pods would be refused, computed from the policies that apply. */
export function callerDemands(objects: readonly PolicyObject[], scope: PolicyScope): CallerDemands {
  const applying = objects.filter((object) => appliesBySelector(object, scope));
  return {
    strict: isStrict(applying, scope),
    identityBased: applying.some((object) => isDeciding(object) && usesIdentity(object)),
  };
}

const isDeciding = (object: PolicyObject): boolean => object.kind === 'AuthorizationPolicy' && !isDryRun(object);

function objectFindings(object: PolicyObject, objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  if (FOREIGN_NETWORK_POLICIES.includes(object.kind)) return foreignNetworkFindings(object, scope);
  const { waypoint } = scope;
  const need = waypoint && waypointNeed(object, waypoint, scope.namespace);
  if (need) return [need];
  const ofWaypoint = [...classTargetFindings(object, scope), ...sharedTargetFindings(object, scope)];
  if (ofWaypoint.length > 0) return ofWaypoint;
  switch (object.kind) {
    case 'VirtualService':
      return virtualServiceFindings(object, scope);
    case 'DestinationRule':
      return destinationRuleFindings(object, objects, scope);
    case 'ServiceEntry':
      return serviceEntryFindings(object, scope);
    case 'HTTPRoute':
    case 'GRPCRoute':
    case 'TLSRoute':
    case 'TCPRoute':
      return routeFindings(object, scope);
    case 'Namespace':
      return object.metadata.name === scope.namespace ? boundFindings(object, scope) : [];
    default:
      return isOwn(object, scope) || BY_SELECTOR.has(object.kind) ? selectingFindings(object, objects, scope) : [];
  }
}

/** Findings about an object of the namespace, or about one that chooses pods and may be of the root namespace. */
function selectingFindings(object: PolicyObject, objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  if (BY_SELECTOR.has(object.kind) && !appliesBySelector(object, scope)) return [];
  if (ATTACHABLE.has(object.kind) && hasTargetRefs(object)) return unservedTargetFindings(object, objects, scope);
  switch (object.kind) {
    case 'AuthorizationPolicy':
      return orKept(object, authorizationFindings(object, scope), scope);
    case 'PeerAuthentication':
      if (isIgnored(object, scope)) return [];
      return orKept(object, peerAuthenticationFindings(object, objects, scope), scope);
    case 'RequestAuthentication':
      return [finding('SST2017', object, 'spec', 'ztunnel looks at no tokens', scope)];
    case 'EnvoyFilter':
      return envoyFilterFindings(object, scope);
    case 'WasmPlugin':
    case 'TrafficExtension':
      return [finding('SST3016', object, 'spec', 'ztunnel does not run it', scope)];
    case 'Telemetry':
      return telemetryFindings(object, scope);
    case 'ProxyConfig':
      return [finding('SST3019', object, 'spec', 'there is no sidecar to set up', scope)];
    case 'Sidecar':
      return sidecarFindings(object, scope);
    case 'WorkloadEntry':
      return workloadEntryFindings(object, objects, scope);
    case 'WorkloadGroup':
      return [finding('SST3023', object, 'spec', 'ambient mode has no workloads outside the cluster', scope)];
    case 'NetworkPolicy': {
      const policies = objects.filter((other) => other.kind === 'NetworkPolicy' && isOwn(other, scope));
      return networkPolicyFindings(object, policies, scope);
    }
    case 'Service':
      return [...boundFindings(object, scope), ...exportFindings(object, scope)];
    default:
      return [notUnderstood(object, 'kind', scope)];
  }
}

/** Kinds that choose pods, also from the root namespace. */
const BY_SELECTOR = new Set([
  'AuthorizationPolicy',
  'PeerAuthentication',
  'RequestAuthentication',
  'WasmPlugin',
  'TrafficExtension',
  'Telemetry',
  'EnvoyFilter',
  'ProxyConfig',
  'Sidecar',
]);

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

/** A Namespace or Service that names a waypoint; a label of ours leads to the waypoint that was intended when it was set. */
function boundFindings(object: PolicyObject, scope: PolicyScope): Finding[] {
  const value = object.metadata.labels?.[LABEL.useWaypoint];
  const isIntended = scope.waypoint !== undefined && namesWaypoint(object, scope.waypoint);
  const follows = object.kind === 'Service' && scope.followers?.has(object.metadata.name) === true;
  return value === undefined || value === 'none' || isIntended || isHeldByMigration(object) || follows
    ? []
    : [finding('SST2004', object, `metadata.labels[${LABEL.useWaypoint}]`, 'binds to a waypoint', scope)];
}
