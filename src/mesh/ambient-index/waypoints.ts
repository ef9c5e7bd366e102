import { ANNOTATION, LABEL } from '../../api/labels.js';
import type { Labels } from '../policy-object.js';
import type { GatewayAddress, LocalWorkload } from '../ztunnel-config.js';
import { formatAddress, parseAddress } from './ip-address.js';
import { type LabelSelector, matchesSelector } from './label-selector.js';
import { type Namespaces, namespaceOf } from './namespaces.js';
import type { IndexedGateway, IndexedMetadata, MeshObjects } from './objects.js';

/** How a ztunnel hands what it has caught to the pods of a waypoint. */
type InboundBinding = NonNullable<LocalWorkload['applicationTunnel']>;

/** A Gateway with an address: others may send their traffic through it. */
interface Waypoint {
  readonly name: string;
  readonly namespace: string;
  /** None if its addresses are of types that ztunnel cannot use. */
  readonly address: GatewayAddress | undefined;
  readonly binding: InboundBinding | undefined;
  /** `service`, `workload`, `all` or `none`. */
  readonly trafficType: string;
  readonly admits: (namespace: string) => boolean;
}

/** The waypoint of an object, and its canary. */
export interface WaypointChoice {
  readonly waypoint?: GatewayAddress;
  readonly weightedWaypoints?: readonly { readonly destination: GatewayAddress; readonly weight: number }[];
}

/** Which waypoint serves whom. */
export interface Waypoints {
  /** Of a Service or a ServiceEntry. A ServiceEntry that only its namespace sees does not leave it. */
  readonly ofService: (metadata: IndexedMetadata, kind: 'Service' | 'ServiceEntry') => WaypointChoice;
  /** Of a pod, a WorkloadEntry, or an endpoint; a pod of a waypoint has a tunnel instead. */
  readonly ofWorkload: (metadata: IndexedMetadata) => Pick<LocalWorkload, 'waypoint' | 'applicationTunnel'>;
}

const HBONE_PORT = 15008;
const WAYPOINT_CONTROLLERS = ['istio.io-mesh-controller', 'istio.io-eastwest-controller'];

/**
 * Reads the Gateways of a mesh.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go
 */
export function readWaypoints(
  { gateways, gatewayClasses }: Pick<MeshObjects, 'gateways' | 'gatewayClasses'>,
  namespaces: Namespaces,
): Waypoints {
  const classes = new Map(gatewayClasses.map(({ metadata }) => [metadata.name, metadata]));
  const all = new Map(
    gateways
      .filter(({ status }) => (status?.addresses ?? []).length > 0)
      .map((gateway) => waypointOf(gateway, classes.get(gateway.spec.gatewayClassName), namespaces))
      .map((waypoint) => [keyOf(waypoint), waypoint]),
  );
  /** What the labels of an object name, else those of its namespace; undefined if there is none, or it does not admit. */
  const targetOf = (metadata: IndexedMetadata): Waypoint | undefined => {
    const namespace = metadata.namespace ?? '';
    const labels = chooses(metadata.labels) ? metadata.labels : namespaces.labelsOf(namespace);
    const key = nameIn(labels, LABEL.useWaypoint, LABEL.useWaypointNamespace, namespace);
    const waypoint = key === undefined ? undefined : all.get(key);
    return waypoint?.admits(namespace) ? waypoint : undefined;
  };
  return {
    ofService: (metadata, kind) => {
      if (WAYPOINT_CONTROLLERS.includes(metadata.labels?.[LABEL.gatewayManaged] ?? '')) return {};
      const waypoint = targetOf(metadata);
      const namespace = metadata.namespace ?? '';
      if (!waypoint?.address || !serves(waypoint, 'service')) return {};
      const isHidden = kind === 'ServiceEntry' && namespaces.visibilityOf(namespace) === 'NAMESPACE';
      if (isHidden && waypoint.namespace !== namespace) return {};
      return { waypoint: waypoint.address, ...canaryOf(metadata, waypoint, all, namespaces) };
    },
    ofWorkload: (metadata) => {
      const own = all.get(`${metadata.namespace ?? ''}/${metadata.labels?.[LABEL.gatewayName] ?? ''}`);
      if (own) return own.binding ? { applicationTunnel: own.binding } : {};
      const waypoint = targetOf(metadata);
      return waypoint?.address && serves(waypoint, 'workload') ? { waypoint: waypoint.address } : {};
    },
  };
}

const keyOf = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;

const chooses = (labels: Labels | undefined): boolean => labels?.[LABEL.useWaypoint] !== undefined;

const serves = ({ trafficType }: Waypoint, type: 'service' | 'workload'): boolean =>
  trafficType === type || trafficType === 'all';

