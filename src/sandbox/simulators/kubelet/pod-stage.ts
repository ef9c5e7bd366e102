import type { Pod } from '../../../kube/types.js';

/** What a kubelet does next with a pod that it has been given. */
export type PodStage = 'run' | 'run-unready' | 'wait-for-image' | 'complete' | 'drain' | 'remove';

/** Annotation on a pod (template) that makes it end otherwise than well. */
const testAnnotation = 'sidestep.dev/test';

/** Present on pods with a sidecar. */
const sidecarStatus = 'sidecar.istio.io/status';

/**
 * The next stage in the life of a pod that has a node; undefined while there is nothing to do.
 *
 * A pod starts once its sandbox is there (condition `PodReadyToStartContainers`, which the CNI agent reports). The
 * annotation `sidestep.dev/test` makes other endings: `never-ready`, `crash-loop`, `crash-without-sidecar`, `image-pull`,
 * `keep-running` for a pod of a Job, and `drain` for one that uses its whole grace period. These are the stages of test/controlplane/kwok/pod-stages.yaml.
 */
export function podStage(pod: Pod): PodStage | undefined {
  const test = pod.metadata.annotations?.[testAnnotation];
  if (pod.metadata.deletionTimestamp !== undefined) return test === 'drain' ? 'drain' : 'remove';
  const { status } = pod;
  if (status?.phase === 'Running') return isOfJob(pod) && !runsForEver(test) ? 'complete' : undefined;
  if (status?.phase !== 'Pending' || !hasSandbox(pod)) return undefined;
  if (test === 'image-pull') return status.containerStatuses === undefined ? 'wait-for-image' : undefined;
  return isUnready(pod, test) ? 'run-unready' : 'run';
}

/** Whether the containers of an unready pod crash; they run otherwise. */
export function crashes(pod: Pod): boolean {
  return pod.metadata.annotations?.[testAnnotation] !== 'never-ready';
}

function isUnready(pod: Pod, test: string | undefined): boolean {
  if (test === 'crash-without-sidecar') return pod.metadata.annotations?.[sidecarStatus] === undefined;
  return test === 'never-ready' || test === 'crash-loop';
}

function runsForEver(test: string | undefined): boolean {
  return test !== undefined && ['never-ready', 'crash-loop', 'image-pull', 'keep-running'].includes(test);
}

function isOfJob(pod: Pod): boolean {
  return pod.metadata.ownerReferences?.some(({ kind }) => kind === 'Job') ?? false;
}

function hasSandbox(pod: Pod): boolean {
  const conditions = pod.status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === 'PodReadyToStartContainers' && status === 'True');
}
