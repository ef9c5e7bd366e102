import { describe, expect, it } from 'vitest';
import { gatewayWorkloads, networkGatewayOf, readNetworkGateways } from './network-gateways.js';
import type { IndexedGateway, IndexSettings } from './objects.js';

const settings: IndexSettings = {
  clusterId: 'east',
  trustDomain: 'example.org',
  clusterDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  systemNamespace: 'istio-system',
  revision: 'default',
};

interface Changes {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Record<string, string> | undefined;
  readonly annotations?: Record<string, string>;
  readonly gatewayClassName?: string;
  readonly listeners?: IndexedGateway['spec']['listeners'];
  readonly addresses?: { type?: string; value: string }[] | undefined;
}

/** A Gateway into the network `far`. */
function remote({
  name = 'to-far',
  namespace = 'edge',
  gatewayClassName = 'istio-remote',
  listeners = [
    { port: 15021, protocol: 'TCP' },
    { port: 15009, protocol: 'HBONE' },
  ],
  ...more
}: Changes = {}): IndexedGateway {
  const { labels, addresses, annotations } = {
    labels: { 'topology.istio.io/network': 'far' },
    addresses: [{ type: 'IPAddress', value: '10.7.7.7' }],
    ...more,
  };
  return {
    metadata: { name, namespace, labels, annotations },
    spec: { gatewayClassName, listeners },
    ...(addresses && { status: { addresses } }),
  };
}

const FAR = {
  network: 'far',
  address: '10.7.7.7',
  port: 15009,
  namespace: 'edge',
  serviceAccount: 'to-far-istio-remote',
};

describe('a way into another network', () => {
  it('is a Gateway of class istio-remote, by its port for HBONE', () => {
    expect(readNetworkGateways([remote()])).toEqual([FAR]);
  });

  it('runs as the ServiceAccount that its annotation names', () => {
    const annotations = { 'gateway.istio.io/service-account': 'eastwest' };
    expect(readNetworkGateways([remote({ annotations })])).toEqual([{ ...FAR, serviceAccount: 'eastwest' }]);
  });

  it('is each of its addresses of a known type', () => {
    const addresses = [
      { type: 'Hostname', value: 'far.example.com' },
      { type: 'NamedAddress', value: 'far' },
      { value: '10.8.8.8' },
      { type: 'IPAddress', value: '10.7.7.7' },
    ];
    expect(readNetworkGateways([remote({ addresses })])).toEqual([{ ...FAR, address: 'far.example.com' }, FAR]);
  });

  it.each<[string, Changes]>([
    ['of another class', { gatewayClassName: 'istio-waypoint' }],
    ['without labels', { labels: undefined }],
    ['without the name of a network', { labels: { app: 'a' } }],
    ['into the default network', { labels: { 'topology.istio.io/network': '' } }],
    ['without a listener for HBONE', { listeners: [{ port: 15008, protocol: 'TLS' }] }],
    ['without an address', { addresses: undefined }],
  ])('is no Gateway %s', (_, changes) => {
    expect(readNetworkGateways([remote(changes)])).toEqual([]);
  });

  it.each([
    ['far', { destination: 'far/10.7.7.7', hboneMtlsPort: 15009 }],
    ['near', undefined],
  ])('leads to its own network: %s', (network, way) => {
    expect(networkGatewayOf(network, readNetworkGateways([remote()]))).toEqual(way);
  });

  it('is named by its namespace where it has a host name', () => {
    const gateways = readNetworkGateways([remote({ addresses: [{ type: 'Hostname', value: 'far.example.com' }] })]);
    expect(networkGatewayOf('far', gateways)).toEqual({ destination: 'edge/far.example.com', hboneMtlsPort: 15009 });
  });

  it('is the first by namespace and name, whatever the order of Gateways', () => {
    const gateways = [
      remote({ namespace: 'b', name: 'a', addresses: [{ type: 'IPAddress', value: '10.0.0.3' }] }),
      remote({ namespace: 'a', name: 'z', addresses: [{ type: 'IPAddress', value: '10.0.0.2' }] }),
      remote({ namespace: 'a', name: 'b', addresses: [{ type: 'IPAddress', value: '10.0.0.1' }] }),
    ];
    for (const given of [gateways, [...gateways].reverse()]) {
      expect(readNetworkGateways(given).map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    }
  });

  it('is a workload, so that ztunnel knows who answers there', () => {
    const addresses = [
      { type: 'IPAddress', value: 'FD00::0:1' },
      { type: 'Hostname', value: 'far.example.com' },
    ];
    const common = {
      namespace: 'edge',
      trustDomain: 'example.org',
      serviceAccount: 'to-far-istio-remote',
      network: 'far',
      clusterId: 'Kubernetes',
      workloadType: 'deployment',
      services: {},
    };
    expect(gatewayWorkloads(readNetworkGateways([remote({ addresses })]), settings)).toEqual([
      {
        ...common,
        uid: 'NetworkGateway/far/FD00::0:1/15009',
        name: 'NetworkGateway/far/FD00::0:1/15009',
        workloadIps: ['fd00::1'],
      },
      {
        ...common,
        uid: 'NetworkGateway/far/far.example.com/15009',
        name: 'NetworkGateway/far/far.example.com/15009',
        workloadIps: [],
        hostname: 'far.example.com',
      },
    ]);
  });
});
