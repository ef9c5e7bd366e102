import { LABEL } from '../api/labels.js';
import type { Finding, FindingCode } from './findings.js';
import { identityFindings } from './waypoint-identity.js';
import { isHeldByMigration } from './waypoint-holders.js';
import { type IntendedWaypoint, namesWaypoint, waypointNeed } from './waypoint-needs.js';
import { findUnsupportedField, usesIdentity } from './authorization-l4.js';
import {
  type Labels,
  type PolicyObject,
  asRecord,
  asRecords,
  asStrings,
  objectName,
  selects,
  stringAt,
} from './policy-object.js';

/** What decides whether an object applies to a namespace, and what it would mean there. */
export interface PolicyScope {
  readonly namespace: string;
  /** The namespace whose policies apply to the whole mesh, usually `istio-system`. */
  readonly rootNamespace: string;
  /** Labels of every pod and pod template of the namespace: a selector applies if it selects one of them. */
  readonly workloadLabels: readonly Labels[];
  readonly mesh: MeshSettings;
  /** The waypoint that the namespace is to use. */
  readonly waypoint?: IntendedWaypoint | undefined;
  /** Names of Services that have the waypoint of an account which a migration has labelled. */
  readonly followers?: ReadonlySet<string>;
}

/** The part of Istio's mesh configuration (`MeshConfig`) that changes what policies mean. */
export interface MeshSettings {
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  /** `ALLOW_ANY` or `REGISTRY_ONLY`. */
  readonly outboundTrafficPolicy: string;
  readonly enableAutoMtls: boolean;
  /** `Kind/namespace/name` of the object that holds the configuration, for findings. */
  readonly object: string;
}

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
 * Understood, and therefore silent: L4 AuthorizationPolicies that ztunnel reads exactly as a sidecar does, and
 * PeerAuthentication STRICT and PERMISSIVE. Everything else that applies is a blocker that names kind, object and field.
 *
 * @param objects  objects of any namespace, with `kind` set; those that do not apply here yield nothing
 */
