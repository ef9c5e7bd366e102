/** A `ProxyConfig` of the mesh configuration as plain JSON, only with what somebody has set. */
export type ProxyConfig = Readonly<Record<string, unknown>>;

/** A ProxyConfig (networking.istio.io), as far as Istio reads it. */
export interface ProxyConfigObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    /** RFC 3339; among several that match, the oldest counts. */
    readonly creationTimestamp?: string;
  };
  readonly spec?: {
    /** Absent: for the whole namespace. */
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly concurrency?: unknown;
    /** Becomes `proxyMetadata`. */
    readonly environmentVariables?: Readonly<Record<string, string>>;
    readonly image?: unknown;
  };
}

/** What every proxy has anyway. @see istio/istio pkg/config/mesh/mesh.go, DefaultProxyConfig */
const DEFAULTS: ProxyConfig = {
  configPath: './etc/istio/proxy',
  binaryPath: '/usr/local/bin/envoy',
  serviceCluster: 'istio-proxy',
  drainDuration: '45s',
  terminationDrainDuration: '5s',
  proxyAdminPort: 15000,
  controlPlaneAuthPolicy: 'MUTUAL_TLS',
  discoveryAddress: 'istiod.istio-system.svc:15012',
  statNameLength: 189,
  statusPort: 15020,
};

/** Fields whose value may be the zero of its type and still counts, because protobuf wraps or nests it. */
const KEPT_WHEN_ZERO = ['concurrency', 'holdApplicationUntilProxyStarts', 'statsCompression', 'tracingServiceName'];

/** Enumerations by their value 0, which is the same as nothing. */
const FIRST_OF_ENUM: ProxyConfig = { controlPlaneAuthPolicy: 'NONE', interceptionMode: 'REDIRECT' };

/** Fields in the order in which protobuf prints them. @see istio/api mesh/v1alpha1/proxy.proto, message ProxyConfig */
const ORDER = [
  ...['configPath', 'binaryPath', 'serviceCluster', 'tracingServiceName', 'drainDuration', 'discoveryAddress'],
  ...['discoveryRefreshDelay', 'zipkinAddress', 'statsdUdpAddress', 'envoyMetricsServiceAddress', 'proxyAdminPort'],
  ...['availabilityZone', 'controlPlaneAuthPolicy', 'customConfigFile', 'statNameLength', 'concurrency'],
  ...['proxyBootstrapTemplatePath', 'interceptionMode', 'tracing', 'sds', 'envoyAccessLogService'],
  ...['envoyMetricsService', 'proxyMetadata', 'runtimeValues', 'statusPort', 'extraStatTags', 'gatewayTopology'],
  ...['terminationDrainDuration', 'meshId', 'readinessProbe', 'proxyStatsMatcher', 'holdApplicationUntilProxyStarts'],
  ...['caCertificatesPem', 'image', 'privateKeyProvider', 'proxyHeaders', 'fileFlushInterval', 'fileFlushMinSizeKb'],
  ...['statsCompression', 'connectionSettings'],
];

/** Headers that are merged one by one. @see istio/istio pkg/config/mesh/mesh.go, correctProxyHeaders */
const MERGED_HEADERS = ['forwardedClientCert', 'requestId', 'attemptCount', 'server', 'envoyDebugHeaders'];

const DURATIONS = ['drainDuration', 'discoveryRefreshDelay', 'terminationDrainDuration', 'fileFlushInterval'];

/**
 * Lays `over` on `base`: field by field, `proxyMetadata` key by key.
 *
 * @see istio/istio pkg/config/mesh/mesh.go, MergeProxyConfig
 */
export function mergedProxyConfig(base: ProxyConfig, over: ProxyConfig): ProxyConfig {
  const fields = camelCased(over);
  const merged: Record<string, unknown> = { ...base, ...fields };
  if (fields.proxyMetadata !== undefined)
    merged.proxyMetadata = { ...(base.proxyMetadata as object), ...(fields.proxyMetadata as object) };
  if (base.proxyHeaders !== undefined && fields.proxyHeaders !== undefined) {
    const kept = Object.entries(base.proxyHeaders as object).filter(([name]) => MERGED_HEADERS.includes(name));
    merged.proxyHeaders = { ...Object.fromEntries(kept), ...(fields.proxyHeaders as object) };
  }
  return merged;
}

