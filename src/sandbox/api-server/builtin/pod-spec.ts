import type { ApiObject } from '../object.js';

/** A number, or a text such as `25%` or a port's name. */
export type IntOrString = number | string;

/** Amounts by resource name, such as `cpu`. */
export type ResourceList = Record<string, string>;

/** Where a request of a probe or a hook goes. */
export interface HttpGet {
  host?: string;
  path?: string;
  port: IntOrString;
  scheme?: string;
}

/** What a probe or a hook does. */
export interface Handler {
  httpGet?: HttpGet;
  exec?: { command?: string[] };
  tcpSocket?: { host?: string; port: IntOrString };
  grpc?: { port: number; service?: string };
  sleep?: { seconds: number };
}

/** A probe of a container. */
export interface Probe extends Handler {
  initialDelaySeconds?: number;
  timeoutSeconds?: number;
  periodSeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
}

/** A port of a container. */
export interface ContainerPort {
  name?: string;
  containerPort: number;
  hostPort?: number;
  protocol?: string;
}

/** An environment variable of a container. */
export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: { fieldRef?: { apiVersion?: string; fieldPath?: string }; [source: string]: unknown };
}

/** Requests and limits. */
export interface ResourceRequirements {
  limits?: ResourceList;
  requests?: ResourceList;
}

/** A container of a pod, as far as the API server looks into it. */
export interface Container {
  name: string;
  image?: string;
  imagePullPolicy?: string;
  restartPolicy?: string;
  ports?: ContainerPort[];
  env?: EnvVar[];
  resources?: ResourceRequirements;
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  startupProbe?: Probe;
  lifecycle?: { postStart?: Handler; preStop?: Handler };
  terminationMessagePath?: string;
  terminationMessagePolicy?: string;
  securityContext?: unknown;
}

/** One entry of a downward API volume. */
interface DownwardItem {
  path: string;
  fieldRef?: { apiVersion?: string; fieldPath?: string };
}

/** A volume of a pod: a name and one source. */
export interface Volume {
  name: string;
  configMap?: { name?: string; defaultMode?: number };
  secret?: { secretName?: string; defaultMode?: number };
  hostPath?: { path: string; type?: string };
  downwardAPI?: { items?: DownwardItem[]; defaultMode?: number };
  projected?: {
    sources?: { serviceAccountToken?: { expirationSeconds?: number }; downwardAPI?: { items?: DownwardItem[] } }[];
    defaultMode?: number;
  };
  persistentVolumeClaim?: { claimName: string };
  ephemeral?: { volumeClaimTemplate?: { spec?: { volumeMode?: string } } };
  emptyDir?: object;
  [source: string]: unknown;
}

/** A toleration of a pod. */
export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
}

/** What a pod shall be, as far as the API server looks into it. */
export interface PodSpec {
  /** Null where the client leaves it out. */
  containers?: Container[] | null;
  initContainers?: Container[];
  ephemeralContainers?: Container[];
  volumes?: Volume[];
  nodeName?: string;
  restartPolicy?: string;
  dnsPolicy?: string;
  serviceAccountName?: string;
  serviceAccount?: string;
  automountServiceAccountToken?: boolean;
  imagePullSecrets?: { name: string }[];
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  hostUsers?: boolean;
  os?: { name?: string };
  terminationGracePeriodSeconds?: number;
  activeDeadlineSeconds?: number;
  schedulerName?: string;
  securityContext?: object;
  enableServiceLinks?: boolean;
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  priority?: number;
  priorityClassName?: string;
  preemptionPolicy?: string;
  readinessGates?: { conditionType: string }[];
  schedulingGates?: { name: string }[];
  overhead?: ResourceList;
}

/** A template of pods in a workload. */
export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
}

/** Spec of a pod; what is absent is empty. */
export function podSpec(pod: ApiObject): PodSpec {
  return pod.spec ?? {};
}

/** Containers of a pod, those that run first included. */
export function allContainers(spec: PodSpec): Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
}

/** Fills in absent fields. */
export function fill<T extends object>(target: T, defaults: Partial<T>): T {
  for (const [key, value] of Object.entries(defaults)) {
    if ((target as Record<string, unknown>)[key] === undefined) (target as Record<string, unknown>)[key] = value;
  }
  return target;
}
