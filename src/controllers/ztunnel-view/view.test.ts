import { describe, expect, it, test } from 'vitest';
import { settings } from '../../../test/support/index-mesh.js';
import { NEWEST_ZTUNNEL, ztunnelConfigYaml } from '../../../cdk8s/ztunnel-config.js';
import { generateMesh, generateRoot } from '../../../test/controlplane/ambient/generator.js';
import {
  type MeshObject,
  authorizationPolicy,
  namespace as namespaceObject,
  peerAuthentication,
  pod,
  service,
  serviceEntry,
  unserved,
  waypoint,
  workloadEntry,
} from '../../../test/controlplane/ambient/objects.js';
import { FakeClock } from '../../../test/support/fake-clock.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { CONFIG_MAP, DAEMON_SET } from '../../kube/types.js';
import { type MeshObjects, ambientIndex, configOf } from '../../mesh/ambient-index.js';
import { indexSettings, ztunnelRevision, ztunnelTags } from '../../mesh/ztunnel-view.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import type { Stores } from '../../runtime/stores.js';
import { OWN_CONFIG_MAPS } from '../own-config-maps.js';
import { ztunnelView } from './controller.js';
import { fileOf, istiodOf, viewOf } from './view.js';
import { watches } from './watches.js';

const LOCATION = { istioNamespace: 'istio-system' };

/** What a cluster adds to objects that are created. */
function live(object: KubeObject, namespace: string | undefined, index: number): KubeObject {
  const metadata = {
    ...object.metadata,
    ...(namespace !== undefined && { namespace }),
    uid: `uid-${index}`,
    resourceVersion: '1',
    creationTimestamp: new Date(index * 1_000).toISOString(),
  };
  const ip = `10.${(index >> 8) & 255}.${index & 255}.1`;
  const status: Record<string, object> = {
    Pod: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] },
    Gateway: { addresses: [{ type: 'Hostname', value: `${metadata.name}.${namespace}.svc.cluster.local` }] },
  };
  const spec = object.kind === 'Service' ? { clusterIP: ip, clusterIPs: [ip], ipFamilies: ['IPv4'] } : {};
  const { spec: given = {}, status: own } = object as { spec?: object; status?: object };
  return {
    ...object,
    metadata,
    spec: { ...spec, ...given },
    status: own ?? status[object.kind],
  } as KubeObject;
}

const SHARED = [waypoint('open', {}, { from: 'All' }), waypoint('closed')];
const toShared = (name: string): Record<string, string> => ({
  'istio.io/use-waypoint': name,
  'istio.io/use-waypoint-namespace': 'shared',
});
const rules = [{ from: [{ source: { principals: ['cluster.local/ns/a/sa/b'] } }] }];

/** Namespaces that depend on others; each with what it has from them: workloads, and policies that are not for the whole mesh. */
const DEPENDENTS: Record<string, { labels: Record<string, string>; objects: MeshObject[]; strangers: string[] }> = {
  'by-name': {
    labels: toShared('open'),
    objects: [service('web', { selector: { app: 'web' }, ports: [{ port: 80 }] })],
    strangers: ['Kubernetes//Pod/shared/open', 'shared/everybody', 'shared/for-open'],
  },
  'by-address': {
    labels: toShared('numbered'),
    objects: [service('web', { selector: { app: 'web' }, ports: [{ port: 80 }] })],
    strangers: [
      'Kubernetes//Pod/stand-in/proxy',
      'Kubernetes/networking.istio.io/WorkloadEntry/stand-in/machine',
      'stand-in/for-proxy',
    ],
  },
  'by-host': {
    labels: {},
    objects: [
      serviceEntry('late', {
        hosts: ['twice.example.com', 'web.by-name.svc.cluster.local'],
        ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      }),
    ],
    strangers: [],
  },
};
const ELSEWHERE: Record<string, MeshObject[]> = {
  shared: [
    authorizationPolicy('everybody', { rules }),
    authorizationPolicy('for-open', { selector: { matchLabels: { gate: 'open' } }, rules }),
    unserved(
      'numbered',
      [{ type: 'IPAddress', value: '10.9.9.9' }],
      {},
      { allowedRoutes: { namespaces: { from: 'All' } } },
    ),
  ],
  'stand-in': [
    serviceEntry('numbered', {
      hosts: ['numbered.example.com'],
      addresses: ['10.9.9.9/32'],
      ports: [{ number: 15008, name: 'mesh', protocol: 'TCP' }],
      resolution: 'STATIC',
      workloadSelector: { labels: { app: 'proxy' } },
    }),
    pod('proxy', { labels: { app: 'proxy' } }),
    workloadEntry('machine', { address: '10.9.9.8', labels: { app: 'proxy' } }),
    authorizationPolicy('for-proxy', { selector: { matchLabels: { app: 'proxy' } }, rules }),
  ],
  early: [
    serviceEntry('early', {
      hosts: ['twice.example.com'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    }),
  ],
};
const meshes = Array.from({ length: 25 }, (_, seed) => generateMesh(seed));
const objects = [
  ...['istio-system', ...Object.keys(ELSEWHERE)].map((name) => [namespaceObject(name), undefined] as const),
  ...meshes.map(({ name, marks }) => [namespaceObject(name, marks), undefined] as const),
  ...Object.entries(DEPENDENTS).map(([name, { labels }]) => [namespaceObject(name, { labels }), undefined] as const),
  ...SHARED.map((object) => [object, 'shared'] as const),
  ...Object.entries(ELSEWHERE).flatMap(([name, own]) => own.map((object) => [object, name] as const)),
  ...Object.entries(DEPENDENTS).flatMap(([name, { objects: own }]) => own.map((object) => [object, name] as const)),
  // The Services that istiod deploys for them, with a pod each.
  ...SHARED.flatMap(({ metadata: { name } }) => [
    [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name },
        spec: { selector: { gate: name }, ports: [{ port: 15008 }] },
      },
      'shared',
    ] as const,
    [
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels: { gate: name, 'gateway.networking.k8s.io/gateway-name': name } },
        spec: { containers: [] },
      },
      'shared',
    ] as const,
  ]),
  ...generateRoot(1).map((object) => [object, 'istio-system'] as const),
  ...meshes.flatMap(({ name, objects: own }) => own.map((object) => [object, name] as const)),
].map(([object, namespace], index) => live(object, namespace, index));
const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/region': 'eu' } },
};
const all = [...objects, node];

