import type { Gateway } from '../../api/gateway-api.js';
import { LABEL } from '../../api/labels.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import {
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  NAMESPACE,
  POD_DISRUPTION_BUDGET,
  SERVICE,
  SERVICE_ACCOUNT,
} from '../../kube/types.js';
import { ISTIO_GATEWAY_CONTROLLER } from '../../mesh/waypoint-gateway.js';
import { isHeld } from './decision.js';
import type { LiveObject, Observed } from './observed.js';

/** Kinds of the objects that run a Gateway's proxy. */
export const DEPLOYED_KINDS: readonly ResourceType[] = [
  SERVICE_ACCOUNT,
  SERVICE,
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  POD_DISRUPTION_BUDGET,
];

/** Whether the Gateway, this very one, owns the object. */
export function isOwnedBy({ metadata }: KubeObject, gateway: Gateway): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === gateway.metadata.uid) ?? false;
}

/**
 * Whether Sidestep has deployed the object for the Gateway. The garbage collector, or a person, may have taken the Gateway out of its
 * owners: then its label says so. istiod copies the label of a Gateway that Sidestep has made onto the ingress gateway.
 */
export function isOurs(object: KubeObject, gateway: Gateway): boolean {
  const { labels } = object.metadata;
  if (labels?.[LABEL.managedBy] !== 'sidestep' || isOfIngress(object)) return false;
  return isOwnedBy(object, gateway) || (isLetGo(object) && labels[LABEL.gatewayName] === gateway.metadata.name);
}

/** Whether no owner says whose it is: everything in a Namespace may be owned by that. */
const isLetGo = ({ metadata }: KubeObject): boolean =>
  (metadata.ownerReferences ?? []).every(({ kind }) => kind === NAMESPACE.kind);

/** Whether the garbage collector would leave the object when the Gateway goes: it is ours, whatever somebody has made of its label. */
export function isKept(object: KubeObject, gateway: Gateway): boolean {
  const isNamespaces = object.metadata.ownerReferences?.some(({ kind }) => kind === NAMESPACE.kind) ?? false;
  return isNamespaces && isOwnedBy(object, gateway);
}

/**
 * Whether Sidestep deploys the waypoint of the Gateway, or has deployed it and it is still there: a hand that replaces a Gateway
 * (`kubectl replace`) drops the finalizer, and that must not end what others depend on.
 */
export function isDeployed({ gateway, live }: Pick<Observed, 'gateway' | 'live'>): boolean {
  const stays = ({ object }: LiveObject): boolean => object.metadata.deletionTimestamp === undefined;
  return isHeld(gateway) || live.some((each) => stays(each) && isKept(each.object, gateway));
}

/**
 * Name of the Gateway that an object was deployed for and that has gone without it: a hand has taken the finalizer, and the garbage
 * collector leaves what the Namespace owns, too.
 */
export function forsakenBy(object: KubeObject): string | undefined {
  const { labels, ownerReferences = [] } = object.metadata;
  const isOurs = labels?.[LABEL.managedBy] === 'sidestep' && ownerReferences.length > 0 && isLetGo(object);
  return isOurs ? labels[LABEL.gatewayName] : undefined;
}

/**
 * Whether we may apply onto an object: it is ours, or was but for a label or an owner that somebody has taken away. What istiod has
 * deployed is not.
 */
export function mayTake(object: KubeObject, gateway: Gateway): boolean {
  const { labels } = object.metadata;
  if (labels?.[LABEL.managedBy] !== 'sidestep')
    return isOwnedBy(object, gateway) && labels?.[LABEL.gatewayManaged] === undefined;
  return isOwnedBy(object, gateway) || isLetGo(object);
}

/** Whether istiod has deployed the object because it takes the Gateway for an ingress gateway. */
export function isIngressGateway(object: KubeObject, gateway: Gateway): boolean {
  return isOwnedBy(object, gateway) && isOfIngress(object);
}

const isOfIngress = ({ metadata }: KubeObject): boolean =>
  metadata.labels?.[LABEL.gatewayManaged] === ISTIO_GATEWAY_CONTROLLER;
