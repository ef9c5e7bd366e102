import type { Gateway } from '../api/gateway-api.js';
import { ANNOTATION, LABEL } from '../api/labels.js';
import { OWN_ANNOTATION } from '../api/own-labels.js';
import type { DeclineReason } from '../api/serving.js';
import { type PolicyObject, asRecord, asRecords } from './policy-object.js';

/** The port on which a waypoint takes tunnels. */
export const HBONE_PORT = 15008;

/** The class of the older articles: istiod deploys an ingress gateway for it, whatever its listener says. */
export const ISTIO_CLASS = 'istio';

/** The class of waypoints that istiod deploys. */
export const WAYPOINT_CLASS = 'istio-waypoint';

/** The class of waypoints that are Sidestep's alone, and the controller that it names. */
export const SIDESTEP_CLASS = 'sidestep-waypoint';
export const SIDESTEP_CONTROLLER = 'sidestep.dev/waypoint-controller';

/**
 * Value of the label `gateway.istio.io/managed` on what istiod deploys for that class.
 *
 * @see istio/istio pilot/pkg/config/kube/gatewaycommon/classinfo.go
 */
export const ISTIO_GATEWAY_CONTROLLER = 'istio.io-gateway-controller';

/** What becomes of a Gateway that we may serve: deployed by us, deployed by istiod and sized by us, or declined with a reason. */
export type Serving =
  | { readonly kind: 'declined'; readonly reason: DeclineReason; readonly message: string }
  | { readonly kind: 'deployed' }
  | { readonly kind: 'sized' };

/**
 * Whether a Gateway is a waypoint: its only listener takes HBONE on port 15008.
 *
 * @see istio/istio pilot/pkg/config/kube/gateway/conversion.go, buildListener
 */
export function isWaypoint({ spec: { listeners } }: Gateway): boolean {
  const [only, second] = listeners;
  return second === undefined && only?.port === HBONE_PORT && only.protocol === 'HBONE';
}

/** An object, as far as its labels say something. */
interface Labelled {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> | undefined };
}

/**
 * What the traffic of a waypoint is addressed to: `service`, `workload`, `all` or `none`. The Gateway's word beats that of its class.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go
 */
export function trafficOf(gateway: Labelled | undefined, ofClass: Labelled | undefined): string {
  return gateway?.metadata.labels?.[LABEL.waypointFor] ?? ofClass?.metadata.labels?.[LABEL.waypointFor] ?? 'service';
}

/** DNS name of the Service that serves a Gateway: it has the Gateway's name. */
export function serviceHost(gateway: Gateway, clusterDomain: string): string {
  return `${hostPrefix(gateway)}${clusterDomain}`;
}

const SERVICE_NAME_RULE =
  'make one with at most 63 characters a-z, 0-9 and -, the first of them a letter, the last no -';

/**
 * Whether a Service can have a name; of a Gateway more is allowed.
 *
 * @see kubernetes/apimachinery pkg/util/validation/validation.go, IsDNS1035Label
 */
export const isServiceName = (name: string): boolean => name.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name);

/** Whether the Gateway is sent to the Service that serves it, whatever the domain of the cluster. */
export function isAddressed(gateway: Gateway): boolean {
  return gateway.spec.addresses?.some((address) => isOurAddress(gateway, address)) ?? false;
}

/**
 * Whether istiod sends traffic to a Gateway, as far as its own status tells. It computes condition Programmed when the mesh's
 * configuration changes, not when pods do: a waypoint that had no pod at that moment is called `AddressNotAssigned` until something
 * else changes, while istiod goes on to send traffic to the addresses that it has once given. So whoever asks has to look at pods.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/waypoints.go (status.addresses), pilot/pkg/model/endpointshards.go (which
 * changes of endpoints push everything)
 */
export function isProgrammed({ status }: Gateway): boolean {
  const programmed = status?.conditions?.find(({ type }) => type === 'Programmed');
  if (programmed?.status === 'True') return true;
  return programmed?.reason === 'AddressNotAssigned' && (status?.addresses ?? []).length > 0;
}

const hostPrefix = ({ metadata }: Gateway): string => `${metadata.name}.${metadata.namespace ?? ''}.svc.`;

function isOurAddress(gateway: Gateway, { type, value }: { type?: string; value?: string }): boolean {
  return type === 'Hostname' && (value?.startsWith(hostPrefix(gateway)) ?? false);
}

/** Name of the ConfigMap by which we size the waypoint of a Gateway. */
export const parametersName = ({ metadata }: Gateway): string => `${metadata.name}-sidestep`;

/** Whether the Gateway's `parametersRef` names the ConfigMap of ours. */
export function namesOurParameters(gateway: Gateway): boolean {
  const ref = gateway.spec.infrastructure?.parametersRef;
  return ref?.group === '' && ref.kind === 'ConfigMap' && ref.name === parametersName(gateway);
}

/**
 * Whether a Gateway is one that Sidestep may deploy a proxy for. In class `istio-waypoint` these are the Gateways that istiod does not
 * deploy, because of their address, and only if somebody asks for it.
 */
