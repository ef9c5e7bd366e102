import { parseDuration } from '../../api/ambient-migration.js';
import type { ConditionType } from '../../api/conditions.js';
import { LABEL } from '../../api/labels.js';
import type { FieldChange } from '../../kube/patch.js';
import { FINDINGS, type Finding, isBlocking } from '../../mesh/findings.js';
import { listed } from '../listed.js';
import {
  MAX_LABEL_ATTEMPTS,
  enrolmentMark,
  enrolChanges,
  leaveChanges,
  markChange,
  nextMark,
  restoreInjectionChanges,
} from './enrolment.js';
import { isBindingMissing, waypointBound, waypointUnbound } from './bind-step.js';
import { labelsOf } from './field-owners.js';
import type { Observed } from './observed.js';
import { type Plan, snapshotData } from './plan.js';
import {
  guardsLoose,
  guardsTight,
  isTranslationMissing,
  policiesRemoved,
  policiesTranslated,
} from './policies-step.js';
import { refusalOf } from './pod-refusal.js';
import { dryRunFindings, healthFindings, isInjected } from './preflight.js';
import type { PodView } from './pods.js';
import { wantedWaypoint } from './scope.js';
import { nextSnapshotName } from './snapshot.js';
import { drainVerdict, leavingAmbient } from './draining.js';
import { aimFor, askerOf, transitionMs, unpausedAtMs } from './situation.js';
import { restoredTemplate } from './template-enrolment.js';
import { isPerWorkload } from './translation.js';
import { triedVerdict } from './undone-writes.js';
import { type Verdict, done } from './verdict.js';
import { provisioning, waypointGone, waypointReady } from './waypoint-step.js';
import { judge, restartVerdict } from './workload-step.js';
import { type Workload, workloadName } from './workloads.js';

/** A step of design 5, as data. `forward` and `back` are pure; a step without `back` has nothing to undo. */
export interface Step {
  readonly name: string;
  /** The condition in which the step reports. */
  readonly condition: ConditionType | undefined;
  readonly forward: (observed: Observed, plan: Plan) => Verdict;
  readonly back?: (observed: Observed) => Verdict;
}

const RECHECK_HEALTH_MS = 10_000;
const RECHECK_FINDINGS_MS = 30_000;

/** How many findings a condition tells; the plan lists more. */
const MAX_TOLD = 20;

/** The steps in order. Forward, the current step is the first that is not done; back, the last that is not undone. */
export const STEPS: readonly Step[] = [
  { name: 'Preflight', condition: 'PreflightPassed', forward: preflight },
  { name: 'Plan', condition: 'PlanReady', forward: planReady },
  { name: 'Approval', condition: 'Approved', forward: approved },
  { name: 'Snapshot', condition: 'RollbackAvailable', forward: snapshotTaken, back: snapshotClosed },
  { name: 'Tunnel', condition: 'TunnelReady', forward: tunnelReady },
  { name: 'Waypoint', condition: 'WaypointReady', forward: waypointReady, back: waypointGone },
  { name: 'Policies', condition: 'PoliciesTranslated', forward: policiesTranslated, back: policiesRemoved },
  { name: 'Bind', condition: 'WaypointBound', forward: waypointBound, back: waypointUnbound },
  { name: 'Enrol', condition: 'Enrolled', forward: enrolled, back: unenrolled },
  { name: 'Workloads', condition: 'WorkloadsMigrated', forward: workloadsAmbient, back: workloadsSidecar },
  { name: 'Tighten', condition: 'EnforcementCovered', forward: guardsTight, back: guardsLoose },
  { name: 'Verify', condition: 'Verified', forward: verified },
];

