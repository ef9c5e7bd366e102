import type { MeshObjects } from '../../src/mesh/ambient-index.js';
import type { LocalConfig, LocalPolicy, LocalService, LocalWorkload } from '../../src/mesh/ztunnel-config.js';

/*
 * How often a rule of istiod's decided something in generated meshes: in what istiod has made of it, not in what we have.
 */

type Json = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into all kinds

/** A policy of the API server beside what istiod sends of it. */
interface PolicyPair {
  object: Json;
  sent: LocalPolicy | undefined;
  /** Its rules as they are written. */
  rules: Json[];
}

/** A generated part of a mesh as istiod sees it. */
interface Seen {
  objects: MeshObjects;
  policies: PolicyPair[];
  peers: { object: Json; sent: LocalPolicy | undefined }[];
  services: { object: Json; sent: LocalService[] }[];
  workloads: { object: Json; kind: string; sent: LocalWorkload }[];
  index: LocalConfig;
  labelsOf: (namespace: string) => Record<string, string>;
}

type Count = (seen: Seen) => number;

const count = <T>(items: readonly T[], is: (item: T) => unknown): number =>
  items.filter((item) => Boolean(is(item))).length;

const allow = ({ sent }: PolicyPair): boolean => sent?.action === 'Allow';
const deny = ({ sent }: PolicyPair): boolean => sent?.action === 'Deny';
const sourcesOf = (rule: Json): Json[] => (rule.from ?? []).map(({ source }: Json) => source);
const operationsOf = (rule: Json): Json[] => (rule.to ?? []).map(({ operation }: Json) => operation);
const has = (record: Json, ...fields: string[]): boolean => fields.some((field) => record[field] !== undefined);
const httpTo = (rule: Json): boolean =>
  operationsOf(rule).some((operation) => has(operation, 'methods', 'notPaths', 'hosts', 'paths'));
const httpFrom = (rule: Json): boolean =>
  sourcesOf(rule).some((source) => has(source, 'requestPrincipals', 'remoteIpBlocks'));
const l4Conditions = ['source.ip', 'source.namespace', 'source.principal', 'destination.ip', 'destination.port'];
const httpWhen = (rule: Json): boolean => (rule.when ?? []).some(({ key }: Json) => !l4Conditions.includes(key));
const isHttp = (rule: Json): boolean => httpTo(rule) || httpFrom(rule) || httpWhen(rule);
const clausesOf = ({ sent }: PolicyPair): number =>
  (sent?.rules ?? []).flat().filter((clause) => clause.every((match) => Object.keys(match).length === 0)).length;
const inRules =
  (is: (rule: Json) => unknown, of: (pair: PolicyPair) => boolean = ({ sent }) => sent !== undefined): Count =>
  ({ policies }) =>
    count(
      policies.filter(of).flatMap(({ rules }) => rules),
      is,
    );
const inText =
  (pattern: RegExp): Count =>
  ({ policies }) =>
    count(policies, ({ sent }) => pattern.test(JSON.stringify(sent?.rules ?? [])));
const written =
  (pattern: RegExp): Count =>
  ({ policies }) =>
    count(
      policies.filter(({ sent }) => sent),
      ({ object }) => pattern.test(JSON.stringify(object.spec)),
    );

