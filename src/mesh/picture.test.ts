import { describe, expect, it } from 'vitest';
import type { MeshObjects } from './ambient-index.js';
import { meshPicture, type MeshPicture, type PictureObjects, type PictureSettings, waypointAt } from './picture.js';

const settings: PictureSettings = {
  clusterId: 'Kubernetes',
  trustDomain: 'cluster.local',
  clusterDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  systemNamespace: 'istio-system',
  revision: 'default',
  trustDomainAliases: [],
  enableAutoMtls: true,
};

const nothing: PictureObjects = {
  namespaces: [],
  nodes: [],
  pods: [],
  services: [],
  endpointSlices: [],
  serviceEntries: [],
  workloadEntries: [],
  gateways: [],
  gatewayClasses: [],
  authorizationPolicies: [],
  peerAuthentications: [],
  requestAuthentications: [],
};

type Pod = MeshObjects['pods'][number];
type Gateway = MeshObjects['gateways'][number];

const pictureOf = (objects: Partial<PictureObjects>): MeshPicture => meshPicture({ ...nothing, ...objects }, settings);

const pod = (name: string, more: Partial<Pod> = {}): Pod => ({
  metadata: { name, namespace: 'shop' },
  status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }] },
  ...more,
});
const gateway = (addresses?: NonNullable<Gateway['status']>['addresses']): Gateway => ({
  metadata: { name: 'gate', namespace: 'shop' },
  spec: { gatewayClassName: 'istio-waypoint', listeners: [{ protocol: 'HBONE', port: 15008 }] },
  ...(addresses && { status: { addresses } }),
});
const HOST = { type: 'Hostname', value: 'gate.shop.svc.cluster.local' };
const IP = { type: 'IPAddress', value: 'FD00::0:1' };

describe('a mesh picture', () => {
  it('of nothing is empty', () => {
    const { namespaceLabels, ...picture } = pictureOf({});
    expect(namespaceLabels('shop')).toEqual({});
    expect(picture).toEqual({
      settings,
      index: { workloads: [], services: [], policies: [] },
      workloads: [],
      services: [],
      waypoints: [],
      authorizationPolicies: [],
      requestAuthentications: [],
      peerAuthentications: [],
      routes: [],
    });
  });

  it('has the labels of namespaces', () => {
    const { namespaceLabels } = pictureOf({
      namespaces: [{ metadata: { name: 'shop', labels: { team: 'blue' } } }, { metadata: { name: 'plain' } }],
    });
    expect(['shop', 'plain', 'missing'].map(namespaceLabels)).toEqual([{ team: 'blue' }, {}, {}]);
  });

  it('has pods with an address that have not ended', () => {
    const pods = [
      pod('web', { spec: { serviceAccountName: 'web' } }),
      pod('bare'),
      pod('pending', { status: { phase: 'Pending' } }),
      pod('done', { status: { phase: 'Succeeded', podIPs: [{ ip: '10.0.0.2' }] } }),
    ];
    const { workloads } = pictureOf({ pods });
    expect(workloads.map(({ name, account, local }) => [name, account, local.uid])).toEqual([
      ['web', 'web', 'Kubernetes//Pod/shop/web'],
      ['bare', 'default', 'Kubernetes//Pod/shop/bare'],
    ]);
  });

  it.each<[string, Partial<Pod['metadata']>, string, object]>([
    ['outside of the mesh', {}, 'app', { mode: 'none', hbone: false, gateway: false }],
    [
      'that ztunnel has captured',
      { annotations: { 'ambient.istio.io/redirection': 'enabled' } },
      'app',
      { mode: 'ambient', hbone: false, gateway: false },
    ],
    [
      'with a sidecar',
      { annotations: { 'sidecar.istio.io/status': '{}' } },
      'istio-proxy',
      { mode: 'sidecar', hbone: false, gateway: false },
    ],
    [
      'with a sidecar that speaks HBONE',
      { annotations: { 'sidecar.istio.io/status': '{}' }, labels: { 'networking.istio.io/tunnel': 'http' } },
      'istio-proxy',
      { mode: 'sidecar', hbone: true, gateway: false },
    ],
    [
      'of a gateway, which is no sidecar',
      { labels: { 'gateway.networking.k8s.io/gateway-name': 'gate', 'networking.istio.io/tunnel': 'http' } },
      'istio-proxy',
      { mode: 'none', hbone: false, gateway: true },
    ],
  ])('shows a pod %s', (_, metadata, container, is) => {
    const given = pod('web', {
      metadata: { name: 'web', namespace: 'shop', ...metadata },
      spec: { containers: [{ name: container }] },
    });
    expect(pictureOf({ pods: [given] }).workloads).toMatchObject([is]);
  });

  it('has Services that ztunnels know', () => {
    const service = (name: string, spec?: object) => ({ metadata: { name, namespace: 'shop' }, ...(spec && { spec }) });
    const services = [
      service('web', { ports: [{ name: 'http', port: 80 }] }),
      service('bare'),
      service('external', { type: 'ExternalName', externalName: 'example.com' }),
    ];
    const picture = pictureOf({ services });
    expect(picture.services.map(({ name, key, ports }) => [name, key, ports])).toEqual([
      ['web', 'shop/web.shop.svc.cluster.local', [{ name: 'http', port: 80 }]],
      ['bare', 'shop/bare.shop.svc.cluster.local', []],
    ]);
  });

  it('has the policies and routes that there are', () => {
    const one = [{ kind: 'Any', metadata: { name: 'any', namespace: 'shop' }, spec: {} }];
    for (const kind of ['authorizationPolicies', 'requestAuthentications', 'peerAuthentications', 'routes'] as const) {
      expect(pictureOf({ [kind]: one })[kind]).toEqual(one);
    }
  });
});

