import type { Condition } from '../../../kube/conditions.js';
import type { KubeObject, ResourceType } from '../../../kube/resource.js';
import type { LabelSelector } from '../../../kube/selectors.js';
import type * as kube from '../../../kube/types.js';
import type { Taint } from '../node.js';

/*
 * The built-in kinds with the fields that the controllers of kube-controller-manager read and write and that
 * src/kube/types.ts does not have.
 */

/** A condition of a workload. Deployments have `lastUpdateTime`, Jobs `lastProbeTime`. */
export type WorkloadCondition = Pick<Condition, 'type' | 'status'> &
  Partial<Condition> & { lastUpdateTime?: string; lastProbeTime?: string };

/** An absolute number or a percentage such as `25%`. */
export type IntOrPercent = number | string;

export interface Deployment extends kube.Deployment {
  status?: NonNullable<kube.Deployment['status']> & {
    conditions?: WorkloadCondition[];
    collisionCount?: number;
    terminatingReplicas?: number;
  };
}

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

export interface DaemonSet extends Omit<kube.DaemonSet, 'spec' | 'status'> {
  spec: kube.DaemonSet['spec'] & { revisionHistoryLimit?: number };
  status?: kube.DaemonSet['status'] & { collisionCount?: number };
}

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

export interface CronJob extends Omit<kube.CronJob, 'spec' | 'status'> {
  spec: {
    schedule: string;
    timeZone?: string;
    suspend?: boolean;
    concurrencyPolicy?: 'Allow' | 'Forbid' | 'Replace';
    startingDeadlineSeconds?: number;
    successfulJobsHistoryLimit?: number;
    failedJobsHistoryLimit?: number;
    jobTemplate: {
      metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
      spec: Job['spec'];
    };
  };
  status?: {
    active?: (kube.ObjectReference & { resourceVersion?: string })[];
    lastScheduleTime?: string;
    lastSuccessfulTime?: string;
  };
}

export interface PodDisruptionBudget extends Omit<kube.PodDisruptionBudget, 'status'> {
  status?: kube.PodDisruptionBudget['status'] & {
    disruptedPods?: Record<string, string>;
    conditions?: WorkloadCondition[];
  };
}

/** A taint that a pod puts up with. */
export interface Toleration {
  key?: string;
  operator?: 'Exists' | 'Equal';
  value?: string;
  effect?: Taint['effect'];
  tolerationSeconds?: number;
}

export interface PersistentVolumeClaim extends KubeObject {
  spec?: object;
}

/** One port of an endpoint. */
export interface EndpointPort {
  name?: string;
  port?: number;
  protocol?: string;
  appProtocol?: string;
}

/** A pod, as the target of an endpoint. */
export interface TargetReference {
  kind: string;
  namespace?: string;
  name: string;
  uid?: string;
}

export interface Endpoint {
  addresses: string[];
  conditions: { ready: boolean; serving: boolean; terminating: boolean };
  hostname?: string;
  nodeName?: string;
  zone?: string;
  targetRef: TargetReference;
}

export interface EndpointSlice extends KubeObject {
  addressType: 'IPv4' | 'IPv6' | 'FQDN';
  endpoints: Endpoint[] | null;
  ports?: EndpointPort[] | null;
}

/** One address of an {@link EndpointSubset}. */
export interface EndpointAddress {
  ip: string;
  hostname?: string;
  nodeName?: string;
  targetRef: TargetReference;
}

export interface EndpointSubset {
  addresses?: EndpointAddress[];
  notReadyAddresses?: EndpointAddress[];
  ports?: EndpointPort[];
}

export interface Endpoints extends KubeObject {
  subsets?: EndpointSubset[];
}

export interface Service extends Omit<kube.Service, 'spec'> {
  spec: kube.Service['spec'] & { ipFamilies?: ('IPv4' | 'IPv6')[] };
}

export interface HorizontalPodAutoscaler extends KubeObject {
  spec: {
    minReplicas?: number;
    maxReplicas: number;
    scaleTargetRef: { apiVersion: string; kind: string; name: string };
    metrics?: unknown[];
  };
  status?: {
    currentReplicas?: number;
    desiredReplicas?: number;
    lastScaleTime?: string;
    currentMetrics?: unknown;
    conditions?: WorkloadCondition[];
  };
}

/** `v1` Event, as kube-controller-manager writes them. */
export interface CoreEvent extends KubeObject {
  involvedObject: kube.ObjectReference & { resourceVersion?: string };
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  source: { component: string };
  reportingComponent: string;
  reportingInstance: string;
  firstTimestamp: string;
  lastTimestamp: string;
  count: number;
}

function ofGroup<T extends KubeObject>(group: string, version: string, plural: string, kind: string): ResourceType<T> {
  return { group, version, plural, kind, namespaced: true };
}

export { NODE, type Node, type Taint } from '../node.js';
export { CONFIG_MAP, CONTROLLER_REVISION, NAMESPACE, POD, SERVICE_ACCOUNT } from '../../../kube/types.js';
export type {
  ConfigMap,
  ControllerRevision,
  Namespace,
  Pod,
  PodTemplate,
  ServiceAccount,
} from '../../../kube/types.js';

export const DEPLOYMENT = ofGroup<Deployment>('apps', 'v1', 'deployments', 'Deployment');
export const REPLICA_SET = ofGroup<ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet');
export const STATEFUL_SET = ofGroup<StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet');
export const DAEMON_SET = ofGroup<DaemonSet>('apps', 'v1', 'daemonsets', 'DaemonSet');
export const JOB = ofGroup<Job>('batch', 'v1', 'jobs', 'Job');
export const CRON_JOB = ofGroup<CronJob>('batch', 'v1', 'cronjobs', 'CronJob');
export const POD_DISRUPTION_BUDGET = ofGroup<PodDisruptionBudget>(
  'policy',
  'v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
);
export const SERVICE = ofGroup<Service>('', 'v1', 'services', 'Service');
export const ENDPOINTS = ofGroup<Endpoints>('', 'v1', 'endpoints', 'Endpoints');
export const ENDPOINT_SLICE = ofGroup<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice');
export const PERSISTENT_VOLUME_CLAIM = ofGroup<PersistentVolumeClaim>(
  '',
  'v1',
  'persistentvolumeclaims',
  'PersistentVolumeClaim',
);
export const HORIZONTAL_POD_AUTOSCALER = ofGroup<HorizontalPodAutoscaler>(
  'autoscaling',
  'v2',
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
);
export const CORE_EVENT = ofGroup<CoreEvent>('', 'v1', 'events', 'Event');
