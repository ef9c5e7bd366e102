import type { ApiObject } from '../object.js';

/** What admission reads and writes of a container. */
export interface Container {
  name: string;
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  restartPolicy?: string;
  securityContext?: unknown;
  [field: string]: unknown;
}

/** What admission reads and writes of `spec` of a pod. */
export interface PodSpec {
  /** `null` where the client has left out what is required. */
  containers?: Container[] | null;
  initContainers?: Container[];
  ephemeralContainers?: Container[];
  volumes?: { name: string; [source: string]: unknown }[];
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  imagePullSecrets?: { name: string }[];
  tolerations?: Toleration[];
  priorityClassName?: string;
  priority?: number;
  preemptionPolicy?: string;
  overhead?: Record<string, string>;
  securityContext?: unknown;
  [field: string]: unknown;
}

/** Which taint of a node a pod bears, and for how long. */
export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
}

/** The `spec` of a pod. */
export function podSpec(pod: ApiObject): PodSpec {
  return (pod['spec'] ??= {}) as PodSpec;
}

/** Init containers first, as checks and messages have them. */
export function allContainers({ initContainers, containers }: PodSpec): Container[] {
  return [...(initContainers ?? []), ...(containers ?? [])];
}
