import type { Gateway } from '../src/api/gateway-api.js';
import { ANNOTATION, LABEL } from '../src/api/labels.js';
import { proxyConfigJson, proxyMetadata } from '../src/mesh/proxy-config.js';
import { proxyImageUrl } from '../src/mesh/proxy-image.js';
import type { WaypointInputs } from '../src/mesh/waypoint-inputs.js';
import { MESH_CONTROLLER, type WaypointMetadata } from './waypoint-metadata.js';

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: object;
}

/**
 * The pods of a waypoint. Their labels decide how istiod and ztunnel see them, whoever deployed them:
 *
 * - `gateway.networking.k8s.io/gateway-name`: policies with `targetRefs` to the Gateway attach by it, and the accounts of
 *   pods with it are the waypoint's identity;
 * - `gateway.istio.io/managed: istio.io-mesh-controller`: istiod configures the proxy as a waypoint, and sidecars and
 *   gateways speak HBONE to it. Without it their requests arrive as plain text;
 * - `istio.io/dataplane-mode: none`: a waypoint that ztunnel captures would get its own tunnels back;
 * - `sidecar.istio.io/inject: "false"`: it is a proxy already.
 *
 * @see istio/istio pilot/pkg/model/context.go, IsWaypointProxy; pilot/pkg/xds/endpoints/endpoint_builder.go, supportTunnel
 */
export function waypointPod(gateway: Gateway, inputs: WaypointInputs, metadata: WaypointMetadata): object {
  return {
    metadata: {
      annotations: {
        ...metadata.annotations,
        [LABEL.revision]: inputs.revision,
        'prometheus.io/path': '/stats/prometheus',
        'prometheus.io/port': '15020',
        'prometheus.io/scrape': 'true',
      },
      labels: {
        // What the Gateway says of these four counts, as it does for istiod.
        [LABEL.inject]: 'false',
        [LABEL.dataplaneMode]: 'none',
        'service.istio.io/canonical-name': metadata.name,
        'service.istio.io/canonical-revision': 'latest',
        ...metadata.labels,
        [LABEL.gatewayManaged]: MESH_CONTROLLER,
      },
    },
    spec: {
      ...(inputs.affinity && { affinity: inputs.affinity }),
      ...(inputs.topologySpreadConstraints && { topologySpreadConstraints: inputs.topologySpreadConstraints }),
      ...(inputs.nodeSelector && { nodeSelector: inputs.nodeSelector }),
      ...(inputs.tolerations && { tolerations: inputs.tolerations }),
      serviceAccountName: metadata.serviceAccount,
      containers: [container(gateway, inputs, metadata)],
      volumes: volumes(inputs),
      ...(inputs.imagePullSecrets.length > 0 && {
        imagePullSecrets: inputs.imagePullSecrets.map((name) => ({ name })),
      }),
    },
  };
}

