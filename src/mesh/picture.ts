import { LABEL } from '../api/labels.js';
import { ambientIndex, type IndexSettings, type MeshObjects } from './ambient-index.js';
import { formatAddress, parseAddress } from './ambient-index/ip-address.js';
import { type PodMode, hasSidecar, isGateway, podMode, speaksHbone } from './dataplane.js';
import type { ProxySettings } from './enforcement/request.js';
import type { Labels, PolicyObject } from './policy-object.js';
import type { GatewayAddress, LocalConfig, LocalService, LocalWorkload } from './ztunnel-config.js';
import { refKey, type WaypointRef } from './use-waypoint.js';

/** What a mesh picture is made of: the objects of the ambient index, and those that only proxies for HTTP read. */
export interface PictureObjects extends MeshObjects {
  readonly requestAuthentications: readonly PolicyObject[];
  /** What says where requests go: objects of `ROUTE_KINDS`. (none: each Service's requests go to its own pods) */
  readonly routes?: readonly PolicyObject[];
}

/** What of the mesh's configuration decides who enforces what. */
export interface PictureSettings extends IndexSettings, ProxySettings {
  /** `enableAutoMtls` of MeshConfig: without it a sidecar sends plaintext unless a DestinationRule says otherwise. */
  readonly enableAutoMtls: boolean;
}

/** A mesh at one moment: who runs where, by which data plane, and which policies there are. */
export interface MeshPicture {
  readonly settings: PictureSettings;
  /** What its ztunnels know. */
  readonly index: LocalConfig;
  /** Labels of a namespace; none if there is no such namespace. */
  readonly namespaceLabels: (namespace: string) => Labels;
  readonly workloads: readonly PictureWorkload[];
  readonly services: readonly PictureService[];
  readonly waypoints: readonly PictureWaypoint[];
  readonly authorizationPolicies: readonly PolicyObject[];
  readonly requestAuthentications: readonly PolicyObject[];
  readonly peerAuthentications: readonly PolicyObject[];
  readonly routes: readonly PolicyObject[];
}

/** A pod. */
export interface PictureWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly account: string;
  readonly labels: Labels;
  readonly mode: PodMode;
  /** It is a sidecar's, and speaks HBONE: ambient pods reach it with mTLS. */
  readonly hbone: boolean;
  /** It is a gateway, a waypoint included. */
  readonly gateway: boolean;
  /** As ztunnels know it. */
  readonly local: LocalWorkload;
}

/** A Service. */
export interface PictureService {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  /** `namespace/hostname`: the key in `services` of a {@link LocalWorkload}. */
  readonly key: string;
  readonly ports: readonly PicturePort[];
  /** As ztunnels know it. */
  readonly local: LocalService;
}

/** A port of a Service. */
export interface PicturePort {
  readonly name?: string | undefined;
  readonly port: number;
  readonly appProtocol?: string | undefined;
}

/** A Gateway that others may go through. */
export interface PictureWaypoint extends WaypointRef {
  readonly className: string;
  /** It brings requests into the mesh, and so begins calls: none of its listeners is a waypoint's. */
  readonly isIngress: boolean;
  /** ServiceAccount of its pods; while there are none, the one that istiod gives them: of the Gateway's own name. */
  readonly account: string;
  /** What names it in a {@link GatewayAddress}: `namespace/hostname`, or an address without its network. */
  readonly addresses: readonly string[];
}

/** Draws the picture of a mesh. Pods without an address, and those that have ended, are not in it. */
export function meshPicture(objects: PictureObjects, settings: PictureSettings): MeshPicture {
  const index = ambientIndex(objects, settings);
  const locals = new Map(index.workloads.map((workload) => [workload.uid, workload]));
  const localServices = new Map(index.services.map((service) => [`${service.namespace}/${service.name}`, service]));
  const labels = new Map(objects.namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  return {
    settings,
    index,
    namespaceLabels: (namespace) => labels.get(namespace) ?? {},
    workloads: objects.pods.flatMap((pod) => {
      const { name, namespace = '', labels = {} } = pod.metadata;
      const local = locals.get(`${settings.clusterId}//Pod/${namespace}/${name}`);
      if (!local) return [];
      return [
        {
          name,
          namespace,
          account: pod.spec?.serviceAccountName ?? 'default',
          labels,
          mode: podMode(pod),
          hbone: hasSidecar(pod) && speaksHbone(pod),
          gateway: isGateway(pod),
          local,
        },
      ];
    }),
    services: objects.services.flatMap(({ metadata: { name, namespace = '', labels = {} }, spec }) => {
      const local = localServices.get(`${namespace}/${name}`);
      return local
        ? [{ name, namespace, labels, key: `${namespace}/${local.hostname}`, ports: spec?.ports ?? [], local }]
        : [];
    }),
    waypoints: readWaypoints(objects),
    authorizationPolicies: objects.authorizationPolicies,
    requestAuthentications: objects.requestAuthentications,
    peerAuthentications: objects.peerAuthentications,
    routes: objects.routes ?? [],
  };
}

/** The waypoint at an address; undefined if there is no such Gateway: ztunnel would refuse the traffic. */
export function waypointAt({ waypoints }: MeshPicture, { destination }: GatewayAddress): PictureWaypoint | undefined {
  // An address is behind the name of its network, which is the same for the whole cluster.
  return waypoints.find(({ addresses }) =>
    addresses.some((one) => destination === one || destination.endsWith(`/${one}`)),
  );
}

/** Gateways with a status address. */
function readWaypoints({ gateways, pods }: PictureObjects): PictureWaypoint[] {
  const accounts = new Map<string, string>(
    pods.flatMap(({ metadata: { namespace = '', labels = {} }, spec }) => {
      const gateway = labels[LABEL.gatewayName];
      return gateway === undefined ? [] : [[`${namespace}/${gateway}`, spec?.serviceAccountName ?? 'default'] as const];
    }),
  );
  return gateways.flatMap(({ metadata: { name, namespace = '' }, spec, status }) => {
    const addresses = (status?.addresses ?? []).flatMap(({ type, value }) => {
      if (type === 'Hostname') return [`${namespace}/${value}`];
      const address = parseAddress(value);
      return address ? [formatAddress(address)] : [];
    });
    if (addresses.length === 0) return [];
    const account = accounts.get(refKey({ namespace, name })) ?? name;
    const isIngress = !spec.listeners.some(({ protocol }) => protocol === 'HBONE');
    return [{ name, namespace, className: spec.gatewayClassName, isIngress, account, addresses }];
  });
}
