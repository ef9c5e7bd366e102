import type { EnvVar } from '../../../kube/types.js';
import { metadataVariables } from './istio-init.js';
import { interceptionModeOf, proxyConfigJson } from './proxy-config.js';
import type { TemplateInput } from './template-input.js';

const fromField = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const fromResource = (name: string, resource: string): EnvVar => ({
  name,
  valueFrom: { resourceFieldRef: { resource, divisor: '1' } },
});

/** Variables that every proxy of Istio begins with: whom to ask for certificates, and who it is. */
export function identityVariables({ config }: Pick<TemplateInput, 'config'>): EnvVar[] {
  const { global, revision } = config.values;
  const istiod = `istiod${revision ? `-${revision}` : ''}.${global.istioNamespace}.svc:15012`;
  return [
    { name: 'PILOT_CERT_PROVIDER', value: global.pilotCertProvider },
    { name: 'CA_ADDR', value: global.caAddress || istiod },
    fromField('POD_NAME', 'metadata.name'),
    fromField('POD_NAMESPACE', 'metadata.namespace'),
    fromField('INSTANCE_IP', 'status.podIP'),
    fromField('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    fromField('HOST_IP', 'status.hostIP'),
    fromResource('ISTIO_CPU_LIMIT', 'limits.cpu'),
  ];
}

/** Variables by which a Go program keeps to its limits. */
export const runtimeVariables: readonly EnvVar[] = [
  fromResource('GOMEMLIMIT', 'limits.memory'),
  fromResource('GOMAXPROCS', 'limits.cpu'),
];

/** Which mesh a proxy belongs to. */
export function meshVariables({ config }: Pick<TemplateInput, 'config'>): EnvVar[] {
  const { trustDomain } = config.mesh;
  return [
    { name: 'ISTIO_META_MESH_ID', value: config.values.global.meshID || trustDomain },
    { name: 'TRUST_DOMAIN', value: trustDomain },
  ];
}

/** The variable that names the proxy's node. */
export const nodeVariable: EnvVar = fromField('ISTIO_META_NODE_NAME', 'spec.nodeName');

/**
 * The environment of a sidecar.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml
 */
export function sidecarEnvironment(input: TemplateInput): EnvVar[] {
  const { config, pod, proxyConfig, workload, has } = input;
  const { global } = config.values;
  const name = pod.metadata.labels?.['service.istio.io/workload-name'] || workload.name;
  const owner = `kubernetes://apis/${workload.apiVersion}/namespaces/${input.namespace}/${workload.kind.toLowerCase()}s`;
  const value = (variable: string, text: string): EnvVar => ({ name: variable, value: text });
  return [
    ...identityVariables(input),
    value('PROXY_CONFIG', `${proxyConfigJson(proxyConfig)}\n`),
    value('ISTIO_META_POD_PORTS', podPorts(input)),
    value('ISTIO_META_APP_CONTAINERS', input.applications.join(',')),
    ...runtimeVariables,
    value('ISTIO_META_CLUSTER_ID', global.multiCluster?.clusterName || 'Kubernetes'),
    nodeVariable,
    value('ISTIO_META_INTERCEPTION_MODE', input.interceptionMode || interceptionModeOf(proxyConfig)),
    ...(global.network ? [value('ISTIO_META_NETWORK', global.network)] : []),
    ...(name === '' ? [] : [value('ISTIO_META_WORKLOAD_NAME', name)]),
    ...(workload.name === '' ? [] : [value('ISTIO_META_OWNER', `${owner}/${workload.name}`)]),
    ...(has('sidecar.istio.io/bootstrapOverride')
      ? [value('ISTIO_BOOTSTRAP_OVERRIDE', '/etc/istio/custom-bootstrap/custom_bootstrap.json')]
      : []),
    ...meshVariables(input),
    ...metadataVariables(proxyConfig.proxyMetadata),
  ];
}

/** The ports of all containers in the words of Go's `ContainerPort`, one on each line. */
function podPorts({ pod }: TemplateInput): string {
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const lines = ports.map(({ name, hostPort, containerPort, protocol }, index) => {
    const json = JSON.stringify({ name, hostPort, containerPort, protocol });
    return `\n    ${index === 0 ? '' : ','}${json}`;
  });
  return `[${lines.join('')}\n]`;
}