const ofKind = (kind: string): never[] => all.filter((object) => object.kind === kind) as never[];

const mesh: MeshObjects = {
  namespaces: ofKind('Namespace'),
  nodes: ofKind('Node'),
  pods: ofKind('Pod'),
  services: ofKind('Service'),
  endpointSlices: ofKind('EndpointSlice'),
  serviceEntries: ofKind('ServiceEntry'),
  workloadEntries: ofKind('WorkloadEntry'),
  gateways: ofKind('Gateway'),
  gatewayClasses: ofKind('GatewayClass'),
  authorizationPolicies: ofKind('AuthorizationPolicy'),
  peerAuthentications: ofKind('PeerAuthentication'),
};

/** Stores as the runtime fills them: with what the controller keeps of each object. */
function storesOf(objects: readonly KubeObject[]): Stores {
  const ofMesh = watches(LOCATION, () => []).filter(
    ({ labelSelector }) => labelSelector !== OWN_CONFIG_MAPS.labelSelector,
  );
  const transforms = new Map(ofMesh.map(({ type, transform }) => [type.kind, transform]));
  const kept = objects.map((object) => transforms.get(object.kind)?.(object) ?? object);
  const list = (type: ResourceType, namespace?: string): KubeObject[] =>
    kept.filter(
      ({ kind, metadata }) => kind === type.kind && (namespace === undefined || metadata.namespace === namespace),
    );
  const of = (type: ResourceType): unknown => ({
    list: (namespace?: string) => list(type, namespace),
    get: ({ namespace, name }: { namespace?: string; name: string }) =>
      list(type, namespace).find(({ metadata }) => metadata.name === name),
  });
  return { of } as Stores;
}

describe('the view of a namespace', () => {
  const stores = storesOf(all);

  const index = ambientIndex(mesh, settings);

  test.each([...meshes.map(({ name }) => name), ...Object.keys(DEPENDENTS), ...Object.keys(ELSEWHERE), 'istio-system'])(
    'of what is cached equals that of the whole mesh: %s',
    async (name) => {
      const whole = configOf(index, name);
      expect(whole.services.length + whole.policies.length).toBeGreaterThan(0);
      const istiod = { settings, version: NEWEST_ZTUNNEL };
      const found = await fileOf(await viewOf(name, istiod, stores), istiod);
      expect(found).toBe(ztunnelConfigYaml(whole, NEWEST_ZTUNNEL));
    },
  );

  test.each(Object.entries(DEPENDENTS))('has of other namespaces what it depends on: %s', (name, { strangers }) => {
    const { workloads, policies } = configOf(index, name);
    const found = [
      ...workloads.filter(({ namespace }) => namespace !== name).map(({ uid }) => uid),
      ...policies
        .filter(({ namespace }) => namespace !== name && namespace !== settings.rootNamespace)
        .map((policy) => `${policy.namespace}/${policy.name}`),
    ];
    expect(found).toEqual(strangers);
  });

  it('is woken by what it was made from, wherever that is', async () => {
    const migration = {
      apiVersion: 'v1',
      kind: 'AmbientMigration',
      metadata: { name: 'web', namespace: 'by-address' },
    };
    const istiod = ['istio', 'istio-sidecar-injector'].map((name) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'istio-system' },
    }));
    const viewed = storesOf([...all, migration, ...istiod]);
    const controller = ztunnelView(LOCATION);
    const wokenBy = (namespace: string): readonly Request[] | undefined =>
      controller.watches
        .find(({ type }) => type.kind === 'Pod')
        ?.map({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'proxy', namespace } }, viewed);
    expect(wokenBy('stand-in')).toEqual([]);
    const client = { get: () => Promise.reject(new Error('not written here')) };
    const context = { stores: viewed, clock: new FakeClock(), client } as unknown as ReconcileContext;
    await expect(controller.reconcile({ name: 'by-address' }, context)).rejects.toThrow('not written here');
    expect(['stand-in', 'shared', 'early'].map(wokenBy)).toEqual([
      [{ name: 'by-address' }],
      [{ name: 'by-address' }],
      [],
    ]);
  });

  it('has in the root namespace what istiod makes of any PeerAuthentication', async () => {
    const strict = live(peerAuthentication('strict', { mtls: { mode: 'STRICT' } }), 'by-name', 1);
    const { policies } = await viewOf('istio-system', { settings, version: NEWEST_ZTUNNEL }, storesOf([strict]));
    expect(policies.map((policy) => policy.name)).toEqual(['istio_converted_static_strict']);
  });

  it('says which host is canonical, whoever has the other one', () => {
    const { services } = configOf(index, 'by-host');
    expect(services.map(({ hostname, canonical = false }) => [hostname, canonical])).toEqual([
      ['twice.example.com', false],
      ['web.by-name.svc.cluster.local', false],
    ]);
  });
});

