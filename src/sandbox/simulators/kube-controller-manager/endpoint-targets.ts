import { matchesSelector } from '../../../kube/selectors.js';
import type { Pod } from '../../../kube/types.js';
import type { EndpointPort, Service, TargetReference } from './endpoint-kinds.js';
import { isTerminal } from './pods.js';

type ServicePort = NonNullable<Service['spec']['ports']>[number];

/** Whether the Service has no address of its own. */
export const isHeadless = ({ spec }: Service): boolean => spec.clusterIP === 'None' || !spec.clusterIP;

/** Whether controllers make the endpoints of a Service; else they are somebody else's. */
export const hasManagedEndpoints = ({ spec }: Service): boolean =>
  spec.selector !== undefined && spec.type !== 'ExternalName';

/** The pods that a Service selects and that have an address. */
export function selectedPods({ spec }: Service, pods: readonly Pod[]): Pod[] {
  const selector = { matchLabels: spec.selector ?? {} };
  return pods.filter(
    (pod) => matchesSelector(selector, pod.metadata.labels) && !isTerminal(pod) && Boolean(pod.status?.podIP),
  );
}

/** The port of the pod that a port of the Service leads to; undefined if the pod has none of that name. */
function portOf(pod: Pod, { targetPort, port, protocol = 'TCP' }: ServicePort): number | undefined {
  if (typeof targetPort !== 'string') return targetPort ?? port;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...pod.spec.containers, ...sidecars]
    .flatMap(({ ports = [] }) => ports)
    .find((candidate) => candidate.name === targetPort && (candidate.protocol ?? 'TCP') === protocol)?.containerPort;
}

/** The ports of a Service as this pod serves them. */
export function endpointPorts({ spec }: Service, pod: Pod): EndpointPort[] {
  return (spec.ports ?? []).flatMap((servicePort) => {
    const port = portOf(pod, servicePort);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return [{ name, port, protocol, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

/** The name that the pod has in the DNS of a headless Service, if it asks for one. */
function hostnameOf({ metadata }: Service, pod: Pod): string | undefined {
  const { hostname, subdomain } = pod.spec as { hostname?: string; subdomain?: string };
  return hostname && subdomain === metadata.name ? hostname : undefined;
}

/** The pod's address of a family. */
export function addressOf(pod: Pod, family: 'IPv4' | 'IPv6'): string | undefined {
  const addresses = pod.status?.podIPs ?? (pod.status?.podIP ? [{ ip: pod.status.podIP }] : []);
  return addresses.find(({ ip }) => ip.includes(':') === (family === 'IPv6'))?.ip;
}

/** What Endpoints and EndpointSlices both tell of a pod. */
export function podTarget(
  service: Service,
  pod: Pod,
): { hostname?: string; nodeName?: string; targetRef: TargetReference } {
  const { name, namespace = '', uid = '' } = pod.metadata;
  const hostname = hostnameOf(service, pod);
  const { nodeName } = pod.spec;
  return {
    ...(hostname !== undefined && { hostname }),
    ...(nodeName !== undefined && { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

/** The Service's labels, which its endpoints have, too. */
export function commonLabels(service: Service): Record<string, string> {
  return { ...service.metadata.labels, ...(isHeadless(service) && { 'service.kubernetes.io/headless': '' }) };
}
