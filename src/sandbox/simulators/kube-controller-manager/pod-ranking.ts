import type { Pod } from '../../../kube/types.js';
import { isReady, readySince } from './pods.js';

const phaseOrder: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

/** How much others would like to keep a pod; the lowest goes first. */
const deletionCost = (pod: Pod): number =>
  Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0) || 0;

/** What a comparison needs besides the two pods. */
interface Ranking {
  /** How many related pods are on the pod's node; absent: not considered, and no deletion costs either. */
  crowd?: (pod: Pod) => number;
  nowMs: number;
}

/**
 * Orders pods by how little is lost with them: without a node before with, pending before running, not ready before
 * ready, cheap before dear, on crowded nodes before on others, young before old (in powers of two), often restarted first.
 *
 * The rules of `ActivePodsWithRanks` in kubernetes/pkg/controller/controller_utils.go.
 */
export function rankForDeletion(pods: readonly Pod[], related: readonly Pod[], nowMs: number): Pod[] {
  const onNode = new Map<string, number>();
  for (const { spec } of related) onNode.set(spec.nodeName ?? '', (onNode.get(spec.nodeName ?? '') ?? 0) + 1);
  const crowd = (pod: Pod): number => onNode.get(pod.spec.nodeName ?? '') ?? 0;
  return [...pods].sort((a, b) => compare(a, b, { crowd, nowMs }));
}

/** The same for Jobs, which look neither at costs nor at nodes: `ActivePods`. */
export function rankJobPods(pods: readonly Pod[], nowMs: number): Pod[] {
  return [...pods].sort((a, b) => compare(a, b, { nowMs }));
}

/** Negative if `a` goes before `b`. */
function compare(a: Pod, b: Pod, { crowd, nowMs }: Ranking): number {
  const assigned = (pod: Pod): number => (pod.spec.nodeName ? 1 : 0);
  const phase = (pod: Pod): number => phaseOrder[pod.status?.phase ?? 'Unknown'] ?? 1;
  return (
    assigned(a) - assigned(b) ||
    phase(a) - phase(b) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    (crowd === undefined ? 0 : deletionCost(a) - deletionCost(b) || crowd(b) - crowd(a)) ||
    compareAge(readySince(a), readySince(b), a, b, nowMs) ||
    restarts(b) - restarts(a) ||
    compareAge(createdAt(a), createdAt(b), a, b, nowMs)
  );
}

/** Younger first; ages between the same powers of two are as good as equal, and uids decide, so that no cohort is favoured. */
function compareAge(a: number | undefined, b: number | undefined, podA: Pod, podB: Pod, nowMs: number): number {
  if (a === undefined || b === undefined || a === b) return 0;
  const difference = logarithm(nowMs - a) - logarithm(nowMs - b);
  if (difference !== 0) return difference;
  return (podA.metadata.uid ?? '') < (podB.metadata.uid ?? '') ? -1 : 1;
}

const logarithm = (ageMs: number): number => (ageMs > 0 ? Math.trunc(Math.log2(ageMs * 1e6)) : -1);

const createdAt = (pod: Pod): number => Date.parse(pod.metadata.creationTimestamp ?? '') || 0;

const restarts = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
