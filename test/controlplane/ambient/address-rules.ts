import type { LocalService, LocalWorkload } from '../../../src/mesh/ztunnel-config.js';
import { type Count, count, type Json, type Seen } from './seen.js';

const labelOf = (object: Json, label: string): string | undefined => object.metadata.labels?.[label];
const USE = 'istio.io/use-waypoint';
const USE_NAMESPACE = 'istio.io/use-waypoint-namespace';
const served = ({ sent }: { sent: LocalService[] }): boolean => sent.some(({ waypoint }) => waypoint !== undefined);
const unbound =
  (is: (object: Json, gateway: Json, seen: Seen) => unknown): Count =>
  (seen) =>
    count(
      seen.services.filter((pair) => pair.sent.length > 0 && !served(pair)),
      ({ object }) => {
        const name = labelOf(object, USE);
        const namespace = labelOf(object, USE_NAMESPACE) ?? object.metadata.namespace;
        const gateway = seen.objects.gateways.find(
          ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
        );
        return name !== undefined && is(object, gateway, seen);
      },
    );

/** Waypoints: who goes through which. */
export const bindingRules: Record<string, Count> = {
  'a service has the waypoint of its own label': ({ services }) =>
    count(services.filter(served), ({ object }) => labelOf(object, USE)),
  'a service has the waypoint of its namespace': ({ services }) =>
    count(services.filter(served), ({ object }) => !labelOf(object, USE)),
  'a service has a waypoint of another namespace': ({ services }) =>
    count(services, ({ sent }) => sent.some(({ waypoint }) => waypoint?.destination.startsWith('shared/'))),
  'none opts out of the namespace': (seen) =>
    unbound((object) => labelOf(object, USE) === 'none' && seen.labelsOf(object.metadata.namespace)[USE])(seen),
  'a missing waypoint is none, whatever the namespace has': unbound(
    (object, gateway) => labelOf(object, USE) !== 'none' && !gateway,
  ),
  'a waypoint without address is none': unbound((_, gateway) => gateway && !gateway.status?.addresses),
  'a waypoint refuses other namespaces': unbound((_, gateway) => gateway?.metadata.namespace === 'shared'),
  'a waypoint refuses services': unbound(
    (_, gateway) =>
      gateway?.status?.addresses && ['workload', 'none'].includes(gateway.metadata.labels?.['istio.io/waypoint-for']),
  ),
  'a waypoint by address': ({ services }) =>
    count(services, ({ sent }) => sent.some(({ waypoint }) => waypoint?.destination.startsWith('/'))),
  'a workload has a waypoint': ({ workloads }) => count(workloads, ({ sent }) => sent.waypoint),
  'a pod of a Gateway has its tunnel': ({ workloads }) => count(workloads, ({ sent }) => sent.applicationTunnel),
  'a canary has a share': ({ services }) =>
    count(services, ({ sent }) => sent.some(({ weightedWaypoints }) => weightedWaypoints)),
  'a canary is refused': ({ services }) =>
    count(
      services.filter(served),
      ({ object, sent }) =>
        labelOf(object, 'istio.io/use-waypoint-canary') && !sent.some(({ weightedWaypoints }) => weightedWaypoints),
    ),
};

const kindIs =
  (...kinds: string[]) =>
  ({ kind }: { kind: string }): boolean =>
    kinds.includes(kind);
const portsOf = ({ services }: LocalWorkload): number[] =>
  Object.values(services).flatMap((ports) => Object.values(ports));
const balanced =
  (is: (balancer: NonNullable<LocalService['loadBalancer']>, object: Json) => unknown): Count =>
  ({ services }) =>
    count(services, ({ object, sent }) => sent.some(({ loadBalancer }) => loadBalancer && is(loadBalancer, object)));

