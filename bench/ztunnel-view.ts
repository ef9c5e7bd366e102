import { performance } from 'node:perf_hooks';
import { NEWEST_ZTUNNEL, ztunnelConfigPieces } from '../cdk8s/ztunnel-config.js';
import type { IndexSettings, MeshObjects } from '../src/mesh/ambient-index.js';
import { bindings } from '../src/mesh/waypoint-binding.js';
import { type ViewSource, ztunnelView } from '../src/mesh/ztunnel-view.js';

/*
 * How the cost of what happens at an event grows: the view of a namespace with the mesh around it, the longest that others wait
 * while a view is rendered, and the bindings of Services with services and pods. Ratios, for times are the machine's.
 */

const ROUNDS = 9;

const settings: IndexSettings = {
  clusterId: 'Kubernetes',
  trustDomain: 'cluster.local',
  clusterDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  systemNamespace: 'istio-system',
  revision: 'default',
};

const podsOf = (count: number, apps: number): MeshObjects['pods'] =>
  Array.from({ length: count }, (_, index) => ({
    metadata: { name: `pod-${index}`, namespace: 'shop', labels: { app: `app-${index % apps}`, version: 'v1' } },
    spec: {
      nodeName: 'node-1',
      serviceAccountName: 'app',
      containers: [{ ports: [{ name: 'http', containerPort: 80 }] }],
    },
    status: { phase: 'Running', podIPs: [{ ip: `10.0.${index >> 8}.${index & 255}` }] },
  }));

const servicesOf = (
  count: number,
): { metadata: { name: string; namespace: string }; spec: { selector: { app: string } } }[] =>
  Array.from({ length: count }, (_, index) => ({
    metadata: { name: `app-${index}`, namespace: 'shop' },
    spec: { selector: { app: `app-${index}` } },
  }));

const sourceOf = (
  strangers: number,
  pods: number,
  own = { pods: podsOf(pods, 50), services: servicesOf(50) },
): ViewSource => ({
  mesh: {
    namespaces: [{ metadata: { name: 'shop' } }],
    nodes: [],
    serviceEntries: [],
    workloadEntries: [],
    gateways: [],
    gatewayClasses: [],
    authorizationPolicies: Array.from({ length: strangers }, (_, index) => ({
      kind: 'AuthorizationPolicy',
      metadata: { name: 'policy', namespace: `other-${index}` },
      spec: { rules: [{ from: [{ source: { principals: ['cluster.local/ns/a/sa/b'] } }] }] },
    })),
    peerAuthentications: [],
  },
  within: () => Promise.resolve({ ...own, endpointSlices: [] }),
});

/** The fastest of some rounds, ms: what else the machine does only adds. */
async function fastest(work: () => unknown): Promise<number> {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    await work();
    best = Math.min(best, performance.now() - startedAt);
  }
  return best;
}

const ratio = (ms: number, of: number): string => `${(ms / of).toFixed(1)} times`;

async function main(): Promise<void> {
  const view = (strangers: number): Promise<number> => {
    const source = sourceOf(strangers, 500);
    return fastest(() => ztunnelView(source, 'shop', settings));
  };
  console.log(`a view with 5,000 policies elsewhere: ${ratio(await view(5_000), await view(0))} that without`);

  const large = await ztunnelView(sourceOf(0, 5_000), 'shop', settings);
  const rendering = (): number[] => {
    const waits: number[] = [];
    const pieces = ztunnelConfigPieces(large, NEWEST_ZTUNNEL);
    for (let isDone = false; !isDone;) {
      const startedAt = performance.now();
      isDone = pieces.next().done === true;
      waits.push(performance.now() - startedAt);
    }
    return waits;
  };
  const whole = await fastest(rendering);
  const longest = Math.min(...Array.from({ length: ROUNDS }, () => Math.max(...rendering())));
  console.log(`5,000 pods are rendered in pieces: the longest is ${(longest / whole).toFixed(3)} of the whole`);

  const gateway = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'app-waypoint', namespace: 'shop' },
    spec: { gatewayClassName: 'istio', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }] },
  };
  const bound = (count: number): Promise<number> => {
    const services = servicesOf(count);
    const pods = podsOf(10_000, count).map(({ metadata: { name, labels = {} } }) => ({
      metadata: { name, labels },
      spec: { serviceAccountName: 'app' },
    }));
    return fastest(() => bindings(services, pods, [{ metadata: { name: 'app' } }], { gateways: [gateway] }));
  };
  console.log(`10,000 pods with 500 Services: ${ratio(await bound(500), await bound(50))} those with 50`);
}

await main();