/** AuthorizationPolicies: the algorithm of istiod, step by step. */
const policyRules: Record<string, Count> = {
  'a dry run is not sent': ({ policies }) =>
    count(
      policies,
      ({ object, sent }) => !sent && /^(true|1)$/.test(object.metadata.annotations?.['istio.io/dry-run'] ?? ''),
    ),
  'a false dry run is sent': ({ policies }) =>
    count(policies, ({ object, sent }) => sent && object.metadata.annotations?.['istio.io/dry-run'] === 'false'),
  'what has a target is not sent': ({ policies }) =>
    count(policies, ({ object, sent }) => !sent && object.spec.targetRefs),
  'AUDIT is not sent': ({ policies }) => count(policies, ({ object, sent }) => !sent && object.spec.action === 'AUDIT'),
  'CUSTOM is not sent': ({ policies }) =>
    count(policies, ({ object, sent }) => !sent && object.spec.action === 'CUSTOM'),
  'scope of the mesh': ({ policies }) => count(policies, ({ sent }) => sent?.scope === 'Global'),
  'scope of a namespace': ({ policies }) => count(policies, ({ sent }) => sent?.scope === 'Namespace'),
  'scope of a selector': ({ policies }) => count(policies, ({ sent }) => sent?.scope === 'WorkloadSelector'),
  'no action is ALLOW': ({ policies }) =>
    count(policies, ({ object, sent }) => sent?.action === 'Allow' && (object.spec.action ?? 'ALLOW') === 'ALLOW'),
  'clauses of to, from and when': inRules((rule) => rule.to && rule.from && rule.when),
  'HTTP in to': inRules(httpTo),
  'HTTP in from': inRules(httpFrom),
  'HTTP in when': inRules(httpWhen),
  'ALLOW loses a rule': ({ policies }) =>
    count(policies.filter(allow), ({ rules, sent }) => sent!.rules.length < rules.length),
  'ALLOW loses all rules': ({ policies }) =>
    count(policies.filter(allow), ({ rules, sent }) => rules.length > 0 && sent!.rules.length === 0),
  'DENY keeps a rule with HTTP': inRules(isHttp, deny),
  'DENY has an empty clause: a no-op': ({ policies }) => count(policies.filter(deny), clausesOf),
  'DENY denies a whole port': inRules(
    (rule) =>
      operationsOf(rule).some(
        (operation) => has(operation, 'ports') && has(operation, 'methods', 'notPaths', 'hosts', 'paths'),
      ),
    deny,
  ),
  'ALLOW has an empty clause': ({ policies }) => count(policies.filter(allow), clausesOf),
  'what is no port is dropped': written(/"(http|70000)"/),
  'what is no address is dropped': written(/"(10\.0\.0\.0\/33|10\.0\.0\.300|x)"/),
  'trust domains are dropped': inRules((rule) => sourcesOf(rule).some((source) => has(source, 'trustDomains'))),
  'an account of the own namespace': inText(/"serviceAccount":"a"/),
  'an account of another namespace': inText(/"namespace":"other"/),
  any: inText(/Presence/),
  'an end': inText(/Suffix/),
  'a beginning': inText(/Prefix/),
  'a whole name': inText(/Exact/),
  'a rule of nothing': ({ policies }) =>
    count(policies, ({ sent }) => sent?.rules.some((clauses) => clauses.length === 0)),
  'no rules': ({ policies }) => count(policies, ({ sent, rules }) => sent && rules.length === 0),
  'an empty selector attaches to none': ({ policies }) =>
    count(policies, ({ object, sent }) => sent && object.spec.selector && !object.spec.selector.matchLabels),
  'a selector without labels attaches to all': ({ policies }) =>
    count(policies, ({ object, sent }) => sent && JSON.stringify(object.spec.selector) === '{"matchLabels":{}}'),
  'a selector attaches': ({ workloads }) =>
    count(workloads, ({ sent }) => sent.authorizationPolicies?.some((name) => /\/policy-/.test(name))),
  'a selector of the root namespace attaches': ({ workloads }) =>
    count(workloads, ({ sent }) => sent.authorizationPolicies?.some((name) => /\/root-/.test(name))),
};

const attaches = (sent: LocalWorkload, pattern: RegExp): boolean =>
  sent.authorizationPolicies?.some((name) => pattern.test(name)) === true;
const ownPeer = /\/converted_peer_authentication_/;
const strict = /\/istio_converted_static_strict$/;
const isSent = (name: string, { index }: Seen): boolean =>
  index.policies.some((policy) => `${policy.namespace}/${policy.name}` === name);
const ownOf = ({ authorizationPolicies = [] }: LocalWorkload): string[] =>
  authorizationPolicies.filter((name) => ownPeer.test(name));

/** PeerAuthentications. */
const peerRules: Record<string, Count> = {
  'STRICT attaches': ({ workloads }) => count(workloads, ({ sent }) => attaches(sent, strict)),
  'ports of their own attach': (seen) =>
    count(seen.workloads, ({ sent }) => ownOf(sent).some((name) => isSent(name, seen))),
  'ports of their own attach what is not there': (seen) =>
    count(seen.workloads, ({ sent }) => ownOf(sent).some((name) => !isSent(name, seen))),
  'a STRICT port is a rule': ({ peers }) =>
    count(peers, ({ sent }) => /destinationPorts/.test(JSON.stringify(sent ?? ''))),
  'an open port is an exception': ({ peers }) =>
    count(peers, ({ sent }) => /notDestinationPorts/.test(JSON.stringify(sent ?? ''))),
  'ports of their own change nothing': ({ peers }) =>
    count(
      peers,
      ({ object, sent }) => !sent && object.spec.portLevelMtls && object.metadata.namespace !== 'istio-system',
    ),
};

