import { parse } from 'yaml';
import type { MeshConfig, ProxyConfig } from './injection-config.js';

/** Annotation of a pod with YAML of a `ProxyConfig`, merged over that of the mesh. */
const proxyConfigAnnotation = 'proxy.istio.io/config';

/** Port of the agent in the proxy, unless configured. */
export const defaultStatusPort = 15020;

/** What istiod leaves out of the environment because every proxy has it. */
const defaults: ProxyConfig = {
  configPath: './etc/istio/proxy',
  binaryPath: '/usr/local/bin/envoy',
  serviceCluster: 'istio-proxy',
  drainDuration: '45s',
  terminationDrainDuration: '5s',
  proxyAdminPort: 15000,
  controlPlaneAuthPolicy: 'MUTUAL_TLS',
  discoveryAddress: 'istiod.istio-system.svc:15012',
  statNameLength: 189,
  statusPort: defaultStatusPort,
};

/** Order of the fields as protobuf writes them: by number. */
const fieldOrder = [
  'drainDuration',
  'discoveryAddress',
  'statusPort',
  'concurrency',
  'proxyMetadata',
  'holdApplicationUntilProxyStarts',
  'image',
];

/** The configuration of one proxy: that of the mesh with the annotation of its pod merged over it. */
export function proxyConfigOf(mesh: MeshConfig, annotations: Record<string, string>): ProxyConfig {
  const own = annotations[proxyConfigAnnotation];
  if (own === undefined) return mesh.defaultConfig;
  const parsed = parse(own) as ProxyConfig;
  return {
    ...mesh.defaultConfig,
    ...parsed,
    proxyMetadata: { ...mesh.defaultConfig.proxyMetadata, ...parsed.proxyMetadata },
  };
}

/** How traffic is intercepted: `REDIRECT` unless configured. */
export function interceptionModeOf(config: ProxyConfig): string {
  return config.interceptionMode ?? 'REDIRECT';
}

/**
 * JSON of a configuration without what is the default anyway, as the environment of a proxy holds it.
 *
 * @see istio/istio pkg/kube/inject/template.go, cleanProxyConfig
 */
export function proxyConfigJson(config: ProxyConfig): string {
  const told = Object.entries(config).filter(([field, value]) => value !== defaults[field]);
  const rank = ([field]: [string, unknown]): number => (fieldOrder.indexOf(field) + 1 || fieldOrder.length) - 1;
  const sorted = told.sort((a, b) => rank(a) - rank(b)).map(([field, value]) => [field, sortedKeys(value)] as const);
  return JSON.stringify(Object.fromEntries(sorted));
}

function sortedKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
