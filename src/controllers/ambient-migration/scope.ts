import { LABEL } from '../../api/labels.js';
import type { KubeObject } from '../../kube/resource.js';
import type { Service } from '../../kube/types.js';
import { FINDINGS, type Finding } from '../../mesh/findings.js';
import { namedPorts, probedPorts } from '../../mesh/findings/template-ports.js';
import type { PolicyScope } from '../../mesh/policies.js';
import { boundGateway } from '../../mesh/waypoint-binding.js';
import { isHeldByAccount, isHeldByMigration } from '../../mesh/waypoint-holders.js';
import { type IntendedWaypoint, namesWaypoint, waypointNeed } from '../../mesh/waypoint-needs.js';
import { mayTranslate, needsTranslation, routesOf } from './forms.js';
import { type Waypoint, isCreatedByMigration, waypointOf } from './intended-waypoint.js';
import type { Observed } from './observed.js';
import { snapshotFindings } from './snapshot.js';
import { templateLabels } from './workloads.js';

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
    routes: routesOf(observed),
    routedElsewhere: observed.routedElsewhere,
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

/**
 * A need that was once accepted stays one, as the plan stays the same. So does that of policies which a migration has written: they
 * go first, for a guard without its waypoint lets nobody in.
 */
function isNeeded(observed: Observed, waypoint: IntendedWaypoint): boolean {
  const before: readonly Finding[] = observed.snapshot ? snapshotFindings(observed.snapshot) : [];
  return (
    before.some(({ code }) => FINDINGS[code].needsWaypoint) ||
    needsTranslation(observed) ||
    (routesOf(observed)?.written.length ?? 0) > 0 ||
    (mayTranslate(observed) && observed.translated.length > 0) ||
    observed.policies.some((object) => waypointNeed(object, waypoint, observed.namespace.metadata.name) !== undefined)
  );
}
