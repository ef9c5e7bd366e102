import type { Container, Pod } from '../../../kube/types.js';
import { crashes, type PodStage } from './pod-stage.js';

type Status = NonNullable<Pod['status']>;
type Conditions = NonNullable<Status['conditions']>;

/** What the status tells besides the pod itself. */
export interface PodSurroundings {
  /** Now, RFC 3339. */
  at: string;
  /** Address of the node. */
  hostIP: string;
  /** Address of the pod; that of the node if it uses the network of its host. */
  podIP: string;
}

/** The whole status of a pod in a stage; conditions of others stay. */
export function podStatus(pod: Pod, stage: Exclude<PodStage, 'drain' | 'remove'>, around: PodSurroundings): Status {
  const part = parts[stage](pod, around);
  return {
    ...pod.status,
    ...part,
    conditions: withConditions(pod.status?.conditions, part.conditions ?? [], around.at),
  };
}

const parts: Record<Exclude<PodStage, 'drain' | 'remove'>, (pod: Pod, around: PodSurroundings) => Status> = {
  run: (pod, around) => ({
    ...running(pod, around),
    conditions: [
      { type: 'Initialized', status: 'True' },
      { type: 'Ready', status: 'True' },
      { type: 'ContainersReady', status: 'True' },
      ...(pod.spec.readinessGates ?? []).map(({ conditionType }) => ({ type: conditionType, status: 'True' as const })),
    ],
    containerStatuses: statuses(pod.spec.containers, {
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: around.at } },
    }),
  }),
  'run-unready': (pod, around) => ({
    ...running(pod, around),
    conditions: [{ type: 'Initialized', status: 'True' }, unready(pod, 'Ready'), unready(pod, 'ContainersReady')],
    containerStatuses: statuses(pod.spec.containers, crashes(pod) ? crashed : { ...runningUnready(around.at) }),
  }),
  'wait-for-image': (pod) => ({
    phase: 'Pending',
    conditions: [{ type: 'Initialized', status: 'True' }, unready(pod, 'Ready')],
    containerStatuses: pod.spec.containers.map((container) => withoutImage(container)),
  }),
  complete: (pod, { at }) => ({
    phase: 'Succeeded',
    conditions: [
      { type: 'Ready', status: 'False', reason: 'PodCompleted' },
      { type: 'ContainersReady', status: 'False', reason: 'PodCompleted' },
    ],
    containerStatuses: statuses(pod.spec.containers, {
      ready: false,
      started: false,
      restartCount: 0,
      state: { terminated: { exitCode: 0, reason: 'Completed', startedAt: at, finishedAt: at } },
    }),
  }),
};

/** What all pods have whose containers have been started. */
function running(pod: Pod, { at, hostIP, podIP }: PodSurroundings): Status {
  const initContainers = pod.spec.initContainers ?? [];
  return {
    phase: 'Running',
    hostIP,
    ...{ hostIPs: [{ ip: hostIP }] },
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: at,
    ...(initContainers.length > 0 && {
      initContainerStatuses: initContainers.flatMap((container) => statuses([container], initState(container, at))),
    }),
  };
}

/** An init container has done its work, unless it is a sidecar. */
function initState(container: Container, at: string): object {
  return container.restartPolicy === 'Always'
    ? { ready: true, started: true, restartCount: 0, state: { running: { startedAt: at } } }
    : {
        ready: true,
        restartCount: 0,
        state: { terminated: { exitCode: 0, reason: 'Completed', startedAt: at, finishedAt: at } },
      };
}

const crashed = {
  ready: false,
  started: false,
  restartCount: 5,
  state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container' } },
};

const runningUnready = (at: string): object => ({
  ready: false,
  started: true,
  restartCount: 0,
  state: { running: { startedAt: at } },
});

function withoutImage(container: Container): NonNullable<Status['containerStatuses']>[number] {
  const waiting = { reason: 'ImagePullBackOff', message: `Back-off pulling image ${container.image}` };
  return statuses([container], { ready: false, started: false, restartCount: 0, state: { waiting } })[0]!;
}

/** One status for each container; `lastState` and `imageID` are there as the API has them. */
function statuses(containers: Container[], status: object): NonNullable<Status['containerStatuses']> {
  return containers.map(
    ({ name, image }) =>
      ({ name, image, imageID: '', lastState: {}, ...status }) as object as NonNullable<
        Status['containerStatuses']
      >[number],
  );
}

function unready(pod: Pod, type: string): Conditions[number] {
  const names = pod.spec.containers.map(({ name }) => name).join(' ');
  return { type, status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${names}]` };
}

/** Ours first, as a strategic merge patch puts them; those of others stay behind, in their order. */
function withConditions(old: Conditions = [], ours: Conditions, at: string): Conditions {
  const known = ours.map(({ type }) => type);
  const dated = ours.map((condition) => ({ ...condition, lastProbeTime: null, lastTransitionTime: at }));
  const kept = old.filter(({ type }) => !known.includes(type));
  const isNew = ours.some(({ type }) => !old.some((condition) => condition.type === type));
  if (isNew) return [...dated, ...kept];
  return old.map((condition) => dated.find(({ type }) => type === condition.type) ?? condition);
}
