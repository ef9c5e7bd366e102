import { describe, expect, it } from 'vitest';
import { nothing, settings } from '../../test/support/index-mesh.js';
import type { MeshObjects } from './ambient-index.js';
import {
  indexSettings,
  serviceOfHost,
  type ZtunnelDaemonSet,
  ztunnelRevision,
  ztunnelTags,
  ztunnelView,
} from './ztunnel-view.js';

const uses = (namespace: string): Record<string, string> => ({
  'istio.io/use-waypoint': 'gate',
  'istio.io/use-waypoint-namespace': namespace,
});
const splitsTo = (namespace: string): Record<string, string> => ({
  'istio.io/use-waypoint-canary': 'gate',
  'istio.io/use-waypoint-canary-namespace': namespace,
});
const named = (name: string, namespace: string, labels?: Record<string, string>) => ({
  metadata: { name, namespace, ...(labels && { labels }) },
});
const entry = (namespace: string, spec?: object, status?: object) => ({
  ...named('entry', namespace),
  ...(spec && { spec }),
  ...(status && { status }),
});
const gateway = (namespace: string, ...values: string[]) => ({
  ...named('gate', namespace),
  spec: { gatewayClassName: 'istio-waypoint', listeners: [] },
  ...(values.length > 0 && { status: { addresses: values.map((value) => ({ type: 'IPAddress', value })) } }),
});

/** The namespaces that are read for the view of `shop`, in order. */
async function placesRead(given: Partial<MeshObjects>): Promise<string[]> {
  const read: string[] = [];
  const mesh = { ...nothing, ...given };
  const listed = <T extends 'pods' | 'services' | 'endpointSlices'>(kind: T, place: string): MeshObjects[T] =>
    mesh[kind].filter(({ metadata }) => metadata.namespace === place) as unknown as MeshObjects[T];
  const within = (place: string): Promise<Pick<MeshObjects, 'pods' | 'services' | 'endpointSlices'>> => {
    read.push(place);
    return Promise.resolve({
      pods: listed('pods', place),
      services: listed('services', place),
      endpointSlices: listed('endpointSlices', place),
    });
  };
  await ztunnelView({ mesh, within }, 'shop', settings);
  return read;
}

describe('besides its own namespace, a view is read from', () => {
  it.each<[string, Partial<MeshObjects>, string[]]>([
    ['no other one', { gateways: [gateway('edge', '10.0.0.1')], serviceEntries: [entry('edge')] }, []],
    ['the one of its waypoint', { namespaces: [{ metadata: { name: 'shop', labels: uses('edge') } }] }, ['edge']],
    [
      "not that of another namespace's waypoint",
      { namespaces: [{ metadata: { name: 'a', labels: uses('edge') } }] },
      [],
    ],
    ['the one of its canary', { namespaces: [{ metadata: { name: 'shop', labels: splitsTo('edge') } }] }, ['edge']],
    [
      "the ones of its pods' waypoints, in order",
      { pods: [named('b', 'shop', uses('y')), named('a', 'shop', uses('x'))] },
      ['x', 'y'],
    ],
    ["the one of a Service's waypoint", { services: [named('a', 'shop', uses('edge'))] }, ['edge']],
    [
      "the one of a ServiceEntry's waypoint",
      { serviceEntries: [named('a', 'shop', uses('edge')), named('b', 'a', uses('x'))] },
      ['edge'],
    ],
    [
      "the one of a WorkloadEntry's waypoint",
      { workloadEntries: [named('a', 'shop', uses('edge')), named('b', 'a', uses('x'))] },
      ['edge'],
    ],
    [
      "the one of the waypoint of a WorkloadEntry's spec",
      { workloadEntries: [{ ...named('a', 'shop'), spec: { labels: uses('edge') } }] },
      ['edge'],
    ],
    [
      "the one of an endpoint's waypoint",
      { serviceEntries: [entry('shop', { endpoints: [{}, { labels: uses('edge') }] })] },
      ['edge'],
    ],
    ['no other one if the waypoint is its own', { pods: [named('a', 'shop', uses('shop'))] }, []],
    [
      'the one of the Service that has a host of its own',
      { serviceEntries: [entry('shop', { hosts: ['db.data.svc.cluster.local', 'db.example.com'] })] },
      ['data'],
    ],
    [
      'the one of a ServiceEntry that has the address of its Gateway',
      {
        gateways: [gateway('shop', '10.0.0.1')],
        serviceEntries: [
          entry('far', { addresses: ['10.0.0.1/32'] }),
          entry('other', { addresses: ['10.0.0.2', 'none'] }),
        ],
      },
      ['far'],
    ],
    [
      'the one of a ServiceEntry to which the address of its Gateway was allocated',
      {
        gateways: [gateway('shop', 'FD00::0:1')],
        serviceEntries: [entry('far', {}, { addresses: [{ value: 'fd00::1' }] })],
      },
      ['far'],
    ],
    [
      "the one of a ServiceEntry that has its waypoint's address",
      {
        namespaces: [{ metadata: { name: 'shop', labels: uses('edge') } }],
        gateways: [gateway('edge', '10.0.0.1'), gateway('other', '10.0.0.2')],
        serviceEntries: [entry('far', { addresses: ['10.0.0.1'] }), entry('others', { addresses: ['10.0.0.2'] })],
      },
      ['edge', 'far'],
    ],
    [
      'not that of a ServiceEntry with no address, where its Gateway has none',
      {
        gateways: [gateway('shop'), gateway('shop', 'gate.example.com')],
        serviceEntries: [entry('far'), entry('far', { addresses: ['none'] })],
      },
      [],
    ],
  ])('%s', async (_, given, places) => {
    expect(await placesRead(given)).toEqual(['shop', ...places]);
  });
});

