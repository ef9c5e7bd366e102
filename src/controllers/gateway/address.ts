import type { Gateway } from '../../api/gateway-api.js';
import { findCondition } from '../../kube/conditions.js';
import { type Deployment, DEPLOYMENT, SERVICE } from '../../kube/types.js';
import { isAddressed, ISTIO_CLASS, serviceHost } from '../../mesh/waypoint-gateway.js';
import { type Action, remove } from './decision.js';
import { isIngressGateway, isOurs } from './deployed-kinds.js';
import type { Observed } from './observed.js';

/** Whether istiod has looked at the Gateway as it is now. */
export function isSeenByIstiod({ metadata, status }: Gateway): boolean {
  return findCondition(status?.conditions, 'Programmed')?.observedGeneration === metadata.generation;
}

/** Takes away the ingress gateway that istiod has deployed; not before istiod has seen the address, for it would deploy it again. */
export function ingressRemovals({ gateway, live }: Observed): Action[] {
  const isIstiods = gateway.spec.gatewayClassName === ISTIO_CLASS;
  const isOver = !isIstiods || (isAddressed(gateway) && isSeenByIstiod(gateway));
  return isOver ? live.filter(({ object }) => isIngressGateway(object, gateway)).map(remove) : [];
}

/**
 * Puts back the address that somebody has dropped from a Gateway (`kubectl replace`, Argo CD with `Replace=true`), whose waypoint runs on
 * though we cannot, or shall not, deploy it now: without the address istiod deploys an ingress gateway and its load balancer. These go.
 */
export function keptAddress(observed: Observed): Action[] {
  const { gateway, live } = observed;
  const { gatewayClassName, addresses = [] } = gateway.spec;
  const service = live.find(({ type, object }) => type === SERVICE && object.metadata.name === gateway.metadata.name);
  if (gatewayClassName !== ISTIO_CLASS || !service || !isOurs(service.object, gateway)) return [];
  if (addresses.length > 0) return ingressRemovals(observed);
  const domain = clusterDomain(observed);
  return domain === undefined ? [] : [{ type: 'set-address', host: serviceHost(gateway, domain) }];
}

const DOMAIN = '$(POD_NAMESPACE).svc.';

/** Of the mesh, else as the waypoint that runs was told. */
function clusterDomain({ gateway, inputs, live }: Observed): string | undefined {
  if ('found' in inputs) return inputs.found.clusterDomain;
  const ours = live.find(({ type, object }) => type === DEPLOYMENT && isOurs(object, gateway))?.object;
  const containers = (ours as Deployment | undefined)?.spec.template.spec.containers ?? [];
  const args = containers.flatMap((container) => container.args ?? []);
  const domain = args[args.indexOf('--domain') + 1];
  return domain?.startsWith(DOMAIN) ? domain.slice(DOMAIN.length) : undefined;
}
