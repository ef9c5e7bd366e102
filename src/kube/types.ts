import type { Condition } from './conditions.js';
import { clusterScoped, namespaced, type KubeObject } from './resource.js';
import type { LabelSelector } from './selectors.js';

/*
 * The built-in kinds that we read, with the fields that a controller reads of them. What the API has as optional is
 * optional here; fields that are not listed are still in the objects, for nothing is ever parsed away.
 */

export interface Namespace extends KubeObject {
  spec?: { finalizers?: string[] };
  status?: { phase?: 'Active' | 'Terminating' };
}

/** One port that a container declares. */
export interface ContainerPort {
  name?: string;
  containerPort: number;
  hostPort?: number;
  protocol?: string;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: unknown;
}

/** What to call to learn about a container; one of the handlers is set. */
export interface Probe {
  httpGet?: { path?: string; port: number | string; scheme?: string; host?: string };
  tcpSocket?: { port: number | string; host?: string };
  grpc?: { port: number; service?: string | null };
  exec?: { command?: string[] };
}

export interface Container {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  ports?: ContainerPort[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  startupProbe?: Probe;
  lifecycle?: unknown;
  securityContext?: Record<string, unknown>;
  /** `Always` on an init container makes it a native sidecar. */
  restartPolicy?: string;
}

export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  serviceAccountName?: string;
  nodeName?: string;
  hostNetwork?: boolean;
  restartPolicy?: string;
  terminationGracePeriodSeconds?: number;
  priorityClassName?: string;
  nodeSelector?: Record<string, string>;
  tolerations?: unknown[];
  affinity?: unknown;
  topologySpreadConstraints?: unknown[];
  volumes?: ({ name: string } & Record<string, unknown>)[];
  securityContext?: Record<string, unknown>;
  shareProcessNamespace?: boolean;
  dnsPolicy?: string;
  readinessGates?: { conditionType: string }[];
}

export interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  started?: boolean;
  state?: {
    waiting?: { reason?: string; message?: string };
    running?: { startedAt?: string };
    terminated?: { exitCode: number; reason?: string; message?: string; finishedAt?: string };
  };
}

/** A condition as built-in kinds have it: reason, message and time may be missing. */
export type BuiltinCondition = Pick<Condition, 'type' | 'status'> & Partial<Condition>;

export interface Pod extends KubeObject {
  spec: PodSpec;
  status?: {
    phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    reason?: string;
    message?: string;
    podIP?: string;
    podIPs?: { ip: string }[];
    hostIP?: string;
    startTime?: string;
    conditions?: BuiltinCondition[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

/** What pods are made from. The name in its metadata is never set. */
export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
}

export interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
  nodePort?: number;
  protocol?: string;
  appProtocol?: string;
}

export interface Service extends KubeObject {
  spec: {
    type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
    /** `None` for a headless Service. */
    clusterIP?: string;
    clusterIPs?: string[];
    externalIPs?: string[];
    externalName?: string;
    ports?: ServicePort[];
    selector?: Record<string, string>;
    publishNotReadyAddresses?: boolean;
  };
  status?: {
    loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] };
    conditions?: Condition[];
  };
}

/** Endpoints of a Service, as many as fit into one object. */
export interface EndpointSlice extends KubeObject {
  addressType: 'IPv4' | 'IPv6' | 'FQDN';
  endpoints?: {
    addresses: string[];
    conditions?: { ready?: boolean };
    targetRef?: { kind?: string; namespace?: string; name?: string; uid?: string };
  }[];
  ports?: { name?: string; port?: number; protocol?: string }[];
}

export interface ServiceAccount extends KubeObject {
  imagePullSecrets?: { name?: string }[];
  automountServiceAccountToken?: boolean;
}

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
  immutable?: boolean;
}

/** An object as Events name it. */
export interface ObjectReference {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
  uid?: string;
}

/** `events.k8s.io/v1`. Times with microseconds, as the API requires. */
export interface Event extends KubeObject {
  eventTime: string;
  reportingController: string;
  reportingInstance: string;
  action: string;
  reason: string;
  type: 'Normal' | 'Warning';
  note?: string;
  regarding?: ObjectReference;
  related?: ObjectReference;
  /** Present from the second occurrence on. */
  series?: { count: number; lastObservedTime: string };
}

