/** Objects that istiod is compared by, and what is looked at. */
export type Json = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

const gatewayApi = 'gateway.networking.k8s.io/v1';

/** Where objects of a kind are served. */
export const plurals: Record<string, { path: string; plural: string }> = {
  Service: { path: '/api/v1', plural: 'services' },
  ServiceAccount: { path: '/api/v1', plural: 'serviceaccounts' },
  ConfigMap: { path: '/api/v1', plural: 'configmaps' },
  Deployment: { path: '/apis/apps/v1', plural: 'deployments' },
  HorizontalPodAutoscaler: { path: '/apis/autoscaling/v2', plural: 'horizontalpodautoscalers' },
  PodDisruptionBudget: { path: '/apis/policy/v1', plural: 'poddisruptionbudgets' },
  Gateway: { path: `/apis/${gatewayApi}`, plural: 'gateways' },
  HTTPRoute: { path: `/apis/${gatewayApi}`, plural: 'httproutes' },
  AuthorizationPolicy: { path: '/apis/security.istio.io/v1', plural: 'authorizationpolicies' },
};

/** An object of any kind; the namespace is added when it is created. */
export function object(apiVersion: string, kind: string, name: string, rest: Json = {}): Json {
  const { metadata, ...fields } = rest;
  return { apiVersion, kind, metadata: { name, ...metadata }, ...fields };
}

const hbone = { name: 'mesh', port: 15008, protocol: 'HBONE' };
const http = { name: 'http', port: 80, protocol: 'HTTP' };

/** A Gateway of class `istio-waypoint`, unless told otherwise. */
export function gateway(name = 'waypoint', spec: Json = {}, metadata: Json = {}): Json {
  return object(gatewayApi, 'Gateway', name, {
    metadata,
    spec: { gatewayClassName: 'istio-waypoint', listeners: [hbone], ...spec },
  });
}

/** A Gateway of class `istio`. */
export function ingress(spec: Json = {}, metadata: Json = {}): Json {
  return gateway('edge', { gatewayClassName: 'istio', listeners: [http], ...spec }, metadata);
}

/** A Service on port 80. */
export function service(name: string, labels: Json = {}, spec: Json = {}): Json {
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  return object('v1', 'Service', name, { metadata: { labels }, spec: { selector: { app: name }, ports, ...spec } });
}

/** A Deployment whose pods a Service of that name selects. */
export function deployment(name: string, port = 8080): Json {
  const labels = { app: name };
  const containers = [{ name: 'app', image: 'example.com/app:1', ports: [{ containerPort: port }] }];
  return object('apps/v1', 'Deployment', name, {
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  });
}

/** An AuthorizationPolicy. */
export function policy(name: string, spec: Json, annotations: Json = {}): Json {
  return object('security.istio.io/v1', 'AuthorizationPolicy', name, { metadata: { annotations }, spec });
}

/** An HTTPRoute that sends everything to a Service. */
export function route(name: string, parentRefs: Json[], backend: Json = { name: 'web', port: 80 }): Json {
  return object(gatewayApi, 'HTTPRoute', name, { spec: { parentRefs, rules: [{ backendRefs: [backend] }] } });
}

/** A ConfigMap. */
export function configMap(name: string, data: Json): Json {
  return object('v1', 'ConfigMap', name, { data });
}
