import { ANNOTATION, LABEL } from '../../api/labels.js';
import type { LocalWorkload, Locality } from '../ztunnel-config.js';
import { formatAddress, parseAddress } from './ip-address.js';
import { namespaceOf } from './namespaces.js';
import { networkGatewayOf } from './network-gateways.js';
import type { IndexedMetadata, IndexedServiceEntry, IndexedWorkloadEntry, WorkloadEntrySpec } from './objects.js';
import { resolutionOf, type ServiceInfo } from './services.js';
import { identityOf, type WorkloadSources } from './workload-sources.js';

/** The workload of a WorkloadEntry; its labels are those of its spec, and over them those of its metadata. */
export function entryWorkloads(entry: IndexedWorkloadEntry, sources: WorkloadSources): LocalWorkload[] {
  const { metadata, spec = {} } = entry;
  const namespace = namespaceOf(entry);
  const labels = { ...spec.labels, ...metadata.labels };
  const { annotations = {} } = metadata;
  const name = annotations[ANNOTATION.autoRegistrationGroup] ?? labels[LABEL.workloadName] ?? metadata.name;
  return [
    {
      ...common(spec, sources.servicesSelecting(namespace, labels), sources),
      uid: `${sources.namespaces.settings.clusterId}/networking.istio.io/WorkloadEntry/${namespace}/${metadata.name}`,
      name: metadata.name,
      namespace,
      ...onNetwork(spec.network ?? '', sources),
      ...identityOf(labels, annotations, name),
      ...sources.waypoints.ofWorkload({ ...metadata, labels }),
      ...attached(sources.policiesOf(namespace, spec.labels ? labels : metadata.labels)),
    },
  ];
}

/**
 * The endpoints of a ServiceEntry; without any, of one that is resolved by DNS, each of its hosts. All are chosen by the labels
 * of the ServiceEntry, but for their waypoint.
 */
export function serviceEntryWorkloads(entry: IndexedServiceEntry, sources: WorkloadSources): LocalWorkload[] {
  const { metadata, spec = {} } = entry;
  const namespace = namespaceOf(entry);
  const services = sources
    .servicesIn(namespace)
    .filter(({ kind, metadata: source }) => kind === 'ServiceEntry' && source.name === metadata.name);
  const endpoints = spec.endpoints ?? [];
  if (services.length === 0) return [];
  if (endpoints.length > 0) {
    let network = '';
    return endpoints.map((endpoint) => {
      // istiod's own slip: an endpoint without a network is in that of the endpoint before it.
      network = endpoint.network || network;
      const own: IndexedMetadata = { ...metadata, labels: endpoint.labels, annotations: undefined };
      return {
        ...endpointWorkload(entry, endpoint, services, network, sources),
        ...sources.waypoints.ofWorkload(own),
      };
    });
  }
  const isResolved = ['DNS', 'DYNAMIC_DNS', 'DNS_ROUND_ROBIN'].includes(resolutionOf(entry));
  if (!isResolved || spec.workloadSelector !== undefined) return [];
  return services.map((info) => endpointWorkload(entry, { address: info.service.hostname }, [info], '', sources));
}

function endpointWorkload(
  entry: IndexedServiceEntry,
  endpoint: WorkloadEntrySpec,
  services: readonly ServiceInfo[],
  network: string,
  sources: WorkloadSources,
): LocalWorkload {
  const { name, labels = {}, annotations = {} } = entry.metadata;
  const namespace = namespaceOf(entry);
  const { clusterId } = sources.namespaces.settings;
  return {
    ...common(endpoint, services, sources),
    uid: `${clusterId}/networking.istio.io/ServiceEntry/${namespace}/${name}/${endpoint.address ?? ''}`,
    name,
    namespace,
    ...onNetwork(network, sources),
    ...identityOf(labels, annotations, name),
    ...attached(sources.policiesOf(namespace, entry.metadata.labels)),
  };
}

type Common = Pick<
  LocalWorkload,
  'workloadIps' | 'hostname' | 'trustDomain' | 'serviceAccount' | 'clusterId' | 'locality' | 'capacity' | 'services'
>;

function common(spec: WorkloadEntrySpec, services: readonly ServiceInfo[], { namespaces }: WorkloadSources): Common {
  const { clusterId, trustDomain } = namespaces.settings;
  const address = parseAddress(spec.address ?? '');
  const locality = localityOf(spec.locality ?? '');
  const { weight = 0 } = spec;
  return {
    workloadIps: address ? [formatAddress(address)] : [],
    ...(!address && spec.address && { hostname: spec.address }),
    trustDomain,
    serviceAccount: spec.serviceAccount || 'default',
    clusterId,
    ...(locality && { locality }),
    ...(weight > 1 && { capacity: weight }),
    services: Object.fromEntries(services.map((info) => [info.key, entryPorts(spec, info)])),
  };
}

/** A network of its own, or that of the cluster. */
function onNetwork(
  own: string,
  { namespaces, networkGateways }: WorkloadSources,
): Pick<LocalWorkload, 'network' | 'networkGateway'> {
  const network = own || namespaces.network;
  const networkGateway = networkGatewayOf(network, networkGateways);
  return { ...(network !== '' && { network }), ...(networkGateway && { networkGateway }) };
}

const attached = (policies: readonly string[]): Pick<LocalWorkload, 'authorizationPolicies'> =>
  policies.length > 0 ? { authorizationPolicies: policies } : {};

/** By port of the service that of the entry: by the name of the target port, else by that of the port, else as numbered. */
function entryPorts({ ports: own = {} }: WorkloadEntrySpec, { ports }: ServiceInfo): Record<string, number> {
  return Object.fromEntries(
    ports.flatMap(({ number, name, target, targetName }) => {
      if (targetName !== '') return own[targetName] === undefined ? [] : [[number, own[targetName]]];
      return [[number, own[name] ?? target]];
    }),
  );
}

/** `region/zone/subzone`, what is left out at its end unknown. */
function localityOf(text: string): Locality | undefined {
  const [region = '', zone = '', subzone = ''] = text.split('/');
  return region + zone + subzone === '' ? undefined : { region, zone, subzone };
}
