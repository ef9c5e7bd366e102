/** A pod and where it is created. */
export interface InjectionCase {
  /** Labels of the namespace. */
  namespace: Record<string, string>;
  pod: { metadata: Record<string, unknown>; spec: Record<string, unknown> };
}

type Labels = Record<string, string>;

const enabled: Labels = { 'istio-injection': 'enabled' };
const app = { name: 'app', image: 'example.com/app:1' };

/** A pod of a namespace with injection, unless told otherwise. */
function pod(
  metadata: Record<string, unknown> = {},
  spec: Record<string, unknown> = {},
  namespace: Labels = enabled,
): InjectionCase {
  return { namespace, pod: { metadata: { name: 'web', ...metadata }, spec: { containers: [app], ...spec } } };
}

const labelled = (labels: Labels, namespace?: Labels): InjectionCase => pod({ labels }, {}, namespace);
const annotated = (annotations: Labels, spec: Record<string, unknown> = {}): InjectionCase =>
  pod({ annotations }, spec);

/** Owned as a controller would own it; its name is still to be generated. */
function owned(kind: string, name: string, apiVersion: string, labels: Labels = {}): InjectionCase {
  const owner = { apiVersion, kind, name, uid: '0b2d6f0a-5d3e-4c7f-9a55-3f8c3f6f2d11', controller: true };
  const metadata = { name: undefined, generateName: `${name}-`, labels, ownerReferences: [owner] };
  return pod(metadata, kind === 'Job' ? { restartPolicy: 'Never' } : {});
}

const probed = {
  name: 'app',
  image: 'example.com/app:1',
  ports: [
    { name: 'http', containerPort: 8080 },
    { name: 'admin', containerPort: 9090, protocol: 'TCP' },
  ],
  readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 5 },
  livenessProbe: { tcpSocket: { port: 9090 }, timeoutSeconds: 3 },
  startupProbe: { grpc: { port: 9091, service: 'health' } },
  lifecycle: {
    preStop: { httpGet: { path: '/stop', port: 8080, scheme: 'HTTPS', httpHeaders: [{ name: 'X-A', value: 'b' }] } },
    postStart: { exec: { command: ['true'] } },
  },
};

const executed = {
  name: 'second',
  image: 'example.com/second:1',
  readinessProbe: { exec: { command: ['true'] } },
  livenessProbe: { httpGet: { path: '/', port: 'unknown-port' } },
};

const volume = { name: 'data', mountPath: '/data' };

