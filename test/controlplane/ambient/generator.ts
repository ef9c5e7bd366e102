import {
  container,
  endpointSlice,
  type Marks,
  type MeshObject,
  peerAuthentication,
  pod,
  service,
  serviceEntry,
  unserved,
  workloadEntry,
} from './objects.js';
import { APPS, randomPeer, randomPolicy } from './policy-generator.js';
import { Random } from './random.js';

/** A namespace and what is in it. */
export interface GeneratedMesh {
  readonly name: string;
  readonly marks: Marks;
  /** In the order of creation. */
  readonly objects: readonly MeshObject[];
}

const PREFERENCES = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
const DISTRIBUTION = 'networking.istio.io/traffic-distribution';
const GATEWAYS = ['first', 'second'];

/** The mesh of a seed, in a namespace of its own: the same for the same seed. */
export function generateMesh(seed: number): GeneratedMesh {
  const random = new Random(seed);
  const name = `mesh-${seed}`;
  const policies = random.times(1, 3, (index) => randomPolicy(random, `policy-${index}`));
  const wide = random.some(['wide'], 0.5).map((wide) => randomPeer(random, wide));
  // Two that select the same pod, and are of the same second, are for istiod to choose from as it likes.
  const narrow = random.some(APPS, 0.6).map((app) => randomPeer(random, `narrow-${app}`, app));
  return {
    name,
    marks: {
      labels: {
        ...binding(random, 0.4),
        ...(random.chance(0.5) && { 'istio.io/dataplane-mode': 'ambient' }),
        ...(random.chance(0.3) && { team: 'a' }),
      },
      annotations: {
        ...(random.chance(0.15) && { [DISTRIBUTION]: random.pick([...PREFERENCES, 'Any']) }),
        ...weight(random, 0.3),
      },
    },
    objects: [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'app' } },
      ...random.some(GATEWAYS, 0.7).map((gateway) => randomGateway(random, gateway)),
      ...random.times(1, 3, (index) => randomService(random, `service-${index}`)),
      ...random.times(1, 3, (index) => randomPod(random, `pod-${index}`)),
      ...random.times(0, 1, (index) => randomWorkloadEntry(random, `entry-${index}`)),
      ...random.times(0, 2, (index) => randomServiceEntry(random, `hosts-${index}`, name)),
      ...random.times(0, 1, (index) => slice(random, `slice-${index}`)),
      ...policies,
      ...wide,
      ...narrow,
    ],
  };
}

/** Objects of the root namespace: they hold for all. */
export function generateRoot(seed: number): MeshObject[] {
  const random = new Random(seed);
  return [
    ...Array.from({ length: 14 }, (_, index) => randomPolicy(random, `root-${seed}-${index}`, index < 10)),
    // A mesh without demands would leave most rules of PeerAuthentication aside.
    ...(seed % 2 === 0
      ? [peerAuthentication('mesh', { mtls: { mode: 'STRICT' } })]
      : random.some(['mesh'], 0.7).map((name) => randomPeer(random, name))),
    ...random.some(['root-narrow'], 0.5).map((name) => randomPeer(random, name, 'a')),
  ];
}

/** Labels that choose a waypoint, and perhaps a canary. */
function binding(random: Random, probability: number): Record<string, string> {
  if (!random.chance(probability)) return {};
  const isShared = random.chance(0.2);
  return {
    'istio.io/use-waypoint': isShared
      ? random.pick(['open', 'closed'])
      : random.pick([...GATEWAYS, ...GATEWAYS, 'missing', 'none', 'none']),
    ...(isShared && { 'istio.io/use-waypoint-namespace': 'shared' }),
    ...(random.chance(0.8) && { 'istio.io/use-waypoint-canary': random.pick([...GATEWAYS, ...GATEWAYS, 'missing']) }),
  };
}

function weight(random: Random, probability: number): Record<string, string> {
  if (!random.chance(probability)) return {};
  return { 'istio.io/use-waypoint-canary-weight': random.pick(['0', '10', '50', '100', '101', 'x']) };
}

function randomGateway(random: Random, name: string): MeshObject {
  const addresses = random.pick([
    [{ type: 'IPAddress', value: `10.5.${random.int(0, 255)}.1` }],
    [
      { type: 'IPAddress', value: 'fd00:0:0::1' },
      { type: 'Hostname', value: `${name}.example.com` },
    ],
    [{ type: 'Hostname', value: `${name}.example.com` }],
    [],
  ]);
  const namespaces = random.pick([
    undefined,
    { from: 'Same' },
    { from: 'All' },
    { from: 'Selector', selector: { matchLabels: { team: 'a' } } },
  ]);
  const trafficType = random.pick([undefined, 'service', 'workload', 'workload', 'all', 'all', 'none']);
  const tunnel = random.maybe(0.5, () => random.pick(['PROXY', 'PROXY/15088', 'NONE', 'other', 'PROXY/x']));
  return unserved(
    name,
    addresses,
    {
      labels: { ...(trafficType !== undefined && { 'istio.io/waypoint-for': trafficType }) },
      annotations: { ...(tunnel !== undefined && { 'ambient.istio.io/waypoint-inbound-binding': tunnel }) },
    },
    namespaces && { allowedRoutes: { namespaces } },
  );
}

