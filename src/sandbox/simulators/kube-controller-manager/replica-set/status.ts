import { matchesSelector } from '../../../../kube/selectors.js';
import type { Pod } from '../../../../kube/types.js';
import type { ReplicaSet, WorkloadCondition } from '../kinds.js';
import { isAvailable, isReady } from '../pods.js';

/** What a ReplicaSet's status is computed from. */
export interface Observation {
  active: readonly Pod[];
  terminating: readonly Pod[];
  /** What creating or deleting pods has failed with, in the server's words. */
  failure: string | undefined;
  nowMs: number;
  /** The same as {@link nowMs}, in RFC 3339. */
  now: string;
}

/**
 * The status of a ReplicaSet. Numbers that the API leaves out when they are 0 are undefined then.
 *
 * Rules: `calculateStatus` in kubernetes/pkg/controller/replicaset/replica_set_utils.go.
 */
export function replicaSetStatus(set: ReplicaSet, seen: Observation): NonNullable<ReplicaSet['status']> {
  const { active, terminating, nowMs } = seen;
  const templateLabels = { matchLabels: set.spec.template.metadata?.labels ?? {} };
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const count = (holds: (pod: Pod) => boolean): number | undefined => active.filter(holds).length || undefined;
  return defined({
    replicas: active.length,
    fullyLabeledReplicas: count(({ metadata }) => matchesSelector(templateLabels, metadata.labels)),
    readyReplicas: count(isReady),
    availableReplicas: count((pod) => isAvailable(pod, minReadySeconds, nowMs)),
    terminatingReplicas: terminating.length,
    observedGeneration: set.metadata.generation,
    conditions: conditions(set, seen),
  });
}

function conditions(set: ReplicaSet, { active, failure, now }: Observation): WorkloadCondition[] | undefined {
  const before = set.status?.conditions ?? [];
  const failed = before.find(({ type }) => type === 'ReplicaFailure');
  if (failure !== undefined && failed === undefined) {
    const reason = active.length < (set.spec.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete';
    const status = 'True';
    return [...before, { type: 'ReplicaFailure', status, lastTransitionTime: now, reason, message: failure }];
  }
  const kept = failure === undefined ? before.filter((condition) => condition !== failed) : before;
  return kept.length === 0 ? undefined : kept;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
