import { type AmbientMigrationStatus, MAX_CONDITION_MESSAGE, MAX_NOT_DONE } from '../../api/ambient-migration.js';
import type { ConditionType, Reason } from '../../api/conditions.js';
import { type Condition, findCondition, mergeConditions } from '../../kube/conditions.js';
import type { Decision, StepReport } from './decide.js';
import { isEnrolledNamespace } from './enrolment.js';
import { cut, findingSummary, findingsByCode, shownFindings } from './finding-report.js';
import type { Observed } from './observed.js';
import type { WorkloadState } from './restarts.js';
import { generationOf } from './situation.js';
import { isWaypointKept, waypointStatus } from './waypoint-status.js';
import { isBound } from './waypoint-step.js';
import type { Verdict } from './verdict.js';
import { type Judged, judge } from './workload-step.js';

type NextCondition = Omit<Condition, 'lastTransitionTime'>;

/** What happened in a pass besides its decision. */
export interface Pass {
  /**
   * The spec changed since the last status: Ready is False until the next pass, so that
   * `kubectl wait --for=condition=Ready` cannot return on the old truth.
   */
  readonly isNew: boolean;
  /** Message of the error by which an action failed; the pass is repeated. */
  readonly failure: string | undefined;
}

/**
 * The status after a pass; pure. `phase` and `nextAction` come last, from everything else, and are never read back.
 */
export function statusOf(observed: Observed, decision: Decision, { isNew, failure }: Pass): AmbientMigrationStatus {
  const previous = observed.migration.status?.conditions ?? [];
  const conditions = mergeConditions(
    // Clocks of waits begin with it, and begin anew with each spec: a person may have taken days to approve, or to roll back.
    isNew ? previous.filter(({ type }) => type !== 'Reconciling') : previous,
    nextConditions(observed, decision, { isNew, failure }),
    observed.nowMs,
  );
  const ready = findCondition(conditions, 'Ready');
  return {
    observedGeneration: generationOf(observed),
    phase: phaseOf(decision, isNew),
    nextAction: nextAction(decision, isNew),
    conditions: conditions,
    ...(observed.supersededBy === undefined && {
      plan: planStatus(observed, decision),
      workloads: workloadStatus(observed, decision),
      ...waypointStatus(observed),
    }),
    ...(observed.snapshot && {
      snapshot: { name: observed.snapshot.name, createdAt: observed.snapshot.createdAt },
      startedAt: observed.snapshot.createdAt,
    }),
    ...(ready?.status === 'True' && { completedAt: ready.lastTransitionTime }),
  };
}

function nextConditions(observed: Observed, decision: Decision, { isNew, failure }: Pass): NextCondition[] {
  const observedGeneration = generationOf(observed);
  const set = (type: ConditionType, value: boolean, reason: Reason, message: string): NextCondition => ({
    type,
    status: value ? 'True' : 'False',
    reason,
    message: cut(message, MAX_CONDITION_MESSAGE),
    observedGeneration,
  });
  const { verdict } = decision;
  const ready = verdict.kind === 'done' && !isNew;
  const stalled = verdict.kind === 'stalled' && !isNew;
  const reason: Reason = isNew ? 'SpecChanged' : failure !== undefined ? 'ReconcileFailed' : verdict.reason;
  const message = isNew ? 'the spec has changed and is being looked at' : (failure ?? verdict.message);
  return [
    set('Ready', ready, reason, message),
    set('Reconciling', !ready && !stalled, reason, message),
    set('Stalled', stalled, stalled ? reason : 'Progressing', stalled ? message : ''),
    ...(isNew
      ? unchanged(observed)
      : decision.steps.flatMap((report) => stepCondition(observed, decision, report, set))),
    set(
      'Paused',
      observed.spec.paused,
      observed.spec.paused ? 'Paused' : 'NotPaused',
      observed.spec.paused ? 'spec.paused is true' : '',
    ),
  ];
}

const SUMMARY: readonly string[] = ['Ready', 'Reconciling', 'Stalled', 'Paused'] satisfies ConditionType[];

/** Conditions of the steps say nothing yet about a spec that nobody has looked at: they keep what they said, and of which. */
function unchanged(observed: Observed): NextCondition[] {
  return (observed.migration.status?.conditions ?? []).filter(({ type }) => !SUMMARY.includes(type));
}

type Setter = (type: ConditionType, value: boolean, reason: Reason, message: string) => NextCondition;

