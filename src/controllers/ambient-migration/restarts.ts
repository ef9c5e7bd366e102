import { type Asker, attemptsOf, isAskedBy } from './attempts.js';
import { isMarkedFor, leftToEvict, nextToEvict } from './evictions.js';
import type { PodView } from './pods.js';
import { type RestartGoal, type RestartMark, type Workload, isCurrent } from './workloads.js';

/** Restarts of one workload for one goal and spec: one, and at most one repeat (design 5.2). */
const MAX_ATTEMPTS = 2;

/**
 * How long no pod may move before the one that is awaited is named, in milliseconds. If it were named at once, each pod of a
 * rollout would change the status several times.
 */
const PATIENCE_MS = 10_000;

/** What a workload needs in order to reach a goal; each with one sentence for people. */
export type WorkloadState =
  /** Nothing to do, now or later: no pod of it is meant to have the mode at hand. */
  | { readonly kind: 'exempt' }
  | { readonly kind: 'done' }
  /** Pods are on their way; from `lookAgainAtMs` on, the same pods are judged otherwise. Milliseconds since the epoch. */
  | { readonly kind: 'rolling'; readonly message: string; readonly lookAgainAtMs: number }
  | { readonly kind: 'restart'; readonly mark: RestartMark; readonly message: string }
  | Eviction
  | { readonly kind: 'stuck'; readonly reason: StuckReason; readonly message: string };

/** The next pod of a workload with OnDelete may be evicted, if no budget is against it. */
export interface Eviction {
  readonly kind: 'evict';
  readonly pod: PodView;
  readonly message: string;
  /** What to say while a budget is against it, and pods have moved a moment ago. */
  readonly underWay: string;
  /** From then on the budget is named. Milliseconds since the epoch. */
  readonly toldAtMs: number;
  /** From then on a person is asked. Milliseconds since the epoch. */
  readonly deadlineAtMs: number;
}

/** Why a workload needs a person. */
export type StuckReason = 'ProgressDeadlineExceeded' | 'WrongModeAfterRestart' | 'FieldReverted';

/** What a workload is judged by. */
export interface Aim extends Asker {
  readonly goal: RestartGoal;
  readonly nowMs: number;
  /** The clock of the deadline starts here at the earliest: the last spec change or un-pause. Milliseconds since the epoch. */
  readonly clockStartMs: number;
  readonly progressDeadlineMs: number;
  /** Whether the injector would inject such a pod now, or its next one. Only asked for the goal `sidecar`. */
  readonly isInjected: (pod: PodView, workload?: Workload) => boolean;
  /** The pod template has to change, whatever pods there are: its labels decide how the next ones come up. */
  readonly isTemplateDue: (workload: Workload) => boolean;
}

/**
 * Judges a workload; pure. A restart is asked for only if the last rollout is finished (or was ours, for the opposite goal)
 * and a pod that was made after our last restart has the wrong mode. Where the update strategy is OnDelete, a restart starts nothing:
 * pods that were made before it are evicted one at a time.
 */
export function assess(workload: Workload, aim: Aim): WorkloadState {
  const pods = workload.pods.filter((pod) => concerns(pod, workload, aim));
  const isTemplateDue = aim.isTemplateDue(workload);
  if (workload.pods.length > 0 && pods.length === 0 && !isTemplateDue) return { kind: 'exempt' };
  const unfit = pods.filter((pod) => !isFit(pod, aim));
  // Of several, the one to tell about is a new pod that does not come up: the old ones wait for it.
  const awaited = unfit.find((pod) => !pod.ready && isCurrent(pod, workload)) ?? unfit[0];
  const isOver = workload.finished || aim.goal === 'tunnel';
  if (awaited === undefined && isOver && !isTemplateDue) return { kind: 'done' };

  const isDue = workload.finished || (aim.goal === 'sidecar' ? isFirst(workload, aim) : isSuperseded(workload, aim));
  const wrong = pods.filter((pod) => isWrong(pod, aim));
  if (isDue && (isTemplateDue || wrong.some((pod) => asksForRestart(pod, workload, aim)))) {
    return restart(workload, aim, wrong);
  }
  const movedAtMs = lastProgressMs(workload, aim);
  const deadlineAtMs = movedAtMs + aim.progressDeadlineMs;
  const namedAtMs = Math.min(movedAtMs + PATIENCE_MS, deadlineAtMs);
  const left = leftToEvict(workload, aim.goal, wrong);
  const toGo = `${left.length} of ${workload.replicas} pods are still to be evicted`;
  const underWay = left.length > 0 ? toGo : 'its rollout is under way';
  const evicted = nextToEvict(workload, aim.goal, left);
  if (evicted) {
    const message = `evicting pod ${evicted.name}, which ${wrongMode(aim.goal)} (${toGo})`;
    return { kind: 'evict', pod: evicted, message, underWay, toldAtMs: namedAtMs, deadlineAtMs };
  }
  if (aim.nowMs < namedAtMs) return { kind: 'rolling', message: underWay, lookAgainAtMs: namedAtMs };
  const unfinished = `its rollout is not finished${workload.progress ? ` (${workload.progress})` : ''}`;
  const isOthers = awaited === undefined || waitsForOthers(workload, aim);
  const message = `${isOthers ? unfinished : describeAwaited(awaited, aim)}${left.length > 0 ? `; ${toGo}` : ''}`;
  if (aim.nowMs < deadlineAtMs) return { kind: 'rolling', message, lookAgainAtMs: deadlineAtMs };
  return { kind: 'stuck', reason: 'ProgressDeadlineExceeded', message };
}