function randomService(random: Random, name: string): MeshObject {
  const marks: Marks = {
    labels: binding(random, 0.4),
    annotations: {
      ...(random.chance(0.15) && { [DISTRIBUTION]: random.pick([...PREFERENCES, 'Any']) }),
      ...weight(random, 0.2),
    },
  };
  if (random.chance(0.07)) return service(name, { type: 'ExternalName', externalName: 'example.com' }, marks);
  const ports = random
    .some(
      [
        { name: 'http', port: 80, targetPort: random.pick([8080, 'web', 'missing']) },
        { name: 'grpc', port: 90, targetPort: 'grpc' },
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 5353 },
      ],
      0.5,
    )
    .concat([{ name: 'plain', port: 99 } as never]);
  return service(
    name,
    {
      ports,
      ...(random.chance(0.8) && { selector: { app: random.pick(APPS) } }),
      ...(random.chance(0.15) && { clusterIP: 'None' }),
      ...(random.chance(0.1) && { internalTrafficPolicy: 'Local' }),
      ...(random.chance(0.15) && { trafficDistribution: random.pick(PREFERENCES) }),
      ...(random.chance(0.15) && { publishNotReadyAddresses: true }),
    },
    marks,
  );
}

function randomPod(random: Random, name: string): MeshObject {
  const labels = {
    app: random.pick(APPS),
    ...binding(random, 0.25),
    ...(random.chance(0.2) && { version: 'v2' }),
    ...(random.chance(0.1) && { 'app.kubernetes.io/name': 'named' }),
    ...(random.chance(0.1) && { 'service.istio.io/workload-name': 'given' }),
    ...(random.chance(0.2) && { 'gateway.networking.k8s.io/gateway-name': random.pick(GATEWAYS) }),
    ...(random.chance(0.12) && { 'networking.istio.io/tunnel': random.pick(['http', 'http', 'other']) }),
  };
  const annotations = random.chance(0.1) ? { 'sidestep.dev/test': 'never-ready' } : {};
  return pod(
    name,
    { labels, annotations },
    {
      nodeName: random.pick(['node-1', 'node-2']),
      serviceAccountName: random.pick(['app', 'default']),
      containers: [
        container(
          Object.fromEntries(
            random.some(
              [
                ['web', 8080],
                ['grpc', 9090],
                ['plain', 7070],
              ] as const,
              0.6,
            ),
          ),
        ),
      ],
      ...(random.chance(0.1) && { hostNetwork: true }),
    },
  );
}

function randomWorkloadEntry(random: Random, name: string): MeshObject {
  return workloadEntry(name, endpoint(random, random.pick([`192.168.1.${random.int(1, 250)}`, 'vm.example.com'])), {
    labels: { ...binding(random, 0.2), ...(random.chance(0.3) && { app: random.pick(APPS) }) },
    annotations: { ...(random.chance(0.1) && { 'istio.io/autoRegistrationGroup': 'group' }) },
  });
}

function endpoint(random: Random, address: string): object {
  return {
    address,
    labels: { app: random.pick(APPS), ...binding(random, 0.3) },
    ...(random.chance(0.4) && { ports: { web: 18080, plain: 17070 } }),
    ...(random.chance(0.2) && { network: 'far' }),
    ...(random.chance(0.2) && { locality: random.pick(['eu', 'eu/eu-1', 'eu/eu-1/rack']) }),
    ...(random.chance(0.2) && { weight: random.int(1, 9) }),
    ...(random.chance(0.3) && { serviceAccount: 'vm' }),
  };
}

function randomServiceEntry(random: Random, name: string, namespace: string): MeshObject {
  const form = random.pick([
    {
      resolution: 'STATIC',
      endpoints: [`192.168.2.${random.int(1, 100)}`, `192.168.2.${random.int(101, 250)}`].map((ip) =>
        endpoint(random, ip),
      ),
    },
    { resolution: 'STATIC', workloadSelector: { labels: { app: random.pick(APPS) } } },
    { resolution: 'STATIC', workloadSelector: { labels: { app: random.pick(APPS) } } },
    { resolution: 'DNS' },
    { resolution: 'DNS', endpoints: [endpoint(random, 'upstream.example.com')] },
    { addresses: [`240.9.${random.int(0, 255)}.9`, '2001:db8:0::9/64'] },
    { resolution: 'STATIC', addresses: ['240.7.7.7/24'], endpoints: [endpoint(random, '192.168.3.1')] },
  ]);
  const host = random.chance(0.2) ? `service-0.${namespace}.svc.cluster.local` : `${name}.${namespace}.example.com`;
  return serviceEntry(
    name,
    {
      hosts: random.chance(0.2) ? [host, `second.${host}`] : [host],
      ports: [
        { name: 'web', number: 80, protocol: 'HTTP' },
        { name: 'tls', number: 443, protocol: 'TLS', ...(random.chance(0.3) && { targetPort: 8443 }) },
      ],
      ...(random.chance(0.2) && { subjectAltNames: ['spiffe://cluster.local/ns/a/sa/b'] }),
      ...form,
    },
    {
      labels: {
        ...binding(random, 0.3),
        ...(random.chance(0.3) && { app: random.pick(APPS) }),
        ...(random.chance(0.1) && { 'networking.istio.io/enable-autoallocate-ip': 'false' }),
      },
      annotations: { ...(random.chance(0.2) && { [DISTRIBUTION]: random.pick(PREFERENCES) }) },
    },
  );
}

function slice(random: Random, name: string): MeshObject {
  return endpointSlice(name, random.pick(['service-0', 'service-0', 'nobody']), {
    addressType: 'IPv4',
    endpoints: [
      { addresses: [`192.168.4.${random.int(1, 100)}`] },
      { addresses: [`192.168.4.${random.int(101, 250)}`], conditions: { ready: random.chance(0.5) } },
    ],
    ports: [
      { name: 'plain', port: 1099, protocol: 'TCP' },
      { name: 'unknown', port: 1, protocol: 'TCP' },
    ],
  });
}
