import { describe, expect, it } from 'vitest';
import { nothing, settings } from '../../test/support/index-mesh.js';
import { ambientIndex, configOf, type MeshObjects, ztunnelConfig } from './ambient-index.js';

/*
 * A mesh that is small enough to read. That real ones are as istiod sees them is shown in
 * test/controlplane/ambient-index.test.ts.
 */

type Pod = MeshObjects['pods'][number];
type Policy = MeshObjects['authorizationPolicies'][number];

function pod(name: string, namespace: string, ip: string, more: Partial<Pod['metadata']> = {}): Pod {
  return {
    metadata: { name, namespace, ...more },
    spec: {
      nodeName: 'node-1',
      serviceAccountName: name,
      containers: [{ ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }] }],
    },
    status: { phase: 'Running', podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

function policy(kind: string, name: string, namespace: string, spec: unknown, annotations = {}): Policy {
  return { kind, metadata: { name, namespace, annotations }, spec };
}

const shop: MeshObjects = {
  ...nothing,
  namespaces: [
    {
      metadata: {
        name: 'shop',
        labels: { 'istio.io/use-waypoint': 'gate', 'istio.io/use-waypoint-namespace': 'edge' },
      },
    },
    { metadata: { name: 'edge' } },
  ],
  nodes: [{ metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/region': 'eu' } } }],
  pods: [
    pod('web', 'shop', '10.244.0.5', {
      labels: { app: 'web', version: 'v1' },
      annotations: { 'ambient.istio.io/redirection': 'enabled' },
    }),
    pod('gate', 'edge', '10.244.0.7', { labels: { 'gateway.networking.k8s.io/gateway-name': 'gate' } }),
    pod('other', 'edge', '10.244.0.8', { labels: { app: 'other' } }),
  ],
  services: [
    {
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        clusterIPs: ['10.96.10.196'],
        ipFamilies: ['IPv4'],
        selector: { app: 'web' },
        ports: [
          { name: 'http', port: 80, targetPort: 'http' },
          { name: 'x', port: 81, targetPort: 81 },
        ],
      },
    },
    {
      metadata: { name: 'gate', namespace: 'edge', labels: { 'gateway.istio.io/managed': 'istio.io-mesh-controller' } },
      spec: {
        clusterIPs: ['10.96.85.192'],
        ipFamilies: ['IPv4'],
        selector: { 'gateway.networking.k8s.io/gateway-name': 'gate' },
        ports: [{ name: 'mesh', port: 15008, targetPort: 15008 }],
        trafficDistribution: 'PreferClose',
      },
    },
  ],
  gateways: [
    {
      metadata: { name: 'gate', namespace: 'edge' },
      spec: {
        gatewayClassName: 'istio-waypoint',
        listeners: [{ port: 15008, protocol: 'HBONE', allowedRoutes: { namespaces: { from: 'All' } } }],
      },
      status: {
        addresses: [
          { type: 'IPAddress', value: '10.96.85.192' },
          { type: 'Hostname', value: 'gate.edge.svc.cluster.local' },
        ],
      },
    },
  ],
  authorizationPolicies: [
    policy('AuthorizationPolicy', 'web', 'shop', {
      selector: { matchLabels: { app: 'web' } },
      rules: [{ from: [{ source: { principals: ['*', '*/x', 'y*'], ipBlocks: ['10.0.0.1'] } }] }, {}],
    }),
    policy('AuthorizationPolicy', 'all', 'istio-system', {
      action: 'DENY',
      rules: [{ to: [{ operation: { methods: ['GET'] } }] }],
    }),
    policy('AuthorizationPolicy', 'edge', 'edge', {}),
    policy('AuthorizationPolicy', 'elsewhere', 'nowhere', {}),
  ],
  peerAuthentications: [
    policy('PeerAuthentication', 'web', 'shop', {
      selector: { matchLabels: { app: 'web' } },
      mtls: { mode: 'STRICT' },
      portLevelMtls: { 8080: { mode: 'PERMISSIVE' } },
    }),
  ],
};

const toGate = { destination: 'edge/gate.edge.svc.cluster.local', hboneMtlsPort: 15008 };
const nearby = { routingPreferences: ['Network', 'Region', 'Zone'], mode: 'Failover', healthPolicy: 'OnlyHealthy' };

describe("ztunnel's configuration of a namespace", () => {
  it('is what istiod says of it, with the waypoint that it goes through', () => {
    expect(ztunnelConfig(shop, 'shop', settings)).toEqual({
      workloads: [
        {
          uid: 'Kubernetes//Pod/edge/gate',
          name: 'gate',
          namespace: 'edge',
          workloadIps: ['10.244.0.7'],
          trustDomain: 'cluster.local',
          serviceAccount: 'gate',
          node: 'node-1',
          clusterId: 'Kubernetes',
          workloadName: 'gate',
          workloadType: 'pod',
          canonicalName: 'gate',
          canonicalRevision: 'latest',
          locality: { region: 'eu', zone: '', subzone: '' },
          services: { 'edge/gate.edge.svc.cluster.local': { 15008: 15008 } },
        },
        {
          uid: 'Kubernetes//Pod/shop/web',
          name: 'web',
          namespace: 'shop',
          workloadIps: ['10.244.0.5'],
          protocol: 'HBONE',
          trustDomain: 'cluster.local',
          serviceAccount: 'web',
          node: 'node-1',
          clusterId: 'Kubernetes',
          workloadName: 'web',
          workloadType: 'pod',
          canonicalName: 'web',
          canonicalRevision: 'v1',
          locality: { region: 'eu', zone: '', subzone: '' },
          authorizationPolicies: ['shop/web', 'shop/converted_peer_authentication_web'],
          services: { 'shop/web.shop.svc.cluster.local': { 80: 8080, 81: 81 } },
        },
      ],
      services: [
        {
          name: 'gate',
          namespace: 'edge',
          hostname: 'gate.edge.svc.cluster.local',
          vips: ['/10.96.85.192'],
          ports: { 15008: 15008 },
          loadBalancer: nearby,
          ipFamilies: 'IPv4',
          canonical: true,
        },
        {
          name: 'web',
          namespace: 'shop',
          hostname: 'web.shop.svc.cluster.local',
          vips: ['/10.96.10.196'],
          ports: { 80: 0, 81: 81 },
          waypoint: toGate,
          ipFamilies: 'IPv4',
          canonical: true,
        },
      ],
      policies: [
        { name: 'edge', namespace: 'edge', scope: 'Namespace', action: 'Allow', rules: [], dryRun: false },
        { name: 'all', namespace: 'istio-system', scope: 'Global', action: 'Deny', rules: [[[{}]]], dryRun: false },
        {
          name: 'converted_peer_authentication_web',
          namespace: 'shop',
          scope: 'WorkloadSelector',
          action: 'Deny',
          rules: [[[{ notPrincipals: [{ Presence: [] }] }], [{ notDestinationPorts: [8080] }]]],
          dryRun: false,
        },
        {
          name: 'web',
          namespace: 'shop',
          scope: 'WorkloadSelector',
          action: 'Allow',
          rules: [
            [[{ sourceIps: ['10.0.0.1/32'], principals: [{ Presence: [] }, { Suffix: '/x' }, { Prefix: 'y' }] }]],
            [],
          ],
          dryRun: false,
        },
      ],
    });
  });

  it('has nothing of a namespace that is not there but what holds for all', () => {
    const { workloads, services, policies } = ztunnelConfig(shop, 'missing', settings);
    expect([workloads, services, policies.map(({ name }) => name)]).toEqual([[], [], ['all']]);
  });

  it('has the policies that are attached to its workloads, of the root namespace too', () => {
    const peers = [policy('PeerAuthentication', 'wide', 'shop', { mtls: { mode: 'STRICT' } })];
    const index = ambientIndex({ ...shop, peerAuthentications: peers }, settings);
    const names = (namespace: string): string[] => configOf(index, namespace).policies.map(({ name }) => name);
    expect(names('shop')).toContain('istio_converted_static_strict');
    expect(names('edge')).not.toContain('istio_converted_static_strict');
  });

  it.each(['serviceEntries', 'workloadEntries', 'authorizationPolicies', 'peerAuthentications'] as const)(
    'has %s of no other revision of istiod',
    (kind) => {
      const specs = {
        serviceEntries: { hosts: ['db.example.com'], resolution: 'DNS' },
        workloadEntries: { address: '10.0.0.1' },
        authorizationPolicies: {},
        peerAuthentications: { mtls: { mode: 'STRICT' } },
      };
      const sizes = (labels: Record<string, string>, revision = 'default'): number[] => {
        const given = [{ kind, metadata: { name: 'one', namespace: 'istio-system', labels }, spec: specs[kind] }];
        const config = ztunnelConfig({ ...nothing, [kind]: given }, 'istio-system', { ...settings, revision });
        return Object.values(config).map((list: unknown[]) => list.length);
      };
      const nobody = [0, 0, 0];
      expect(sizes({})).not.toEqual(nobody);
      expect(sizes({ 'istio.io/rev': 'default' })).toEqual(sizes({}));
      expect(sizes({ 'istio.io/rev': 'canary' }, 'canary')).toEqual(sizes({}));
      expect(sizes({ 'istio.io/rev': 'canary' })).toEqual(nobody);
    },
  );

  it('has the waypoints of its own pods, and the shares of its canaries, and no others', () => {
    const gateway = (name: string, trafficType: string) => ({
      metadata: { name, namespace: 'edge', labels: { 'istio.io/waypoint-for': trafficType } },
      spec: {
        gatewayClassName: 'istio-waypoint',
        listeners: [{ port: 15008, protocol: 'HBONE', allowedRoutes: { namespaces: { from: 'All' } } }],
      },
      status: { addresses: [{ type: 'Hostname', value: `${name}.edge.svc.cluster.local` }] },
    });
    const uses = (name: string, canary?: string): Record<string, string> => ({
      'istio.io/use-waypoint': name,
      'istio.io/use-waypoint-namespace': 'edge',
      ...(canary !== undefined && {
        'istio.io/use-waypoint-canary': canary,
        'istio.io/use-waypoint-canary-namespace': 'edge',
      }),
    });
    const service = (name: string, namespace: string, labels = {}) => ({ metadata: { name, namespace, labels } });
    const index = ambientIndex(
      {
        ...nothing,
        namespaces: ['shop', 'bank', 'edge'].map((name) => ({ metadata: { name } })),
        pods: [
          pod('a', 'shop', '10.0.0.1', { labels: uses('pods') }),
          pod('b', 'bank', '10.0.0.2', { labels: uses('others') }),
        ],
        services: [
          service('web', 'shop', uses('first', 'second')),
          ...['pods', 'others', 'first', 'second'].map((name) => service(name, 'edge')),
        ],
        gateways: [
          ...['pods', 'others'].map((name) => gateway(name, 'workload')),
          ...['first', 'second'].map((name) => gateway(name, 'service')),
        ],
      },
      settings,
    );
    const names = (namespace: string): string[] => configOf(index, namespace).services.map(({ name }) => name);
    expect(names('shop')).toEqual(['first', 'pods', 'second', 'web']);
    expect(names('bank')).toEqual(['others']);
  });

  it('has of the policies beside its waypoint only those that apply there', () => {
    const beside = ['gate', 'other'].map((gateway) =>
      policy('AuthorizationPolicy', `for-${gateway}`, 'edge', {
        selector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': gateway } },
      }),
    );
    const { policies } = ztunnelConfig({ ...shop, authorizationPolicies: beside }, 'shop', settings);
    expect(policies.filter(({ namespace }) => namespace === 'edge').map(({ name }) => name)).toEqual(['for-gate']);
  });

  it('names the policies of a workload in order, those of the mesh among them', () => {
    const selecting = (name: string, namespace: string): Policy =>
      policy('AuthorizationPolicy', name, namespace, { selector: { matchLabels: { app: 'web' } } });
    const authorizationPolicies = [selecting('y', 'istio-system'), selecting('b', 'shop'), selecting('a', 'shop')];
    const { workloads } = ztunnelConfig({ ...shop, authorizationPolicies, peerAuthentications: [] }, 'shop', settings);
    expect(workloads.at(-1)?.authorizationPolicies).toEqual(['istio-system/y', 'shop/a', 'shop/b']);
  });

  it('has dry runs only where istiod is told to send them', () => {
    const dry = policy('AuthorizationPolicy', 'dry', 'shop', { rules: [{}] }, { 'istio.io/dry-run': 'true' });
    const objects = { ...nothing, authorizationPolicies: [dry] };
    expect(ztunnelConfig(objects, 'shop', settings).policies).toEqual([]);
    expect(ztunnelConfig(objects, 'shop', { ...settings, dryRunPolicies: true }).policies).toEqual([
      { name: 'dry', namespace: 'shop', scope: 'Namespace', action: 'Allow', rules: [[]], dryRun: true },
    ]);
  });

  it('does not depend on the order of objects of the same second', () => {
    const peers = ['STRICT', 'PERMISSIVE'].map((mode) =>
      policy('PeerAuthentication', mode.toLowerCase(), 'shop', { mtls: { mode } }),
    );
    const attached = (peerAuthentications: MeshObjects['peerAuthentications']): unknown =>
      ztunnelConfig({ ...shop, peerAuthentications }, 'shop', settings).workloads.at(-1)?.authorizationPolicies;
    expect(attached(peers)).toEqual(['shop/web']);
    expect(attached([...peers].reverse())).toEqual(['shop/web']);
  });

  it('is ordered by name, whatever the order of objects', () => {
    const again = { metadata: { name: 'again', namespace: 'shop' }, spec: { selector: { app: 'web' } } };
    const two = { ...shop, services: [...shop.services, again] };
    const turned = Object.fromEntries(
      Object.entries(two).map(([kind, objects]) => [kind, [...(objects as unknown[])].reverse()]),
    ) as unknown as MeshObjects;
    expect(JSON.stringify(ztunnelConfig(turned, 'shop', settings))).toBe(
      JSON.stringify(ztunnelConfig(two, 'shop', settings)),
    );
  });
});

describe('where istiod slips, so do we, for ztunnel enforces what istiod says', () => {
  it('attaches every policy with a selector to a pod without labels', () => {
    const objects = { ...shop, pods: [pod('bare', 'shop', '10.244.0.9')] };
    expect(ztunnelConfig(objects, 'shop', settings).workloads[0]?.authorizationPolicies).toEqual(['shop/web']);
  });

  it('drops the STRICT port of a PERMISSIVE workload in a STRICT mesh', () => {
    const peers = [
      policy('PeerAuthentication', 'mesh', 'istio-system', { mtls: { mode: 'STRICT' } }),
      policy('PeerAuthentication', 'own', 'shop', {
        selector: { matchLabels: { app: 'web' } },
        mtls: { mode: 'PERMISSIVE' },
        portLevelMtls: { 8080: { mode: 'STRICT' } },
      }),
    ];
    const { workloads, policies } = ztunnelConfig({ ...shop, peerAuthentications: peers }, 'shop', settings);
    const name = 'converted_peer_authentication_own';
    expect(workloads.at(-1)?.authorizationPolicies).toContain(`shop/${name}`);
    expect(policies.map((policy) => policy.name)).not.toContain(name);
  });

  it('keeps the network of the endpoint before', () => {
    const entry = {
      metadata: { name: 'db', namespace: 'shop' },
      spec: {
        hosts: ['db.example.com'],
        resolution: 'STATIC',
        endpoints: [{ address: '10.0.0.1', network: 'far' }, { address: '10.0.0.2' }],
      },
    };
    const { workloads } = ztunnelConfig({ ...nothing, serviceEntries: [entry] }, 'shop', settings);
    expect(workloads.map(({ network }) => network)).toEqual(['far', 'far']);
  });
});
