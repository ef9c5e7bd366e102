import type { Pod } from '../../../../kube/types.js';
import type { Job, WorkloadCondition } from '../kinds.js';
import { formatIndexes, indexOf, isIndexed } from './indexes.js';
import { hasFailed, isTracked, type Census, type Verdict } from './plan.js';

type Status = NonNullable<Job['status']>;

/** A condition that begins now (RFC 3339). */
export function condition(
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
  now: string,
): WorkloadCondition {
  return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
}

/** Replaces the condition of the same type if anything differs; one that is `False` is not begun. */
export function withCondition(conditions: readonly WorkloadCondition[], next: WorkloadCondition): WorkloadCondition[] {
  const before = conditions.find(({ type }) => type === next.type);
  if (before === undefined) return next.status === 'False' ? [...conditions] : [...conditions, next];
  const same = before.status === next.status && before.reason === next.reason && before.message === next.message;
  return same ? [...conditions] : conditions.map((each) => (each === before ? next : each));
}

/** Pods that may go once they are counted. */
export function countable(job: Job, pods: readonly Pod[], verdict: Verdict | undefined): Pod[] {
  const all = job.metadata.deletionTimestamp !== undefined || verdict !== undefined;
  return pods.filter((pod) => isTracked(pod) && (all || pod.status?.phase === 'Succeeded' || hasFailed(job, pod)));
}

/**
 * The status with the pods that have ended noted in it, so that none is lost or counted twice when they go.
 *
 * Rules: `trackJobStatusAndRemoveFinalizers` in kubernetes/pkg/controller/job/job_controller.go.
 */
export function noteEnded(
  job: Job,
  pods: readonly Pod[],
  counted: Census,
  verdict: Verdict | undefined,
): Pick<Status, 'uncountedTerminatedPods' | 'completedIndexes' | 'succeeded'> {
  const { succeeded = [], failed = [] } = job.status?.uncountedTerminatedPods ?? {};
  const noted = { succeeded: [...succeeded], failed: [...failed] };
  const note = (list: string[], { metadata: { uid = '' } }: Pod): void => {
    if (!list.includes(uid)) list.push(uid);
  };
  for (const pod of countable(job, pods, verdict)) {
    const valid = !isIndexed(job) || indexOf(job, pod) !== undefined;
    if (pod.status?.phase === 'Succeeded') {
      if (!isIndexed(job)) note(noted.succeeded, pod);
    } else if (valid && (hasFailed(job, pod) || verdict?.success === false)) note(noted.failed, pod);
  }
  const indexes = isIndexed(job) ? { completedIndexes: formatIndexes(counted.succeededIndexes) } : {};
  return {
    uncountedTerminatedPods: uncounted(noted),
    ...(isIndexed(job) && { succeeded: counted.succeededIndexes.size }),
    ...(indexes.completedIndexes && indexes),
  };
}

function uncounted({ succeeded, failed }: { succeeded: string[]; failed: string[] }): {
  succeeded?: string[];
  failed?: string[];
} {
  return { ...(succeeded.length > 0 && { succeeded }), ...(failed.length > 0 && { failed }) };
}

/** The status with noted pods that are let go of (those not in `held`) added to the counters. */
export function countReleased(status: Status, held: ReadonlySet<string>): Status {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const still = (uids: readonly string[]): string[] => uids.filter((uid) => held.has(uid));
  const [stillSucceeded, stillFailed] = [still(succeeded), still(failed)];
  return {
    ...status,
    succeeded: (status.succeeded ?? 0) + succeeded.length - stillSucceeded.length,
    failed: (status.failed ?? 0) + failed.length - stillFailed.length,
    uncountedTerminatedPods: uncounted({ succeeded: stillSucceeded, failed: stillFailed }),
  };
}

/** Leaves out counters that are 0, as the API does; `ready` and `terminating` are written always. */
export function asWritten(status: Status): Status {
  const { active, succeeded, failed, ...others } = status;
  return {
    ...others,
    ...(active && { active }),
    ...(succeeded && { succeeded }),
    ...(failed && { failed }),
  };
}
