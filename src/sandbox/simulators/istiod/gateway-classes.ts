/** Istio's classes of Gateways, profile `ambient`. */
export interface ClassInfo {
  controller: string;
  description: string;
  /** What istiod deploys for such a Gateway; absent: nothing. */
  template?: 'router' | 'waypoint';
  serviceType: 'LoadBalancer' | 'ClusterIP';
  /** Value of the label by which istiod knows objects that it manages. */
  managedLabel: string;
  /** Objects are called `<gateway>-<class>`, not as the Gateway. */
  hasSuffix: boolean;
  /** Which address of the Service is told in the status; absent: both. */
  addressType?: 'Hostname';
}

/**
 * By the name of the class.
 *
 * @see istio/istio pilot/pkg/config/kube/gatewaycommon/classinfo.go
 */
export const gatewayClasses: Readonly<Record<string, ClassInfo>> = {
  istio: {
    controller: 'istio.io/gateway-controller',
    description: 'The default Istio GatewayClass',
    template: 'router',
    serviceType: 'LoadBalancer',
    managedLabel: 'istio.io-gateway-controller',
    hasSuffix: true,
    addressType: 'Hostname',
  },
  'istio-remote': {
    controller: 'istio.io/unmanaged-gateway',
    description: 'Remote to this cluster. Does not deploy or affect configuration.',
    serviceType: 'ClusterIP',
    managedLabel: '',
    hasSuffix: false,
    addressType: 'Hostname',
  },
  'istio-waypoint': {
    controller: 'istio.io/mesh-controller',
    description: 'The default Istio waypoint GatewayClass',
    template: 'waypoint',
    serviceType: 'ClusterIP',
    managedLabel: 'istio.io-mesh-controller',
    hasSuffix: false,
  },
};

/** Label on objects that istiod has rendered for a Gateway. */
export const managedLabel = 'gateway.istio.io/managed';

/** The info behind a controller's name, whatever class names it. */
export function classOfController(controller: string): ClassInfo | undefined {
  return Object.values(gatewayClasses).find((info) => info.controller === controller);
}