/**
 * The configuration of one proxy: the mesh's, then the root namespace's ProxyConfig, its own namespace's and the one that
 * selects it. Of each, the oldest.
 *
 * @param labels  that selectors see; of a waypoint istiod shows them `gateway.networking.k8s.io/gateway-name` only
 * @see istio/istio pilot/pkg/model/proxy_config.go, EffectiveProxyConfig
 */
export function effectiveProxyConfig(
  mesh: ProxyConfig,
  objects: readonly ProxyConfigObject[],
  proxy: { namespace: string; rootNamespace: string; labels: Readonly<Record<string, string>> },
): ProxyConfig {
  const layers = [
    wideProxyConfig(objects, proxy.rootNamespace),
    wideProxyConfig(objects, proxy.namespace),
    oldest(objects, proxy.namespace, (object) => selects(object, proxy.labels)),
  ];
  return layers.reduce<ProxyConfig>((merged, layer) => mergedProxyConfig(merged, fieldsOf(layer)), mesh);
}

/** The ProxyConfig that counts for all of a namespace, or in the root namespace for the whole mesh. */
export function wideProxyConfig(
  objects: readonly ProxyConfigObject[],
  namespace: string,
): ProxyConfigObject | undefined {
  return oldest(objects, namespace, ({ spec }) => spec?.selector === undefined);
}

function oldest(
  objects: readonly ProxyConfigObject[],
  namespace: string,
  matches: (object: ProxyConfigObject) => boolean,
): ProxyConfigObject | undefined {
  const all = objects.filter((object) => object.metadata.namespace === namespace && matches(object));
  return all.toSorted((a, b) => (ageKey(a) < ageKey(b) ? -1 : 1))[0];
}

/**
 * The text that istiod gives a proxy: JSON without defaults and zeros, fields in protobuf's order. Within a nested field
 * the keys stay as they were given; who reads it does not mind.
 *
 * @see istio/istio pkg/kube/inject/template.go, cleanProxyConfig
 */
export function proxyConfigJson(config: ProxyConfig): string {
  const told = ORDER.flatMap((field) => {
    const value = DURATIONS.includes(field) ? canonicalDuration(config[field]) : config[field];
    return isTold(field, value) ? [[field, isMap(field) ? sortedStrings(value) : value]] : [];
  });
  return JSON.stringify(Object.fromEntries(told));
}

/** `proxyMetadata` with its keys sorted: an environment variable each. */
export function proxyMetadata(config: ProxyConfig): Readonly<Record<string, string>> {
  return sortedStrings(config.proxyMetadata ?? {});
}

function isTold(field: string, value: unknown): boolean {
  if (value === undefined || value === null || value === DEFAULTS[field] || value === FIRST_OF_ENUM[field])
    return false;
  if (KEPT_WHEN_ZERO.includes(field)) return true;
  if (Array.isArray(value)) return value.length > 0;
  return isMap(field) ? Object.keys(value).length > 0 : Boolean(value);
}

const isMap = (field: string): boolean => field === 'proxyMetadata' || field === 'runtimeValues';

function sortedStrings(map: unknown): Record<string, string> {
  const entries = Object.entries(map as object).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
}

/** protobuf reads both spellings of a field and prints one. */
function camelCased(config: ProxyConfig): ProxyConfig {
  const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(config).map(([field, value]) => [camel(field), value]));
}

const UNIT_NS: Readonly<Record<string, number>> = { h: 3.6e12, m: 6e10, s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1 };

/** A duration in seconds, as protobuf prints it: `1m` is `60s`, `500ms` is `0.500s`. What is none stays as it is. */
function canonicalDuration(value: unknown): unknown {
  if (typeof value !== 'string' || !/^(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$/.test(value)) return value;
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)];
  const nanoseconds = Math.round(parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_NS[unit!]!, 0));
  const fraction = String(nanoseconds % 1e9).padStart(9, '0');
  const digits = fraction.replace(/(000)+$/, '');
  return `${Math.floor(nanoseconds / 1e9)}${digits === '' ? '' : `.${digits}`}s`;
}

function ageKey({ metadata }: ProxyConfigObject): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.name}.${metadata.namespace ?? ''}`;
}

function selects({ spec }: ProxyConfigObject, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(spec?.selector?.matchLabels ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

function fieldsOf(object: ProxyConfigObject | undefined): ProxyConfig {
  const { concurrency, environmentVariables, image } = object?.spec ?? {};
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(environmentVariables !== undefined && { proxyMetadata: environmentVariables }),
    ...(image !== undefined && { image }),
  };
}