const ztunnel = (image: string, env: { name: string; value: string }[] = []) => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'ztunnel', namespace: 'istio-system' },
  spec: { template: { metadata: { labels: { app: 'ztunnel' } }, spec: { containers: [{ image, env }] } } },
});
const values = (tag: unknown) => ({ mesh: {}, values: { global: { tag } } });

describe('the version of ztunnel', () => {
  test.each([
    ['registry.istio.io/release/ztunnel:1.31.0-distroless', '1.30.0', ['1.31.0-distroless', '1.30.0']],
    ['registry.example:5000/ztunnel:1.30.1@sha256:00', undefined, ['1.30.1']],
    ['registry.example:5000/ztunnel@sha256:00', 1.29, ['1.29']],
    ['ztunnel', undefined, []],
  ])('%s, istiod %s', (image, tag, tags) => {
    expect(ztunnelTags([ztunnel(image)], values(tag))).toEqual(tags);
  });

  it('is that of istiod where there is no ztunnel', () => {
    expect(
      ztunnelTags([{ spec: { template: { spec: { containers: [{ image: 'other:9.9' }] } } } }], values('1.28')),
    ).toEqual(['1.28']);
  });
});

describe('the istiod that ztunnel asks', () => {
  test.each([
    ['istiod.istio-system.svc:15012', 'default'],
    ['istiod-1-31-0.istio-system.svc:15012', '1-31-0'],
    ['https://istiod-canary.istio-system.svc:15012', 'canary'],
    ['mesh.example:15012', 'default'],
  ])('%s', (value, revision) => {
    expect(ztunnelRevision([ztunnel('a:1', [{ name: 'XDS_ADDRESS', value }])])).toBe(revision);
  });

  it('is configured by the ConfigMaps of its revision', () => {
    const configMap = (name: string, data: Record<string, string>) => ({
      apiVersion: CONFIG_MAP.version,
      kind: CONFIG_MAP.kind,
      metadata: { name, namespace: 'istio-system' },
      data,
    });
    const stores = storesOf([
      {
        ...ztunnel('a:1.28', [{ name: 'XDS_ADDRESS', value: 'istiod-canary.istio-system.svc:15012' }]),
        kind: DAEMON_SET.kind,
      },
      configMap('istio', { mesh: 'trustDomain: wrong' }),
      configMap('istio-canary', { mesh: 'trustDomain: example.org\nrootNamespace: root' }),
      configMap('istio-sidecar-injector-canary', {
        values:
          'revision: canary\npilot: {env: {AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY: "true"}}\nglobal: {tag: 1.31.0, multiCluster: {clusterName: east}, proxy: {clusterDomain: local}}',
      }),
    ]);
    expect(istiodOf(stores, LOCATION)).toEqual({
      settings: {
        clusterId: 'east',
        trustDomain: 'example.org',
        clusterDomain: 'local',
        rootNamespace: 'root',
        systemNamespace: 'istio-system',
        revision: 'canary',
        dryRunPolicies: true,
      },
      version: { major: 1, minor: 28 },
    });
    expect(istiodOf(storesOf([]), LOCATION)).toBeUndefined();
  });

  it('has its own defaults for what nobody says', () => {
    expect(indexSettings({ mesh: {}, values: {} }, 'istio-system')).toEqual(settings);
  });
});
