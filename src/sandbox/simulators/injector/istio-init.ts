import type { Container } from '../../../kube/types.js';
import { proxyImage } from './proxy-image.js';
import { sidecarResources } from './sidecar-resources.js';
import type { TemplateInput } from './template-input.js';

/** Name of the init container that redirects the pod's traffic to the proxy. */
export const initContainer = 'istio-init';

const traffic = 'traffic.sidecar.istio.io/';

/**
 * The init container that sets up the interception of traffic.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml
 */
export function istioInit(input: TemplateInput): Container {
  const { values } = input.config;
  const image = input.annotation('sidecar.istio.io/proxyImage', values.global.proxy_init.image);
  const { proxyMetadata } = input.proxyConfig;
  return {
    name: initContainer,
    image: image.includes('/')
      ? image
      : proxyImage(values, values.global.proxy_init.image, input.pod.metadata.annotations ?? {}),
    args: ['istio-iptables', ...interceptionArguments(input)],
    ...(values.global.imagePullPolicy && { imagePullPolicy: values.global.imagePullPolicy }),
    ...(proxyMetadata && { env: metadataVariables(proxyMetadata) }),
    resources: sidecarResources(input),
    securityContext: {
      allowPrivilegeEscalation: values.global.proxy.privileged,
      privileged: values.global.proxy.privileged,
      capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
      readOnlyRootFilesystem: false,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
    },
  };
}

/** The metadata of a proxy's configuration as variables, by name. */
export function metadataVariables(metadata: Record<string, string> = {}): { name: string; value: string }[] {
  const names = Object.keys(metadata).sort();
  return names.map((name) => ({ name, value: String(metadata[name]) }));
}

function interceptionArguments(input: TemplateInput): string[] {
  const { annotation, has } = input;
  const { proxy, logging } = input.config.values.global;
  const excluded = excludedInboundPorts(
    annotation('status.sidecar.istio.io/port', proxy.statusPort),
    annotation(`${traffic}excludeInboundPorts`, proxy.excludeInboundPorts),
  );
  const optional = (flag: string, name: string, otherwise = ''): string[] =>
    has(name) || otherwise !== '' ? [flag, annotation(name, otherwise)] : [];
  const virtual = 'istio.io/reroute-virtual-interfaces';
  return [
    ...['-p', '15001'],
    ...['-z', '15006'],
    ...['-u', '1337'],
    ...['-m', input.interceptionMode],
    ...['-i', annotation(`${traffic}includeOutboundIPRanges`, proxy.includeIPRanges)],
    ...['-x', annotation(`${traffic}excludeOutboundIPRanges`, proxy.excludeIPRanges)],
    ...['-b', annotation(`${traffic}includeInboundPorts`, proxy.includeInboundPorts)],
    ...['-d', excluded === '' ? '15090,15021' : `15090,15021,${excluded}`],
    ...optional('-q', `${traffic}includeOutboundPorts`, proxy.includeOutboundPorts),
    ...optional('-o', `${traffic}excludeOutboundPorts`, proxy.excludeOutboundPorts),
    ...optional('-k', has(virtual) ? virtual : `${traffic}kubevirtInterfaces`),
    ...optional('-c', `${traffic}excludeInterfaces`),
    `--log_output_level=${annotation('sidecar.istio.io/agentLogLevel', logging.level)}`,
  ];
}

/** Adds the port of the agent to the ports that are not intercepted. */
function excludedInboundPorts(statusPort: string, excluded: string): string {
  if (statusPort === '' || statusPort === '0') return excluded;
  const ports = excluded.split(',').map((port) => port.trim());
  return ports.includes(statusPort) ? excluded : [...ports.filter((port) => port !== ''), statusPort].join(',');
}
