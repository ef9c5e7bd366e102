import type { Kind, ResourceObject } from './resource.js';

const GROUP = 'gateway.networking.k8s.io';

/** A condition in the status of a Gateway API object. */
export interface GatewayCondition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  observedGeneration?: number;
}

/** A class of Gateways; istiod accepts `istio-waypoint` only with ambient support. */
export interface GatewayClass extends ResourceObject {
  spec: { controllerName: string };
  status?: { conditions?: GatewayCondition[] };
}

/** A proxy at the edge of the mesh, or a waypoint in it. */
export interface Gateway extends ResourceObject {
  spec: {
    gatewayClassName: string;
    listeners: GatewayListener[];
    addresses?: { type?: string; value?: string }[];
    infrastructure?: {
      labels?: Record<string, string>;
      annotations?: Record<string, string>;
      /** An object that changes what is rendered for the Gateway; Istio takes ConfigMaps of the same namespace. */
      parametersRef?: { group: string; kind: string; name: string };
    };
  };
  status?: {
    conditions?: GatewayCondition[];
    addresses?: { type?: string; value: string }[];
    listeners?: GatewayListenerStatus[];
  };
}

/** What a controller says of a listener. */
export interface GatewayListenerStatus {
  name: string;
  attachedRoutes: number;
  /** Kinds of routes that the listener can have. */
  supportedKinds: { group?: string; kind: string }[];
  conditions: GatewayCondition[];
}

/** A port on which a Gateway takes connections. */
export interface GatewayListener {
  name: string;
  port: number;
  protocol: string;
  tls?: { mode?: string; options?: Record<string, string> };
  /** Which namespaces may attach to it, and with what; at a waypoint: which may use it. */
  allowedRoutes?: {
    namespaces?: { from?: string; selector?: NamespaceSelector };
    kinds?: { group?: string; kind: string }[];
  };
}

/** A label selector of namespaces. */
export interface NamespaceSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] }[];
}

/** What a route is attached to; group and kind default to a Gateway of the Gateway API. */
export interface ParentReference {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
  port?: number;
}

/** A route of any protocol. Its rules are read field by field where policies are analysed. */
export interface Route extends ResourceObject {
  spec: { parentRefs?: ParentReference[] };
}

const kind = <T extends ResourceObject>(name: string, plural: string, namespaced = true): Kind<T> => ({
  group: GROUP,
  version: 'v1',
  plural,
  kind: name,
  namespaced,
});

// Source: kubernetes-sigs/gateway-api v1.6.0, config/crd/standard

/** Classes of Gateways. Cluster-scoped. */
export const GATEWAY_CLASS = kind<GatewayClass>('GatewayClass', 'gatewayclasses', false);
/** Gateways and waypoints. */
export const GATEWAY = kind<Gateway>('Gateway', 'gateways');
/** Routes of HTTP requests. */
export const HTTP_ROUTE = kind<Route>('HTTPRoute', 'httproutes');
/** Routes of gRPC calls. */
export const GRPC_ROUTE = kind<Route>('GRPCRoute', 'grpcroutes');
/** Routes of TLS connections by server name. */
export const TLS_ROUTE = kind<Route>('TLSRoute', 'tlsroutes');
/** Routes of TCP connections. */
export const TCP_ROUTE = kind<Route>('TCPRoute', 'tcproutes');

/** Every kind of route that may change what a namespace's traffic means. */
export const ROUTE_KINDS: readonly Kind<Route>[] = [HTTP_ROUTE, GRPC_ROUTE, TLS_ROUTE, TCP_ROUTE];
