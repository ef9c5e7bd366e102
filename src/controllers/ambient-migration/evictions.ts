import type { PodView } from './pods.js';
import { type RestartGoal, type Workload, isCurrent, parseRestartMark } from './workloads.js';

/**
 * Whether the pod template carries a mark of ours for the goal, whoever asked for it: only then an evicted pod comes back with
 * a mark that tells it from those that wait for their turn.
 */
export function isMarkedFor({ templateMark }: Workload, goal: RestartGoal): boolean {
  return parseRestartMark(templateMark)?.goal === goal;
}

/**
 * Which pods of a workload with OnDelete are still to be evicted, in that order: those that are not ready, for they serve nobody;
 * then from the highest ordinal of a StatefulSet down, as its own rollouts go. Pure, from the pods' marks: nobody remembers who has
 * had his turn.
 *
 * @param wrong  pods whose mode is not that of the goal; who has it already is left alone
 * @returns none where the strategy is another, or the pod template is still to be marked
 */
export function leftToEvict(workload: Workload, goal: RestartGoal, wrong: readonly PodView[]): PodView[] {
  if (!workload.onDelete || !isMarkedFor(workload, goal)) return [];
  const order = workload.kind === 'StatefulSet' ? byOrdinal : byName;
  return wrong
    .filter((pod) => !isCurrent(pod, workload))
    .sort((a, b) => Number(a.ready) - Number(b.ready) || order(a, b));
}

/**
 * The pod to evict now; undefined while one is away, or the controller has not seen everything: it would make the next pod from the
 * template of before. Going back, a pod that is not ready goes at once, for it may be just what people roll back from.
 *
 * @param left  of {@link leftToEvict}
 */
export function nextToEvict(workload: Workload, goal: RestartGoal, left: readonly PodView[]): PodView | undefined {
  const [next] = left;
  if (next === undefined || !workload.observed) return undefined;
  if (next.ready) return workload.finished ? next : undefined;
  const others = workload.pods.filter((pod) => pod !== next && pod.ready).length;
  return goal === 'sidecar' || others >= workload.replicas - 1 ? next : undefined;
}

const byOrdinal = (a: PodView, b: PodView): number => ordinalOf(b) - ordinalOf(a);

const byName = (a: PodView, b: PodView): number => (a.name < b.name ? -1 : 1);

const ordinalOf = ({ name }: PodView): number => Number(name.slice(name.lastIndexOf('-') + 1));