/** Pods that the injector is compared by. What they are called is the name of the test. */
export const injectionCases: Readonly<Record<string, InjectionCase>> = {
  'a plain pod': pod(),
  'a pod with the label app': labelled({ app: 'web', version: 'v2' }),
  'the recommended labels beat app and version': labelled({
    app: 'web',
    'app.kubernetes.io/name': 'shop',
    'app.kubernetes.io/version': '7',
    version: 'v2',
  }),
  'canonical names that are set stay': labelled({
    'service.istio.io/canonical-name': 'mine',
    'service.istio.io/canonical-revision': 'r1',
    'networking.istio.io/tunnel': 'none',
  }),
  'a pod of a Deployment': owned('ReplicaSet', 'web-5d4f8c7b9', 'apps/v1', {
    app: 'web',
    'pod-template-hash': '5d4f8c7b9',
  }),
  'a pod of a StatefulSet': owned('StatefulSet', 'db', 'apps/v1', { app: 'db' }),
  'a pod of a Job': owned('Job', 'import', 'batch/v1'),
  'a pod of a CronJob': owned('Job', 'nightly-29384720', 'batch/v1'),
  'two containers with ports': pod(
    {},
    {
      containers: [
        { ...app, ports: [{ containerPort: 80 }, { name: 'dns', containerPort: 53, protocol: 'UDP' }] },
        { name: 'second', image: 'example.com/second:1', ports: [{ name: 'grpc', containerPort: 7070 }] },
      ],
    },
  ),
  'probes and lifecycle hooks': pod({}, { containers: [probed, executed] }),
  'probes that are not to be rewritten': annotated(
    { 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' },
    { containers: [probed] },
  ),
  'a network of the host': pod({}, { hostNetwork: true }),
  'opted out by label': labelled({ 'sidecar.istio.io/inject': 'false' }),
  'opted out by annotation': annotated({ 'sidecar.istio.io/inject': 'false' }),
  'the label beats the annotation': pod({
    labels: { 'sidecar.istio.io/inject': 'true' },
    annotations: { 'sidecar.istio.io/inject': 'false' },
  }),
  'opted in where the namespace says nothing': labelled({ 'sidecar.istio.io/inject': 'true' }, {}),
  'opted in where the namespace is disabled': labelled(
    { 'sidecar.istio.io/inject': 'true' },
    { 'istio-injection': 'disabled' },
  ),
  'a namespace that says nothing': labelled({}, {}),
  'a namespace with a revision': labelled({}, { 'istio.io/rev': 'default' }),
  'a namespace with an unknown revision': labelled({}, { 'istio.io/rev': 'canary' }),
  'a namespace with a revision, disabled': labelled({}, { 'istio.io/rev': 'default', 'istio-injection': 'disabled' }),
  'a namespace with an unknown revision, enabled': labelled(
    {},
    { 'istio.io/rev': 'canary', 'istio-injection': 'enabled' },
  ),
  'a pod with a revision': labelled({ 'istio.io/rev': 'default' }, {}),
  'an ambient namespace with injection': labelled({}, { ...enabled, 'istio.io/dataplane-mode': 'ambient' }),
  'a container istio-proxy of its own': pod(
    {},
    {
      containers: [
        app,
        {
          name: 'istio-proxy',
          image: 'auto',
          resources: { requests: { cpu: '300m' } },
          env: [{ name: 'EXTRA', value: 'yes' }],
          volumeMounts: [volume],
          securityContext: { runAsUser: 2000 },
        },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  ),
  'resources by annotation': annotated({
    'sidecar.istio.io/proxyCPU': '50m',
    'sidecar.istio.io/proxyMemory': '64Mi',
    'sidecar.istio.io/proxyMemoryLimit': '256Mi',
  }),
  'traffic by annotation': annotated({
    'traffic.sidecar.istio.io/includeInboundPorts': '80,443',
    'traffic.sidecar.istio.io/excludeInboundPorts': '9100',
    'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8',
    'traffic.sidecar.istio.io/excludeOutboundIPRanges': '10.1.0.0/16',
    'traffic.sidecar.istio.io/includeOutboundPorts': '80',
    'traffic.sidecar.istio.io/excludeOutboundPorts': '5432',
    'traffic.sidecar.istio.io/excludeInterfaces': 'eth1',
    'istio.io/reroute-virtual-interfaces': 'net1',
  }),
  'logging and images by annotation': annotated({
    'sidecar.istio.io/logLevel': 'debug',
    'sidecar.istio.io/componentLogLevel': 'http:trace',
    'sidecar.istio.io/agentLogLevel': 'all:debug',
    'sidecar.istio.io/proxyImage': 'example.com/proxy:2',
  }),
  'an image type by annotation': annotated({ 'sidecar.istio.io/proxyImageType': 'debug' }),
  'readiness by annotation': annotated({
    'readiness.status.sidecar.istio.io/initialDelaySeconds': '3',
    'readiness.status.sidecar.istio.io/periodSeconds': '7',
    'readiness.status.sidecar.istio.io/failureThreshold': '9',
  }),
  'no status port': annotated({ 'status.sidecar.istio.io/port': '0' }),
  'init containers, volumes, pull secrets': pod(
    {},
    {
      initContainers: [{ name: 'prepare', image: 'example.com/prepare:1' }],
      containers: [{ ...app, volumeMounts: [volume] }],
      volumes: [{ name: 'data', emptyDir: {} }],
      imagePullSecrets: [{ name: 'registry' }],
    },
  ),
  'security contexts': pod(
    {},
    {
      securityContext: { runAsNonRoot: true, runAsUser: 1000, fsGroup: 2000 },
      containers: [{ ...app, securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
    },
  ),
  'no native sidecar': annotated(
    { 'sidecar.istio.io/nativeSidecar': 'false' },
    { initContainers: [{ name: 'prepare', image: 'example.com/prepare:1' }] },
  ),
  'no native sidecar, which holds the application': annotated({
    'sidecar.istio.io/nativeSidecar': 'false',
    'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: true',
  }),
  'a configuration of the proxy': annotated({
    'proxy.istio.io/config':
      '{"concurrency":3,"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"},"drainDuration":"30s"}',
  }),
  'interception by TPROXY': annotated({ 'sidecar.istio.io/interceptionMode': 'TPROXY' }),
  'no interception': annotated({ 'sidecar.istio.io/interceptionMode': 'NONE' }),
  'metrics of the application': annotated({
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': '9090',
    'prometheus.io/path': '/metrics',
  }),
  'metrics that are not to be merged': annotated({
    'prometheus.istio.io/merge-metrics': 'false',
    'prometheus.io/port': '9090',
  }),
  'no metrics': annotated({ 'prometheus.io/scrape': 'false' }),
  'volumes of the user in the proxy': annotated({
    'sidecar.istio.io/userVolume': '{"extra":{"configMap":{"name":"extra"}}}',
    'sidecar.istio.io/userVolumeMount': '{"extra":{"mountPath":"/extra","readOnly":true}}',
  }),
  'a bootstrap of its own': annotated({ 'sidecar.istio.io/bootstrapOverride': 'bootstrap' }),
  'default containers that are set': annotated({
    'kubectl.kubernetes.io/default-container': 'other',
    'kubectl.kubernetes.io/default-logs-container': 'other',
  }),
  'a network by label': labelled({ 'topology.istio.io/network': 'west' }),
  'an invalid annotation': annotated({ 'sidecar.istio.io/interceptionMode': 'MAGIC' }),
  'an invalid port list': annotated({ 'traffic.sidecar.istio.io/excludeOutboundPorts': 'http' }),
  'an unknown template': annotated({ 'inject.istio.io/templates': 'nothing' }),
  'the template by name': annotated({ 'inject.istio.io/templates': 'sidecar' }),
};