function preflight(observed: Observed, plan: Plan): Verdict {
  if (observed.snapshot) return done('Passed', 'checked before the first change');
  const unhealthy = healthFindings(observed).filter((finding) => isBlocking(finding, []));
  if (unhealthy.length > 0) {
    return { kind: 'wait', reason: 'ClusterNotReady', message: list(unhealthy), recheckMs: RECHECK_HEALTH_MS };
  }
  const blocked = blockedBy(observed, plan);
  if (blocked) return blocked;
  if (isAmbientAlready(observed)) return done('Passed', 'nothing to change');
  const pods = observed.workloads.filter((workload) => isInjected(observed, workload));
  const message = 'dry runs show what the injector does with the templates of today';
  if (!observed.dryRuns)
    return {
      kind: 'dry-run',
      request: { pods, withoutSidecar: pods, istiod: true },
      reason: 'ClusterNotReady',
      message,
    };
  const refused = dryRunFindings(observed);
  if (refused.length > 0) {
    return { kind: 'wait', reason: 'ClusterNotReady', message: list(refused), recheckMs: RECHECK_HEALTH_MS };
  }
  return done('Passed', 'cluster and injector are fit');
}

function planReady(observed: Observed, plan: Plan): Verdict {
  return blockedBy(observed, plan) ?? done('Planned', `plan ${plan.hash}: ${plan.actions.length} changes`);
}

