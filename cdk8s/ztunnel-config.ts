import { Document, Scalar, YAMLSeq } from 'yaml';
import type {
  GatewayAddress,
  LocalConfig,
  LocalMatch,
  LocalPolicy,
  LocalService,
  LocalWorkload,
  ServiceAccountMatch,
  StringMatch,
} from '../src/mesh/ztunnel-config.js';

/** A minor version of ztunnel, which is that of Istio. */
export interface ZtunnelVersion {
  readonly major: number;
  readonly minor: number;
}

/** The newest version whose file format we know; what a ztunnel of unknown version is taken for. */
export const NEWEST_ZTUNNEL: ZtunnelVersion = { major: 1, minor: 31 };

/** The version at the start of a text such as `1.31`, `v1.31.2` or the tag `1.31.2-distroless`; undefined if there is none. */
export function ztunnelVersion(text: string): ZtunnelVersion | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)(?![\d])/.exec(text) ?? [];
  return major === undefined || minor === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

/** The first version that one of these texts says; the newest that we know if none does. */
export function versionOf(tags: readonly string[]): ZtunnelVersion {
  const [version = NEWEST_ZTUNNEL] = tags.flatMap((tag) => ztunnelVersion(tag) ?? []);
  return version;
}

/**
 * The configuration as ztunnel's own file: what `LOCAL_XDS_PATH` reads. Equal content gives equal text, whatever the order of
 * lists and keys that have none.
 *
 * @param version  decides which fields are written: ztunnel refuses a file with a field that it does not know
 * @see istio/ztunnel src/state.rs (LocalConfig); dtolnay/serde-yaml issue 342: a variant with a value is a YAML tag
 */
export function ztunnelConfigYaml(config: LocalConfig, version: ZtunnelVersion): string {
  return [...ztunnelConfigPieces(config, version)].join('');
}

/** Items in a piece of {@link ztunnelConfigPieces}: about 20 ms of work. */
const PIECE_ITEMS = 100;

/** The text of {@link ztunnelConfigYaml} in pieces, for those who must not keep others waiting: thousands of pods take seconds. */
export function* ztunnelConfigPieces(config: LocalConfig, version: ZtunnelVersion): Generator<string> {
  for (const [key, items] of Object.entries(file(config, version))) {
    yield items.length === 0 ? `${key}: []\n` : `${key}:\n`;
    for (let at = 0; at < items.length; at += PIECE_ITEMS) yield yaml(items.slice(at, at + PIECE_ITEMS));
  }
}

function yaml(items: readonly object[]): string {
  const document = new Document(items, tagged, {
    // What an older YAML, or ztunnel's, reads as a number or a truth stands in quotes.
    compat: 'yaml-1.1',
    aliasDuplicateObjects: false,
  });
  return document.toString({ lineWidth: 0, indentSeq: false });
}

/** The same as JSON, which ztunnel prints (`/config_dump`) and does not read: string matches are objects, `{"Exact": "a"}`. */
export function ztunnelConfigJson(config: LocalConfig, version: ZtunnelVersion): string {
  return `${JSON.stringify(file(config, version), mapAsObject, 2)}\n`;
}

function mapAsObject(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries<unknown>(value) : value;
}

/** The first version that knows a field, as `major.minor`; undefined for a field that all know that we know of. */
type Since = string | undefined;

/** Every field of a struct in the order in which it is written. */
type Fields<T> = { readonly [Field in keyof T]-?: Since };

const ALL = undefined;

const WORKLOAD: Fields<LocalWorkload> = {
  uid: ALL,
  name: ALL,
  namespace: ALL,
  workloadIps: ALL,
  protocol: ALL,
  nativeTunnel: ALL,
  applicationTunnel: ALL,
  networkMode: ALL,
  status: ALL,
  trustDomain: ALL,
  serviceAccount: ALL,
  network: ALL,
  clusterId: ALL,
  node: ALL,
  locality: ALL,
  capacity: '1.26',
  hostname: ALL,
  workloadName: ALL,
  workloadType: ALL,
  canonicalName: ALL,
  canonicalRevision: ALL,
  waypoint: ALL,
  networkGateway: ALL,
  services: ALL,
  authorizationPolicies: ALL,
};

const SERVICE: Fields<LocalService> = {
  name: ALL,
  namespace: ALL,
  hostname: ALL,
  vips: ALL,
  cidrVips: '1.30',
  ports: ALL,
  subjectAltNames: ALL,
  waypoint: ALL,
  weightedWaypoints: '1.31',
  loadBalancer: ALL,
  ipFamilies: ALL,
  canonical: '1.29',
  visibility: '1.31',
};

const POLICY: Fields<LocalPolicy> = {
  name: ALL,
  namespace: ALL,
  scope: ALL,
  action: ALL,
  dryRun: '1.29',
  rules: ALL,
};

const MATCH: Fields<LocalMatch> = {
  namespaces: ALL,
  notNamespaces: ALL,
  principals: ALL,
  notPrincipals: ALL,
  serviceAccounts: ALL,
  notServiceAccounts: ALL,
  sourceIps: ALL,
  notSourceIps: ALL,
  destinationIps: ALL,
  notDestinationIps: ALL,
  destinationPorts: ALL,
  notDestinationPorts: ALL,
};

