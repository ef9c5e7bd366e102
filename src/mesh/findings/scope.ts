import type { Finding, FindingCode } from '../findings.js';
import type { MeshSettings } from '../mesh-settings.js';
import {
  type Labels,
  type PolicyObject,
  asRecord,
  asRecords,
  asStrings,
  objectName,
  selects,
} from '../policy-object.js';
import type { WrittenRoutes } from '../translation/routes/written-routes.js';
import type { IntendedWaypoint } from '../waypoint-needs.js';

/** What decides whether an object applies to a namespace, and what it would mean there. */
export interface PolicyScope {
  readonly namespace: string;
  /** The namespace whose policies apply to the whole mesh, usually `istio-system`. */
  readonly rootNamespace: string;
  /** Labels of every pod and pod template of the namespace: a selector applies if it selects one of them. */
  readonly workloadLabels: readonly Labels[];
  /** Ports that the kubelet probes over the network. */
  readonly probes: readonly ProbedPort[];
  /** Ports of containers that have a name, by which Services find them. */
  readonly containerPorts?: readonly ContainerPort[];
  readonly mesh: MeshSettings;
  /** The waypoint that the namespace is to use. */
  readonly waypoint?: IntendedWaypoint | undefined;
  /** Names of Services that have the waypoint of an account which a migration has labelled. */
  readonly followers?: ReadonlySet<string>;
  /** What is written for its VirtualServices; undefined: people do that. */
  readonly routes?: WrittenRoutes | undefined;
  /** `namespace/name` of VirtualServices of other namespaces that waypoints there carry out, by HTTPRoutes of a migration. */
  readonly routedElsewhere?: ReadonlySet<string>;
}

/** A port that the kubelet probes over the network. */
export interface ProbedPort {
  /** Labels of the pods. */
  readonly labels: Labels;
  readonly port: number;
  /** Its name in the container, if it has one. */
  readonly name?: string | undefined;
  /** Of the address that is probed, the first of the pod; IPv4 where no pod has one yet. */
  readonly family?: 'IPv4' | 'IPv6' | undefined;
}

/** A port of a container. */
export interface ContainerPort {
  /** Labels of the pods. */
  readonly labels: Labels;
  readonly name: string;
  readonly port: number;
}

/** Most fields that a message names. */
const MAX_FIELDS = 3;

/**
 * A finding about fields of an object.
 *
 * @param fields  paths such as `spec.rules[0].from[0].source`; at least one
 * @param text    what they mean in ambient mode, no full stop
 */
export function finding(
  code: FindingCode,
  object: PolicyObject,
  fields: string | readonly string[],
  text: string,
  scope: PolicyScope,
): Finding {
  const paths = typeof fields === 'string' ? [fields] : fields;
  const rest = paths.length > MAX_FIELDS ? ` and ${paths.length - MAX_FIELDS} more` : '';
  const shown = `${paths.length > 1 ? 'fields' : 'field'} ${paths.slice(0, MAX_FIELDS).join(', ')}${rest}`;
  return {
    code,
    object: objectName(object, scope.namespace),
    message: `${object.kind} ${object.metadata.name}, ${shown}: ${text}`,
    ...(paths[0] !== undefined && { path: paths[0] }),
  };
}

/** The finding of last resort: about an object, or a field of one, whose meaning in ambient mode nobody has looked into. */
export function notUnderstood(object: PolicyObject, fields: string | readonly string[], scope: PolicyScope): Finding {
  return finding('SST2001', object, fields, 'applies to this namespace and is not yet understood', scope);
}

/** Fields of a selector that nobody reads: without `matchLabels` it would choose every pod. */
export function unreadSelector(spec: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(asRecord(spec['selector'])).flatMap((field) =>
    field === 'matchLabels' ? [] : [`spec.selector.${field}`],
  );
}

/** Whether an object is in the namespace itself. */
export function isOwn(object: PolicyObject, scope: PolicyScope): boolean {
  return object.metadata.namespace === scope.namespace;
}

/**
 * Namespace-wide or mesh-wide, or selecting a workload of the namespace. A selector in the root namespace reaches the whole
 * mesh; `targetRefs` reach only their own namespace.
 */
export function appliesBySelector(object: PolicyObject, scope: PolicyScope): boolean {
  const own = isOwn(object, scope);
  if (!own && object.metadata.namespace !== scope.rootNamespace) return false;
  if (hasTargetRefs(object)) return own;
  if (!own && isOfRootOnly(object, scope.rootNamespace)) return false;
  const spec = asRecord(object.spec);
  // In the own namespace a selector counts even if it selects nothing yet: the pod may come after its policy.
  if (own) return true;
  const selector = asRecord(spec['selector'])['matchLabels'] ?? asRecord(spec['workloadSelector'])['labels'];
  return selector === undefined || scope.workloadLabels.some((labels) => selects(asRecord(selector), labels));
}

/**
 * Whether an object of the root namespace is for pods of that namespace only: a Telemetry with a selector, unlike all other kinds.
 *
 * @see istio/istio pilot/pkg/model/telemetry.go, applicableTelemetries
 */
export function isOfRootOnly({ kind, metadata, spec }: PolicyObject, rootNamespace: string): boolean {
  return kind === 'Telemetry' && metadata.namespace === rootNamespace && asRecord(spec)['selector'] !== undefined;
}

/** Whether a waypoint of its namespace carries a VirtualService out for all callers. */
export function isRoutedElsewhere({ metadata }: PolicyObject, scope: PolicyScope): boolean {
  return scope.routedElsewhere?.has(`${metadata.namespace ?? ''}/${metadata.name}`) === true;
}

/** Whether a policy is attached to Services, Gateways or classes instead of pods. */
export function hasTargetRefs(object: PolicyObject): boolean {
  const spec = asRecord(object.spec);
  return spec['targetRef'] !== undefined || asRecords(spec['targetRefs']).length > 0;
}

/** Whether a namespace sees an object by its `exportTo`; absent, it means the whole mesh (istio.io, VirtualService, exportTo). */
export function isExportedTo(object: PolicyObject, namespace: string): boolean {
  const exportTo = asStrings(asRecord(object.spec)['exportTo']);
  if (exportTo.length === 0) return true;
  return exportTo.some(
    (target) => target === '*' || target === namespace || (target === '.' && object.metadata.namespace === namespace),
  );
}