const labelOf = (object: Json, label: string): string | undefined => object.metadata.labels?.[label];
const USE = 'istio.io/use-waypoint';
const USE_NAMESPACE = 'istio.io/use-waypoint-namespace';
const served = ({ sent }: { sent: LocalService[] }): boolean => sent.some(({ waypoint }) => waypoint !== undefined);
const unbound =
  (is: (object: Json, gateway: Json, seen: Seen) => unknown): Count =>
  (seen) =>
    count(
      seen.services.filter((pair) => pair.sent.length > 0 && !served(pair)),
      ({ object }) => {
        const name = labelOf(object, USE);
        const namespace = labelOf(object, USE_NAMESPACE) ?? object.metadata.namespace;
        const gateway = seen.objects.gateways.find(
          ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
        );
        return name !== undefined && is(object, gateway, seen);
      },
    );

/** Waypoints: who goes through which. */
const bindingRules: Record<string, Count> = {
  'a service has the waypoint of its own label': ({ services }) =>
    count(services.filter(served), ({ object }) => labelOf(object, USE)),
  'a service has the waypoint of its namespace': ({ services }) =>
    count(services.filter(served), ({ object }) => !labelOf(object, USE)),
  'a service has a waypoint of another namespace': ({ services }) =>
    count(services, ({ sent }) => sent.some(({ waypoint }) => waypoint?.destination.startsWith('shared/'))),
  'none opts out of the namespace': (seen) =>
    unbound((object) => labelOf(object, USE) === 'none' && seen.labelsOf(object.metadata.namespace)[USE])(seen),
  'a missing waypoint is none, whatever the namespace has': unbound(
    (object, gateway) => labelOf(object, USE) !== 'none' && !gateway,
  ),
  'a waypoint without address is none': unbound((_, gateway) => gateway && !gateway.status?.addresses),
  'a waypoint refuses other namespaces': unbound((_, gateway) => gateway?.metadata.namespace === 'shared'),
  'a waypoint refuses services': unbound(
    (_, gateway) =>
      gateway?.status?.addresses && ['workload', 'none'].includes(gateway.metadata.labels?.['istio.io/waypoint-for']),
  ),
  'a waypoint by address': ({ services }) =>
    count(services, ({ sent }) => sent.some(({ waypoint }) => waypoint?.destination.startsWith('/'))),
  'a workload has a waypoint': ({ workloads }) => count(workloads, ({ sent }) => sent.waypoint),
  'a pod of a Gateway has its tunnel': ({ workloads }) => count(workloads, ({ sent }) => sent.applicationTunnel),
  'a canary has a share': ({ services }) =>
    count(services, ({ sent }) => sent.some(({ weightedWaypoints }) => weightedWaypoints)),
  'a canary is refused': ({ services }) =>
    count(
      services.filter(served),
      ({ object, sent }) =>
        labelOf(object, 'istio.io/use-waypoint-canary') && !sent.some(({ weightedWaypoints }) => weightedWaypoints),
    ),
};

const kindIs =
  (...kinds: string[]) =>
  ({ kind }: { kind: string }): boolean =>
    kinds.includes(kind);
const portsOf = ({ services }: LocalWorkload): number[] =>
  Object.values(services).flatMap((ports) => Object.values(ports));
const balanced =
  (is: (balancer: NonNullable<LocalService['loadBalancer']>, object: Json) => unknown): Count =>
  ({ services }) =>
    count(services, ({ object, sent }) => sent.some(({ loadBalancer }) => loadBalancer && is(loadBalancer, object)));

