import type { Condition } from '../../../kube/conditions.js';
import { namespaced, type KubeObject } from '../../../kube/resource.js';
import type { LabelSelector } from '../../../kube/selectors.js';
import type * as kube from '../../../kube/types.js';

/*
 * The built-in kinds that several controllers work on, with the fields that src/kube/types.ts does not have.
 */

/** A condition of a workload. Deployments have `lastUpdateTime`, Jobs `lastProbeTime`. */
export type WorkloadCondition = Pick<Condition, 'type' | 'status'> &
  Partial<Condition> & { lastUpdateTime?: string; lastProbeTime?: string };

/** `apps/v1` Deployment. */
export interface Deployment extends kube.Deployment {
  status?: NonNullable<kube.Deployment['status']> & {
    conditions?: WorkloadCondition[];
    collisionCount?: number;
    terminatingReplicas?: number;
  };
}

/** `apps/v1` ReplicaSet. */
export interface ReplicaSet extends KubeObject {
  spec: { replicas?: number; minReadySeconds?: number; selector: LabelSelector; template: kube.PodTemplate };
  status?: {
    replicas: number;
    fullyLabeledReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    terminatingReplicas?: number;
    observedGeneration?: number;
    conditions?: WorkloadCondition[];
  };
}

/** What a StatefulSet makes for each of its pods. */
export interface ClaimTemplate {
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: object;
}

/** `apps/v1` StatefulSet. */
export interface StatefulSet extends Omit<kube.StatefulSet, 'spec' | 'status'> {
  spec: Omit<kube.StatefulSet['spec'], 'volumeClaimTemplates'> & {
    volumeClaimTemplates?: ClaimTemplate[];
    revisionHistoryLimit?: number;
    ordinals?: { start?: number };
    persistentVolumeClaimRetentionPolicy?: {
      whenDeleted?: 'Retain' | 'Delete';
      whenScaled?: 'Retain' | 'Delete';
    };
  };
  status?: kube.StatefulSet['status'] & { collisionCount?: number };
}

/** `apps/v1` DaemonSet. */
export interface DaemonSet extends Omit<kube.DaemonSet, 'spec' | 'status'> {
  spec: kube.DaemonSet['spec'] & { revisionHistoryLimit?: number };
  status?: kube.DaemonSet['status'] & { collisionCount?: number };
}

/** `batch/v1` Job. */
export interface Job extends Omit<kube.Job, 'spec' | 'status'> {
  spec: {
    selector?: LabelSelector;
    template: kube.PodTemplate;
    suspend?: boolean;
    completions?: number;
    parallelism?: number;
    backoffLimit?: number;
    activeDeadlineSeconds?: number;
    ttlSecondsAfterFinished?: number;
    completionMode?: 'NonIndexed' | 'Indexed';
    podReplacementPolicy?: 'TerminatingOrFailed' | 'Failed';
  };
  status?: {
    active?: number;
    ready?: number;
    terminating?: number;
    succeeded?: number;
    failed?: number;
    completedIndexes?: string;
    startTime?: string;
    completionTime?: string;
    uncountedTerminatedPods?: { succeeded?: string[]; failed?: string[] };
    conditions?: WorkloadCondition[];
  };
}

/** `v1` PersistentVolumeClaim. */
export interface PersistentVolumeClaim extends KubeObject {
  spec?: object;
}

export const DEPLOYMENT = namespaced<Deployment>('apps', 'v1', 'deployments', 'Deployment');
export const REPLICA_SET = namespaced<ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet');
export const STATEFUL_SET = namespaced<StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet');
export const DAEMON_SET = namespaced<DaemonSet>('apps', 'v1', 'daemonsets', 'DaemonSet');
export const JOB = namespaced<Job>('batch', 'v1', 'jobs', 'Job');
export const PERSISTENT_VOLUME_CLAIM = namespaced<PersistentVolumeClaim>(
  '',
  'v1',
  'persistentvolumeclaims',
  'PersistentVolumeClaim',
);
