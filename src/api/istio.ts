import type { Kind, ResourceObject } from './resource.js';

/**
 * An object of Istio's. Its `spec` is read field by field where policies are analysed, and not through a type here: a
 * field that a newer version of Istio brings must be seen, for it may decide who is let in.
 */
export interface IstioObject extends ResourceObject {
  spec?: unknown;
}

const kind = (group: string, version: string, name: string, plural: string): Kind<IstioObject> => ({
  group,
  version,
  plural,
  kind: name,
  namespaced: true,
});

const EXTENSIONS = 'extensions.istio.io';
const NETWORKING = 'networking.istio.io';
const SECURITY = 'security.istio.io';
const TELEMETRY_GROUP = 'telemetry.istio.io';

// The versions are those that Istio 1.24 to 1.32 serve: v1 wherever it exists.
// Source: istio/istio manifests/charts/base/files/crd-all.gen.yaml

/** Who may call whom. */
export const AUTHORIZATION_POLICY = kind(SECURITY, 'v1', 'AuthorizationPolicy', 'authorizationpolicies');
/** Which JWTs are accepted. */
export const REQUEST_AUTHENTICATION = kind(SECURITY, 'v1', 'RequestAuthentication', 'requestauthentications');
/** Whether callers need mTLS. */
export const PEER_AUTHENTICATION = kind(SECURITY, 'v1', 'PeerAuthentication', 'peerauthentications');
/** Routing rules, executed by the caller's sidecar. */
export const VIRTUAL_SERVICE = kind(NETWORKING, 'v1', 'VirtualService', 'virtualservices');
/** Load balancing, TLS and subsets of a destination, executed by the caller's sidecar. */
export const DESTINATION_RULE = kind(NETWORKING, 'v1', 'DestinationRule', 'destinationrules');
/** What a sidecar captures and knows. */
export const SIDECAR = kind(NETWORKING, 'v1', 'Sidecar', 'sidecars');
/** Patches of Envoy's configuration. */
export const ENVOY_FILTER = kind(NETWORKING, 'v1alpha3', 'EnvoyFilter', 'envoyfilters');
/** Services outside the cluster. */
export const SERVICE_ENTRY = kind(NETWORKING, 'v1', 'ServiceEntry', 'serviceentries');
/** Workloads outside the cluster. */
export const WORKLOAD_ENTRY = kind(NETWORKING, 'v1', 'WorkloadEntry', 'workloadentries');
/** Templates of WorkloadEntries. */
export const WORKLOAD_GROUP = kind(NETWORKING, 'v1', 'WorkloadGroup', 'workloadgroups');
/** Settings of proxies. */
export const PROXY_CONFIG = kind(NETWORKING, 'v1beta1', 'ProxyConfig', 'proxyconfigs');
/** WebAssembly filters in proxies. */
export const WASM_PLUGIN = kind(EXTENSIONS, 'v1alpha1', 'WasmPlugin', 'wasmplugins');
/** Filters in proxies, the successor of WasmPlugin from Istio 1.30 on. */
export const TRAFFIC_EXTENSION = kind(EXTENSIONS, 'v1alpha1', 'TrafficExtension', 'trafficextensions');
/** Logs, metrics and traces of proxies. */
export const TELEMETRY = kind(TELEMETRY_GROUP, 'v1', 'Telemetry', 'telemetries');

/** Every kind of Istio's that may change what a namespace's traffic means. */
export const ISTIO_KINDS: readonly Kind<IstioObject>[] = [
  AUTHORIZATION_POLICY,
  REQUEST_AUTHENTICATION,
  PEER_AUTHENTICATION,
  VIRTUAL_SERVICE,
  DESTINATION_RULE,
  SIDECAR,
  ENVOY_FILTER,
  SERVICE_ENTRY,
  WORKLOAD_ENTRY,
  WORKLOAD_GROUP,
  PROXY_CONFIG,
  WASM_PLUGIN,
  TRAFFIC_EXTENSION,
  TELEMETRY,
];
