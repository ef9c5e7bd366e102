import type { Reason } from '../../api/conditions.js';
import type { Observed } from './observed.js';
import { type WorkloadState, assess } from './restarts.js';
import { RECHECK, refusalOf } from './pod-refusal.js';
import { aimFor } from './situation.js';
import { WORKLOAD_TYPES } from './restart-write.js';
import { enrolledTemplate, restoredTemplate } from './template-enrolment.js';
import { callersFirst, inOrder } from './restart-order.js';
import { isPerWorkload } from './translation.js';
import { undoneVerdict } from './undone-writes.js';
import { budgetRefusal, evictionRefusal, heldByBudget } from './eviction-step.js';
import { type Action, type EvictAction, type RestartAction, type Verdict, done } from './verdict.js';
import { type RestartGoal, type Workload, workloadName } from './workloads.js';

/** A workload and what it needs. */
export interface Judged {
  readonly workload: Workload;
  readonly state: WorkloadState;
}

/** Judges every workload for a goal, in the order in which they are restarted; back, the reverse. */
export function judge(observed: Observed, goal: RestartGoal): Judged[] {
  const aim = aimFor(observed, goal);
  const judged = inOrder(observed).map((workload) => ({ workload, state: assess(workload, aim) }));
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
  const turns = Math.max(0, observed.spec.rollout.maxConcurrent - ours.length);
  // Who is half-way keeps its turn, also while a budget holds it.
  const halfway = judged.flatMap(({ workload, state }): Start<EvictAction>[] =>
    state.kind === 'evict'
      ? [{ action: { type: 'evict', workload, goal, eviction: state }, message: state.message }]
      : [],
  );
  const evictions = halfway.slice(0, turns).filter(({ action }) => !heldByBudget(observed, action));
  const candidates = judged.flatMap(({ workload, state }): Start<RestartAction>[] =>
    state.kind === 'restart'
      ? [{ action: { type: 'restart', workload, mark: state.mark }, message: state.message }]
      : [],
  );
  const isFree = ({ action: { workload } }: Start): boolean =>
    obstacleTo(observed, workload, goal) === undefined && !waitsForOthers(observed, workload, judged, goal);
  const free = candidates.filter(isFree);
  const restarts = free.slice(0, Math.max(0, turns - halfway.length));
  const started = startVerdict(observed, goal, [...evictions, ...restarts]);
  if (started) return started;
  if (stalled) return stalled;
  const held = halfway.flatMap(({ action }) => heldByBudget(observed, action) ?? [])[0];
  if (held) return held;
  const blocked = candidates.flatMap(({ action }) => obstacleTo(observed, action.workload, goal) ?? [])[0];
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

/**
 * Whoever takes calls of the waypoint only, while it is ambient, comes after those who may call it with a sidecar; going back, before
 * them. One that is stuck there holds up nobody.
 */
function waitsForOthers(observed: Observed, workload: Workload, judged: readonly Judged[], goal: RestartGoal): boolean {
  if (goal === 'tunnel') return false;
  const order = callersFirst(observed);
  const name = workloadName(workload);
  const isFirst = (other: string): boolean | undefined =>
    goal === 'ambient' ? order.get(name)?.has(other) : order.get(other)?.has(name);
  const over = goal === 'ambient' ? ['done', 'exempt'] : ['done', 'exempt', 'stuck'];
  return judged.some((one) => isFirst(workloadName(one.workload)) === true && !over.includes(one.state.kind));
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

/** Something to begin now, and why. */
interface Start<T extends Action = RestartAction | EvictAction> {
  readonly action: T;
  readonly message: string;
}

const DONE: Record<RestartGoal, Reason> = { tunnel: 'AllSpeakHbone', ambient: 'AllAmbient', sidecar: 'AllSidecar' };

/** Undefined if there is nothing to start. */
function startVerdict(observed: Observed, goal: RestartGoal, chosen: readonly Start[]): Verdict | undefined {
  const [first] = chosen;
  if (!first) return undefined;
  const { message } = actVerdict([first]);
  const actions = chosen.map(({ action }) => action);
  const workloads = actions.map(({ workload }) => workload);
  const pods = workloads.map((workload) => ({ ...workload, template: nextTemplate(observed, workload, goal) }));
  // Going back, the dry run itself asks the injector; forward it is out of the way, and istiod must be asked apart.
  if (!observed.dryRuns) {
    const writes = actions.filter((action) => action.type === 'restart');
    const evictions = actions.filter((action) => action.type === 'evict');
    const request = { pods, istiod: goal === 'ambient', writes, evictions };
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
  const refused = chosen.filter(({ action }) => evictionRefusal(observed, action) !== undefined);
  const [allowed, ...more] = chosen.filter((one) => !refused.includes(one));
  if (!allowed) return evictionRefusal(observed, first.action);
  return undoneVerdict(observed, actions) ?? actVerdict([allowed, ...more]);
}

/** The pod template that a restart leaves. */
function nextTemplate(observed: Observed, workload: Workload, goal: RestartGoal): Workload['template'] {
  if (goal === 'sidecar') return restoredTemplate(workload);
  return goal === 'ambient' && isPerWorkload(observed) ? enrolledTemplate(workload) : workload.template;
}

function actVerdict(starts: readonly [Start, ...Start[]]): Verdict {
  const [{ action, message }] = starts;
  return {
    kind: 'act',
    actions: starts.map((start) => start.action),
    reason: 'Restarting',
    message: `${workloadName(action.workload)}: ${message}`,
  };
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
  return budgetRefusal(observed, workload);
}

function describeDone(judged: readonly Judged[]): string {
  const counted = judged.filter(({ state }) => state.kind !== 'exempt');
  return `${counted.length} of ${counted.length} workloads`;
}