describe('the Service of a host', () => {
  it.each([
    ['db.data.svc.cluster.local', { namespace: 'data', name: 'db' }],
    ['db.data.svc.example.org', { namespace: 'data', name: 'db' }],
    ['db.data.svc', undefined],
    ['a.db.data.svc.cluster.local', undefined],
    ['db.example.com', undefined],
    ['', undefined],
  ])('%s', (host, service) => {
    expect(serviceOfHost(host)).toEqual(service);
  });
});

describe("istiod's configuration", () => {
  it.each([
    [
      { mesh: { serviceEntryVisibility: { defaultVisibility: 'NONE' } } },
      { serviceEntryVisibility: { defaultVisibility: 'NONE' } },
    ],
    [
      { mesh: { trustDomain: 'example.org', rootNamespace: 'root' } },
      { trustDomain: 'example.org', rootNamespace: 'root' },
    ],
    [{ mesh: { trustDomain: '' } }, { trustDomain: 'cluster.local' }],
    [{ values: { global: { multiCluster: { clusterName: 'east' } } } }, { clusterId: 'east' }],
    [{ values: { global: { proxy: { clusterDomain: 'example.org' } } } }, { clusterDomain: 'example.org' }],
    [{ values: { revision: '' } }, { revision: 'default' }],
    [{ values: { pilot: { env: { AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY: true } } } }, { dryRunPolicies: true }],
    [{ values: { pilot: { env: { AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY: 'false' } } } }, {}],
  ])('%j changes %j', (configuration, changes) => {
    expect(indexSettings({ mesh: {}, values: {}, ...configuration }, 'istio-system')).toStrictEqual({
      ...settings,
      ...changes,
    });
  });
});

type Container = ZtunnelDaemonSet['spec']['template']['spec']['containers'][number];

const daemonSet = (app: string, ...containers: Container[]): ZtunnelDaemonSet => ({
  spec: { template: { metadata: { labels: { app } }, spec: { containers } } },
});
const asks = (value: string): Container => ({
  env: [
    { name: 'CA_ADDRESS', value: 'istiod-ca.istio-system.svc:15012' },
    { name: 'XDS_ADDRESS', value },
  ],
});
const unlabelled: ZtunnelDaemonSet = { spec: { template: { spec: { containers: [asks('istiod-a.b:1')] } } } };
const configuration = (tag?: unknown) => ({ mesh: {}, values: tag === undefined ? {} : { global: { tag } } });

describe('the revision that ztunnel asks', () => {
  it.each<[string, ZtunnelDaemonSet[], string]>([
    ['the default one', [daemonSet('ztunnel', asks('istiod.istio-system.svc:15012'))], 'default'],
    ['that of the address', [daemonSet('ztunnel', {}, asks('istiod-canary.istio-system.svc:15012'))], 'canary'],
    ['that of a URL', [daemonSet('ztunnel', asks('http://istiod-canary:15010'))], 'canary'],
    ['that of a URL with TLS', [daemonSet('ztunnel', asks('https://istiod-canary.istio-system.svc:15012'))], 'canary'],
    ['none that merely looks so', [daemonSet('ztunnel', asks('my-istiod-canary.istio-system.svc:15012'))], 'default'],
    [
      'that of ztunnel, not of another DaemonSet',
      [unlabelled, daemonSet('istio-cni', asks('istiod-cni:1')), daemonSet('ztunnel', asks('istiod-canary:1'))],
      'canary',
    ],
    ['the default one without an address', [daemonSet('ztunnel', { env: [{ name: 'XDS_ADDRESS' }] })], 'default'],
    [
      'the default one without ztunnel',
      [{ spec: { template: { metadata: {}, spec: { containers: [] } } } }],
      'default',
    ],
  ])('%s', (_, daemonSets, revision) => {
    expect(ztunnelRevision(daemonSets)).toBe(revision);
  });
});

describe('the tags that may say which ztunnel runs', () => {
  it.each<[string | undefined, unknown, string[]]>([
    ['istio/ztunnel:1.31.0-distroless', undefined, ['1.31.0-distroless']],
    ['registry:5000/ztunnel:1.31.0@sha256:0123', '1.30.0', ['1.31.0', '1.30.0']],
    ['registry:5000/ztunnel', 1.3, ['1.3']],
    ['ztunnel@sha256:0123', null, []],
    [undefined, undefined, []],
  ])('image %s, istiod %s', (image, tag, tags) => {
    expect(ztunnelTags([daemonSet('ztunnel', image === undefined ? {} : { image })], configuration(tag))).toEqual(tags);
  });
});