/** Findings are looked at again after a while without any event: those about other namespaces wake nobody here. */
function blockedBy(observed: Observed, plan: Plan): Verdict | undefined {
  const blocking = plan.findings.filter((finding) => isBlocking(finding, observed.spec.acknowledge));
  if (blocking.length === 0) return undefined;
  const fixable = blocking.map(({ code, message }) =>
    FINDINGS[code].acknowledgeable ? `${code} ${message}` : `${code} ${message} (cannot be acknowledged)`,
  );
  const more = fixable.length - MAX_TOLD;
  const message = `${fixable.slice(0, MAX_TOLD).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
  return { kind: 'stalled', reason: 'BlockedByFindings', message, recheckMs: RECHECK_FINDINGS_MS };
}

function approved(observed: Observed, plan: Plan): Verdict {
  if (observed.spec.approval === 'Automatic') return done('Automatic', 'spec.approval is Automatic');
  if (observed.spec.approvedPlan === plan.hash) return done('Approved', `plan ${plan.hash}`);
  return { kind: 'wait', reason: 'AwaitingApproval', message: `set spec.approvedPlan to ${plan.hash}` };
}

function snapshotTaken(observed: Observed): Verdict {
  if (observed.snapshot) return done('SnapshotKept', `ControllerRevision ${observed.snapshot.name}`);
  if (isAmbientAlready(observed)) return done('NothingToRollBack', 'nothing was changed');
  const name = nextSnapshotName(observed.lastSnapshot);
  const actions = [{ type: 'write-snapshot', name, data: snapshotData(observed) }] as const;
  const message = `writing the state before into ControllerRevision ${name}`;
  return { kind: 'act', actions, reason: 'SnapshotMissing', message };
}

/** A state that is back is the past: another migration, perhaps months later, must start from the state of then. */
function snapshotClosed(observed: Observed): Verdict {
  if (!observed.snapshot || enrolmentMark(observed.namespace)) return done('RolledBack', 'the state before is back');
  const { name } = observed.snapshot;
  const message = `marking ControllerRevision ${name} as restored`;
  const actions = [{ type: 'close-snapshot', name }] as const;
  return triedVerdict(observed, { kind: 'act', actions, reason: 'SnapshotKept', message });
}

/** Once injection is off, the restarts of the step Workloads replace every sidecar anyway. */
function tunnelReady(observed: Observed): Verdict {
  const injects = observed.workloads.some((workload) => isInjected(observed, workload));
  return injects ? restartVerdict(observed, 'tunnel') : done('AllSpeakHbone', 'injection is off');
}

function enrolled(observed: Observed): Verdict {
  const left = isPerWorkload(observed) ? leftToEnrol(observed) : [];
  if (left.length > 0) return done('EnrolledByWorkload', `the namespace follows ${listed(left)}`);
  const changes = enrolChanges(observed);
  if (changes.length === 0) return done('LabelsSet', `${LABEL.dataplaneMode}=ambient`);
  const message = `labelling the namespace ${describe(changes)}`;
  const verdict = triedVerdict(observed, labelVerdict(observed, changes, message), { istiod: true });
  if (verdict.kind !== 'dry-run' && observed.dryRuns?.istiod === 'down') {
    return {
      kind: 'wait',
      reason: 'ControlPlaneDown',
      message: 'istiod does not answer',
      recheckMs: RECHECK_HEALTH_MS,
    };
  }
  return verdict;
}

/** Sets labels with our mark; after the second revert by somebody else it stops and names the field. */
function labelVerdict(observed: Observed, changes: readonly FieldChange[], message: string): Verdict {
  const mark = nextMark(observed, askerOf(observed), changes);
  if (mark.attempt > MAX_LABEL_ATTEMPTS) {
    return {
      kind: 'stalled',
      reason: 'FieldReverted',
      message: `somebody reverts ${describe(changes)} on the namespace${observed.managers ? ` (${observed.managers})` : ''}; commit these labels there`,
      reverted: labelsOf(observed),
    };
  }
  const actions = [{ type: 'label-namespace', changes: [...changes, markChange(mark)], note: message }] as const;
  return { kind: 'act', actions, reason: 'LabelsMissing', message };
}

/** Workloads that are enrolled by themselves before the namespace is. */
function leftToEnrol(observed: Observed): string[] {
  const { isTemplateDue } = aimFor(observed, 'ambient');
  return observed.workloads
    .filter(
      (workload) =>
        isTemplateDue(workload) ||
        workload.pods.some((pod) => pod.counts && !pod.gateway && pod.mode !== 'ambient' && isEnrolled(workload, pod)),
    )
    .map(workloadName);
}

const isEnrolled = ({ enrolment }: Workload, { mode }: PodView): boolean =>
  enrolment !== undefined || mode === 'sidecar';

function workloadsAmbient(observed: Observed): Verdict {
  const verdict = restartVerdict(observed, 'ambient');
  const jobs = observed.jobPods.filter((pod) => pod.counts && pod.mode === 'sidecar');
  if (verdict.kind !== 'done' || jobs.length === 0) return verdict;
  const names = listed(jobs.map(({ name }) => name));
  return done(
    verdict.reason,
    `${verdict.message}; ${jobs.length} Job pods keep their sidecar until they end: ${names}`,
  );
}

function verified(observed: Observed): Verdict {
  const soakMs = parseDuration(observed.spec.rollout.soak);
  if (observed.spec.paused && soakMs > 0) return { kind: 'wait', reason: 'Paused', message: 'the soak stands still' };
  const migratedAtMs = transitionMs(observed, 'WorkloadsMigrated', 'True') || observed.nowMs;
  const remainingMs = Math.max(migratedAtMs, unpausedAtMs(observed)) + soakMs - observed.nowMs;
  if (soakMs === 0 || remainingMs <= 0)
    return done('Verified', soakMs === 0 ? 'no soak asked for' : `watched for ${observed.spec.rollout.soak}`);
  return {
    kind: 'wait',
    reason: 'Soaking',
    message: `watched for ${observed.spec.rollout.soak} before Ready`,
    recheckMs: remainingMs,
  };
}

function workloadsSidecar(observed: Observed): Verdict {
  const changes = restoreInjectionChanges(observed);
  // Without its mark nobody would know that the data-plane label is ours, too.
  if (changes.length > 0)
    return triedVerdict(observed, labelVerdict(observed, changes, `restoring injection: ${describe(changes)}`));
  const closed = notInjected(observed);
  const others = observed.workloads.filter((workload) => !closed.includes(workload));
  const verdict = restartVerdict({ ...observed, workloads: others }, 'sidecar');
  if (closed.length === 0 || (verdict.kind !== 'done' && verdict.kind !== 'stalled')) return verdict;
  const before = observed.snapshot?.data.namespace.labels ?? {};
  const labels = [LABEL.injection, LABEL.revision].map((key) => `${key}=${before[key] ?? '(absent)'}`).join(', ');
  return {
    kind: 'stalled',
    reason: 'InjectionNotRestored',
    message: `${closed.map(workloadName).join(', ')} would get no sidecar: the namespace had ${labels}`,
  };
}

/**
 * The data-plane label goes last, and not while it protects a pod that has no sidecar. Pods that nobody can restart (Jobs,
 * bare pods) hold the label, but not Ready.
 */
function unenrolled(observed: Observed): Verdict {
  // Leaving ambient mode would cut off what such a pod has still to answer, and open it to calls that policies of ours keep away.
  const draining = observed.snapshot ? leavingAmbient(observed) : [];
  if (draining.length > 0) return drainVerdict(observed, draining, 'the namespace leaves ambient mode');
  const changes = leaveChanges(observed);
  if (changes.length === 0) return done('RolledBack', 'the labels are those of before');
  const aim = aimFor(observed, 'sidecar');
  const unsettled = judge(observed, 'sidecar').filter(({ state }) => state.kind !== 'done' && state.kind !== 'exempt');
  if (unsettled.length > 0) {
    return {
      kind: 'wait',
      reason: 'RolloutInProgress',
      message: unsettled.map(({ workload }) => workloadName(workload)).join(', '),
    };
  }
  const held = [...observed.jobPods, ...observed.strayPods].filter(
    (pod) => pod.counts && pod.mode === 'ambient' && aim.isInjected(pod),
  );
  if (held.length > 0) {
    const names = listed(held.map((pod) => pod.name));
    return { kind: 'done', reason: 'HeldByPods', message: `${LABEL.dataplaneMode} stays until ${names} end` };
  }
  const leaving = wouldLeaveMesh(observed);
  if (leaving.length > 0) {
    return {
      kind: 'stalled',
      reason: 'WouldLeaveMesh',
      message: `${leaving.join(', ')} came during the migration and get no sidecar: remove their opt-out of injection, or label their templates ${LABEL.dataplaneMode}: ambient or none`,
    };
  }
  const injected = observed.workloads.filter((workload) => isInjected(observed, workload));
  const message = `removing ${LABEL.dataplaneMode}, the last label of ours`;
  // Without a restart nothing has shown yet that a pod that starts now gets its sidecar.
  if (!observed.dryRuns) {
    return { kind: 'dry-run', request: { pods: injected, istiod: false }, reason: 'LabelsMissing', message };
  }
  const refusal = injected.flatMap((workload) => refusalOf(observed, workload, 'sidecar') ?? [])[0];
  if (refusal) return refusal;
  const actions = [{ type: 'label-namespace', changes, note: 'leaving ambient mode' }] as const;
  return { kind: 'act', actions, reason: 'LabelsMissing', message };
}

/** Workloads that had a sidecar before, and would get none now: somebody has changed the injection labels by hand. */
function notInjected(observed: Observed): Workload[] {
  const before = observed.snapshot?.data.workloads.filter((workload) => workload.injected) ?? [];
  return observed.workloads
    .filter((workload) => before.some(({ kind, name }) => kind === workload.kind && name === workload.name))
    .filter((workload) => !isInjected(observed, { ...workload, template: restoredTemplate(workload) }));
}

/** Enrolled by nothing but the namespace label, not injected, and not outside the mesh before. */
function wouldLeaveMesh(observed: Observed): string[] {
  const before = observed.snapshot?.data.workloads ?? [];
  return observed.workloads
    .filter((workload) => !before.some(({ kind, name }) => kind === workload.kind && name === workload.name))
    .filter((workload) => !isInjected(observed, workload))
    .filter((workload) => workload.pods.some((pod) => pod.mode === 'ambient' && pod.dataplaneMode === undefined))
    .map(workloadName);
}

/** Nothing would have to be written: then there is nothing to snapshot either. */
function isAmbientAlready(observed: Observed): boolean {
  const waypoint = wantedWaypoint(observed);
  const isWaypointMissing =
    waypoint !== undefined && (provisioning(observed, waypoint).length > 0 || isBindingMissing(observed, waypoint));
  return (
    !isWaypointMissing &&
    !isTranslationMissing(observed) &&
    enrolChanges(observed).length === 0 &&
    judge(observed, 'ambient').every(({ state }) => state.kind !== 'restart' && state.kind !== 'evict')
  );
}

function list(findings: readonly Finding[]): string {
  return findings.map(({ code, message }) => `${code} ${message}`).join('; ');
}

function describe(changes: readonly FieldChange[]): string {
  return changes
    .map(({ path, value }) => `${path.at(-1) ?? ''}=${typeof value === 'string' ? value : '(absent)'}`)
    .join(', ');
}
