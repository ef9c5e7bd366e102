import { ANNOTATION, LABEL } from '../../api/labels.js';
import type { Labels } from '../policy-object.js';
import type { LoadBalancer, LocalService } from '../ztunnel-config.js';
import { formatAddress, formatPrefix, masked, parseAddress, parseBlock, type Prefix } from './ip-address.js';
import { compareAge, type Namespaces, namespaceOf } from './namespaces.js';
import type { IndexedMetadata, IndexedService, IndexedServiceEntry, IndexSettings, MeshObjects } from './objects.js';
import type { Waypoints } from './waypoints.js';

/** A service with what its workloads must know of it. */
export interface ServiceInfo {
  readonly service: LocalService;
  /** `namespace/hostname`. */
  readonly key: string;
  readonly kind: 'Service' | 'ServiceEntry';
  /** The object that it comes from. */
  readonly metadata: IndexedMetadata;
  /** Labels of the pods and WorkloadEntries that belong to it; an empty selector chooses none. */
  readonly selector: Labels;
  readonly ports: readonly ServicePort[];
}

/** A port of a service. */
export interface ServicePort {
  readonly number: number;
  readonly name: string;
  /** 0 if it has a name. */
  readonly target: number;
  /** Empty if it has a number. */
  readonly targetName: string;
}

const MODES = {
  sameZone: { routingPreferences: ['Network', 'Region', 'Zone'], mode: 'Failover', healthPolicy: 'OnlyHealthy' },
  sameNode: {
    routingPreferences: ['Network', 'Region', 'Zone', 'Subzone', 'Node'],
    mode: 'Failover',
    healthPolicy: 'OnlyHealthy',
  },
  nodeOnly: { routingPreferences: ['Node'], mode: 'Strict', healthPolicy: 'OnlyHealthy' },
  any: { routingPreferences: [], mode: 'Standard', healthPolicy: 'OnlyHealthy' },
  passthrough: { routingPreferences: [], mode: 'Passthrough', healthPolicy: 'AllowAll' },
} as const satisfies Record<string, LoadBalancer>;

const PREFERENCES: Readonly<Record<string, LoadBalancer>> = {
  prefersamezone: MODES.sameZone,
  preferclose: MODES.sameZone,
  prefersamenode: MODES.sameNode,
};

/** The host name of a Kubernetes Service. */
export function hostnameOf(name: string, namespace: string, { clusterDomain }: IndexSettings): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}

/**
 * The services of a mesh: of each host name one for each namespace, and of all namespaces one that is canonical.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/services.go
 */
export function readServices(objects: MeshObjects, namespaces: Namespaces, waypoints: Waypoints): ServiceInfo[] {
  const all = [
    ...objects.services.flatMap((service) => serviceInfo(service, namespaces, waypoints)),
    ...objects.serviceEntries.flatMap((entry) => serviceEntryInfos(entry, namespaces, waypoints)),
  ];
  const byHostname = new Map<string, ServiceInfo[]>();
  for (const info of all) {
    const { hostname } = info.service;
    byHostname.set(hostname, [...(byHostname.get(hostname) ?? []), info]);
  }
  return [...byHostname.values()].flatMap(chosenOf);
}

/** Of the services of one host name the best of each namespace, the best of all marked. A Service beats ServiceEntries. */
function chosenOf(infos: readonly ServiceInfo[]): ServiceInfo[] {
  const best = new Map<string, ServiceInfo>();
  for (const info of [...infos].sort(compareRank)) {
    if (!best.has(info.service.namespace)) best.set(info.service.namespace, info);
  }
  const chosen = [...best.values()];
  const canonical = chosen.find(({ service }) => service.visibility !== 'Namespace');
  return chosen.map((info) => (info === canonical ? { ...info, service: { ...info.service, canonical: true } } : info));
}

function compareRank(a: ServiceInfo, b: ServiceInfo): number {
  return a.kind === b.kind ? compareAge(a, b) : a.kind === 'Service' ? -1 : 1;
}

function serviceInfo(object: IndexedService, namespaces: Namespaces, waypoints: Waypoints): ServiceInfo[] {
  const { metadata, spec = {} } = object;
  // ztunnel resolves the name that it stands for.
  if (spec.type === 'ExternalName') return [];
  const namespace = namespaceOf(object);
  // Istio sees none without a target, for the API server fills it in; of manifests it is not.
  const ports = (spec.ports ?? []).map(({ port, name = '', targetPort = port }) => ({
    number: port,
    name,
    target: typeof targetPort === 'number' ? targetPort : 0,
    targetName: typeof targetPort === 'string' ? targetPort : '',
  }));
  const clusterIPs = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const loadBalancer = loadBalancerOf(object, namespaces.annotationsOf(namespace));
  const ipFamilies = ipFamiliesOf(spec.ipFamilies ?? []);
  const service: LocalService = {
    name: metadata.name,
    namespace,
    hostname: hostnameOf(metadata.name, namespace, namespaces.settings),
    vips: clusterIPs.flatMap((ip) => {
      const address = parseAddress(ip);
      return address ? [`${namespaces.network}/${formatAddress(address)}`] : [];
    }),
    ports: portMap(ports),
    ...waypoints.ofService(metadata, 'Service'),
    ...(loadBalancer && { loadBalancer }),
    ...(ipFamilies && { ipFamilies }),
  };
  return [infoOf(service, 'Service', metadata, spec.selector ?? {}, ports)];
}

