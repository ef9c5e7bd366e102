import type { Pod } from '../../../kube/types.js';

/** The workload that a pod belongs to, as far as the pod alone tells. */
export interface WorkloadOfPod {
  apiVersion: string;
  kind: string;
  name: string;
}

/** What a Job's name ends with when a CronJob has made it: its time. */
const cronJobSuffix = /^(.+)-\d{8,10}$/;

/**
 * Guesses the workload from the controller and the labels: a ReplicaSet with the pod's template hash is a Deployment's,
 * a Job with a time in its name a CronJob's. A pod that has a name already counts as itself.
 *
 * @see istio/istio pkg/kube/util.go, GetDeployMetaFromPod
 */
export function workloadOfPod(pod: Pod): WorkloadOfPod {
  const { name, generateName, labels = {}, ownerReferences = [] } = pod.metadata;
  const owner = generateName ? ownerReferences.find(({ controller }) => controller) : undefined;
  if (owner === undefined) return { apiVersion: 'v1', kind: 'Pod', name: name ?? '' };
  const hash = labels['pod-template-hash'];
  if (owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(hash)) {
    return { apiVersion: owner.apiVersion, kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) };
  }
  const cronJob = owner.kind === 'Job' ? cronJobSuffix.exec(owner.name)?.[1] : undefined;
  if (cronJob !== undefined) return { apiVersion: 'batch/v1', kind: 'CronJob', name: cronJob };
  return { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.name };
}
