import type { Pod } from '../../../../kube/types.js';
import type { StatefulSet } from '../kinds.js';
import { isAvailable, isReady, isTerminal } from '../pods.js';
import { ordinalOf, podRevision, wantedOrdinals } from './identity.js';

/** One thing to do about one pod. */
export type Step =
  | { do: 'create'; ordinal: number }
  /** Claims that are missing are made for a pod that waits for them. */
  | { do: 'claims'; ordinal: number }
  | { do: 'identity'; pod: Pod }
  | { do: 'delete'; pod: Pod };

/** What the steps are decided from. */
export interface Situation {
  set: StatefulSet;
  pods: readonly Pod[];
  /** Name of the newest revision. */
  updateRevision: string;
  nowMs: number;
}

const isDeleting = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

/**
 * What is to be done now, in order. With `OrderedReady` nothing goes on before what comes first is available: pods are
 * made from the lowest ordinal, surplus ones go from the highest, and only then pods of older revisions go, also from the
 * highest.
 *
 * Rules: `updateStatefulSet` in kubernetes/pkg/controller/statefulset/stateful_set_control.go.
 */
export function stepsOf(situation: Situation): Step[] {
  const { set } = situation;
  const ordered = set.spec.podManagementPolicy !== 'Parallel';
  const scaling = ordered ? orderedScaling(situation) : parallelScaling(situation);
  if (scaling.blocked) return scaling.steps;
  return [...scaling.steps, ...updates(situation)];
}

interface Scaling {
  steps: Step[];
  blocked: boolean;
}

function orderedScaling(situation: Situation): Scaling {
  const { set, pods } = situation;
  const steps: Step[] = [];
  for (const ordinal of wantedOrdinals(set)) {
    const outcome = replicaSteps(situation, ordinal);
    steps.push(...outcome.steps);
    if (outcome.blocked) return { steps, blocked: true };
  }
  const firstUnavailable = firstUnavailablePod(situation);
  const [highest] = condemned(set, pods);
  if (highest === undefined) return { steps, blocked: false };
  const mayGo = !isDeleting(highest) && (!isUnavailable(situation, highest) || highest === firstUnavailable);
  return { steps: mayGo ? [...steps, { do: 'delete', pod: highest }] : steps, blocked: true };
}

function parallelScaling(situation: Situation): Scaling {
  const { set, pods } = situation;
  const made = wantedOrdinals(set).flatMap((ordinal) => replicaSteps(situation, ordinal).steps);
  const removed = condemned(set, pods).filter((pod) => !isDeleting(pod));
  return { steps: [...made, ...removed.map((pod): Step => ({ do: 'delete', pod }))], blocked: false };
}

/** What the pod with that ordinal needs; `blocked` while others have to wait for it. */
function replicaSteps(situation: Situation, ordinal: number): Scaling {
  const { set, pods } = situation;
  const pod = pods.find((candidate) => ordinalOf(set, candidate) === ordinal);
  if (pod === undefined) return { steps: [{ do: 'create', ordinal }], blocked: true };
  if (isTerminal(pod)) return { steps: isDeleting(pod) ? [] : [{ do: 'delete', pod }], blocked: true };
  const claims: Step[] = pod.status?.phase === 'Pending' ? [{ do: 'claims', ordinal }] : [];
  return { steps: [...claims, { do: 'identity', pod }], blocked: isUnavailable(situation, pod) };
}

/** Pods beyond the size of the set, highest ordinal first. */
function condemned(set: StatefulSet, pods: readonly Pod[]): Pod[] {
  const wanted = new Set(wantedOrdinals(set));
  return pods
    .filter((pod) => ordinalOf(set, pod) >= 0 && !wanted.has(ordinalOf(set, pod)))
    .sort((a, b) => ordinalOf(set, b) - ordinalOf(set, a));
}

function isUnavailable({ set, nowMs }: Situation, pod: Pod): boolean {
  return isDeleting(pod) || !isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
}

/** By ordinal, those beyond the size last; a pod that is missing counts, too. */
function firstUnavailablePod(situation: Situation): Pod | undefined {
  const { set, pods } = situation;
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const surplus = condemned(set, pods).reverse();
  for (const pod of [...wantedOrdinals(set).map((ordinal) => byOrdinal.get(ordinal)), ...surplus]) {
    if (pod === undefined) return undefined;
    if (isUnavailable(situation, pod)) return pod;
  }
  return undefined;
}

/**
 * The pod of an older revision that goes now, so that it comes back as the newest: one at a time from the highest ordinal
 * down to the partition, and none while one above it is unavailable. (`maxUnavailable` needs a feature gate that is off.)
 */
function updates(situation: Situation): Step[] {
  const { set, pods, updateRevision } = situation;
  const { type = 'RollingUpdate', rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type === 'OnDelete') return [];
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  for (const ordinal of wantedOrdinals(set)
    .slice(rollingUpdate?.partition ?? 0)
    .reverse()) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) return [];
    if (podRevision(pod) !== updateRevision && !isDeleting(pod)) return [{ do: 'delete', pod }];
    if (isUnavailable(situation, pod)) return [];
  }
  return [];
}

/** Counters and revisions as the API has them. */
export function statefulSetStatus(
  situation: Situation & { currentRevision: string; collisions: number },
): NonNullable<StatefulSet['status']> {
  const { set, pods, currentRevision, updateRevision, collisions, nowMs } = situation;
  const count = (holds: (pod: Pod) => boolean): number => pods.filter(holds).length;
  const ofRevision = (name: string): number => count((pod) => !isDeleting(pod) && podRevision(pod) === name);
  const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isReady(pod);
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const replicas = pods.length;
  const ready = count(isRunningAndReady);
  const updated = ofRevision(updateRevision);
  const wanted = set.spec.replicas ?? 1;
  const rolling = (set.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
  const done = rolling && updated === wanted && ready === wanted && replicas === wanted;
  const current = done ? updated : ofRevision(currentRevision);
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas,
    ...(ready > 0 && { readyReplicas: ready }),
    availableReplicas: count((pod) => isRunningAndReady(pod) && isAvailable(pod, minReadySeconds, nowMs)),
    ...(current > 0 && { currentReplicas: current }),
    ...(updated > 0 && { updatedReplicas: updated }),
    currentRevision: done ? updateRevision : currentRevision,
    updateRevision,
    collisionCount: collisions,
  };
}
