import type { Condition } from '../../../kube/conditions.js';
import { clusterScoped, namespaced, type KubeObject } from '../../../kube/resource.js';
import type { LabelSelector } from '../../../kube/selectors.js';

/** Which namespaces may attach. */
export interface AllowedNamespaces {
  from?: 'All' | 'Same' | 'Selector' | 'None';
  selector?: LabelSelector;
}

/** A kind of route, such as `HTTPRoute`. */
export interface RouteKind {
  group?: string;
  kind: string;
}

/** One port of a Gateway. */
export interface Listener {
  name: string;
  port: number;
  protocol: string;
  hostname?: string;
  tls?: { mode?: string };
  allowedRoutes?: { namespaces?: AllowedNamespaces; kinds?: RouteKind[] };
}

/** What istiod says of a listener. */
export interface ListenerStatus {
  name: string;
  attachedRoutes: number;
  supportedKinds: RouteKind[];
  conditions: Condition[];
}

/** Where a Gateway can be reached. */
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

/** A GatewayClass of the Gateway API. */
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

/** What a route leads to. */
export interface BackendReference {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
  port?: number;
}

/** What istiod says of a route at one of its parents. */
export interface RouteParentStatus {
  parentRef: ParentReference;
  controllerName: string;
  conditions: Condition[];
}

/** An HTTPRoute of the Gateway API. */
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

/** An AuthorizationPolicy of Istio. */
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

export const GATEWAY = namespaced<Gateway>(gatewayApi, 'v1', 'gateways', 'Gateway');
export const GATEWAY_CLASS = clusterScoped<GatewayClass>(gatewayApi, 'v1', 'gatewayclasses', 'GatewayClass');
export const HTTP_ROUTE = namespaced<HttpRoute>(gatewayApi, 'v1', 'httproutes', 'HTTPRoute');
export const AUTHORIZATION_POLICY = namespaced<AuthorizationPolicy>(
  'security.istio.io',
  'v1',
  'authorizationpolicies',
  'AuthorizationPolicy',
);
export const ENDPOINT_SLICE = namespaced<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice');
