import { ANNOTATION, LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { DEFAULT_SIZING, type WaypointSizing, WaypointSizingSchema } from '../../api/sizing.js';
import type { KubeObject } from '../../kube/resource.js';
import type { Service } from '../../kube/types.js';
import { FINDINGS, type Finding } from '../../mesh/findings.js';
import { namedPorts, probedPorts } from '../../mesh/findings/template-ports.js';
import type { PolicyScope } from '../../mesh/policies.js';
import { boundGateway } from '../../mesh/waypoint-binding.js';
import { isHeldByAccount, isHeldByMigration } from '../../mesh/waypoint-holders.js';
import { type IntendedWaypoint, namesWaypoint, waypointNeed } from '../../mesh/waypoint-needs.js';
import type { Observed } from './observed.js';
import { snapshotFindings } from './snapshot.js';
import { templateLabels } from './workloads.js';

/** The waypoint that the namespace is to use. */
export interface Waypoint extends IntendedWaypoint {
  /** It is in the migrated namespace, so that it may be created. */
  readonly own: boolean;
  /** Class of the Gateway that is created. */
  readonly className: string;
  /** What the spec asks for; undefined if it says nothing. */
  readonly sizing: WaypointSizing | undefined;
  /** Pods that must be available before anything is bound. */
  readonly min: number;
  /** What is labelled with it. */
  readonly scope: 'Namespace' | 'ServiceAccount' | 'Service';
  /** A policy or a route needs it: ingress traffic has to go through it too. */
  readonly needed: boolean;
}

/** The waypoint that the spec asks for; undefined if none is wanted, or none is needed. Pure. */
export function wantedWaypoint(observed: Observed): Waypoint | undefined {
  const { provision } = observed.spec.waypoint;
  if (provision === 'Never') return undefined;
  const waypoint = waypointOf(observed);
  const needed = isNeeded(observed, waypoint);
  return provision === 'Always' || needed ? { ...waypoint, needed } : undefined;
}

/** What decides which policies apply to the namespace, and what they mean there. */
export function policyScope(observed: Observed): PolicyScope {
  const podLabels = [...observed.jobPods, ...observed.strayPods].map((pod) => pod.labels);
  return {
    namespace: observed.namespace.metadata.name,
    rootNamespace: observed.mesh.rootNamespace,
    workloadLabels: [...observed.workloads.map(templateLabels), ...podLabels],
    probes: observed.workloads.flatMap((workload) => {
      const family = workload.pods.some(({ isIpv6 }) => isIpv6) ? 'IPv6' : 'IPv4';
      return probedPorts(workload.template).map((probed) => ({ ...probed, family }));
    }),
    containerPorts: observed.workloads.flatMap(({ template }) => namedPorts(template)),
    mesh: observed.mesh.settings,
    waypoint: wantedWaypoint(observed),
    followers: followers(observed),
  };
}

/** Services that are bound because a migration has labelled their accounts, also while they are about to follow to another waypoint. */
function followers({ waypoint: { services, accounts, unsettled, gateways } }: Observed): ReadonlySet<string> {
  const isOurs = (service: Service): boolean => {
    const ref = boundGateway(service);
    return (
      ref !== undefined &&
      (unsettled.includes(service.metadata.name) ||
        accounts.some((account) => isHeldByMigration(account) && namesWaypoint(account, ref)) ||
        gateways.some((gateway) => gateway.metadata.name === ref.name && isCreatedByMigration(gateway)))
    );
  };
  return new Set(services.filter((one) => isHeldByAccount(one) && isOurs(one)).map(({ metadata }) => metadata.name));
}

/** A person has chosen another waypoint for an object, or none: that stays. */
export function isChosen(object: KubeObject, waypoint: Pick<Waypoint, 'name' | 'namespace'>): boolean {
  const label = object.metadata.labels?.[LABEL.useWaypoint];
  return label !== undefined && !namesWaypoint(object, waypoint) && !isHeldByMigration(object);
}

function waypointOf(observed: Observed): Omit<Waypoint, 'needed'> {
  const { name, namespace, className, scope, replicas, resources } = observed.spec.waypoint;
  const own = observed.namespace.metadata.name;
  const isOwn = namespace === undefined || namespace === own;
  const { gateway } = observed.waypoint;
  const asked = replicas !== undefined || resources !== undefined;
  const sizing = asked
    ? WaypointSizingSchema.parse({ ...(replicas && { replicas }), ...(resources && { resources }) })
    : undefined;
  const isForeign = gateway !== undefined && !isCreatedByMigration(gateway);
  return {
    name,
    namespace: namespace ?? own,
    own: isOwn,
    className,
    scope,
    account: gateway?.metadata.annotations?.[ANNOTATION.gatewayServiceAccount] ?? name,
    sizing,
    min: isForeign && !asked ? 1 : (sizing ?? DEFAULT_SIZING).replicas.min,
  };
}

/** A need that was once accepted stays one, as the plan stays the same. */
function isNeeded(observed: Observed, waypoint: IntendedWaypoint): boolean {
  const before: readonly Finding[] = observed.snapshot ? snapshotFindings(observed.snapshot) : [];
  return (
    before.some(({ code }) => FINDINGS[code].needsWaypoint) ||
    observed.policies.some((object) => waypointNeed(object, waypoint, observed.namespace.metadata.name) !== undefined)
  );
}

/** Whether a migration has created a Gateway, so that a rollback deletes it. */
export function isCreatedByMigration({
  metadata,
}: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}): boolean {
  return metadata.annotations?.[OWN_ANNOTATION.createdBy] !== undefined;
}
