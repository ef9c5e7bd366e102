import { SERVICE_NAME } from './ambient-index/slice-workloads.js';
import type { IndexedEndpointSlice, IndexedPod } from './ambient-index/objects.js';
import type { Labels } from './policy-object.js';

/**
 * Labels of the pods that EndpointSlices of a namespace list, by name of the Service. An endpoint is a pod by its reference; one that
 * somebody has written may have no more than the pod's address.
 *
 * @param pods  of the namespace; those on the host network have addresses of nodes, and are left out
 */
export function listedPods(
  slices: readonly IndexedEndpointSlice[],
  pods: readonly IndexedPod[],
): ReadonlyMap<string, readonly Labels[]> {
  if (slices.length === 0) return new Map();
  const own = pods.filter(({ spec }) => spec?.hostNetwork !== true);
  const byName = new Map(own.map((pod) => [pod.metadata.name, pod]));
  const byAddress = new Map(own.flatMap((pod) => (pod.status?.podIPs ?? []).map(({ ip }) => [ip, pod] as const)));
  const found = new Map<string, Labels[]>();
  for (const { metadata, endpoints = [] } of slices) {
    const service = metadata.labels?.[SERVICE_NAME];
    if (service === undefined) continue;
    const listed = endpoints.flatMap(({ addresses, targetRef }) => [
      ...(targetRef?.kind === 'Pod' ? [byName.get(targetRef.name ?? '')] : []),
      ...addresses.map((address) => byAddress.get(address)),
    ]);
    const labels = [...new Set(listed)].flatMap((pod) => (pod ? [pod.metadata.labels ?? {}] : []));
    found.set(service, [...(found.get(service) ?? []), ...labels]);
  }
  return found;
}