function container(gateway: Gateway, inputs: WaypointInputs, metadata: WaypointMetadata): object {
  return {
    name: 'istio-proxy',
    ports: [
      { containerPort: 15020, name: 'metrics', protocol: 'TCP' },
      { containerPort: 15021, name: 'status-port', protocol: 'TCP' },
      { containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' },
    ],
    image: proxyImageUrl(inputs.image, inputs.proxyConfig, gateway.metadata.annotations ?? {}),
    ...(inputs.imagePullPolicy !== '' && { imagePullPolicy: inputs.imagePullPolicy }),
    args: [
      ...['proxy', 'waypoint'],
      ...['--domain', `$(POD_NAMESPACE).svc.${inputs.clusterDomain}`],
      ...['--serviceCluster', `${metadata.serviceAccount}.$(POD_NAMESPACE)`],
      ...loggingArguments(gateway, inputs),
    ],
    env: environment(inputs, metadata),
    ...(inputs.resources && { resources: inputs.resources }),
    startupProbe: { ...probe, failureThreshold: 30, initialDelaySeconds: 1, periodSeconds: 1 },
    readinessProbe: { ...probe, failureThreshold: 4, initialDelaySeconds: 0, periodSeconds: 15 },
    securityContext: {
      privileged: false,
      ...(inputs.setsUser && { runAsGroup: 1337, runAsUser: 1337 }),
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      ...(inputs.seccompProfile && { seccompProfile: inputs.seccompProfile }),
    },
    volumeMounts: [
      { mountPath: '/var/run/secrets/workload-spiffe-uds', name: 'workload-socket' },
      { mountPath: '/var/run/secrets/istio', name: 'istiod-ca-cert' },
      { mountPath: '/var/lib/istio/data', name: 'istio-data' },
      { mountPath: '/etc/istio/proxy', name: 'istio-envoy' },
      { mountPath: '/var/run/secrets/tokens', name: 'istio-token' },
      { mountPath: '/etc/istio/pod', name: 'istio-podinfo' },
    ],
  };
}

const probe = {
  httpGet: { path: '/healthz/ready', port: 15021, scheme: 'HTTP' },
  successThreshold: 1,
  timeoutSeconds: 1,
};

function loggingArguments({ metadata }: Gateway, inputs: WaypointInputs): string[] {
  const told = metadata.annotations ?? {};
  return [
    ...['--proxyLogLevel', told[ANNOTATION.logLevel] ?? inputs.logLevel],
    ...['--proxyComponentLogLevel', told[ANNOTATION.componentLogLevel] ?? inputs.componentLogLevel],
    ...['--log_output_level', told[ANNOTATION.agentLogLevel] ?? inputs.agentLogLevel],
    ...(inputs.logAsJson ? ['--log_as_json'] : []),
    ...(inputs.outlierLogPath === '' ? [] : [`--outlierLogPath=${inputs.outlierLogPath}`]),
  ];
}

function environment(inputs: WaypointInputs, { namespace, name, labels }: WaypointMetadata): Variable[] {
  const network = labels[LABEL.network] || inputs.network;
  const variables = [
    fromField('ISTIO_META_SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    fromField('ISTIO_META_NODE_NAME', 'spec.nodeName'),
    { name: 'PILOT_CERT_PROVIDER', value: inputs.certProvider },
    { name: 'CA_ADDR', value: inputs.caAddress },
    fromField('POD_NAME', 'metadata.name'),
    fromField('POD_NAMESPACE', 'metadata.namespace'),
    fromField('INSTANCE_IP', 'status.podIP'),
    fromField('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    fromField('HOST_IP', 'status.hostIP'),
    fromResource('ISTIO_CPU_LIMIT', 'limits.cpu'),
    { name: 'PROXY_CONFIG', value: `${proxyConfigJson(inputs.proxyConfig)}\n` },
    ...Object.entries(proxyMetadata(inputs.proxyConfig)).map(([key, value]) => ({ name: key, value })),
    fromResource('GOMEMLIMIT', 'limits.memory'),
    fromResource('GOMAXPROCS', 'limits.cpu'),
    { name: 'ISTIO_META_CLUSTER_ID', value: inputs.clusterId },
    ...(network === '' ? [] : [{ name: 'ISTIO_META_NETWORK', value: network }]),
    { name: 'ISTIO_META_INTERCEPTION_MODE', value: 'REDIRECT' },
    { name: 'ISTIO_META_WORKLOAD_NAME', value: name },
    { name: 'ISTIO_META_OWNER', value: `kubernetes://apis/apps/v1/namespaces/${namespace}/deployments/${name}` },
    ...(inputs.meshId === '' ? [] : [{ name: 'ISTIO_META_MESH_ID', value: inputs.meshId }]),
    ...(inputs.trustDomain === '' ? [] : [{ name: 'TRUST_DOMAIN', value: inputs.trustDomain }]),
  ];
  // A name may come twice, by `proxyMetadata`: server-side apply refuses that; in a pod the last one counts.
  const last = new Map(variables.map((variable) => [variable.name, variable]));
  return variables.filter((variable) => last.get(variable.name) === variable);
}

const fromField = (name: string, fieldPath: string): Variable => ({ name, valueFrom: { fieldRef: { fieldPath } } });

const fromResource = (name: string, resource: string): Variable => ({
  name,
  valueFrom: { resourceFieldRef: { resource, divisor: '1' } },
});

function volumes({ rootCertificate: { kind, name } }: WaypointInputs): object[] {
  return [
    { name: 'workload-socket', emptyDir: {} },
    { name: 'istio-envoy', emptyDir: { medium: 'Memory' } },
    { name: 'go-proxy-envoy', emptyDir: { medium: 'Memory' } },
    { name: 'istio-data', emptyDir: {} },
    { name: 'go-proxy-data', emptyDir: {} },
    {
      name: 'istio-podinfo',
      downwardAPI: {
        items: [
          { fieldRef: { fieldPath: 'metadata.labels' }, path: 'labels' },
          { fieldRef: { fieldPath: 'metadata.annotations' }, path: 'annotations' },
        ],
      },
    },
    {
      name: 'istio-token',
      projected: {
        sources: [{ serviceAccountToken: { audience: 'istio-ca', expirationSeconds: 43_200, path: 'istio-token' } }],
      },
    },
    {
      name: 'istiod-ca-cert',
      ...(kind === 'ConfigMap'
        ? { configMap: { name } }
        : { projected: { sources: [{ clusterTrustBundle: { name, path: 'root-cert.pem' } }] } }),
    },
  ];
}
