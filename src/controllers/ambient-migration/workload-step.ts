import type { Reason } from '../../api/conditions.js';
import type { Observed } from './observed.js';
import { budgetsOf } from './preflight.js';
import { isRoomMadeFirst } from './quota-room.js';
import { type WorkloadState, assess } from './restarts.js';
import { aimFor, transitionMs } from './situation.js';
import { WORKLOAD_TYPES } from './restart-write.js';
import { targetOf } from './tried-writes.js';
import { type Action, type Verdict, done } from './verdict.js';
import { type RestartGoal, type RestartMark, type Workload, workloadName } from './workloads.js';

/** A workload and what it needs. */
export interface Judged {
  readonly workload: Workload;
  readonly state: WorkloadState;
}

/** How soon to look again where no event will tell, in milliseconds. */
const RECHECK = { admissionLagMs: 300, injectorMs: 3_000, refusedMs: 15_000 } as const;

/** Longer than any lag of admission that was seen, in milliseconds. */
const LAG_MS = 20_000;

/** Judges every workload for a goal, in the order in which they are restarted: by kind and name; back, the reverse. */
export function judge(observed: Observed, goal: RestartGoal): Judged[] {
  const aim = aimFor(observed, goal);
  const judged = observed.workloads.map((workload) => ({ workload, state: assess(workload, aim) }));
  return goal === 'sidecar' ? judged.reverse() : judged;
}

/**
 * The verdict of a step that restarts workloads until all have reached a goal: at most `maxConcurrent` of ours at once, and
 * none before a dry run has shown what the injector does now. Forward, nothing starts while a workload is stuck; going
 * back, one that is stuck holds up nobody else.
 */
export function restartVerdict(observed: Observed, goal: RestartGoal): Verdict {
  const judged = judge(observed, goal);
  const stuck = judged.flatMap(({ workload, state }) => (state.kind === 'stuck' ? [{ workload, state }] : []))[0];
  const stalled = stuck && stuckVerdict(observed, stuck.workload, stuck.state);
  if (stalled && goal !== 'sidecar') return stalled;

  const rolling = judged.flatMap(({ workload, state }) => (state.kind === 'rolling' ? [{ workload, state }] : []));
  const ours = rolling.filter(({ workload }) => workload.restartMark?.goal === goal);
  const candidates = judged.flatMap(({ workload, state }) =>
    state.kind === 'restart' ? [{ workload, mark: state.mark, message: state.message }] : [],
  );
  const free = candidates.filter(({ workload }) => obstacleTo(observed, workload, goal) === undefined);
  const chosen = free.slice(0, Math.max(0, observed.spec.rollout.maxConcurrent - ours.length));
  const first = chosen[0];
  if (first) return startVerdict(observed, goal, chosen, `${workloadName(first.workload)}: ${first.message}`);
  if (stalled) return stalled;
  const blocked = candidates.flatMap(({ workload }) => obstacleTo(observed, workload, goal) ?? [])[0];
  if (blocked) return blocked;

  if (rolling.length === 0) return done(DONE[goal], describeDone(judged));
  const dueMs = Math.min(...rolling.map(({ state }) => state.lookAgainAtMs)) - observed.nowMs;
  return {
    kind: 'wait',
    reason: 'RolloutInProgress',
    message: rolling.map(({ workload, state }) => `${workloadName(workload)}: ${state.message}`).join('; '),
    // While the migration is paused no deadline comes.
    ...(Number.isFinite(dueMs) && { recheckMs: Math.max(0, dueMs) }),
  };
}

function stuckVerdict(
  observed: Observed,
  workload: Workload,
  { reason, message }: Extract<WorkloadState, { kind: 'stuck' }>,
): Verdict {
  const text = `${workloadName(workload)}: ${message}`;
  if (reason !== 'FieldReverted') return { kind: 'stalled', reason, message: text };
  const { kind, name } = workload;
  const managers = observed.managers ? ` (${observed.managers})` : '';
  const paths = kind === 'Rollout' ? [['spec', 'restartAt']] : [['spec', 'template']];
  const ref = { namespace: observed.namespace.metadata.name, name };
  return {
    kind: 'stalled',
    reason,
    message: `${text}${managers}; keep it from that, then restart ${workloadName(workload)} yourself or change the spec of the AmbientMigration`,
    reverted: { type: WORKLOAD_TYPES[kind], ref, paths },
  };
}

/** What dry runs of the writes show: admission that would undo them, so that they would be repeated for ever. */
export function undoneVerdict(observed: Observed, actions: readonly Action[]): Verdict | undefined {
  for (const action of actions) {
    const target = targetOf(action, observed);
    const fields = observed.dryRuns?.undone?.get(target);
    if (!fields) continue;
    const message = `${target}: an admission webhook or policy takes ${fields.join(', ')} off again; exempt what Sidestep writes from it`;
    return { kind: 'stalled', reason: 'FieldReverted', message, recheckMs: RECHECK.refusedMs };
  }
  return undefined;
}

const DONE: Record<RestartGoal, Reason> = { tunnel: 'AllSpeakHbone', ambient: 'AllAmbient', sidecar: 'AllSidecar' };

