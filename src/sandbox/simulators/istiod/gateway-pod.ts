import type { Container, EnvVar } from '../../../kube/types.js';
import { metadataVariables } from '../injector/istio-init.js';
import { identityVariables, meshVariables, nodeVariable, runtimeVariables } from '../injector/proxy-environment.js';
import { interceptionModeOf, proxyConfigJson } from '../injector/proxy-config.js';
import { proxyImage } from '../injector/proxy-image.js';
import { proxyContainer } from '../injector/template-input.js';
import type { GatewayInput } from './gateway-input.js';

/** The parts that the proxies of waypoints and of other Gateways have in common. */
export const gatewayContainer: Pick<Container, 'ports' | 'startupProbe' | 'readinessProbe'> = {
  ports: [
    { containerPort: 15020, name: 'metrics', protocol: 'TCP' },
    { containerPort: 15021, name: 'status-port', protocol: 'TCP' },
    { containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' },
  ],
  startupProbe: probe({ failureThreshold: 30, initialDelaySeconds: 1, periodSeconds: 1 }),
  readinessProbe: probe({ failureThreshold: 4, initialDelaySeconds: 0, periodSeconds: 15 }),
};

/** Where both proxies find their certificates, their state, and what they know of themselves. */
export const proxyMounts: Container['volumeMounts'] & object = [
  { name: 'istiod-ca-cert', mountPath: '/var/run/secrets/istio' },
  { name: 'istio-data', mountPath: '/var/lib/istio/data' },
  { name: 'istio-envoy', mountPath: '/etc/istio/proxy' },
  { name: 'istio-token', mountPath: '/var/run/secrets/tokens' },
  { name: 'istio-podinfo', mountPath: '/etc/istio/pod' },
];

/** What both proxies may do: nothing. */
export const proxySecurityContext = {
  capabilities: { drop: ['ALL'] },
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsUser: 1337,
  runAsGroup: 1337,
  runAsNonRoot: true,
};

function probe(thresholds: object): NonNullable<Container['readinessProbe']> {
  const httpGet = { path: '/healthz/ready', port: 15021, scheme: 'HTTP' };
  return { httpGet, successThreshold: 1, timeoutSeconds: 1, ...thresholds } as Container['readinessProbe'] & object;
}

/** Name and image of the proxy. */
export function proxyNameAndImage({ gateway, config }: GatewayInput): Pick<Container, 'name' | 'image'> {
  const { values, mesh } = config;
  const annotations = gateway.metadata.annotations ?? {};
  const image = annotations['sidecar.istio.io/proxyImage'] ?? values.global.proxy.image;
  const url = proxyImage(values, values.global.proxy.image, annotations, mesh.defaultConfig);
  return { name: proxyContainer, image: image.includes('/') ? image : url };
}

/** Arguments for logging, from the Gateway's annotations or else the chart. */
export function loggingArguments({ gateway, config }: GatewayInput): string[] {
  const { proxy, logging } = config.values.global;
  const annotation = (name: string, otherwise: string): string =>
    gateway.metadata.annotations?.[`sidecar.istio.io/${name}`] ?? otherwise;
  return [
    ...['--proxyLogLevel', annotation('logLevel', proxy.logLevel)],
    ...['--proxyComponentLogLevel', annotation('componentLogLevel', proxy.componentLogLevel)],
    ...['--log_output_level', annotation('agentLogLevel', logging.level)],
  ];
}

const variable = (name: string, value: string): EnvVar => ({ name, value });

/** The environment of a waypoint. */
export function waypointEnvironment(input: GatewayInput): EnvVar[] {
  const { config, labels } = input;
  const { defaultConfig } = config.mesh;
  const network = labels['topology.istio.io/network'] || config.values.global.network;
  const account = { fieldRef: { fieldPath: 'spec.serviceAccountName' } };
  return [
    { name: 'ISTIO_META_SERVICE_ACCOUNT', valueFrom: account },
    nodeVariable,
    ...identityVariables(input),
    variable('PROXY_CONFIG', `${proxyConfigJson(defaultConfig)}\n`),
    ...metadataVariables(defaultConfig.proxyMetadata),
    ...runtimeVariables,
    variable('ISTIO_META_CLUSTER_ID', config.values.global.multiCluster?.clusterName || 'Kubernetes'),
    ...(network ? [variable('ISTIO_META_NETWORK', network)] : []),
    variable('ISTIO_META_INTERCEPTION_MODE', 'REDIRECT'),
    ...workloadVariables(input),
    ...meshVariables(input),
  ];
}

/** The environment of any other Gateway. */
export function routerEnvironment(input: GatewayInput): EnvVar[] {
  const { config, labels } = input;
  const { defaultConfig } = config.mesh;
  const network = labels['topology.istio.io/network'];
  const anyNetwork = network || config.values.global.network;
  return [
    ...identityVariables(input),
    variable('PROXY_CONFIG', `${proxyConfigJson(defaultConfig)}\n`),
    variable('ISTIO_META_POD_PORTS', '[]'),
    variable('ISTIO_META_APP_CONTAINERS', ''),
    ...runtimeVariables,
    variable('ISTIO_META_CLUSTER_ID', config.values.global.multiCluster?.clusterName || 'Kubernetes'),
    nodeVariable,
    variable('ISTIO_META_INTERCEPTION_MODE', interceptionModeOf(defaultConfig)),
    ...(anyNetwork ? [variable('ISTIO_META_NETWORK', anyNetwork)] : []),
    ...workloadVariables(input),
    ...meshVariables(input),
    ...metadataVariables(defaultConfig.proxyMetadata),
    ...(network ? [variable('ISTIO_META_REQUESTED_NETWORK_VIEW', network)] : []),
  ];
}

function workloadVariables({ name, namespace }: GatewayInput): EnvVar[] {
  const owner = `kubernetes://apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  return [variable('ISTIO_META_WORKLOAD_NAME', name), variable('ISTIO_META_OWNER', owner)];
}
