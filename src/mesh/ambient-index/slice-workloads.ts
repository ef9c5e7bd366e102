import type { LocalWorkload } from '../ztunnel-config.js';
import { canonicalAddresses } from './ip-address.js';
import { namespaceOf } from './namespaces.js';
import type { IndexedEndpointSlice, IndexedPod } from './objects.js';
import { hostnameOf, type ServiceInfo } from './services.js';
import type { WorkloadSources } from './workload-sources.js';

/** Label of an EndpointSlice: the Service that it is of. */
export const SERVICE_NAME = 'kubernetes.io/service-name';

/**
 * The Services that pods belong to by EndpointSlices which name them: those without a selector.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/workloads.go, matchingServicesWithoutSelectors
 */
export function slicesByPod(
  slices: readonly IndexedEndpointSlice[],
  sources: WorkloadSources,
): (pod: IndexedPod) => readonly ServiceInfo[] {
  const byPod = new Map<string, Map<string, ServiceInfo>>();
  for (const slice of slices) {
    const info = serviceOf(slice, sources);
    if (!info) continue;
    for (const { targetRef } of slice.endpoints ?? []) {
      if (targetRef?.kind !== 'Pod') continue;
      const key = [targetRef.namespace, targetRef.name, targetRef.uid].join('/');
      byPod.set(key, (byPod.get(key) ?? new Map<string, ServiceInfo>()).set(info.key, info));
    }
  }
  return (pod) => [
    ...(
      byPod.get([namespaceOf(pod), pod.metadata.name, pod.metadata.uid].join('/')) ?? new Map<string, ServiceInfo>()
    ).values(),
  ];
}

/** Endpoints that are no pods. Nothing is known of them but address and ports. */
export function sliceWorkloads(slice: IndexedEndpointSlice, sources: WorkloadSources): LocalWorkload[] {
  const info = serviceOf(slice, sources);
  if (!info) return [];
  const { clusterId, trustDomain } = sources.namespaces.settings;
  const { network } = sources.namespaces;
  const namespace = namespaceOf(slice);
  const ports = Object.fromEntries(
    (slice.ports ?? []).flatMap(({ name, port, protocol }) => {
      const own = info.ports.find((some) => some.name === name);
      return own && port !== undefined && protocol === 'TCP' ? [[own.number, port]] : [];
    }),
  );
  const seen = new Set<string>();
  return (slice.endpoints ?? []).flatMap(({ addresses, targetRef, conditions }) => {
    const [first] = addresses;
    if (targetRef?.kind === 'Pod' || first === undefined || seen.has(first)) return [];
    seen.add(first);
    const workloadIps = canonicalAddresses(addresses);
    if (workloadIps.length === 0) return [];
    const workload: LocalWorkload = {
      uid: `${clusterId}/discovery.k8s.io/EndpointSlice/${namespace}/${slice.metadata.name}/${first}`,
      name: slice.metadata.name,
      namespace,
      workloadIps,
      trustDomain,
      serviceAccount: 'default',
      ...(network !== '' && { network }),
      clusterId,
      workloadType: 'deployment',
      // Its address may be that of others too.
      networkMode: 'HostNetwork',
      ...(conditions?.ready === false && { status: 'Unhealthy' }),
      services: { [info.key]: ports },
    };
    return [workload];
  });
}

/** The Kubernetes Service that a slice is of. */
function serviceOf(slice: IndexedEndpointSlice, { servicesIn, namespaces }: WorkloadSources): ServiceInfo | undefined {
  const name = slice.metadata.labels?.[SERVICE_NAME];
  if (name === undefined || slice.addressType === 'FQDN') return undefined;
  const namespace = namespaceOf(slice);
  const hostname = hostnameOf(name, namespace, namespaces.settings);
  return servicesIn(namespace).find(({ service, kind }) => kind === 'Service' && service.hostname === hostname);
}