export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface Deployment extends KubeObject {
  spec: {
    replicas?: number;
    selector: LabelSelector;
    template: PodTemplate;
    strategy?: {
      type?: 'RollingUpdate' | 'Recreate';
      rollingUpdate?: { maxUnavailable?: number | string; maxSurge?: number | string };
    };
    minReadySeconds?: number;
    progressDeadlineSeconds?: number;
    paused?: boolean;
    revisionHistoryLimit?: number;
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    unavailableReplicas?: number;
    conditions?: BuiltinCondition[];
  };
}

export interface ReplicaSet extends KubeObject {
  spec: { replicas?: number; selector: LabelSelector; template?: PodTemplate };
  status?: { observedGeneration?: number; replicas?: number; readyReplicas?: number; availableReplicas?: number };
}

export interface StatefulSet extends KubeObject {
  spec: {
    replicas?: number;
    selector: LabelSelector;
    template: PodTemplate;
    serviceName?: string;
    volumeClaimTemplates?: { metadata: { name: string } }[];
    podManagementPolicy?: 'OrderedReady' | 'Parallel';
    updateStrategy?: {
      type?: 'RollingUpdate' | 'OnDelete';
      rollingUpdate?: { partition?: number; maxUnavailable?: number | string };
    };
    minReadySeconds?: number;
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    currentReplicas?: number;
    updatedReplicas?: number;
    currentRevision?: string;
    updateRevision?: string;
  };
}

export interface DaemonSet extends KubeObject {
  spec: {
    selector: LabelSelector;
    template: PodTemplate;
    updateStrategy?: {
      type?: 'RollingUpdate' | 'OnDelete';
      rollingUpdate?: { maxUnavailable?: number | string; maxSurge?: number | string };
    };
    minReadySeconds?: number;
  };
  status?: {
    observedGeneration?: number;
    currentNumberScheduled?: number;
    desiredNumberScheduled?: number;
    updatedNumberScheduled?: number;
    numberAvailable?: number;
    numberUnavailable?: number;
    numberReady?: number;
    numberMisscheduled?: number;
  };
}

/** A numbered, immutable piece of data; `data` cannot be changed once written. */
export interface ControllerRevision extends KubeObject {
  data?: unknown;
  revision: number;
}

export interface Job extends KubeObject {
  spec?: { selector?: LabelSelector; template?: PodTemplate; suspend?: boolean; completions?: number };
  status?: {
    active?: number;
    succeeded?: number;
    failed?: number;
    startTime?: string;
    completionTime?: string;
    conditions?: BuiltinCondition[];
  };
}

export interface CronJob extends KubeObject {
  spec?: {
    schedule: string;
    timeZone?: string;
    suspend?: boolean;
    jobTemplate: {
      metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
      spec: NonNullable<Job['spec']>;
    };
  };
  status?: { active?: ObjectReference[]; lastScheduleTime?: string };
}

export interface HorizontalPodAutoscaler extends KubeObject {
  spec: {
    scaleTargetRef: { apiVersion?: string; kind: string; name: string };
    /** Default: 1. */
    minReplicas?: number;
    maxReplicas: number;
  };
}

export interface PodDisruptionBudget extends KubeObject {
  spec?: { selector?: LabelSelector; minAvailable?: number | string; maxUnavailable?: number | string };
  status?: {
    observedGeneration?: number;
    disruptionsAllowed?: number;
    currentHealthy?: number;
    desiredHealthy?: number;
    expectedPods?: number;
  };
}

export interface ResourceQuota extends KubeObject {
  spec?: { hard?: Record<string, string>; scopes?: string[]; scopeSelector?: unknown };
  status?: { hard?: Record<string, string>; used?: Record<string, string> };
}

export interface LimitRange extends KubeObject {
  spec?: {
    limits: {
      type: string;
      max?: Record<string, string>;
      min?: Record<string, string>;
      default?: Record<string, string>;
      defaultRequest?: Record<string, string>;
      maxLimitRequestRatio?: Record<string, string>;
    }[];
  };
}

export interface NetworkPolicyPeer {
  podSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  ipBlock?: { cidr: string; except?: string[] };
}

export interface NetworkPolicyPort {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}

export interface NetworkPolicy extends KubeObject {
  spec?: {
    podSelector?: LabelSelector;
    policyTypes?: ('Ingress' | 'Egress')[];
    ingress?: { from?: NetworkPolicyPeer[]; ports?: NetworkPolicyPort[] }[];
    egress?: { to?: NetworkPolicyPeer[]; ports?: NetworkPolicyPort[] }[];
  };
}