function loadBalancerOf({ metadata, spec = {} }: IndexedService, inherited: Labels): LoadBalancer | undefined {
  const chosen =
    spec.internalTrafficPolicy === 'Local'
      ? MODES.nodeOnly
      : (spec.trafficDistribution && PREFERENCES[spec.trafficDistribution.toLowerCase()]) ||
        preferenceOf(metadata, inherited);
  return spec.publishNotReadyAddresses === true ? { ...(chosen ?? MODES.any), healthPolicy: 'AllowAll' } : chosen;
}

/** By annotation: the object's, even if nobody knows its value, before its namespace's. */
function preferenceOf({ annotations }: IndexedMetadata, inherited: Labels): LoadBalancer | undefined {
  const own = annotations?.[ANNOTATION.trafficDistribution] ?? '';
  return PREFERENCES[(own === '' ? (inherited[ANNOTATION.trafficDistribution] ?? '') : own).toLowerCase()];
}

function ipFamiliesOf(families: readonly string[]): LocalService['ipFamilies'] {
  if (families.length === 0) return undefined;
  return families.length > 1 ? 'Dual' : families[0] === 'IPv4' ? 'IPv4' : 'IPv6';
}

function serviceEntryInfos(object: IndexedServiceEntry, namespaces: Namespaces, waypoints: Waypoints): ServiceInfo[] {
  const { metadata, spec = {} } = object;
  const namespace = namespaceOf(object);
  const visibility = namespaces.visibilityOf(namespace);
  const own = (spec.addresses ?? []).map(parseBlock);
  if (visibility === 'NONE' || own.includes(undefined)) return [];
  const ports = (spec.ports ?? []).map(({ number, name = '', targetPort = 0 }) => ({
    number,
    name,
    target: targetPort === 0 ? number : targetPort,
    targetName: '',
  }));
  const loadBalancer =
    resolutionOf(object) === 'NONE' ? MODES.passthrough : preferenceOf(metadata, namespaces.annotationsOf(namespace));
  const choice = waypoints.ofService(metadata, 'ServiceEntry');
  return (spec.hosts ?? []).map((hostname) => {
    const blocks =
      own.length > 0 ? own.flatMap((block) => (block ? [masked(block)] : [])) : allocatedTo(object, hostname);
    const isOne = ({ address, length }: Prefix): boolean => address.length * 8 === length;
    const cidrVips = blocks.filter((block) => !isOne(block));
    const service: LocalService = {
      name: metadata.name,
      namespace,
      hostname,
      vips: blocks.filter(isOne).map(({ address }) => `${namespaces.network}/${formatAddress(address)}`),
      ...(cidrVips.length > 0 && { cidrVips: cidrVips.map((block) => `${namespaces.network}/${formatPrefix(block)}`) }),
      ports: portMap(ports),
      ...((spec.subjectAltNames ?? []).length > 0 && { subjectAltNames: spec.subjectAltNames! }),
      ...choice,
      ...(loadBalancer && { loadBalancer }),
      ...(visibility === 'NAMESPACE' && { visibility: 'Namespace' as const }),
    };
    return infoOf(service, 'ServiceEntry', metadata, spec.workloadSelector?.labels ?? {}, ports);
  });
}

/** How the addresses of a ServiceEntry's hosts are found. */
export function resolutionOf({ spec }: IndexedServiceEntry): string {
  return spec?.resolution ?? 'NONE';
}

/** The addresses that istiod has given to a host, as the status shows them. */
function allocatedTo(object: IndexedServiceEntry, hostname: string): Prefix[] {
  const resolution = resolutionOf(object);
  if (resolution === 'NONE' || (hostname.startsWith('*') && resolution !== 'DYNAMIC_DNS')) return [];
  if (object.metadata.labels?.[LABEL.enableAutoallocateIp]?.toLowerCase() === 'false') return [];
  return (object.status?.addresses ?? []).flatMap(({ value, host }) => {
    const block = host === hostname && parseAddress(value) ? parseBlock(value) : undefined;
    return block ?? [];
  });
}

function infoOf(
  service: LocalService,
  kind: ServiceInfo['kind'],
  metadata: IndexedMetadata,
  selector: Labels,
  ports: readonly ServicePort[],
): ServiceInfo {
  // Of a port that is there twice, as TCP and as UDP, the last counts.
  const last = [...new Map(ports.map((port) => [port.number, port])).values()];
  return { service, key: `${service.namespace}/${service.hostname}`, kind, metadata, selector, ports: last };
}

function portMap(ports: readonly ServicePort[]): Record<string, number> {
  return Object.fromEntries(ports.map(({ number, target }) => [number, target]));
}
