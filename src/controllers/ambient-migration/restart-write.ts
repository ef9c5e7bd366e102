import { ANNOTATION } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { Client } from '../../kube/client.js';
import { isNotFound } from '../../kube/errors.js';
import type { FieldChange } from '../../kube/patch.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { type LabelSelector, formatSelector } from '../../kube/selectors.js';
import { DAEMON_SET, DEPLOYMENT, POD, STATEFUL_SET } from '../../kube/types.js';
import { ARGO_ROLLOUT, type ArgoRollout } from '../../kube/argo-rollouts.js';
import { argoRestartChanges, argoRolloutView, referencedDeployment } from './argo-rollout.js';
import { type PodView, podView } from './pods.js';
import { enrolTemplateChanges, leaveTemplateChanges } from './template-enrolment.js';
import {
  type RestartMark,
  type Workload,
  type WorkloadKind,
  daemonSetView,
  deploymentView,
  formatRestartMark,
  statefulSetView,
} from './workloads.js';

/** The API of each kind of workload. */
export const WORKLOAD_TYPES: Record<WorkloadKind, ResourceType> = {
  Deployment: DEPLOYMENT,
  StatefulSet: STATEFUL_SET,
  DaemonSet: DAEMON_SET,
  Rollout: ARGO_ROLLOUT,
};

/** What a restart depends on besides its mark. */
export interface RestartOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Workloads are enrolled by their templates. */
  readonly enrols: boolean;
}

/** The changes that restart a workload, and leave our mark; pure. */
export function restartChanges(
  workload: Workload,
  mark: RestartMark,
  { nowMs, enrols }: RestartOptions,
): FieldChange[] {
  if (workload.kind === 'Rollout') return argoRestartChanges(workload, mark, nowMs);
  const value = formatRestartMark(mark);
  const annotations = ['spec', 'template', 'metadata', 'annotations'];
  return [
    { path: ['metadata', 'annotations', OWN_ANNOTATION.restart], value },
    { path: [...annotations, OWN_ANNOTATION.restart], value },
    { path: [...annotations, ANNOTATION.restartedAt], value: new Date(nowMs).toISOString() },
    ...(mark.goal === 'ambient' && enrols ? enrolTemplateChanges(workload) : []),
    ...(mark.goal === 'sidecar' ? leaveTemplateChanges(workload) : []),
  ];
}

/** A workload as it is now, with those of its pods that the cache knew, as they are now. */
export async function readWorkload(
  { kind, name, pods }: Workload,
  namespace: string,
  client: Client,
  signal: AbortSignal,
): Promise<{ object: KubeObject; view: Workload }> {
  const ref = { namespace, name };
  const known = new Set(pods.map((pod) => pod.name));
  const podsOf = async (selector: LabelSelector | undefined): Promise<PodView[]> => {
    const labelSelector = selector && formatSelector(selector);
    const { items } = await client.list(POD, { namespace, labelSelector, signal });
    return items.map(podView).filter((pod) => known.has(pod.name));
  };
  switch (kind) {
    case 'Deployment': {
      const object = await client.get(DEPLOYMENT, ref, { signal });
      return { object, view: deploymentView(object, await podsOf(object.spec.selector)) };
    }
    case 'StatefulSet': {
      const object = await client.get(STATEFUL_SET, ref, { signal });
      return { object, view: statefulSetView(object, await podsOf(object.spec.selector)) };
    }
    case 'DaemonSet': {
      const object = await client.get(DAEMON_SET, ref, { signal });
      return { object, view: daemonSetView(object, await podsOf(object.spec.selector)) };
    }
    case 'Rollout': {
      const object: ArgoRollout = await client.get(ARGO_ROLLOUT, ref, { signal });
      const referenced = referencedDeployment(object);
      const deployment =
        referenced === undefined
          ? undefined
          : await client.get(DEPLOYMENT, { namespace, name: referenced }, { signal }).catch(ignoreNotFound);
      const selector = object.spec?.selector ?? deployment?.spec.selector;
      return { object, view: argoRolloutView(object, deployment, await podsOf(selector)) };
    }
  }
}

function ignoreNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