export interface Webhook {
  name: string;
  failurePolicy?: 'Fail' | 'Ignore';
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  clientConfig: {
    url?: string;
    service?: { namespace: string; name: string; path?: string; port?: number };
    caBundle?: string;
  };
  rules?: { apiGroups?: string[]; apiVersions?: string[]; resources?: string[]; operations?: string[] }[];
  matchConditions?: { name: string; expression: string }[];
  reinvocationPolicy?: string;
  sideEffects?: string;
}

export interface MutatingWebhookConfiguration extends KubeObject {
  webhooks?: Webhook[];
}

export interface ValidatingWebhookConfiguration extends KubeObject {
  webhooks?: Webhook[];
}

export interface CustomResourceDefinition extends KubeObject {
  spec: {
    group: string;
    scope: 'Namespaced' | 'Cluster';
    names: { plural: string; kind: string; singular?: string; listKind?: string; shortNames?: string[] };
    versions: { name: string; served: boolean; storage: boolean; schema?: unknown; deprecated?: boolean }[];
  };
  status?: {
    conditions?: BuiltinCondition[];
    acceptedNames?: { plural: string; kind: string };
    storedVersions?: string[];
  };
}

export const NAMESPACE = clusterScoped<Namespace>('', 'v1', 'namespaces', 'Namespace');
export const POD = namespaced<Pod>('', 'v1', 'pods', 'Pod');
export const SERVICE = namespaced<Service>('', 'v1', 'services', 'Service');
export const NODE = clusterScoped('', 'v1', 'nodes', 'Node');
export const ENDPOINT_SLICE = namespaced<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice');
export const SERVICE_ACCOUNT = namespaced<ServiceAccount>('', 'v1', 'serviceaccounts', 'ServiceAccount');
export const CONFIG_MAP = namespaced<ConfigMap>('', 'v1', 'configmaps', 'ConfigMap');
export const EVENT = namespaced<Event>('events.k8s.io', 'v1', 'events', 'Event');
export const LEASE = namespaced<Lease>('coordination.k8s.io', 'v1', 'leases', 'Lease');
export const DEPLOYMENT = namespaced<Deployment>('apps', 'v1', 'deployments', 'Deployment');
export const REPLICA_SET = namespaced<ReplicaSet>('apps', 'v1', 'replicasets', 'ReplicaSet');
export const STATEFUL_SET = namespaced<StatefulSet>('apps', 'v1', 'statefulsets', 'StatefulSet');
export const DAEMON_SET = namespaced<DaemonSet>('apps', 'v1', 'daemonsets', 'DaemonSet');
export const CONTROLLER_REVISION = namespaced<ControllerRevision>(
  'apps',
  'v1',
  'controllerrevisions',
  'ControllerRevision',
);
export const JOB = namespaced<Job>('batch', 'v1', 'jobs', 'Job');
export const CRON_JOB = namespaced<CronJob>('batch', 'v1', 'cronjobs', 'CronJob');
export const RESOURCE_QUOTA = namespaced<ResourceQuota>('', 'v1', 'resourcequotas', 'ResourceQuota');
export const LIMIT_RANGE = namespaced<LimitRange>('', 'v1', 'limitranges', 'LimitRange');
export const POD_DISRUPTION_BUDGET = namespaced<PodDisruptionBudget>(
  'policy',
  'v1',
  'poddisruptionbudgets',
  'PodDisruptionBudget',
);
export const HORIZONTAL_POD_AUTOSCALER = namespaced<HorizontalPodAutoscaler>(
  'autoscaling',
  'v2',
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
);
export const NETWORK_POLICY = namespaced<NetworkPolicy>('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy');
export const MUTATING_WEBHOOK_CONFIGURATION = clusterScoped<MutatingWebhookConfiguration>(
  'admissionregistration.k8s.io',
  'v1',
  'mutatingwebhookconfigurations',
  'MutatingWebhookConfiguration',
);
export const VALIDATING_WEBHOOK_CONFIGURATION = clusterScoped<ValidatingWebhookConfiguration>(
  'admissionregistration.k8s.io',
  'v1',
  'validatingwebhookconfigurations',
  'ValidatingWebhookConfiguration',
);
export const CUSTOM_RESOURCE_DEFINITION = clusterScoped<CustomResourceDefinition>(
  'apiextensions.k8s.io',
  'v1',
  'customresourcedefinitions',
  'CustomResourceDefinition',
);
