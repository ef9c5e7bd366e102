import type { LocalWorkload } from '../ztunnel-config.js';
import { entryWorkloads, serviceEntryWorkloads } from './entry-workloads.js';
import { byNamespace, type Namespaces, selectingIn } from './namespaces.js';
import { gatewayWorkloads, readNetworkGateways } from './network-gateways.js';
import type { MeshObjects } from './objects.js';
import { podWorkloads } from './pod-workloads.js';
import type { ServiceInfo } from './services.js';
import { sliceWorkloads } from './slice-workloads.js';
import type { Waypoints } from './waypoints.js';
import type { WorkloadSources } from './workload-sources.js';

/**
 * The workloads of a mesh.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/workloads.go
 */
export function readWorkloads(
  objects: MeshObjects,
  namespaces: Namespaces,
  waypoints: Waypoints,
  services: readonly ServiceInfo[],
  policiesOf: WorkloadSources['policiesOf'],
): LocalWorkload[] {
  const inNamespace = byNamespace(services);
  const withSelector = services.filter(({ selector }) => Object.keys(selector).length > 0);
  const networkGateways = readNetworkGateways(objects.gateways);
  const sources: WorkloadSources = {
    namespaces,
    waypoints,
    servicesIn: inNamespace,
    servicesSelecting: selectingIn(withSelector, ({ selector }) => selector),
    policiesOf,
    networkGateways,
  };
  const all = [
    ...podWorkloads(objects, sources),
    ...objects.workloadEntries.flatMap((entry) => entryWorkloads(entry, sources)),
    ...objects.serviceEntries.flatMap((entry) => serviceEntryWorkloads(entry, sources)),
    ...objects.endpointSlices.flatMap((slice) => sliceWorkloads(slice, sources)),
    ...gatewayWorkloads(networkGateways, namespaces.settings),
  ];
  return [...new Map(all.map((workload) => [workload.uid, workload])).values()];
}
