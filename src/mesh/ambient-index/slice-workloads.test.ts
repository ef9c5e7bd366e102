import { describe, expect, it } from 'vitest';
import { ztunnelConfig } from '../ambient-index.js';
import type { LocalWorkload } from '../ztunnel-config.js';
import type { IndexedEndpointSlice, IndexSettings, MeshObjects } from './objects.js';

const settings: IndexSettings = {
  clusterId: 'east',
  trustDomain: 'example.org',
  clusterDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  systemNamespace: 'istio-system',
  revision: 'default',
};

const mesh: MeshObjects = {
  namespaces: [],
  nodes: [],
  pods: [],
  services: [{ metadata: { name: 'db', namespace: 'shop' }, spec: { ports: [{ name: 'tcp', port: 5432 }] } }],
  endpointSlices: [],
  serviceEntries: [],
  workloadEntries: [],
  gateways: [],
  gatewayClasses: [],
  authorizationPolicies: [],
  peerAuthentications: [],
};

const slice = (more: Partial<IndexedEndpointSlice> = {}): IndexedEndpointSlice => ({
  metadata: { name: 'db-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['192.168.0.1'] }],
  ports: [{ name: 'tcp', port: 15432, protocol: 'TCP' }],
  ...more,
});

const workloadsOf = (endpointSlice: IndexedEndpointSlice, more: Partial<MeshObjects> = {}): readonly LocalWorkload[] =>
  ztunnelConfig({ ...mesh, endpointSlices: [endpointSlice], ...more }, 'shop', settings).workloads;

const DB = 'shop/db.shop.svc.cluster.local';

describe('an endpoint that is no pod', () => {
  const workload = {
    uid: 'east/discovery.k8s.io/EndpointSlice/shop/db-1/192.168.0.1',
    name: 'db-1',
    namespace: 'shop',
    workloadIps: ['192.168.0.1'],
    trustDomain: 'example.org',
    serviceAccount: 'default',
    clusterId: 'east',
    workloadType: 'deployment',
    networkMode: 'HostNetwork',
    services: { [DB]: { 5432: 15432 } },
  };

  it('is a workload of which only address and ports are known', () => {
    expect(workloadsOf(slice())).toStrictEqual([workload]);
  });

  it('is on the network of its cluster', () => {
    const namespaces = [{ metadata: { name: 'istio-system', labels: { 'topology.istio.io/network': 'near' } } }];
    expect(workloadsOf(slice(), { namespaces })).toStrictEqual([{ ...workload, network: 'near' }]);
  });

  it.each<[string, Partial<IndexedEndpointSlice>]>([
    ['a slice without labels', { metadata: { name: 'db-1', namespace: 'shop' } }],
    ['a slice of names', { addressType: 'FQDN' }],
    ['a slice of another namespace', { metadata: { ...slice().metadata, namespace: 'bank' } }],
    ['a slice without endpoints', { endpoints: undefined }],
    ['an endpoint without an address', { endpoints: [{ addresses: [] }] }],
    ['an endpoint with a name for an address', { endpoints: [{ addresses: ['db.example.com'] }] }],
    [
      'a pod',
      { endpoints: [{ addresses: ['192.168.0.1'], targetRef: { kind: 'Pod', namespace: 'shop', name: 'a' } }] },
    ],
  ])('is not in %s', (_, more) => {
    expect(workloadsOf(slice(more))).toEqual([]);
  });

  it('is there once, be it listed twice', () => {
    expect(workloadsOf(slice({ endpoints: [...slice().endpoints!, ...slice().endpoints!] }))).toHaveLength(1);
  });

  it('of a host that only a ServiceEntry has is none', () => {
    const entry = { metadata: { name: 'db', namespace: 'shop' }, spec: { hosts: ['db.shop.svc.cluster.local'] } };
    expect(workloadsOf(slice(), { services: [], serviceEntries: [entry] })).toEqual([]);
  });

  it.each<[boolean | undefined, string | undefined]>([
    [true, undefined],
    [undefined, undefined],
    [false, 'Unhealthy'],
  ])('that is ready: %s is %s', (ready, status) => {
    const endpoints = [{ addresses: ['192.168.0.1'], conditions: { ready } }];
    expect(workloadsOf(slice({ endpoints }))[0]?.status).toBe(status);
  });

  it.each<[string, IndexedEndpointSlice['ports'], object]>([
    [
      'that the Service has by name',
      [
        { name: 'tcp', port: 1, protocol: 'TCP' },
        { name: 'x', port: 2, protocol: 'TCP' },
      ],
      { 5432: 1 },
    ],
    ['of TCP only', [{ name: 'tcp', port: 1, protocol: 'UDP' }], {}],
    ['with a number only', [{ name: 'tcp', protocol: 'TCP' }], {}],
    ['that there are: none', undefined, {}],
  ])('has ports %s', (_, ports, is) => {
    expect(workloadsOf(slice({ ports }))[0]?.services).toStrictEqual({ [DB]: is });
  });
});

describe('a pod that a slice names', () => {
  const pod = {
    metadata: { name: 'a', namespace: 'shop', uid: 'u1' },
    status: { podIPs: [{ ip: '10.0.0.1' }] },
  };
  const target = { kind: 'Pod', namespace: 'shop', name: 'a', uid: 'u1' };

  it.each<[string, object, Partial<IndexedEndpointSlice>, string[]]>([
    ['belongs to its Service', target, {}, [DB]],
    ['does not as another object', { ...target, kind: 'Node' }, {}, []],
    ['does not as another pod', { ...target, name: 'b' }, {}, []],
    ['does not as the pod of that name before it', { ...target, uid: 'u0' }, {}, []],
    ['does not as a pod of another namespace', { ...target, namespace: 'bank' }, {}, []],
    ['does not by a slice of no Service', target, { metadata: { name: 'db-1', namespace: 'shop' } }, []],
  ])('%s', (_, targetRef, more, services) => {
    const given = slice({ endpoints: [{ addresses: ['10.0.0.1'], targetRef }], ...more });
    const found = workloadsOf(given, { pods: [pod] }).find(({ name }) => name === 'a');
    expect(Object.keys(found?.services ?? {})).toEqual(services);
  });
});