function startVerdict(
  observed: Observed,
  goal: RestartGoal,
  chosen: readonly { readonly workload: Workload; readonly mark: RestartMark }[],
  message: string,
): Verdict {
  const workloads = chosen.map(({ workload }) => workload);
  const actions = chosen.map(({ workload, mark }) => ({ type: 'restart' as const, workload, mark }));
  // Going back, the dry run itself asks the injector; forward it is out of the way, and istiod must be asked apart.
  if (!observed.dryRuns) {
    const request = { pods: workloads, istiod: goal === 'ambient', writes: actions };
    return { kind: 'dry-run', request, reason: 'Restarting', message };
  }
  if (observed.dryRuns.istiod === 'down') {
    return {
      kind: 'wait',
      reason: 'ControlPlaneDown',
      message: 'istiod does not answer; nothing is restarted until it does',
      recheckMs: RECHECK.injectorMs,
    };
  }
  for (const workload of workloads) {
    const refusal = refusalOf(observed, workload, goal);
    if (refusal) return refusal;
  }
  return undoneVerdict(observed, actions) ?? { kind: 'act', actions, reason: 'Restarting', message };
}

function obstacleTo(observed: Observed, workload: Workload, goal: RestartGoal): Verdict | undefined {
  const name = workloadName(workload);
  switch (workload.obstacle) {
    case 'Paused':
      return {
        kind: 'stalled',
        reason: 'RolloutBlocked',
        message: `${name} is paused: ${workload.kind === 'Rollout' ? 'set spec.paused to false' : 'resume it with kubectl rollout resume'}`,
      };
    case 'OnDelete':
      return {
        kind: 'stalled',
        reason: 'RolloutBlocked',
        message: `${name} has updateStrategy OnDelete: set RollingUpdate`,
      };
    case 'Partition':
      return {
        kind: 'stalled',
        reason: 'RolloutBlocked',
        message: `${name} has a partition: set spec.updateStrategy.rollingUpdate.partition to 0`,
      };
    case 'NoTemplate':
      return {
        kind: 'stalled',
        reason: 'RolloutBlocked',
        message: `${name} takes its pod template from an object that is missing or no Deployment: name a Deployment in spec.workloadRef`,
      };
    case undefined:
      break;
  }
  // A pod that does not start has used the budget up, and only the way back gives it free again.
  if (goal === 'sidecar' && workload.pods.some((pod) => !pod.ready)) return undefined;
  const exhausted = budgetsOf(observed, workload).find((budget) => budget.disruptionsAllowed <= 0);
  if (!exhausted) return undefined;
  const message = `${name} waits for PodDisruptionBudget ${exhausted.name} to allow a disruption`;
  return { kind: 'wait', reason: 'BudgetExhausted', message };
}

/** What a dry run says against restarting the workload now; undefined if nothing does. */
export function refusalOf(observed: Observed, workload: Workload, goal: RestartGoal): Verdict | undefined {
  const name = workloadName(workload);
  const answer = observed.dryRuns?.pods.get(name);
  switch (answer?.kind) {
    case undefined:
      return {
        kind: 'wait',
        reason: 'Restarting',
        message: `${name} waits for a dry run`,
        recheckMs: RECHECK.admissionLagMs,
      };
    case 'injector-down':
      return {
        kind: 'wait',
        reason: 'InjectorDown',
        message: `the sidecar injector does not answer: ${answer.message}`,
        recheckMs: RECHECK.injectorMs,
      };
    case 'refused':
      if (isRoomMadeFirst(observed, workload, goal, answer.message)) return unseenVerdict(observed, name, goal);
      return {
        kind: 'stalled',
        reason: 'PodRefused',
        message: `a new pod of ${name} would be refused: ${answer.message}`,
        recheckMs: RECHECK.refusedMs,
      };
    case 'created':
      break;
  }
  const wanted = goal !== 'ambient';
  if (answer.sidecar === wanted) return undefined;
  const message = wanted
    ? `a new pod of ${name} would get no sidecar`
    : `a new pod of ${name} would still get a sidecar`;
  const reason = wanted ? 'InjectorNotInjecting' : 'InjectorStillInjects';
  const { progressDeadlineMs } = aimFor(observed, goal);
  const sinceMs = labelledForMs(observed, goal);
  // The API server's view of namespace labels lags for moments; what lasts longer is something else.
  if (sinceMs >= progressDeadlineMs) return { kind: 'stalled', reason, message, recheckMs: RECHECK.refusedMs };
  const recheckMs = sinceMs < LAG_MS ? RECHECK.admissionLagMs : RECHECK.injectorMs;
  return { kind: 'wait', reason, message, recheckMs };
}

/** A full quota keeps what the injector does from being seen: then the labels decide, once admission has them for certain. */
function unseenVerdict(observed: Observed, name: string, goal: RestartGoal): Verdict | undefined {
  const recheckMs = LAG_MS - labelledForMs(observed, goal);
  if (goal === 'tunnel' || recheckMs <= 0) return undefined;
  const reason = goal === 'ambient' ? 'InjectorStillInjects' : 'InjectorNotInjecting';
  const message = `a quota has no room for one pod of ${name} more, to show what the injector does; it is restarted when the labels are known everywhere`;
  return { kind: 'wait', reason, message, recheckMs };
}

/** How long the injector could have known the labels of the namespace, in milliseconds. */
function labelledForMs(observed: Observed, goal: RestartGoal): number {
  const { nowMs, clockStartMs } = aimFor(observed, goal);
  const labelledAtMs = goal === 'ambient' ? transitionMs(observed, 'Enrolled', 'True') : clockStartMs;
  return labelledAtMs === 0 ? 0 : nowMs - labelledAtMs;
}

function describeDone(judged: readonly Judged[]): string {
  const counted = judged.filter(({ state }) => state.kind !== 'exempt');
  return `${counted.length} of ${counted.length} workloads`;
}