export function policyFindings(objects: readonly PolicyObject[], scope: PolicyScope): Finding[] {
  return [
    ...objects.flatMap((object) => objectFindings(object, scope)),
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

function objectFindings(object: PolicyObject, scope: PolicyScope): Finding[] {
  const { waypoint } = scope;
  const need = waypoint && waypointNeed(object, waypoint, scope.namespace);
  if (need) return [need];
  const field = appliesBy(object, scope);
  if (field === undefined) return [];
  switch (object.kind) {
    case 'AuthorizationPolicy': {
      const unsupported = findUnsupportedField(object, scope.mesh);
      return unsupported === undefined ? [] : [notUnderstood(object, unsupported, scope)];
    }
    case 'PeerAuthentication':
      return peerAuthenticationFindings(object, scope);
    case 'NetworkPolicy':
      return [finding('SST2003', object, field, scope)];
    case 'Namespace':
    case 'Service':
      return [finding('SST2004', object, field, scope)];
    default:
      return [notUnderstood(object, field, scope)];
  }
}

/** The field by which an object applies to the namespace, or undefined if it does not. */
function appliesBy(object: PolicyObject, scope: PolicyScope): string | undefined {
  switch (object.kind) {
    case 'AuthorizationPolicy':
    case 'PeerAuthentication':
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

/**
 * Namespace-wide or mesh-wide, or selecting a workload of the namespace. A selector in the root namespace reaches the whole
 * mesh; `targetRefs` reach only their own namespace (and, from the root namespace, waypoints of a class: there are none here).
 */
function appliesBySelector(object: PolicyObject, scope: PolicyScope): boolean {
  const own = isOwn(object, scope);
  if (!own && object.metadata.namespace !== scope.rootNamespace) return false;
  if (hasTargetRefs(object)) return own;
  const spec = asRecord(object.spec);
  // In the own namespace a selector counts even if it selects nothing yet: the pod may come after its policy.
  if (own) return true;
  const selector = asRecord(spec['selector'])['matchLabels'] ?? asRecord(spec['workloadSelector'])['labels'];
  return selector === undefined || scope.workloadLabels.some((labels) => selects(asRecord(selector), labels));
}

function hasTargetRefs(object: PolicyObject): boolean {
  const spec = asRecord(object.spec);
  return spec['targetRef'] !== undefined || asRecords(spec['targetRefs']).length > 0;
}

function peerAuthenticationFindings(object: PolicyObject, scope: PolicyScope): Finding[] {
  const spec = asRecord(object.spec);
  const ports = Object.entries(asRecord(spec['portLevelMtls']));
  const disabledPort = ports.find(([, mtls]) => asRecord(mtls)['mode'] === 'DISABLE');
  if (asRecord(spec['mtls'])['mode'] === 'DISABLE') return [finding('SST2002', object, 'spec.mtls.mode', scope)];
  if (disabledPort) return [finding('SST2002', object, `spec.portLevelMtls.${disabledPort[0]}.mode`, scope)];
  return ports.length > 0 ? [notUnderstood(object, 'spec.portLevelMtls', scope)] : [];
}

/** Effective mode: workload before namespace before mesh, and of several the oldest (istio.io, PeerAuthentication). */
function isStrict(applying: readonly PolicyObject[], scope: PolicyScope): boolean {
  const peers = applying.filter((object) => object.kind === 'PeerAuthentication');
  const withSelector = peers.filter(
    (object) => asRecord(asRecord(object.spec)['selector'])['matchLabels'] !== undefined,
  );
  const wide = peers.filter((object) => !withSelector.includes(object) && modeOf(object) !== 'UNSET');
  const oldest = (namespace: string): PolicyObject | undefined =>
    wide
      .filter((object) => object.metadata.namespace === namespace)
      .sort((a, b) => (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''))[0];
  const effective = oldest(scope.namespace) ?? oldest(scope.rootNamespace);
  return (
    withSelector.some((object) => modeOf(object) === 'STRICT') ||
    (effective !== undefined && modeOf(effective) === 'STRICT')
  );
}

function modeOf(peerAuthentication: PolicyObject): string {
  return stringAt(asRecord(asRecord(peerAuthentication.spec)['mtls']), 'mode') ?? 'UNSET';
}

/** `exportTo` absent means the whole mesh (istio.io, VirtualService, exportTo). */
function isExportedTo(object: PolicyObject, namespace: string): boolean {
  const exportTo = asStrings(asRecord(object.spec)['exportTo']);
  if (exportTo.length === 0) return true;
  return exportTo.some(
    (target) => target === '*' || target === namespace || (target === '.' && object.metadata.namespace === namespace),
  );
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
function waypointLabel(object: PolicyObject, { waypoint, followers }: PolicyScope): string | undefined {
  const value = object.metadata.labels?.[LABEL.useWaypoint];
  const isIntended = waypoint !== undefined && namesWaypoint(object, waypoint);
  const isOurs =
    isHeldByMigration(object) || (object.kind === 'Service' && followers?.has(object.metadata.name) === true);
  return value === undefined || value === 'none' || isIntended || isOurs
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

function isOwn(object: PolicyObject, scope: PolicyScope): boolean {
  return object.metadata.namespace === scope.namespace;
}

function notUnderstood(object: PolicyObject, field: string, scope: PolicyScope): Finding {
  return finding('SST2001', object, field, scope);
}

const TEXT: Partial<Record<FindingCode, string>> = {
  SST2001: 'applies to this namespace and is not yet understood',
  SST2002: 'asks for plaintext, which ambient mode does not honour',
  SST2003: 'selects pods of this namespace; TCP 15008 and the probe address 169.254.7.127 must be allowed',
  SST2004: 'binds to a waypoint',
};

function finding(code: FindingCode, object: PolicyObject, field: string, scope: PolicyScope): Finding {
  return {
    code,
    object: objectName(object, scope.namespace),
    message: `${object.kind} ${object.metadata.name}, field ${field}: ${TEXT[code] ?? ''}`,
  };
}