function file(
  { workloads, services, policies }: LocalConfig,
  version: ZtunnelVersion,
): Record<keyof LocalConfig, readonly object[]> {
  // A ztunnel that knows no dry runs would enforce them; istiod does not send it any.
  const sent = policies.filter(({ dryRun }) => !dryRun || knows(version, POLICY.dryRun));
  const notSent = new Set(policies.filter((each) => !sent.includes(each)).map(keyOf));
  return {
    workloads: sorted(workloads, ({ uid }) => uid).map((each) => known(workload(each, notSent), WORKLOAD, version)),
    services: sorted(services, ({ namespace, hostname }) => `${namespace}/${hostname}`).map((each) =>
      known(service(each), SERVICE, version),
    ),
    policies: sorted(sent, keyOf).map((each) => known(policy(each), POLICY, version)),
  };
}

const keyOf = ({ namespace, name }: LocalPolicy): string => `${namespace}/${name}`;

/**
 * With the values that istiod's protocol leaves out and the file does not: there an account that is not said is the empty one.
 *
 * @see istio/ztunnel src/state/workload.rs: `TryFrom<XdsWorkload>` fills in what `Deserialize` leaves empty
 */
function workload(given: LocalWorkload, notSent: ReadonlySet<string>): object {
  const { waypoint, networkGateway, applicationTunnel, locality, services } = given;
  const policies = given.authorizationPolicies?.filter((policy) => !notSent.has(policy)) ?? [];
  return {
    ...given,
    trustDomain: given.trustDomain ?? 'cluster.local',
    serviceAccount: given.serviceAccount ?? 'default',
    clusterId: given.clusterId ?? 'Kubernetes',
    waypoint: waypoint && gatewayAddress(waypoint),
    networkGateway: networkGateway && gatewayAddress(networkGateway),
    applicationTunnel: applicationTunnel && { protocol: applicationTunnel.protocol, port: applicationTunnel.port },
    locality: locality && { region: locality.region, zone: locality.zone, subzone: locality.subzone },
    services: new Map(sorted(Object.entries(services), ([name]) => name).map(([name, map]) => [name, ports(map)])),
    authorizationPolicies: policies.length > 0 ? sorted(policies) : undefined,
  };
}

function service(given: LocalService): object {
  const { waypoint, weightedWaypoints, loadBalancer, subjectAltNames = [], cidrVips = [] } = given;
  return {
    ...given,
    cidrVips: cidrVips.length > 0 ? cidrVips : undefined,
    ports: ports(given.ports),
    subjectAltNames: subjectAltNames.length > 0 ? subjectAltNames : undefined,
    waypoint: waypoint && gatewayAddress(waypoint),
    weightedWaypoints: weightedWaypoints?.map(({ destination, weight }) => ({
      destination: gatewayAddress(destination),
      weight,
    })),
    loadBalancer: loadBalancer && {
      routingPreferences: loadBalancer.routingPreferences,
      mode: loadBalancer.mode,
      healthPolicy: loadBalancer.healthPolicy,
    },
  };
}

function policy(given: LocalPolicy): object {
  return { ...given, rules: given.rules.map((rule) => rule.map((clause) => clause.map(match))) };
}

function match(given: LocalMatch): object {
  const accounts = (list: readonly ServiceAccountMatch[] | undefined): object[] | undefined =>
    list?.map(({ namespace, serviceAccount }) => ({ namespace, serviceAccount }));
  const { serviceAccounts, notServiceAccounts } = given;
  const inOrder = {
    ...given,
    serviceAccounts: accounts(serviceAccounts),
    notServiceAccounts: accounts(notServiceAccounts),
  };
  return known(inOrder, MATCH, NEWEST_ZTUNNEL);
}

function gatewayAddress({ destination, hboneMtlsPort }: GatewayAddress): object {
  return { destination, hboneMtlsPort };
}

/** Ports are numbers, as keys too: ztunnel takes no `"80"`. */
function ports(given: Readonly<Record<string, number>>): Map<number, number> {
  return new Map(
    Object.entries(given)
      .map(([port, target]) => [Number(port), target] as const)
      .sort(([a], [b]) => a - b),
  );
}

/** What a version knows of an object, in the order of its fields. */
function known(object: object, fields: Readonly<Record<string, Since>>, version: ZtunnelVersion): object {
  const values = object as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, since]) =>
      values[field] === undefined || !knows(version, since) ? [] : [[field, values[field]]],
    ),
  );
}

function knows({ major, minor }: ZtunnelVersion, since: Since): boolean {
  const first = ztunnelVersion(since ?? '0.0') ?? NEWEST_ZTUNNEL;
  return major > first.major || (major === first.major && minor >= first.minor);
}

/** By code units, so that no locale matters. */
function sorted<T>(list: readonly T[], by: (item: T) => string = String): T[] {
  return [...list].sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : 0));
}

/** Replaces a string match by the scalar or list with its tag. */
function tagged(_key: unknown, value: unknown): unknown {
  if (!isStringMatch(value)) return value;
  const [[variant, content] = []] = Object.entries(value);
  const node = typeof content === 'string' ? new Scalar(content) : Object.assign(new YAMLSeq(), { flow: true });
  node.tag = `!${variant}`;
  return node;
}

const VARIANTS = ['Exact', 'Prefix', 'Suffix', 'Presence'];

/** No struct of ztunnel's has a field of such a name. */
function isStringMatch(value: unknown): value is StringMatch {
  return typeof value === 'object' && value !== null && VARIANTS.includes(Object.keys(value)[0] ?? '');
}