function stepCondition(observed: Observed, decision: Decision, report: StepReport, set: Setter): NextCondition[] {
  const { condition } = report.step;
  if (condition === undefined || observed.supersededBy !== undefined) return [];
  if (condition === 'RollbackAvailable') {
    return [rollbackCondition(observed, set)];
  }
  if (decision.direction === 'back') return backCondition(observed, decision, report, set);
  const { verdict } = report;
  if (verdict === undefined) return [set(condition, false, 'NotStarted', `waits for step ${decision.current ?? ''}`)];
  const shown = report.step.name === decision.current ? decision.verdict : verdict;
  // The step need not be done first; its condition says how the namespace is.
  const isTrue = verdict.kind === 'done' && verdict.reason !== 'EnrolledByWorkload';
  return [set(condition, isTrue, shown.reason, shown.message)];
}

function rollbackCondition({ snapshot, lastSnapshot }: Observed, set: Setter): NextCondition {
  if (snapshot) return set('RollbackAvailable', true, 'SnapshotKept', `ControllerRevision ${snapshot.name}`);
  if (lastSnapshot)
    return set('RollbackAvailable', false, 'RolledBack', `ControllerRevision ${lastSnapshot.name} is restored`);
  return set('RollbackAvailable', false, 'NothingToRollBack', 'nothing was changed');
}

/** Going back, `Enrolled` and `WorkloadsMigrated` tell how much of the migration is still there; the others ask nothing. */
function backCondition(observed: Observed, decision: Decision, report: StepReport, set: Setter): NextCondition[] {
  const verdict: Verdict | undefined = report.step.name === decision.current ? decision.verdict : report.verdict;
  switch (report.step.condition) {
    case 'Enrolled': {
      const waits = { reason: 'LabelsSet', message: 'the labels stay until every workload has its sidecar' } as const;
      const { reason, message } = verdict ?? (decision.verdict.kind === 'done' ? decision.verdict : waits);
      return [set('Enrolled', isEnrolledNamespace(observed.namespace), reason, message)];
    }
    case 'PoliciesTranslated': {
      const isThere = observed.translated.length > 0;
      const { reason, message } = isThere ? (verdict ?? KEPT.PoliciesTranslated) : GONE;
      return [set('PoliciesTranslated', isThere, reason, message)];
    }
    case 'WaypointReady':
    case 'WaypointBound': {
      const isThere = report.step.condition === 'WaypointBound' ? isBound(observed) : isWaypointKept(observed);
      const { reason, message } = isThere ? (verdict ?? KEPT[report.step.condition]) : GONE;
      return [set(report.step.condition, isThere, reason, message)];
    }
    case 'WorkloadsMigrated': {
      const { reason, message } = verdict ?? decision.verdict;
      return [set('WorkloadsMigrated', false, reason, message)];
    }
    default:
      return [];
  }
}

/** What a way back has not reached yet. */
const KEPT = {
  PoliciesTranslated: { reason: 'PoliciesTranslated', message: 'they stay until every workload has its sidecar' },
  WaypointReady: { reason: 'WaypointReady', message: 'the waypoint stays until nothing names it' },
  WaypointBound: { reason: 'WaypointBound', message: 'Services use the waypoint until every workload has its sidecar' },
} as const;

const GONE = { reason: 'RolledBack', message: 'nothing of ours is left' } as const;

function planStatus(observed: Observed, decision: Decision): AmbientMigrationStatus['plan'] {
  const { plan, steps, current } = decision;
  const findings = shownFindings(observed, plan);
  return {
    hash: plan.hash,
    findingSummary: findingSummary(findings),
    steps: steps
      .filter(({ step }) => decision.direction === 'forward' || step.back !== undefined)
      .map(({ step, verdict }) => ({
        name: step.name,
        state: step.name === current ? 'Current' : stateOf(verdict),
        ...(step.name === current && { message: cut(decision.verdict.message, MAX_CONDITION_MESSAGE) }),
      })),
    findings: findingsByCode(findings, observed.spec.acknowledge),
  };
}

function stateOf(verdict: Verdict | undefined): 'Done' | 'Skipped' | 'Pending' {
  if (verdict?.kind !== 'done') return 'Pending';
  return verdict.reason === 'NotNeeded' ? 'Skipped' : 'Done';
}