export function isServable(gateway: Gateway): boolean {
  switch (gateway.spec.gatewayClassName) {
    case ISTIO_CLASS:
      return isWaypoint(gateway);
    case SIDESTEP_CLASS:
      return true;
    case WAYPOINT_CLASS:
      return isWaypoint(gateway) && !isManagedByIstiod(gateway) && serveOf(gateway) === 'true';
    default:
      return false;
  }
}

const serveOf = ({ metadata }: Gateway): string | undefined => metadata.annotations?.[OWN_ANNOTATION.serve];

/** Whether istiod deploys the waypoint, and we are asked to say how large it is. */
function isSized(gateway: Gateway): boolean {
  const { labels, annotations = {} } = gateway.metadata;
  if (gateway.spec.gatewayClassName !== WAYPOINT_CLASS || !isWaypoint(gateway) || !isManagedByIstiod(gateway)) {
    return false;
  }
  const serve = serveOf(gateway);
  const isAsked = serve === 'true' || annotations[OWN_ANNOTATION.sizing] !== undefined;
  return serve !== 'false' && (isAsked || labels?.[LABEL.managedBy] === 'sidestep');
}

/**
 * Whether istiod deploys a proxy that is no waypoint for a Gateway of Istio's class, and ztunnel captures it: somebody says so. Its
 * pods have the labels of `spec.infrastructure`, or without it those of the Gateway; istiod keeps one out of which neither says anything.
 *
 * @see istio/istio pilot/pkg/config/kube/gateway/deploymentcontroller.go, setLabelOverrides
 */
export function isCapturedRouter({ kind, metadata, spec }: PolicyObject): boolean {
  const { gatewayClassName, addresses, listeners, infrastructure } = asRecord(spec);
  if (kind !== 'Gateway' || gatewayClassName !== ISTIO_CLASS) return false;
  const asked = {
    metadata,
    spec: { addresses: asRecords(addresses), listeners: asRecords(listeners) },
  } as unknown as Gateway;
  const own = metadata.labels?.[LABEL.dataplaneMode];
  const ofInfrastructure = asRecord(asRecord(infrastructure)['labels'])[LABEL.dataplaneMode];
  const isSaid = own !== undefined || ofInfrastructure !== undefined;
  const ofPods = infrastructure === undefined ? own : ofInfrastructure;
  return isManagedByIstiod(asked) && !isWaypoint(asked) && isSaid && ofPods !== 'none';
}

/**
 * Whether istiod deploys the proxy of a Gateway of one of its classes: the Gateway has no address, or one that is an IP address.
 *
 * @see istio/istio pilot/pkg/config/kube/gatewaycommon/gateway_utils.go, IsManaged
 */
function isManagedByIstiod({ spec: { addresses = [] } }: Gateway): boolean {
  const [first, second] = addresses;
  return second === undefined && (first?.type ?? 'IPAddress') === 'IPAddress';
}

/**
 * What Sidestep does about a Gateway; undefined: it is left alone.
 *
 * @see design 3.1
 */
export function servingOf(gateway: Gateway): Serving | undefined {
  if (isSized(gateway)) return { kind: 'sized' };
  return isServable(gateway) ? deploymentOf(gateway) : undefined;
}

function deploymentOf(gateway: Gateway): Serving {
  const { metadata, spec } = gateway;
  const declined = (reason: DeclineReason, message: string): Serving => ({ kind: 'declined', reason, message });
  if (serveOf(gateway) === 'false') {
    const others = spec.gatewayClassName === ISTIO_CLASS ? 'istiod deploys an ingress gateway' : 'nobody deploys it';
    return declined('OptedOut', `the annotation ${OWN_ANNOTATION.serve} is "false": ${others}`);
  }
  if (!isWaypoint(gateway)) {
    return declined(
      'UnsupportedListener',
      'spec.listeners: a waypoint has one listener, with port 15008 and protocol HBONE',
    );
  }
  const foreign = spec.addresses?.find((address) => !isOurAddress(gateway, address));
  if (foreign) {
    return declined(
      'AddressTaken',
      `spec.addresses names ${foreign.value ?? 'no address'}: remove it to let Sidestep deploy the waypoint`,
    );
  }
  if (metadata.annotations?.[ANNOTATION.gatewayNameOverride] !== undefined) {
    const message = `the annotation ${ANNOTATION.gatewayNameOverride} names what istiod has deployed; remove it`;
    return declined('UnsupportedName', message);
  }
  if (!isServiceName(metadata.name)) {
    const message = `a Service cannot be called ${metadata.name}, and that of a waypoint has the Gateway's name: ${SERVICE_NAME_RULE}`;
    return declined('UnsupportedName', message);
  }
  if (spec.listeners.some(({ tls }) => tls !== undefined)) {
    return declined('UnsupportedListener', 'spec.listeners[0].tls: a waypoint has its own TLS; remove the field');
  }
  if (metadata.labels?.[LABEL.network] !== undefined) {
    return declined(
      'UnsupportedNetwork',
      `the label ${LABEL.network} makes the Gateway one for other networks; remove it, or use class istio-waypoint`,
    );
  }
  return { kind: 'deployed' };
}