/**
 * Going back does not wait for health: a pod that is not ready may be just what people roll back from. Only a repeat waits
 * until the first restart has had its chance.
 */
function isFirst({ observed, restartMark }: Workload, aim: Aim): boolean {
  return observed && !isOurs(restartMark, aim);
}

/**
 * The rollout under way is our own restart for another goal: it need not finish, and may never, for a pod that does not
 * become ready is just what people roll back from. A mark of long ago does not make somebody else's rollout ours: then
 * every pod carries it, and some pod serves.
 */
function isSuperseded(workload: Workload, aim: Aim): boolean {
  const { observed, restartMark, pods } = workload;
  if (!observed || restartMark === undefined || restartMark.goal === aim.goal) return false;
  return pods.some((pod) => !isCurrent(pod, workload)) || pods.every((pod) => !pod.ready);
}

/** Of OnDelete also a pod of before, where the template has no mark yet by which the next one could be told from it. */
function asksForRestart(pod: PodView, workload: Workload, aim: Aim): boolean {
  return isCurrent(pod, workload) || (workload.onDelete !== undefined && !isMarkedFor(workload, aim.goal));
}

function restart(workload: Workload, aim: Aim, [wrong]: readonly PodView[]): WorkloadState {
  const { goal, generation, migration } = aim;
  const last = workload.restartMark;
  const attempt = attemptsOf(last?.goal === goal ? last : undefined, aim) + 1;
  const message = wrong
    ? `pod ${wrong.name} ${wrongMode(aim.goal)}`
    : 'its pod template has not the labels that it should have';
  if (attempt > MAX_ATTEMPTS && (workload.reverted || aim.isTemplateDue(workload))) {
    const field = workload.kind === 'Rollout' ? 'spec.restartAt' : 'the pod template';
    return { kind: 'stuck', reason: 'FieldReverted', message: `somebody sets ${field} back after each restart` };
  }
  if (attempt > MAX_ATTEMPTS) {
    return { kind: 'stuck', reason: 'WrongModeAfterRestart', message: `${message} after ${MAX_ATTEMPTS} restarts` };
  }
  return { kind: 'restart', mark: { goal, generation, attempt, migration }, message };
}

/** A rollout of somebody else is under way, and tells more than the pods that wait for its end. */
function waitsForOthers({ finished, progress, restartMark }: Workload, aim: Aim): boolean {
  return !finished && progress !== undefined && !isOurs(restartMark, aim);
}

/** The last restart was for this goal, and for this spec. */
function isOurs(mark: RestartMark | undefined, aim: Aim): boolean {
  return mark?.goal === aim.goal && isAskedBy(mark, aim);
}

function concerns(pod: PodView, workload: Workload, aim: Aim): boolean {
  if (!pod.counts || pod.gateway) return false;
  switch (aim.goal) {
    case 'tunnel':
      return pod.mode === 'sidecar';
    case 'ambient':
      return true;
    case 'sidecar':
      return aim.isInjected(pod, workload);
  }
}

function isWrong(pod: PodView, aim: Aim): boolean {
  switch (aim.goal) {
    case 'tunnel':
      return !pod.hbone;
    case 'ambient':
      return pod.mode === 'sidecar';
    case 'sidecar':
      return pod.mode !== 'sidecar';
  }
}

function isFit(pod: PodView, aim: Aim): boolean {
  switch (aim.goal) {
    case 'tunnel':
      return pod.hbone;
    case 'ambient':
      return pod.mode === 'ambient' && pod.ready;
    case 'sidecar':
      return pod.mode === 'sidecar' && pod.ready;
  }
}

function describeAwaited(pod: PodView, aim: Aim): string {
  if (isWrong(pod, aim)) return `pod ${pod.name} ${wrongMode(aim.goal)}`;
  if (aim.goal === 'ambient' && pod.mode === 'none') return `pod ${pod.name} is not enrolled by the CNI agent`;
  return `pod ${pod.name} is not ready${pod.problem ? ` (${pod.problem})` : ''}`;
}

function wrongMode(goal: RestartGoal): string {
  switch (goal) {
    case 'tunnel':
      return 'has a sidecar that does not speak HBONE';
    case 'ambient':
      return 'still has a sidecar';
    case 'sidecar':
      return 'has no sidecar';
  }
}

/** A pod that drains moves until its grace period is over, however long that is. */
function lastProgressMs({ restartedAtMs, pods, draining }: Workload, aim: Aim): number {
  return Math.max(
    aim.clockStartMs,
    restartedAtMs,
    ...pods.map(({ progressAtMs }) => progressAtMs),
    ...draining.map(({ drainsUntilMs = 0 }) => drainsUntilMs),
  );
}
