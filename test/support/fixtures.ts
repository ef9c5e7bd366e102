/** Kubernetes objects for end-to-end tests, as plain JSON. Names are given, everything else has a plain default. */

type Labels = Record<string, string>;

/** A namespace that istiod injects, unless other labels are given. */
export function namespace(name: string, labels: Labels = { 'istio-injection': 'enabled' }): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

/** What a workload's pods are made of. */
export interface PodOptions {
  labels?: Labels;
  annotations?: Labels;
  image?: string;
  /** Default: that of Kubernetes, 30. */
  graceSeconds?: number;
}

/** A Deployment; `app` is its name. */
export function deployment(
  inNamespace: string,
  name: string,
  options: PodOptions & { replicas?: number; strategy?: object; paused?: boolean } = {},
): object {
  return workload('Deployment', inNamespace, name, options, {
    replicas: options.replicas ?? 1,
    ...(options.strategy && { strategy: options.strategy }),
    ...(options.paused !== undefined && { paused: options.paused }),
  });
}

/** A StatefulSet with a headless Service's name. */
export function statefulSet(
  inNamespace: string,
  name: string,
  options: PodOptions & { replicas?: number; updateStrategy?: object } = {},
): object {
  return workload('StatefulSet', inNamespace, name, options, {
    replicas: options.replicas ?? 1,
    serviceName: name,
    ...(options.updateStrategy && { updateStrategy: options.updateStrategy }),
  });
}

/** A DaemonSet. */
export function daemonSet(
  inNamespace: string,
  name: string,
  options: PodOptions & { updateStrategy?: object } = {},
): object {
  return workload('DaemonSet', inNamespace, name, options, {
    ...(options.updateStrategy && { updateStrategy: options.updateStrategy }),
  });
}

/** A PodDisruptionBudget over the pods of one workload. */
export function budget(inNamespace: string, app: string, minAvailable: number): object {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: app, namespace: inNamespace },
    spec: { minAvailable, selector: { matchLabels: { app } } },
  };
}

/** A CronJob that is suspended: people make Jobs from it. */
export function cronJob(inNamespace: string, name: string, options: PodOptions = {}): object {
  const { labels = {}, annotations = {} } = options;
  const template = {
    metadata: { labels, annotations: { 'sidestep.dev/test': 'keep-running', ...annotations } },
    spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'curlimages/curl' }] },
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name, namespace: inNamespace },
    spec: { schedule: '0 3 * * *', suspend: true, jobTemplate: { spec: { template } } },
  };
}

/** A Job whose pods end by themselves. */
export function endingJob(inNamespace: string, name: string, completions: number): object {
  const spec = { restartPolicy: 'Never', containers: [{ name: 'app', image: 'curlimages/curl' }] };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: inNamespace },
    spec: { completions, parallelism: 10, template: { metadata: { labels: { app: name } }, spec } },
  };
}

/** A Rollout of Argo; its pod template is its own, or that of a Deployment. */
export function argoRollout(
  inNamespace: string,
  name: string,
  options: { replicas?: number; workloadRef?: string; annotations?: Labels } = {},
): object {
  const { replicas = 1, workloadRef, annotations = {} } = options;
  const template = {
    metadata: { labels: { app: name } },
    spec: { containers: [{ name: 'app', image: 'docker.io/kennethreitz/httpbin' }] },
  };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name, namespace: inNamespace, annotations },
    spec: {
      replicas,
      strategy: { canary: { steps: [{ setWeight: 20 }, { pause: {} }] } },
      selector: { matchLabels: { app: workloadRef ?? name } },
      ...(workloadRef === undefined
        ? { template }
        : { workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: workloadRef } }),
    },
  };
}

/** A Job whose pod runs until it is deleted. */
export function job(inNamespace: string, name: string): object {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: inNamespace },
    spec: {
      template: {
        metadata: { labels: { app: name }, annotations: { 'sidestep.dev/test': 'keep-running' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'curlimages/curl' }] },
      },
    },
  };
}

/** Objects as one YAML stream (JSON is YAML). */
export function yaml(...objects: object[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

function workload(kind: string, inNamespace: string, name: string, options: PodOptions, spec: object): object {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: inNamespace, labels: { app: name } },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: {
          labels: { app: name, ...options.labels },
          ...(options.annotations && { annotations: options.annotations }),
        },
        spec: {
          containers: [{ name: 'app', image: options.image ?? 'docker.io/kennethreitz/httpbin' }],
          ...(options.graceSeconds !== undefined && { terminationGracePeriodSeconds: options.graceSeconds }),
        },
      },
      ...spec,
    },
  };
}
