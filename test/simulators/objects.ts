import type { Any } from './any-object.js';

/** What a workload may differ in. */
export interface WorkloadOptions {
  name?: string;
  replicas?: number;
  image?: string;
  /** How its pods behave: `never-ready`, `crash-loop`, `image-pull`, `keep-running`. */
  behaviour?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** More of the spec. */
  spec?: object;
  /** More of the pod's spec. */
  pod?: object;
}

/** A pod template: one container `app`. */
export function template({ image = 'app:v1', behaviour, name = 'web', labels, pod }: WorkloadOptions = {}): Any {
  return {
    metadata: {
      labels: labels ?? { app: name },
      ...(behaviour !== undefined && { annotations: { 'sidestep.dev/test': behaviour } }),
    },
    // Gone at once: a grace period would only make the suite slow.
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'app', image }], ...pod },
  };
}

function workload(kind: string, options: WorkloadOptions): Any {
  const { name = 'web', replicas, labels, annotations, spec } = options;
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, labels: labels ?? { app: name }, ...(annotations && { annotations }) },
    spec: {
      ...(replicas !== undefined && { replicas }),
      selector: { matchLabels: labels ?? { app: name } },
      template: template(options),
      ...spec,
    },
  };
}

export const deployment = (options: WorkloadOptions = {}): Any => workload('Deployment', options);
export const replicaSet = (options: WorkloadOptions = {}): Any => workload('ReplicaSet', options);
export const statefulSet = (options: WorkloadOptions = {}): Any =>
  workload('StatefulSet', { name: 'db', ...options, spec: { serviceName: options.name ?? 'db', ...options.spec } });

/** How pods are replaced a few at a time. */
export const rolling = (maxSurge: number | string, maxUnavailable: number | string): object => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
});

/** A DaemonSet for the scenario's own nodes. */
export function daemonSet(pool: string, options: WorkloadOptions = {}): Any {
  const tolerations = [{ key: 'pool', operator: 'Exists' }];
  return workload('DaemonSet', {
    name: 'agent',
    ...options,
    pod: { nodeSelector: { pool }, tolerations, ...options.pod },
  });
}

/** A Job; its pods succeed unless told otherwise. */
export function job({ name = 'task', image = 'app:v1', behaviour, spec, pod }: WorkloadOptions = {}): Any {
  const made = template({ name, image, ...(behaviour !== undefined && { behaviour }) });
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { template: { ...made, spec: { ...made.spec, restartPolicy: 'Never', ...pod } }, ...spec },
  };
}

/** A pod of nobody. */
export function pod(name: string, options: WorkloadOptions = {}): Any {
  const { metadata, spec } = template(options);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name }, spec };
}

export function service(options: { name?: string; labels?: Record<string, string>; spec?: object } = {}): Any {
  const { name = 'web', labels, spec } = options;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, ...(labels && { labels }) },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  };
}

export function budget(spec: object, app = 'web'): Any {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: app },
    spec: { selector: { matchLabels: { app } }, ...spec },
  };
}

export function configMap(name: string, metadata: object = {}): Any {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data: { key: 'value' } };
}