/** Services and workloads. */
const addressRules: Record<string, Count> = {
  'a named target port of a pod': ({ workloads }) =>
    count(workloads.filter(kindIs('Pod')), ({ sent }) => portsOf(sent).includes(9090)),
  'a named target port that a pod does not have': ({ workloads }) =>
    count(workloads.filter(kindIs('Pod')), ({ sent }) =>
      Object.values(sent.services).some((ports) => ports[99] !== undefined && ports[90] === undefined),
    ),
  'a port of a ServiceEntry by the name of the pod': ({ workloads }) =>
    count(workloads.filter(kindIs('Pod')), ({ sent }) =>
      Object.values(sent.services).some((ports) => ports[443] !== undefined && ports[80] === 8080),
    ),
  'a port by the name of an entry': ({ workloads }) =>
    count(workloads.filter(kindIs('WorkloadEntry', 'ServiceEntry')), ({ sent }) =>
      portsOf(sent).some((port) => port === 18080 || port === 17070),
    ),
  'a Service selects a WorkloadEntry': ({ workloads }) =>
    count(workloads.filter(kindIs('WorkloadEntry')), ({ sent }) => Object.keys(sent.services).length),
  'a headless Service': ({ services }) => count(services, ({ object }) => object.spec.clusterIP === 'None'),
  'an ExternalName is not sent': ({ services }) =>
    count(services, ({ object, sent }) => sent.length === 0 && object.spec.type === 'ExternalName'),
  'only the same node': balanced(({ mode }) => mode === 'Strict'),
  'traffic distribution by field': balanced(({ mode }, { spec }) => mode === 'Failover' && spec.trafficDistribution),
  'traffic distribution by annotation': balanced(
    ({ mode }, { spec, metadata }) =>
      mode === 'Failover' &&
      !spec.trafficDistribution &&
      metadata.annotations?.['networking.istio.io/traffic-distribution'],
  ),
  'traffic distribution of the namespace': balanced(
    ({ mode }, { spec, metadata }) =>
      mode === 'Failover' &&
      !spec.trafficDistribution &&
      !metadata.annotations?.['networking.istio.io/traffic-distribution'],
  ),
  'pods that are not ready are published': balanced(
    ({ healthPolicy, mode }) => healthPolicy === 'AllowAll' && mode !== 'Passthrough',
  ),
  'hosts that pass through': balanced(({ mode }) => mode === 'Passthrough'),
  'blocks of addresses': ({ services }) => count(services, ({ sent }) => sent.some(({ cidrVips }) => cidrVips)),
  'addresses that istiod gives': ({ services }) =>
    count(
      services,
      ({ object, sent }) => object.spec.hosts && !object.spec.addresses && sent.some(({ vips }) => vips.length),
    ),
  'a ServiceEntry with a Service of its host': ({ services }) =>
    count(services, ({ object, sent }) => object.spec.hosts && sent.length < object.spec.hosts.length),
  'a host resolved by DNS': ({ workloads }) =>
    count(workloads.filter(kindIs('ServiceEntry')), ({ sent }) => sent.hostname),
  'an endpoint in another network': ({ workloads }) => count(workloads, ({ sent }) => sent.network === 'far'),
  'an endpoint written by hand': ({ workloads }) => count(workloads, kindIs('EndpointSlice')),
  'a workload that is not healthy': ({ workloads }) => count(workloads, ({ sent }) => sent.status === 'Unhealthy'),
  'a captured pod': ({ workloads }) => count(workloads, ({ sent }) => sent.protocol === 'HBONE' && !sent.nativeTunnel),
  'a sidecar with HBONE': ({ workloads }) => count(workloads, ({ sent }) => sent.nativeTunnel),
  'a pod on the network of its host': ({ workloads }) =>
    count(workloads.filter(kindIs('Pod')), ({ sent }) => sent.networkMode === 'HostNetwork'),
  'a weight': ({ workloads }) => count(workloads, ({ sent }) => sent.capacity),
  'a place': ({ workloads }) => count(workloads, ({ sent }) => sent.locality),
};

const rules: Record<string, Count> = { ...policyRules, ...peerRules, ...bindingRules, ...addressRules };

/** How often each rule decided something in these namespaces and in the root namespace's policies. */
export function firedRules(
  objects: MeshObjects,
  index: LocalConfig,
  { namespaces, rootNamespace }: { namespaces: readonly string[]; rootNamespace: string },
): Record<string, number> {
  const places = new Set(namespaces);
  const inPlaces = (object: Json): boolean => places.has(object.metadata.namespace);
  const policiesHere = (object: Json): boolean => inPlaces(object) || object.metadata.namespace === rootNamespace;
  const policyByKey = new Map(index.policies.map((policy) => [`${policy.namespace}/${policy.name}`, policy]));
  const servicesBySource = new Map<string, LocalService[]>();
  const seen: Seen = {
    objects,
    index,
    labelsOf: (name) => objects.namespaces.find(({ metadata }) => metadata.name === name)?.metadata.labels ?? {},
    policies: objects.authorizationPolicies.filter(policiesHere).map((object: Json) => ({
      object,
      rules: object.spec.rules ?? [],
      sent: policyByKey.get(`${object.metadata.namespace}/${object.metadata.name}`),
    })),
    peers: objects.peerAuthentications.filter(inPlaces).map((object: Json) => ({
      object,
      sent: policyByKey.get(`${object.metadata.namespace}/converted_peer_authentication_${object.metadata.name}`),
    })),
    services: [],
    workloads: index.workloads
      .filter(({ namespace }) => places.has(namespace))
      .map((sent) => ({
        object: undefined,
        kind: sent.uid.split('/')[2] ?? '',
        sent,
      })),
  };
  for (const service of index.services) {
    const key = `${service.namespace}/${service.name}`;
    servicesBySource.set(key, [...(servicesBySource.get(key) ?? []), service]);
  }
  seen.services = [...objects.services, ...objects.serviceEntries].filter(inPlaces).map((object: Json) => ({
    object,
    sent: servicesBySource.get(`${object.metadata.namespace}/${object.metadata.name}`) ?? [],
  }));
  return Object.fromEntries(Object.entries(rules).map(([name, counted]) => [name, counted(seen)]));
}
