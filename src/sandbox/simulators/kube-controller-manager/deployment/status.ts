import type { Deployment, ReplicaSet, WorkloadCondition } from '../kinds.js';
import { fenceposts, totalSize, wantedReplicas } from './rollout.js';

type Status = NonNullable<Deployment['status']>;

/** Now, in both forms. */
export interface Instant {
  ms: number;
  /** RFC 3339. */
  text: string;
}

/** The largest number that the API takes means: none. */
const noLimit = 2 ** 31 - 1;

/** Whether a rollout may fail for lack of progress. */
export function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== noLimit;
}

/** The condition that tells of the rollout. */
export function progressing(status: Deployment['status']): WorkloadCondition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Progressing');
}

/** A condition that begins now. */
export function newCondition(
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  { text }: Instant,
): WorkloadCondition {
  return { type, status, lastUpdateTime: text, lastTransitionTime: text, reason, message };
}

/** The conditions with `next` among them, at the end. One of the same status and reason stays as it is. */
export function withCondition(conditions: readonly WorkloadCondition[], next: WorkloadCondition): WorkloadCondition[] {
  const before = conditions.find(({ type }) => type === next.type);
  if (before?.status === next.status && before.reason === next.reason) return [...conditions];
  const others = conditions.filter((condition) => condition !== before);
  const sameStatus = before?.status === next.status && before.lastTransitionTime !== undefined;
  return [...others, sameStatus ? { ...next, lastTransitionTime: before.lastTransitionTime ?? '' } : next];
}

const without = (conditions: readonly WorkloadCondition[], type: string): WorkloadCondition[] =>
  conditions.filter((condition) => condition.type !== type);

const sum = (
  sets: readonly ReplicaSet[],
  count: (status: NonNullable<ReplicaSet['status']>) => number | undefined,
): number => sets.reduce((total, { status }) => total + ((status && count(status)) ?? 0), 0);

/**
 * Counters and the condition `Available`; 0 is left out, as the API does.
 *
 * Rules: `calculateStatus` in kubernetes/pkg/controller/deployment/sync.go.
 */
export function deploymentStatus(
  deployment: Deployment,
  oldSets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  now: Instant,
): Status {
  const sets = newSet === undefined ? oldSets : [...oldSets, newSet];
  const available = sum(sets, (status) => status.availableReplicas);
  const enough = available >= wantedReplicas(deployment) - fenceposts(deployment).unavailable;
  const availability = enough
    ? newCondition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', now)
    : newCondition(
        'Available',
        'False',
        'MinimumReplicasUnavailable',
        'Deployment does not have minimum availability.',
        now,
      );
  return nonZero({
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(sets, (status) => status.replicas),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(sets, (status) => status.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalSize(sets) - available),
    terminatingReplicas: sum(sets, (status) => status.terminatingReplicas),
    collisionCount: deployment.status?.collisionCount,
    conditions: withCondition(deployment.status?.conditions ?? [], availability),
  });
}

/** These are pointers in the API's types, so 0 is written. */
const writtenIfZero = new Set(['terminatingReplicas', 'collisionCount']);

function nonZero(status: object): Status {
  const entries = Object.entries(status).filter(
    ([key, value]) => value !== undefined && (value !== 0 || writtenIfZero.has(key)),
  );
  return Object.fromEntries(entries);
}

/** Whether every pod is of the newest template and available, and nothing is left of older ones. */
export function isComplete(deployment: Deployment, status: Deployment['status']): boolean {
  const replicas = wantedReplicas(deployment);
  return (
    (status?.updatedReplicas ?? 0) === replicas &&
    (status?.replicas ?? 0) === replicas &&
    (status?.availableReplicas ?? 0) === replicas &&
    (status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/**
 * The status while rolling: {@link deploymentStatus} with `Progressing` and `ReplicaFailure`.
 *
 * Rules: `syncRolloutStatus` in kubernetes/pkg/controller/deployment/progress.go.
 */
export function rolloutStatus(
  deployment: Deployment,
  oldSets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  now: Instant,
): Status {
  const status = deploymentStatus(deployment, oldSets, newSet, now);
  let conditions = status.conditions ?? [];
  if (!hasDeadline(deployment)) conditions = without(conditions, 'Progressing');
  const progress = hasDeadline(deployment) ? progressOf(deployment, status, newSet, now) : undefined;
  if (progress !== undefined) conditions = progress(conditions);
  const failure = [...(newSet ? [newSet] : []), ...oldSets]
    .flatMap((set) => set.status?.conditions ?? [])
    .find(({ type }) => type === 'ReplicaFailure');
  conditions =
    failure === undefined
      ? without(conditions, 'ReplicaFailure')
      : withCondition(conditions, { ...failure, lastUpdateTime: failure.lastTransitionTime ?? now.text });
  return { ...status, conditions };
}

type Conditions = WorkloadCondition[];

/** What becomes of the condition `Progressing`; undefined if it stays. */
function progressOf(
  deployment: Deployment,
  status: Status,
  newSet: ReplicaSet | undefined,
  now: Instant,
): ((conditions: Conditions) => Conditions) | undefined {
  const current = progressing(deployment.status);
  const wasComplete =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable';
  if (wasComplete) return undefined;
  const what =
    newSet === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`;
  const make = (value: 'True' | 'False', reason: string, message: string): WorkloadCondition =>
    newCondition('Progressing', value, reason, `${what} ${message}`, now);
  if (isComplete(deployment, status)) {
    const done = make('True', 'NewReplicaSetAvailable', 'has successfully progressed.');
    return (conditions) => withCondition(conditions, done);
  }
  if (hasProgressed(deployment, status)) {
    const going = make('True', 'ReplicaSetUpdated', 'is progressing.');
    const since = current?.status === 'True' ? current.lastTransitionTime : undefined;
    // Also where status and reason stay: the time of the last progress is what the deadline counts from.
    return (conditions) => [
      ...without(conditions, 'Progressing'),
      since === undefined ? going : { ...going, lastTransitionTime: since },
    ];
  }
  if (hasTimedOut(deployment, status, now)) {
    const late = make('False', 'ProgressDeadlineExceeded', 'has timed out progressing.');
    return (conditions) => withCondition(conditions, late);
  }
  return undefined;
}

function hasProgressed({ status: before }: Deployment, after: Status): boolean {
  const old = (status: Deployment['status']): number => (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before?.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, status: Status, now: Instant): boolean {
  const condition = progressing(status);
  if (condition === undefined || condition.reason === 'NewReplicaSetAvailable') return false;
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  return deadlineOf(deployment, condition) < now.ms;
}

const deadlineOf = (deployment: Deployment, condition: WorkloadCondition): number =>
  Date.parse(condition.lastUpdateTime ?? '') + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000;

/** In how many milliseconds to look again whether the deadline has passed; undefined if nothing is under way. */
export function deadlineInMs(deployment: Deployment, status: Status, nowMs: number): number | undefined {
  const current = progressing(deployment.status);
  if (!hasDeadline(deployment) || current === undefined) return undefined;
  if (isComplete(deployment, status) || current.reason === 'ProgressDeadlineExceeded') return undefined;
  return Math.max(0, deadlineOf(deployment, current) - nowMs) + 1000;
}