function workloadStatus(observed: Observed, decision: Decision): AmbientMigrationStatus['workloads'] {
  const judged = judge(observed, decision.direction === 'forward' ? 'ambient' : 'sidecar').filter(
    ({ state }) => state.kind !== 'exempt',
  );
  const count = (matches: (entry: Judged) => boolean): number => judged.filter(matches).length;
  // Not while it rolls out: the numbers change once for a workload that does, with its progress.
  const all =
    (mode: 'sidecar' | 'ambient') =>
    ({ workload: { pods }, state }: Judged) =>
      !isUnderWay(state) && pods.length > 0 && pods.every((pod) => !pod.counts || pod.mode === mode);
  const done = count(({ state }) => state.kind === 'done');
  return {
    total: judged.length,
    sidecar: count(all('sidecar')),
    ambient: count(all('ambient')),
    pending: count(({ state }) => isUnderWay(state) || state.kind === 'restart'),
    failed: count(({ state }) => state.kind === 'stuck'),
    progress: `${done}/${judged.length}`,
    notDone: judged
      .filter(({ state }) => state.kind !== 'done')
      .slice(0, MAX_NOT_DONE)
      .map(({ workload, state }) => ({
        kind: workload.kind,
        name: workload.name,
        state: STATE_NAME[state.kind],
        message: 'message' in state ? state.message : '',
      })),
  };
}

const isUnderWay = ({ kind }: WorkloadState): boolean => kind === 'rolling' || kind === 'evict';

const STATE_NAME: Record<WorkloadState['kind'], string> = {
  exempt: 'Exempt',
  done: 'Done',
  rolling: 'RollingOut',
  evict: 'RollingOut',
  restart: 'Waiting',
  stuck: 'Failed',
};

const FORWARD_PHASE: Readonly<Record<string, string>> = {
  Preflight: 'Preflight',
  Plan: 'Planning',
  Approval: 'AwaitingApproval',
  Snapshot: 'Snapshot',
  Tunnel: 'PreparingTunnel',
  Waypoint: 'ProvisioningWaypoint',
  Policies: 'TranslatingPolicies',
  Bind: 'Binding',
  Enrol: 'Enrolling',
  Workloads: 'Migrating',
  Tighten: 'Tightening',
  Verify: 'Verifying',
};

function phaseOf(decision: Decision, isNew: boolean): string {
  const { verdict, direction, current } = decision;
  if (verdict.reason === 'Superseded') return 'Superseded';
  if (verdict.kind === 'done' && !isNew) return direction === 'forward' ? 'Ambient' : 'Sidecar';
  if (verdict.kind === 'stalled') return 'Stalled';
  if (verdict.reason === 'Paused') return 'Paused';
  return direction === 'back' ? 'RollingBack' : (FORWARD_PHASE[current ?? ''] ?? 'Pending');
}

function nextAction(decision: Decision, isNew: boolean): string {
  const { verdict } = decision;
  if (isNew) return 'Sidestep looks at the changed spec.';
  switch (verdict.kind) {
    case 'done':
      return 'Nothing to do.';
    case 'stalled':
      return sentence(`You: ${adviceFor(decision)}`);
    case 'wait':
      return sentence(
        verdict.reason === 'AwaitingApproval' ? `You: ${verdict.message}` : `Waiting: ${verdict.message}`,
      );
    case 'act':
    case 'dry-run':
      return sentence(`Sidestep: ${verdict.message}`);
  }
}

function adviceFor({ verdict, direction, current }: Decision): string {
  switch (verdict.reason) {
    case 'ProgressDeadlineExceeded':
      // Kubernetes docs, StatefulSet, "Forced rollback"; argoproj/argo-rollouts rollout/restart.go (canRestart): a new template, or
      // a restart, alone does not replace a pod that never got ready.
      if (direction === 'back' && current === 'Waypoint') return verdict.message;
      return direction === 'forward'
        ? `mend ${verdict.message}, or set spec.dataplaneMode: Sidecar to roll back`
        : `mend ${verdict.message}; neither a StatefulSet nor a Rollout of Argo replaces a pod that never got ready: delete that pod`;
    case 'BlockedByFindings':
      return `fix, or acknowledge in spec.acknowledge: ${verdict.message}`;
    default:
      return verdict.message;
  }
}

function sentence(text: string): string {
  return cut(text.endsWith('.') ? text : `${text}.`, MAX_CONDITION_MESSAGE);
}
