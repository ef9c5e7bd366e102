import { formatAddress } from '../../../src/mesh/ambient-index/ip-address.js';
import type {
  GatewayAddress,
  LocalConfig,
  LocalMatch,
  LocalPolicy,
  LocalService,
  LocalWorkload,
  StringMatch,
} from '../../../src/mesh/ztunnel-config.js';

/*
 * istiod's ambient index, read as ztunnel reads what istiod sends it, and written as ztunnel's file has it.
 * Source: istio/ztunnel src/state/{workload,service}.rs and src/rbac.rs, the conversions from xDS
 */

type Json = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- answers of a debug endpoint

/** The whole index that `/debug/ambientz` shows, sorted by name. */
export async function readAmbientz(istiodUrl: string): Promise<LocalConfig> {
  const answer = await fetch(`${istiodUrl}/debug/ambientz`);
  const { workloads, services, policies } = (await answer.json()) as Record<string, Json[] | null>;
  return {
    workloads: (workloads ?? []).map(workloadOf).sort(by((workload) => workload.uid)),
    services: (services ?? []).map(serviceOf).sort(by(({ namespace, hostname }) => `${namespace}/${hostname}`)),
    policies: (policies ?? []).map(policyOf).sort(by(({ namespace, name }) => `${namespace}/${name}`)),
  };
}

const by =
  <T>(keyOf: (item: T) => string) =>
  (a: T, b: T): number =>
    keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0;

function workloadOf(json: Json): LocalWorkload {
  return present({
    uid: json.uid,
    name: json.name,
    namespace: json.namespace,
    workloadIps: (json.addresses ?? []).map(text),
    waypoint: gatewayOf(json.waypoint),
    networkGateway: gatewayOf(json.networkGateway),
    protocol: json.tunnelProtocol,
    networkMode: json.networkMode && { HOST_NETWORK: 'HostNetwork' as const }[json.networkMode as 'HOST_NETWORK'],
    trustDomain: json.trustDomain ?? 'cluster.local',
    serviceAccount: json.serviceAccount ?? 'default',
    network: json.network,
    workloadName: json.workloadName,
    workloadType: (json.workloadType ?? 'DEPLOYMENT').toLowerCase(),
    canonicalName: json.canonicalName,
    canonicalRevision: json.canonicalRevision,
    hostname: json.hostname,
    node: json.node,
    clusterId: json.clusterId ?? 'Kubernetes',
    nativeTunnel: json.nativeTunnel,
    applicationTunnel:
      json.applicationTunnel &&
      present({ protocol: json.applicationTunnel.protocol ?? ('NONE' as const), port: json.applicationTunnel.port }),
    authorizationPolicies: json.authorizationPolicies,
    status: json.status && { UNHEALTHY: 'Unhealthy' as const }[json.status as 'UNHEALTHY'],
    locality: json.locality && { region: '', zone: '', subzone: '', ...json.locality },
    capacity: json.capacity === 1 ? undefined : json.capacity,
    services: Object.fromEntries(
      Object.entries<Json>(json.services ?? {}).map(([key, { ports }]) => [key, portsOf(ports)]),
    ),
  });
}

function serviceOf(json: Json): LocalService {
  const addresses: Json[] = json.addresses ?? [];
  const cidrVips = addresses.filter(({ length }) => length !== undefined);
  const balancing = json.loadBalancing;
  return present({
    name: json.name,
    namespace: json.namespace,
    hostname: json.hostname,
    vips: addresses
      .filter(({ length }) => length === undefined)
      .map(({ network = '', address }) => `${network}/${text(address)}`),
    cidrVips:
      cidrVips.length > 0
        ? cidrVips.map(({ network = '', address, length }) => `${network}/${text(address)}/${length}`)
        : undefined,
    ports: portsOf(json.ports),
    subjectAltNames: json.subjectAltNames,
    waypoint: gatewayOf(json.waypoint),
    weightedWaypoints: json.weightedWaypoints?.map(({ destination, weight = 0 }: Json) => ({
      destination: gatewayOf(destination, bytes),
      weight,
    })),
    loadBalancer: balancing && {
      routingPreferences: (balancing.routingPreference ?? []).map(capitalised),
      mode: balancing.mode === undefined ? ('Standard' as const) : capitalised(balancing.mode),
      healthPolicy: balancing.healthPolicy === 'ALLOW_ALL' ? ('AllowAll' as const) : ('OnlyHealthy' as const),
    },
    ipFamilies: json.ipFamilies && ({ IPV4_ONLY: 'IPv4', IPV6_ONLY: 'IPv6', DUAL: 'Dual' } as Json)[json.ipFamilies],
    canonical: json.canonical,
    visibility: json.visibility && capitalised(json.visibility),
  });
}

function policyOf(json: Json): LocalPolicy {
  return {
    name: json.name,
    namespace: json.namespace,
    scope: ({ NAMESPACE: 'Namespace', WORKLOAD_SELECTOR: 'WorkloadSelector' } as Json)[json.scope] ?? 'Global',
    action: json.action === 'DENY' ? 'Deny' : 'Allow',
    rules: (json.groups ?? []).map((group: Json) =>
      (group.rules ?? []).map((clause: Json) => (clause.matches ?? []).map(matchOf)),
    ),
    dryRun: json.dryRun ?? false,
  };
}

function matchOf(json: Json): LocalMatch {
  return Object.fromEntries(
    Object.entries<Json[]>(json).map(([field, values]) => [
      field,
      /Ips$/.test(field)
        ? values.map(({ address, length = 0 }) => `${bytes(address)}/${length}`)
        : /(amespaces|rincipals)$/.test(field)
          ? values.map(stringOf)
          : values,
    ]),
  );
}

function stringOf(json: Json): StringMatch {
  const [[kind, value]] = Object.entries(json) as [[string, string]];
  return kind === 'presence' ? { Presence: [] } : ({ [capitalised(kind)]: value } as unknown as StringMatch);
}

/** Of a port that is there twice the last counts. */
function portsOf(ports: Json[] = []): Record<string, number> {
  return Object.fromEntries(ports.map(({ servicePort, targetPort = 0 }) => [servicePort, targetPort]));
}

/** @param read  how an address is encoded: in weighted waypoints as everywhere but in this endpoint */
function gatewayOf(json: Json, read = text): GatewayAddress | undefined {
  if (!json) return undefined;
  const { hostname, address, hboneMtlsPort } = json;
  const destination = hostname
    ? `${hostname.namespace}/${hostname.hostname}`
    : `${address.network ?? ''}/${read(address.address)}`;
  return { destination, hboneMtlsPort };
}

/** Base64 of an address as text. */
const text = (base64: string): string => Buffer.from(base64, 'base64').toString();

/** Base64 of an address as bytes. */
const bytes = (base64: string): string => formatAddress([...Buffer.from(base64, 'base64')]);

const capitalised = (word: string): Json => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();

function present<T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]: Exclude<T[K], undefined> };
}