describe('a waypoint in a picture', () => {
  it('is a Gateway with an address, and has the names and addresses of its status', () => {
    const { waypoints } = pictureOf({ gateways: [gateway([HOST, IP])] });
    expect(waypoints).toEqual([
      {
        name: 'gate',
        namespace: 'shop',
        className: 'istio-waypoint',
        isIngress: false,
        account: 'gate',
        addresses: ['shop/gate.shop.svc.cluster.local', 'fd00::1'],
      },
    ]);
  });

  it('is told from a Gateway that brings requests into the mesh', () => {
    const edge = gateway([HOST]);
    const listeners = [{ protocol: 'HTTP', port: 80 }];
    const [found] = pictureOf({ gateways: [{ ...edge, spec: { ...edge.spec, listeners } }] }).waypoints;
    expect(found?.isIngress).toBe(true);
  });

  it.each([[undefined], [[]], [[{ type: 'IPAddress', value: 'no-address' }]]])('is none at %j', (addresses) => {
    expect(pictureOf({ gateways: [gateway(addresses)] }).waypoints).toEqual([]);
  });

  it.each<[string, Partial<Pod>, string]>([
    ['runs as its pods do', { spec: { serviceAccountName: 'proxy' } }, 'proxy'],
    ['runs as the default account if its pods say nothing', {}, 'default'],
    [
      'runs as istiod makes it, while pods are those of others',
      { metadata: { name: 'web', namespace: 'shop' } },
      'gate',
    ],
  ])('%s', (_, more, account) => {
    const metadata = {
      name: 'gate-x',
      namespace: 'shop',
      labels: { 'gateway.networking.k8s.io/gateway-name': 'gate' },
    };
    const pods = [pod('web', { spec: { serviceAccountName: 'web' } }), pod('gate-x', { metadata, ...more })];
    expect(pictureOf({ gateways: [gateway([HOST])], pods }).waypoints).toMatchObject([{ account }]);
  });

  it.each([
    ['shop/gate.shop.svc.cluster.local', 'gate'],
    ['/fd00::1', 'gate'],
    ['near/fd00::1', 'gate'],
    ['/fd00::2', undefined],
    ['edge/gate.shop.svc.cluster.local', undefined],
  ])('is found at %s: %s', (destination, name) => {
    const picture = pictureOf({ gateways: [gateway([HOST, IP])] });
    expect(waypointAt(picture, { destination, hboneMtlsPort: 15008 })?.name).toBe(name);
  });
});
