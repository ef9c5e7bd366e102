import type { Pod } from '../../../../kube/types.js';
import type { Job, WorkloadCondition } from '../kinds.js';
import { rankJobPods } from '../pod-ranking.js';
import { isActive, isReady, isTerminating } from '../pods.js';
import { indexOf, isIndexed, parseIndexes } from './indexes.js';

/** Holds a pod until it is counted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

/** Why a Job ends. */
export interface Verdict {
  success: boolean;
  reason: string;
  message: string;
}

/** Pods of a Job, sorted by what they mean to it. */
export interface Census {
  active: Pod[];
  ready: number;
  terminating: number;
  /** Ended, and not yet in the Job's status. */
  newSucceeded: Pod[];
  newFailed: Pod[];
  /** With those that are not yet in the status. */
  succeeded: number;
  failed: number;
  succeededIndexes: Set<number>;
}

/** Whether the pod waits to be counted. */
export const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(trackingFinalizer) ?? false;

/** Whether the pod counts as failed; one that is being deleted does, unless only failed pods are replaced. */
export function hasFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (job.spec.podReplacementPolicy === 'Failed') return false;
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

/** Counts the pods of a Job. */
export function census(job: Job, pods: readonly Pod[]): Census {
  const { succeeded: knownSucceeded = [], failed: knownFailed = [] } = job.status?.uncountedTerminatedPods ?? {};
  const known = (uids: readonly string[], { metadata }: Pod): boolean => uids.includes(metadata.uid ?? '');
  const valid = pods.filter((pod) => isTracked(pod) && (!isIndexed(job) || indexOf(job, pod) !== undefined));
  const hasSucceeded = ({ status }: Pod): boolean => status?.phase === 'Succeeded';
  const newSucceeded = valid.filter((pod) => hasSucceeded(pod) && !known(knownSucceeded, pod));
  const newFailed = valid.filter((pod) => hasFailed(job, pod) && !known(knownFailed, pod));
  const succeededIndexes = new Set(parseIndexes(job.status?.completedIndexes));
  if (isIndexed(job)) for (const pod of newSucceeded) succeededIndexes.add(indexOf(job, pod) ?? 0);
  const active = pods.filter(isActive);
  return {
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter(isTerminating).length,
    newSucceeded,
    newFailed,
    succeeded: isIndexed(job)
      ? succeededIndexes.size
      : (job.status?.succeeded ?? 0) + knownSucceeded.length + newSucceeded.length,
    failed: (job.status?.failed ?? 0) + knownFailed.length + newFailed.length,
    succeededIndexes,
  };
}

const conditionOf = (job: Job, type: string): WorkloadCondition | undefined =>
  job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');

/** Whether the Job has ended, and how. */
export function finishedCondition(job: Job): WorkloadCondition | undefined {
  return conditionOf(job, 'Complete') ?? conditionOf(job, 'Failed');
}

/** The end that the Job is coming to, decided before or now; undefined if it goes on. */
export function verdictOf(job: Job, pods: readonly Pod[], { failed }: Census, nowMs: number): Verdict | undefined {
  const decided = conditionOf(job, 'SuccessCriteriaMet') ?? conditionOf(job, 'FailureTarget');
  if (decided !== undefined) {
    const { type, reason = '', message = '' } = decided;
    return { success: type === 'SuccessCriteriaMet', reason, message };
  }
  if (failed > (job.spec.backoffLimit ?? 6) || restartedTooOften(job, pods)) {
    const message = 'Job has reached the specified backoff limit';
    return { success: false, reason: 'BackoffLimitExceeded', message };
  }
  if (deadlineInMs(job, nowMs) === 0) {
    const message = 'Job was active longer than specified deadline';
    return { success: false, reason: 'DeadlineExceeded', message };
  }
  return undefined;
}

/** Containers that are restarted in place count as failures, too. */
function restartedTooOften(job: Job, pods: readonly Pod[]): boolean {
  if (job.spec.template.spec.restartPolicy !== 'OnFailure') return false;
  const restarts = pods
    .filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending')
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  const limit = job.spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** In how many milliseconds the Job's time is over (0: it is); undefined if it has no limit or does not run. */
export function deadlineInMs({ spec, status }: Job, nowMs: number): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || status?.startTime === undefined || spec.suspend) return undefined;
  return Math.max(0, Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - nowMs);
}

/** Whether all that was wanted has succeeded and nothing runs any more. */
export function isComplete({ spec }: Job, { succeeded }: Census, active: number): boolean {
  if (active > 0) return false;
  return spec.completions === undefined ? succeeded > 0 : succeeded >= spec.completions;
}

/** Pods that must go, and how many must come. */
export interface Plan {
  delete: Pod[];
  /** Indexes of the pods to create; undefined for each pod of a Job that is not Indexed. */
  create: (number | undefined)[];
}

/**
 * How a Job gets as many active pods as it should have.
 *
 * Rules: `manageJob` in kubernetes/pkg/controller/job/job_controller.go.
 */
export function plan(job: Job, pods: readonly Pod[], counted: Census, nowMs: number): Plan {
  const { active } = counted;
  if (job.spec.suspend) return { delete: active, create: [] };
  const wanted = wantedActive(job, counted);
  const surplus = toRemove(job, active, Math.max(0, active.length - wanted), nowMs);
  if (surplus.length > 0) return { delete: surplus, create: [] };
  const waiting = job.spec.podReplacementPolicy === 'Failed' ? counted.terminating : 0;
  const missing = Math.max(0, wanted - waiting - active.length);
  if (!isIndexed(job)) return { delete: [], create: Array.from({ length: missing }, () => undefined) };
  return { delete: [], create: pendingIndexes(job, pods, counted).slice(0, missing) };
}

function wantedActive({ spec }: Job, { succeeded, active }: Census): number {
  const parallelism = spec.parallelism ?? 1;
  if (spec.completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(parallelism, spec.completions - succeeded));
}

/** Of an Indexed Job first pods that share an index or have one that is not wanted any more. */
function toRemove(job: Job, active: readonly Pod[], atLeast: number, nowMs: number): Pod[] {
  const ranked = rankJobPods(active, nowMs);
  if (!isIndexed(job)) return ranked.slice(0, atLeast);
  const taken = new Set<number>();
  const surplus: Pod[] = [];
  for (const pod of [...ranked].reverse()) {
    const index = indexOf(job, pod);
    if (index === undefined || taken.has(index)) surplus.push(pod);
    else taken.add(index);
  }
  const others = ranked.filter((pod) => !surplus.includes(pod));
  return [...surplus, ...others.slice(0, Math.max(0, atLeast - surplus.length))];
}

function pendingIndexes(job: Job, pods: readonly Pod[], { active, succeededIndexes }: Census): number[] {
  const holding = job.spec.podReplacementPolicy === 'Failed' ? [...active, ...pods.filter(isTerminating)] : active;
  const busy = new Set(holding.map((pod) => indexOf(job, pod)));
  return Array.from({ length: job.spec.completions ?? 0 }, (_, index) => index).filter(
    (index) => !busy.has(index) && !succeededIndexes.has(index),
  );
}
