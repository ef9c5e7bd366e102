import type { Reason } from '../../api/conditions.js';
import { listed } from '../listed.js';
import { drainVerdict, drainingIn } from './draining.js';
import type { Observed } from './observed.js';
import type { PodView } from './pods.js';
import { type WorkloadState, assess } from './restarts.js';
import { RECHECK, isUnanswered, refusalOf } from './pod-refusal.js';
import { aimFor } from './situation.js';
import { WORKLOAD_TYPES } from './restart-write.js';
import { enrolledTemplate, restoredTemplate } from './template-enrolment.js';
import { callersFirst, inOrder } from './restart-order.js';
import { isPerWorkload, tightGuardsOf } from './translation.js';
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
 * Workloads that wait, going back, for others: a guard that cannot be loosened yet would refuse, at their pods with sidecars, who calls
 * them as before. Those for whom it stays tight go first.
 */
function behindGuards(observed: Observed, goal: RestartGoal): (workload: Workload) => boolean {
  if (goal !== 'sidecar') return () => false;
  const held = tightGuardsOf(observed).filter(({ holders }) => holders.length > 0);
  return ({ pods }) =>
    held.some(
      ({ holders, chooses }) =>
        pods.some(({ labels }) => chooses(labels)) && !pods.some(({ name }) => holders.includes(name)),
    );
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
  const isBehindGuard = behindGuards(observed, goal);
  // Who is half-way keeps its turn, also while a budget holds it; not while it waits for those who are to have one.
  const halfway = judged.flatMap(({ workload, state }): Start<EvictAction>[] =>
    state.kind === 'evict' && !isBehindGuard(workload)
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
    obstacleTo(observed, workload, goal) === undefined &&
    !waitsForOthers(observed, workload, judged, goal) &&
    !isBehindGuard(workload);
  const free = candidates.filter(isFree);
  const places = Math.max(0, turns - halfway.length);
  const chosen = [...evictions, ...free.slice(0, places)];
  const started = startVerdict(observed, goal, chosen, places > 0 ? free.slice(places) : []);
  if (started) return started;
  if (stalled) return stalled;
  const held = halfway.flatMap(({ action }) => heldByBudget(observed, action) ?? [])[0];
  if (held) return held;
  const blocked = candidates.flatMap(({ action }) => obstacleTo(observed, action.workload, goal) ?? [])[0];
  if (blocked) return blocked;

  if (rolling.length === 0) {
    const draining = candidates.length > 0 ? drainingIn(observed, 'sidecar') : [];
    const next = candidates.map(({ action }) => workloadName(action.workload));
    if (draining.length > 0) return drainVerdict(observed, draining, `${listed(next)} may be restarted`);
    return done(DONE[goal], describeDone(judged));
  }
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
  return judged
    .filter((one) => isFirst(workloadName(one.workload)) === true)
    .some(
      ({ workload: { draining }, state }) => !over.includes(state.kind) || (goal === 'ambient' && callsYet(draining)),
    );
}

/** Pods that drain with their sidecar send calls of their own until they end. */
const callsYet = (draining: readonly PodView[]): boolean => draining.some(({ mode }) => mode === 'sidecar');

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

/**
 * Undefined if there is nothing to start. Forward, one that would be refused holds up the others. Going back, it leaves its turn to
 * one of them, which is asked about in the same pass.
 *
 * @param chosen  whose turn it is
 * @param others  who comes after them
 */
function startVerdict(
  observed: Observed,
  goal: RestartGoal,
  chosen: readonly Start[],
  others: readonly Start[],
): Verdict | undefined {
  const [first] = chosen;
  if (!first) return undefined;
  if (!observed.dryRuns?.pods.has(workloadName(first.action.workload)))
    return askVerdict(observed, goal, [first, ...chosen.slice(1)]);
  if (observed.dryRuns.istiod === 'down') {
    return {
      kind: 'wait',
      reason: 'ControlPlaneDown',
      message: 'istiod does not answer; nothing is restarted until it does',
      recheckMs: RECHECK.injectorMs,
    };
  }
  const against = ({ action }: Start): Verdict | undefined =>
    refusalOf(observed, action.workload, goal) ?? undoneVerdict(observed, [action]);
  const refusals = chosen.flatMap((one) => against(one) ?? []);
  // A webhook that does not answer takes its time with each of them.
  const isSilent = chosen.some(({ action }) => isUnanswered(observed.dryRuns?.pods.get(workloadName(action.workload))));
  const isLeftOut = ({ kind }: Verdict): boolean => goal === 'sidecar' && kind === 'stalled' && !isSilent;
  const holding = refusals.find((refusal) => !isLeftOut(refusal));
  if (holding) return holding;
  const [allowed, ...more] = chosen.filter((one) => !against(one) && !evictionRefusal(observed, one.action));
  if (allowed) return actVerdict([allowed, ...more]);
  const refused = refusals[0] ?? evictionRefusal(observed, first.action);
  const places = chosen.filter(({ action }) => action.type === 'restart').length;
  const next = goal === 'sidecar' && startVerdict(observed, goal, others.slice(0, places), others.slice(places));
  return next && !isLeftOut(next) ? next : refused;
}

/** Asks what would become of the pods, and of the writes. */
function askVerdict(observed: Observed, goal: RestartGoal, chosen: readonly [Start, ...Start[]]): Verdict {
  const actions = chosen.map(({ action }) => action);
  const pods = actions.map(({ workload }) => ({ ...workload, template: nextTemplate(observed, workload, goal) }));
  const writes = actions.filter((action) => action.type === 'restart');
  const evictions = actions.filter((action) => action.type === 'evict');
  // Going back, the dry run itself asks the injector; forward it is out of the way, and istiod must be asked apart.
  const request = { pods, istiod: goal === 'ambient', writes, evictions };
  return { kind: 'dry-run', request, reason: 'Restarting', message: actVerdict(chosen).message };
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
