import { LABEL } from '../../api/labels.js';
import { type Finding, compareFindings, isHealthFinding, FINDINGS } from '../../mesh/findings.js';
import { objectName } from '../../mesh/policy-object.js';
import type { Observed } from './observed.js';
import { isInjected, liveFindings, namespaceFindings } from './preflight.js';
import { isCreatedByMigration } from './intended-waypoint.js';
import { isChosen, wantedWaypoint } from './scope.js';
import { type SnapshotData, contentHash, managedLabels, snapshotFindings } from './snapshot.js';
import { wantedPolicies } from './translation.js';
import { templateLabels, workloadName } from './workloads.js';

/** What is going to be done, fit to be approved: a changed plan has another hash. */
export interface Plan {
  /** 12 hexadecimal digits; what `spec.approvedPlan` repeats. */
  readonly hash: string;
  /** Findings about the namespace, sorted; health of the cluster is not planned for. */
  readonly findings: readonly Finding[];
  /** The writes in order, one sentence each. */
  readonly actions: readonly string[];
}

/**
 * Computes the plan; pure. Once a snapshot exists, the plan is computed against it, so that scaling, sick pods and the
 * migration's own effects do not ask for approval again; a policy that appears meanwhile does.
 *
 * @see design 5, "Plan hash"
 */
export function planOf(observed: Observed): Plan {
  const findings = planFindings(observed);
  const actions = plannedActions(observed);
  const { dataplaneMode, acknowledge, policies, rollout } = observed.spec;
  // A waypoint that is not wanted changes nothing.
  const waypoint = wantedWaypoint(observed) && observed.spec.waypoint;
  const stable = findings
    .filter((finding) => !FINDINGS[finding.code].fromPods)
    .map(({ code, object }) => [code, object] as const)
    // Of which callers a request would be refused depends on who else is in the mesh.
    .filter(([code], index, all) => code !== 'SST2043' || all[index - 1]?.[0] !== code);
  return {
    hash: contentHash([{ dataplaneMode, acknowledge, policies, rollout, waypoint }, stable, actions]),
    findings,
    actions,
  };
}

/** The state before, as the snapshot will keep it; pure. */
export function snapshotData(observed: Observed): SnapshotData {
  const namespace = observed.namespace.metadata.name;
  return {
    version: 1,
    namespace: { labels: managedLabels(observed.namespace.metadata.labels ?? {}) },
    workloads: observed.workloads.map((workload) => ({
      kind: workload.kind,
      name: workload.name,
      injected: isInjected(observed, workload),
      templateLabels: { ...templateLabels(workload) },
    })),
    policies: observed.policies
      .filter((policy) => policy.metadata.namespace === namespace && policy.kind !== 'Service')
      .map((policy) => ({
        object: objectName(policy, namespace),
        hash: contentHash(policy.spec ?? null),
        spec: policy.spec ?? null,
      }))
      .sort((a, b) => (a.object < b.object ? -1 : 1)),
    findings: namespaceFindings(observed).map(({ code, object, message }) => ({ code, object, message })),
  };
}

function planFindings(observed: Observed): Finding[] {
  if (!observed.snapshot) return namespaceFindings(observed);
  const accepted = snapshotFindings(observed.snapshot);
  const known = new Set(accepted.map(({ code, object }) => `${code} ${object}`));
  const appeared = liveFindings(observed).filter(({ code, object }) => !known.has(`${code} ${object}`));
  return [...accepted, ...appeared].filter((finding) => !isHealthFinding(finding)).sort(compareFindings);
}

function plannedActions(observed: Observed): string[] {
  const before = observed.snapshot?.data ?? snapshotData(observed);
  const injected = before.workloads.filter((workload) => workload.injected);
  const labels = before.namespace.labels;
  const disable = injected.length > 0 || labels[LABEL.injection] === 'enabled' || labels[LABEL.revision] !== undefined;
  return [
    'Write ControllerRevision sidestep-before',
    ...waypointActions(observed),
    ...wantedPolicies(observed, 'loose').map(
      ({ kind, metadata, ...rest }) => `Write ${kind} ${metadata.name} (content ${contentHash(rest)})`,
    ),
    `Label the namespace ${LABEL.dataplaneMode}=ambient${disable ? `, ${LABEL.injection}=disabled` : ''}`,
    ...injected.map((workload) => `Restart ${workloadName(workload)}`),
  ];
}

/** The same before and after they are carried out; a person's Gateway, and a person's label, are no work of ours. */
function waypointActions(observed: Observed): string[] {
  const waypoint = wantedWaypoint(observed);
  if (!waypoint) return [];
  const { name, namespace, className, own, scope, needed } = waypoint;
  const { gateway } = observed.waypoint;
  const labels = `${LABEL.useWaypoint}=${name}${own ? '' : `, ${LABEL.useWaypointNamespace}=${namespace}`}`;
  return [
    ...(own && (!gateway || isCreatedByMigration(gateway)) ? [`Create Gateway ${name} of class ${className}`] : []),
    ...(scope === 'Namespace' && isChosen(observed.namespace, waypoint) ? [] : [`Label ${LABELLED[scope]} ${labels}`]),
    ...(needed ? [`Label each of its Services ${LABEL.ingressUseWaypoint}=true`] : []),
  ];
}

const LABELLED = {
  Namespace: 'the namespace',
  ServiceAccount: 'the ServiceAccounts of its workloads',
  Service: 'each Service with pods in the mesh',
} as const;