/** Services and workloads. */
export const addressRules: Record<string, Count> = {
  'a named target port of a pod': ({ workloads }) =>
    count(workloads.filter(kindIs('Pod')), ({ sent }) => portsOf(sent).includes(9090)),
  'a named target port that a pod does not have': ({ workloads }) =>
    count(workloads.filter(kindIs('Pod')), ({ sent }) =>
      Object.values(sent.services).some((ports) => ports[99] !== undefined && ports[90] === undefined),
    ),
  'a port of a ServiceEntry by the name of the pod': ({ workloads }) =>
    count(workloads.filter(kindIs('Pod')), ({ sent }) =>
      Object.values(sent.services).some((ports) => ports[443] !== undefined && ports[80] === 8080),
    ),
  'a port by the name of an entry': ({ workloads }) =>
    count(workloads.filter(kindIs('WorkloadEntry', 'ServiceEntry')), ({ sent }) =>
      portsOf(sent).some((port) => port === 18080 || port === 17070),
    ),
  'a Service selects a WorkloadEntry': ({ workloads }) =>
    count(workloads.filter(kindIs('WorkloadEntry')), ({ sent }) => Object.keys(sent.services).length),
  'a headless Service': ({ services }) => count(services, ({ object }) => object.spec.clusterIP === 'None'),
  'an ExternalName is not sent': ({ services }) =>
    count(services, ({ object, sent }) => sent.length === 0 && object.spec.type === 'ExternalName'),
  'only the same node': balanced(({ mode }) => mode === 'Strict'),
  'traffic distribution by field': balanced(({ mode }, { spec }) => mode === 'Failover' && spec.trafficDistribution),
  'traffic distribution by annotation': balanced(
    ({ mode }, { spec, metadata }) =>
      mode === 'Failover' &&
      !spec.trafficDistribution &&
      metadata.annotations?.['networking.istio.io/traffic-distribution'],
  ),
  'traffic distribution of the namespace': balanced(
    ({ mode }, { spec, metadata }) =>
      mode === 'Failover' &&
      !spec.trafficDistribution &&
      !metadata.annotations?.['networking.istio.io/traffic-distribution'],
  ),
  'pods that are not ready are published': balanced(
    ({ healthPolicy, mode }) => healthPolicy === 'AllowAll' && mode !== 'Passthrough',
  ),
  'hosts that pass through': balanced(({ mode }) => mode === 'Passthrough'),
  'blocks of addresses': ({ services }) => count(services, ({ sent }) => sent.some(({ cidrVips }) => cidrVips)),
  'addresses that istiod gives': ({ services }) =>
    count(
      services,
      ({ object, sent }) => object.spec.hosts && !object.spec.addresses && sent.some(({ vips }) => vips.length),
    ),
  'a ServiceEntry with a Service of its host': ({ services }) =>
    count(services, ({ object, sent }) => object.spec.hosts && sent.length < object.spec.hosts.length),
  'a host resolved by DNS': ({ workloads }) =>
    count(workloads.filter(kindIs('ServiceEntry')), ({ sent }) => sent.hostname),
  'an endpoint in another network': ({ workloads }) => count(workloads, ({ sent }) => sent.network === 'far'),
  'an endpoint written by hand': ({ workloads }) => count(workloads, kindIs('EndpointSlice')),
  'a workload that is not healthy': ({ workloads }) => count(workloads, ({ sent }) => sent.status === 'Unhealthy'),
  'a captured pod': ({ workloads }) => count(workloads, ({ sent }) => sent.protocol === 'HBONE' && !sent.nativeTunnel),
  'a sidecar with HBONE': ({ workloads }) => count(workloads, ({ sent }) => sent.nativeTunnel),
  'a pod on the network of its host': ({ workloads }) =>
    count(workloads.filter(kindIs('Pod')), ({ sent }) => sent.networkMode === 'HostNetwork'),
  'a weight': ({ workloads }) => count(workloads, ({ sent }) => sent.capacity),
  'a place': ({ workloads }) => count(workloads, ({ sent }) => sent.locality),
};
