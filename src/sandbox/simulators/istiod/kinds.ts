import type { Condition } from '../../../kube/conditions.js';
import type { KubeObject, ResourceType } from '../../../kube/resource.js';
import type { LabelSelector } from '../../../kube/selectors.js';

/** Which namespaces may attach. */
export interface AllowedNamespaces {
  from?: 'All' | 'Same' | 'Selector' | 'None';
  selector?: LabelSelector;
}

export interface RouteKind {
  group?: string;
  kind: string;
}

export interface Listener {
  name: string;
  port: number;
  protocol: string;
  hostname?: string;
  tls?: { mode?: string };
  allowedRoutes?: { namespaces?: AllowedNamespaces; kinds?: RouteKind[] };
}

export interface ListenerStatus {
  name: string;
  attachedRoutes: number;
  supportedKinds: RouteKind[];
  conditions: Condition[];
}

export interface Address {
  type?: string;
  value: string;
}

/** A Gateway of the Gateway API, the fields that istiod reads and writes here. */
export interface Gateway extends KubeObject {
  spec: {
    gatewayClassName: string;
    listeners: Listener[];
    addresses?: Address[];
    infrastructure?: {
      labels?: Record<string, string>;
      annotations?: Record<string, string>;
      parametersRef?: { group: string; kind: string; name: string };
    };
  };
  status?: { conditions?: Condition[]; listeners?: ListenerStatus[]; addresses?: Address[] };
}

export interface GatewayClass extends KubeObject {
  spec: { controllerName: string; description?: string };
  status?: { conditions?: Condition[] };
}

/** What a route is attached to. */
export interface ParentReference {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
  sectionName?: string;
  port?: number;
}

export interface BackendReference {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
  port?: number;
}

export interface RouteParentStatus {
  parentRef: ParentReference;
  controllerName: string;
  conditions: Condition[];
}

export interface HttpRoute extends KubeObject {
  spec: {
    parentRefs?: ParentReference[];
    hostnames?: string[];
    rules?: { backendRefs?: BackendReference[] }[];
  };
  status?: { parents?: RouteParentStatus[] };
}

interface PolicySource {
  [field: string]: string[] | undefined;
}

/** One rule of an AuthorizationPolicy; its lists are named as in the API. */
export interface PolicyRule {
  from?: { source?: PolicySource }[];
  to?: { operation?: PolicySource }[];
  when?: { key?: string; values?: string[]; notValues?: string[] }[];
}

/** What a policy is meant for, when it is meant for a waypoint. */
export interface TargetReference {
  group?: string;
  kind: string;
  namespace?: string;
  name: string;
}

export interface AuthorizationPolicy extends KubeObject {
  spec?: {
    action?: 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM';
    selector?: { matchLabels?: Record<string, string> };
    provider?: { name?: string };
    rules?: PolicyRule[];
    targetRef?: TargetReference;
    targetRefs?: TargetReference[];
  };
  status?: { conditions?: Condition[] };
}

/** Addresses behind a Service. */
export interface EndpointSlice extends KubeObject {
  endpoints?: { addresses: string[]; conditions?: { ready?: boolean } }[] | null;
  ports?: { name?: string; port?: number }[] | null;
}

const gatewayApi = 'gateway.networking.k8s.io';

export const GATEWAY: ResourceType<Gateway> = {
  group: gatewayApi,
  version: 'v1',
  plural: 'gateways',
  kind: 'Gateway',
  namespaced: true,
};
export const GATEWAY_CLASS: ResourceType<GatewayClass> = {
  group: gatewayApi,
  version: 'v1',
  plural: 'gatewayclasses',
  kind: 'GatewayClass',
  namespaced: false,
};
export const HTTP_ROUTE: ResourceType<HttpRoute> = {
  group: gatewayApi,
  version: 'v1',
  plural: 'httproutes',
  kind: 'HTTPRoute',
  namespaced: true,
};
export const AUTHORIZATION_POLICY: ResourceType<AuthorizationPolicy> = {
  group: 'security.istio.io',
  version: 'v1',
  plural: 'authorizationpolicies',
  kind: 'AuthorizationPolicy',
  namespaced: true,
};
export const ENDPOINT_SLICE: ResourceType<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
};
