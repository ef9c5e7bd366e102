import type { KubeObject } from '../../../kube/resource.js';
import type { Pod, PodTemplate } from '../../../kube/types.js';
import type { Draft } from './cluster.js';
import { controllerReference } from './ownership.js';

/** Whether a pod has ended by itself. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Whether a pod counts as a replica: neither ended nor being deleted. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Whether a pod is being deleted and has not ended. */
export function isTerminating(pod: Pod): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp !== undefined;
}

/** Since when a pod is ready, in milliseconds since the epoch; undefined if it is not. */
export function readySince(pod: Pod): number | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return undefined;
  return ready.lastTransitionTime === undefined ? 0 : Date.parse(ready.lastTransitionTime);
}

/** Whether a pod is ready. */
export function isReady(pod: Pod): boolean {
  return readySince(pod) !== undefined;
}

/** Whether a pod has been ready for `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const since = readySince(pod);
  if (since === undefined) return false;
  return minReadySeconds === 0 || (since !== 0 && since + minReadySeconds * 1000 <= nowMs);
}

/** In how many milliseconds the first of the pods that are ready becomes available; undefined if none will. */
export function nextAvailableInMs(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  const waits = pods
    .filter((pod) => isReady(pod) && !isAvailable(pod, minReadySeconds, nowMs))
    .map((pod) => (readySince(pod) ?? nowMs) + minReadySeconds * 1000 - nowMs);
  return waits.length === 0 ? undefined : Math.max(0, Math.min(...waits));
}

/** The pod that `template` describes, managed by `owner`; its name begins with the owner's. */
export function podFromTemplate(template: PodTemplate, owner: KubeObject): Draft {
  const { labels, annotations, finalizers } = (template.metadata ?? {}) as {
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
  };
  const { namespace, name } = owner.metadata;
  return {
    metadata: {
      generateName: `${name}-`,
      ...(namespace !== undefined && { namespace }),
      ...(labels !== undefined && { labels }),
      ...(annotations !== undefined && { annotations }),
      ...(finalizers !== undefined && { finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec,
  };
}