/** The key of the waypoint that a label names; `none` names none. */
function nameIn(
  labels: Labels | undefined,
  nameLabel: string,
  namespaceLabel: string,
  namespace: string,
): string | undefined {
  const name = labels?.[nameLabel];
  if (name === undefined || name === 'none') return undefined;
  return keyOf({ namespace: labels?.[namespaceLabel] ?? namespace, name });
}

/** The shares of waypoint and canary. The namespace's canary is for those that have the namespace's waypoint. */
function canaryOf(
  { namespace = '', labels = {}, annotations = {} }: IndexedMetadata,
  primary: Waypoint,
  all: ReadonlyMap<string, Waypoint>,
  namespaces: Namespaces,
): Pick<WaypointChoice, 'weightedWaypoints'> {
  const inherited = chooses(labels) ? {} : (namespaces.labelsOf(namespace) ?? {});
  const source = [labels, inherited].find((some) => some[LABEL.useWaypointCanary] !== undefined) ?? {};
  const key = nameIn(source, LABEL.useWaypointCanary, LABEL.useWaypointCanaryNamespace, namespace);
  if (key === undefined || source[LABEL.useWaypointCanary] === '' || key === keyOf(primary)) return {};
  const text =
    annotations[ANNOTATION.useWaypointCanaryWeight] ??
    (chooses(labels) ? undefined : namespaces.annotationsOf(namespace)[ANNOTATION.useWaypointCanaryWeight]) ??
    '0';
  const canary = all.get(key);
  const weight = /^[+-]?[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!(weight >= 0 && weight <= 100) || !canary?.admits(namespace) || !serves(canary, 'service')) return {};
  if (!primary.address || !canary.address) return {};
  return {
    weightedWaypoints: [
      { destination: primary.address, weight: 100 - weight },
      { destination: canary.address, weight },
    ],
  };
}

function waypointOf(gateway: IndexedGateway, ofClass: IndexedMetadata | undefined, namespaces: Namespaces): Waypoint {
  const { metadata } = gateway;
  const binding = bindingOf(
    metadata.annotations?.[ANNOTATION.waypointInboundBinding] ??
      ofClass?.annotations?.[ANNOTATION.waypointInboundBinding],
  );
  return {
    name: metadata.name,
    namespace: namespaceOf(gateway),
    address: addressOf(gateway, namespaces.network),
    binding,
    trafficType: metadata.labels?.[LABEL.waypointFor] ?? ofClass?.labels?.[LABEL.waypointFor] ?? 'service',
    admits: admission(gateway, binding, namespaces),
  };
}

/** `PROTOCOL` or `PROTOCOL/PORT`; anything else is no binding. A port that is none is left out. */
function bindingOf(text: string | undefined): InboundBinding | undefined {
  const [protocol, port, ...more] = text?.split('/') ?? [];
  if (more.length > 0 || (protocol !== 'NONE' && protocol !== 'PROXY')) return undefined;
  const number = port !== undefined && /^[0-9]+$/.test(port) ? Number(port) : 0;
  return { protocol, ...(number > 0 && { port: number }) };
}

/** Its host name rather than its address: host names of Services stay. */
function addressOf(gateway: IndexedGateway, network: string): GatewayAddress | undefined {
  const addresses = gateway.status?.addresses ?? [];
  const hostname = addresses.find(({ type }) => type === 'Hostname');
  if (hostname) {
    return { destination: `${namespaceOf(gateway)}/${hostname.value}`, hboneMtlsPort: HBONE_PORT };
  }
  for (const { type, value } of addresses) {
    const address = type === 'IPAddress' ? parseAddress(value) : undefined;
    if (address) return { destination: `${network}/${formatAddress(address)}`, hboneMtlsPort: HBONE_PORT };
  }
  return undefined;
}

/** Whose objects may choose it: `allowedRoutes` of the listener that a binding names, else of that for HBONE. */
function admission(
  { metadata, spec }: IndexedGateway,
  binding: InboundBinding | undefined,
  namespaces: Namespaces,
): (namespace: string) => boolean {
  const bound =
    binding &&
    spec.listeners.find(({ port, protocol }) =>
      binding.port !== undefined
        ? port === binding.port
        : binding.protocol === 'PROXY' && protocol === 'istio.io/PROXY',
    );
  const listener = bound ?? spec.listeners.find(({ port, protocol }) => protocol === 'HBONE' && port === HBONE_PORT);
  const { from = 'Same', selector }: { from?: string | undefined; selector?: LabelSelector | undefined } =
    listener?.allowedRoutes?.namespaces ?? {};
  if (from === 'All') return () => true;
  if (from === 'Selector') return (name) => matchesSelector(selector, namespaces.labelsOf(name) ?? {});
  return (name) => name === metadata.namespace;
}
