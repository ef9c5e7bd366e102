import { ANNOTATION } from '../../api/labels.js';
import { asRecord, asRecords, type PolicyObject } from '../policy-object.js';
import { extensionDifferences } from './extensions.js';
import { rewritesBefore, waysPast } from './other-ways.js';
import { ruleDifferences, rulesOfService, sayPorts, withQualifiedAccounts } from './rules.js';
import {
  type Difference,
  isOfPods,
  podsOf,
  selectionOf,
  type TargetService,
  type TranslationScope,
} from './selection.js';
import { policyName } from './policy-name.js';
import { servicePorts } from './service-ports.js';

/** A policy, as a waypoint is to enforce it. */
export interface WaypointCopies {
  /** With `targetRefs` in place of the selector, in the namespace of the Services; none if no Service has any of its pods. */
  readonly copies: readonly PolicyObject[];
  /** What the copies do not mean as the policy does; none: at the waypoint they decide what it decides at sidecars. */
  readonly differences: readonly Difference[];
}

/** Kinds that sidecars read by selector and waypoints by `targetRefs`. */
const KINDS = new Set(['AuthorizationPolicy', 'RequestAuthentication', 'WasmPlugin', 'TrafficExtension', 'Telemetry']);

/** Most `targetRefs` that the API server takes. */
const MAX_TARGETS = 16;

type Fields = Readonly<Record<string, unknown>>;

/** Content of copies, and the Services that they are for. */
interface Group {
  readonly spec: Fields;
  readonly services: string[];
}

/**
 * Copies of a policy for the waypoint of a namespace; undefined if sidecars of the namespace do not read it, or if waypoints do as it is.
 *
 * A policy for all pods of the namespace targets the Gateway, so that Services of tomorrow have it, too. Others target Services, and so do
 * those that name a port which some Service has by another number.
 *
 * @see istio-ambient facts, 5.2; istio/istio pilot/pkg/model/policyattachment.go
 */
export function waypointCopies(policy: PolicyObject, scope: TranslationScope): WaypointCopies | undefined {
  const { selector, ...spec } = asRecord(policy.spec);
  if (!KINDS.has(policy.kind) || isReadAnyway(policy, scope) || !isOfPods(policy, scope)) return undefined;
  const rules = rulesOf(policy, scope);
  const content = rules ? { ...spec, rules } : spec;
  const { services, differences } = selectionOf(policy, scope);
  const all = [
    ...differences,
    ...ruleDifferences(rules ?? []),
    ...(sayPorts(rules ?? []) ? portDifferences(services, scope) : []),
    ...extensionDifferences(policy, scope),
  ];
  if (all.some(({ reason }) => reason === 'Field' || reason === 'Port')) return { copies: [], differences: all };
  const specOf = (service: TargetService): Fields =>
    rules ? { ...spec, rules: inPortsOf(service, rules, scope) } : spec;
  const isSame = services.every((service) => isEqual(specOf(service), content));
  const isOfGateway = selector === undefined && isSame && scope.waypoint.namespace === scope.namespace;
  const gateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: scope.waypoint.name };
  const specs = isOfGateway ? [{ ...content, targetRefs: [gateway] }] : groupsOf(services, specOf).flatMap(ofServices);
  return {
    copies: specs.map((one, index) => copyOf(policy, one, index, scope)),
    differences: [
      ...all,
      ...(isOfGateway ? [] : waysPast(policy, services, scope)),
      ...rewritesBefore(policy, services, scope),
    ],
  };
}

/** A Telemetry without selector: the waypoint reads those of its own namespace and of the root namespace. */
function isReadAnyway({ kind, metadata, spec }: PolicyObject, { waypoint, rootNamespace }: TranslationScope): boolean {
  const isWide = kind === 'Telemetry' && asRecord(spec)['selector'] === undefined;
  return isWide && [waypoint.namespace, rootNamespace].includes(metadata.namespace ?? '');
}

/** Those of an AuthorizationPolicy, as they read in the namespace of the copy; undefined if there are none. */
function rulesOf({ kind, metadata, spec }: PolicyObject, { namespace }: TranslationScope): Fields[] | undefined {
  const { rules } = asRecord(spec);
  if (kind !== 'AuthorizationPolicy' || rules === undefined) return undefined;
  const own = metadata.namespace ?? '';
  return own === namespace ? [...asRecords(rules)] : withQualifiedAccounts(asRecords(rules), own);
}

/** Services of which nobody can say which of their ports leads to which port of their pods. */
function portDifferences(services: readonly TargetService[], scope: TranslationScope): Difference[] {
  return services.flatMap((service) => {
    const ports = servicePorts(service, podsOf(service, scope));
    if (typeof ports !== 'string') return [];
    const message = `its pods have different ports by the name ${ports}, or none that is known`;
    return [{ reason: 'Port', at: `Service/${service.metadata.name}`, message }];
  });
}

function inPortsOf(service: TargetService, rules: readonly Fields[], scope: TranslationScope): readonly Fields[] {
  const ports = servicePorts(service, podsOf(service, scope));
  return sayPorts(rules) && typeof ports !== 'string' ? rulesOfService(rules, ports) : rules;
}

/** Services by what they need to be told. Istio takes no policy that refuses nothing. */
function groupsOf(services: readonly TargetService[], specOf: (service: TargetService) => Fields): Group[] {
  const groups: Group[] = [];
  for (const service of services) {
    const spec = specOf(service);
    if ((spec['action'] ?? 'ALLOW') !== 'ALLOW' && asRecords(spec['rules']).length === 0) continue;
    const same = groups.find((group) => isEqual(group.spec, spec));
    if (same) same.services.push(service.metadata.name);
    else groups.push({ spec, services: [service.metadata.name] });
  }
  return groups;
}

function ofServices({ spec, services }: Group): Fields[] {
  const parts = Array.from({ length: Math.ceil(services.length / MAX_TARGETS) }, (_, index) =>
    services.slice(index * MAX_TARGETS, (index + 1) * MAX_TARGETS),
  );
  return parts.map((names) => ({
    ...spec,
    targetRefs: names.map((name) => ({ group: '', kind: 'Service', name })),
  }));
}

function copyOf(policy: PolicyObject, spec: Fields, index: number, { namespace }: TranslationScope): PolicyObject {
  const { name, namespace: own = '', annotations = {} } = policy.metadata;
  const { [ANNOTATION.dryRun]: dryRun } = annotations;
  const base = own === namespace ? name : `${own}-${name}`;
  const { apiVersion, kind } = policy;
  return {
    ...(apiVersion !== undefined && { apiVersion }),
    kind,
    metadata: {
      name: policyName(base, index === 0 ? 'wp' : `wp-${index + 1}`),
      namespace,
      // A dry run stays one.
      ...(dryRun !== undefined && { annotations: { [ANNOTATION.dryRun]: dryRun } }),
    },
    spec,
  };
}

const isEqual = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
