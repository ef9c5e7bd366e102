import { describe, expect, it } from 'vitest';
import { settings } from '../../../test/support/index-mesh.js';
import { readNamespaces } from './namespaces.js';
import type { IndexedGateway, IndexedMetadata, IndexedNamespace, Visibility } from './objects.js';
import { readWaypoints, type Waypoints } from './waypoints.js';

type Gateway = IndexedGateway['metadata'] & {
  readonly listeners?: IndexedGateway['spec']['listeners'];
  readonly addresses?: readonly { readonly type?: string; readonly value: string }[] | undefined;
};
type Admission = NonNullable<IndexedGateway['spec']['listeners'][number]['allowedRoutes']>['namespaces'];

const HBONE = { port: 15008, protocol: 'HBONE' };
const PROXY = { port: 15088, protocol: 'istio.io/PROXY' };
const byName = (name: string): { type: string; value: string } => ({ type: 'Hostname', value: `${name}.example.com` });
const to = (name: string, namespace = 'shop'): object => ({
  destination: `${namespace}/${name}.example.com`,
  hboneMtlsPort: 15008,
});

function gatewayOf({ listeners = [HBONE], addresses, ...metadata }: Gateway): IndexedGateway {
  return {
    metadata,
    spec: { gatewayClassName: 'istio-waypoint', listeners },
    ...(addresses && { status: { addresses } }),
  };
}
const gate = (more: Partial<Gateway> = {}): Gateway => ({
  name: 'gate',
  namespace: 'shop',
  addresses: [byName('gate')],
  ...more,
});
const canary = (more: Partial<Gateway> = {}): Gateway => gate({ name: 'next', addresses: [byName('next')], ...more });

interface Mesh {
  readonly gateways?: readonly Gateway[];
  readonly shop?: Omit<IndexedMetadata, 'name'>;
  readonly others?: readonly IndexedNamespace[];
  readonly ofClass?: Omit<IndexedMetadata, 'name'>;
  readonly visibility?: Visibility;
}

function waypoints({ gateways = [gate()], shop = {}, others = [], ofClass, visibility }: Mesh = {}): Waypoints {
  const namespaces = readNamespaces(
    { namespaces: [{ metadata: { name: 'shop', ...shop } }, ...others] },
    { ...settings, ...(visibility && { serviceEntryVisibility: { defaultVisibility: visibility } }) },
  );
  const gatewayClasses = ofClass ? [{ metadata: { name: 'istio-waypoint', ...ofClass } }] : [];
  return readWaypoints({ gateways: gateways.map(gatewayOf), gatewayClasses }, namespaces);
}

const labelled = (labels?: Record<string, string>, more: Partial<IndexedMetadata> = {}): IndexedMetadata => ({
  name: 'web',
  namespace: 'shop',
  ...(labels && { labels }),
  ...more,
});
const uses = (name: string, namespace?: string): Record<string, string> => ({
  'istio.io/use-waypoint': name,
  ...(namespace !== undefined && { 'istio.io/use-waypoint-namespace': namespace }),
});

describe('the waypoint of a Service', () => {
  it.each<[string, Mesh, IndexedMetadata, object | undefined]>([
    ['is none that nobody names', {}, labelled(), undefined],
    ['is the one that it names', {}, labelled(uses('gate')), to('gate')],
    ['is the one that its namespace names', { shop: { labels: uses('gate') } }, labelled(), to('gate')],
    ['is none if it says so', { shop: { labels: uses('gate') } }, labelled(uses('none')), undefined],
    [
      'is none even where a Gateway has that name',
      { gateways: [gate({ name: 'none' })] },
      labelled(uses('none')),
      undefined,
    ],
    ['is none that is not there', { shop: { labels: uses('gate') } }, labelled(uses('missing')), undefined],
    ['is none without an address', { gateways: [gate({ addresses: undefined })] }, labelled(uses('gate')), undefined],
    ['is none of an unknown namespace', {}, labelled(uses('gate'), { namespace: 'missing' }), undefined],
    [
      'is not that of the proxies of a waypoint',
      {},
      labelled({ ...uses('gate'), 'gateway.istio.io/managed': 'istio.io-mesh-controller' }),
      undefined,
    ],
    [
      'is not that of the proxies of an east-west gateway',
      {},
      labelled({ ...uses('gate'), 'gateway.istio.io/managed': 'istio.io-eastwest-controller' }),
      undefined,
    ],
    [
      'is that of the proxies of an ingress gateway',
      {},
      labelled({ ...uses('gate'), 'gateway.istio.io/managed': 'istio.io-gateway-controller' }),
      to('gate'),
    ],
  ])('%s', (_, mesh, metadata, waypoint) => {
    expect(waypoints(mesh).ofService(metadata, 'Service').waypoint).toEqual(waypoint);
  });

  it.each<[Gateway['addresses'], string | undefined]>([
    [[{ type: 'IPAddress', value: '10.5.5.5' }, byName('gate')], 'shop/gate.example.com'],
    [
      [
        { type: 'IPAddress', value: 'gate' },
        { type: 'IPAddress', value: 'FD00::0:1' },
      ],
      '/fd00::1',
    ],
    [[{ type: 'NamedAddress', value: '10.5.5.5' }], undefined],
    [[], undefined],
  ])('at %j is %s', (addresses, destination) => {
    const { waypoint } = waypoints({ gateways: [gate({ addresses })] }).ofService(labelled(uses('gate')), 'Service');
    expect(waypoint?.destination).toBe(destination);
  });

  it.each([
    [undefined, true, false],
    ['service', true, false],
    ['workload', false, true],
    ['all', true, true],
    ['none', false, false],
  ])('for %s is there for Services: %s, for pods: %s', (trafficType, services, pods) => {
    const labels = { ...(trafficType !== undefined && { 'istio.io/waypoint-for': trafficType }) };
    const own = waypoints({ gateways: [gate({ labels })] });
    const ofClass = waypoints({ ofClass: { labels } });
    for (const { ofService, ofWorkload } of [own, ofClass]) {
      expect(ofService(labelled(uses('gate')), 'Service').waypoint !== undefined).toBe(services);
      expect(ofWorkload(labelled(uses('gate'))).waypoint !== undefined).toBe(pods);
    }
  });

  it.each<[Visibility, string, object | undefined]>([
    ['PUBLIC', 'edge', to('gate', 'edge')],
    ['NAMESPACE', 'edge', undefined],
    ['NAMESPACE', 'shop', to('gate')],
  ])('of a ServiceEntry that is %s may be in %s', (visibility, namespace, waypoint) => {
    const listeners = [{ ...HBONE, allowedRoutes: { namespaces: { from: 'All' } } }];
    const { ofService } = waypoints({ gateways: [gate({ namespace, listeners })], visibility });
    const metadata = labelled(uses('gate', namespace));
    expect(ofService(metadata, 'ServiceEntry').waypoint).toEqual(waypoint);
    expect(ofService(metadata, 'Service').waypoint).toEqual(to('gate', namespace));
  });
});

describe('a waypoint admits', () => {
  const others = [{ metadata: { name: 'blue', labels: { team: 'blue' } } }, { metadata: { name: 'plain' } }];
  const admitted = (more: Partial<Gateway>): string[] => {
    const { ofService } = waypoints({ gateways: [gate(more)], others });
    return ['shop', 'blue', 'plain'].filter(
      (namespace) => ofService(labelled(uses('gate', 'shop'), { namespace }), 'Service').waypoint !== undefined,
    );
  };
  const open = (namespaces: Admission = { from: 'All' }): object => ({ allowedRoutes: { namespaces } });
  const bound = (binding: string): Partial<Gateway> => ({
    annotations: { 'ambient.istio.io/waypoint-inbound-binding': binding },
  });
  const everybody = ['shop', 'blue', 'plain'];

  it.each<[Admission, string[]]>([
    [undefined, ['shop']],
    [{}, ['shop']],
    [{ from: 'Same' }, ['shop']],
    [{ from: 'All' }, everybody],
    [{ from: 'Selector', selector: { matchLabels: { team: 'blue' } } }, ['blue']],
    [{ from: 'Selector' }, []],
    [{ from: 'Same', selector: {} }, ['shop']],
  ])('by %j %j', (namespaces, places) => {
    expect(admitted({ listeners: [{ ...HBONE, allowedRoutes: { namespaces } }] })).toEqual(places);
  });

  it.each<[string, Partial<Gateway>, string[]]>([
    ['its own namespace without listeners', { listeners: [] }, ['shop']],
    [
      'whom the listener for HBONE admits',
      { listeners: [{ ...HBONE, port: 80, ...open() }, { ...HBONE, protocol: 'TCP', ...open() }, HBONE] },
      ['shop'],
    ],
    [
      'whom the listener for PROXY admits, if it is bound so',
      { ...bound('PROXY'), listeners: [HBONE, { ...PROXY, ...open() }] },
      everybody,
    ],
    [
      'whom the listener for HBONE admits, if it is not bound',
      { listeners: [HBONE, { ...PROXY, ...open() }] },
      ['shop'],
    ],
    [
      'whom the listener for HBONE admits, if it is bound to none',
      { ...bound('NONE'), listeners: [{ ...PROXY, ...open() }, HBONE] },
      ['shop'],
    ],
    ['whom the listener for HBONE admits, if none is for PROXY', { ...bound('PROXY'), listeners: [HBONE] }, ['shop']],
    [
      'whom the listener of the port admits that it is bound to',
      { ...bound('NONE/80'), listeners: [HBONE, PROXY, { port: 80, protocol: 'TCP', ...open() }] },
      everybody,
    ],
    [
      'whom the listener for HBONE admits, if there is no such port',
      { ...bound('PROXY/80'), listeners: [{ ...PROXY, ...open() }, HBONE] },
      ['shop'],
    ],
  ])('%s', (_, gateway, places) => {
    expect(admitted(gateway)).toEqual(places);
  });
});

describe('the pods of a waypoint', () => {
  const ofPod = (mesh: Mesh): object =>
    waypoints(mesh).ofWorkload(labelled({ ...uses('gate'), 'gateway.networking.k8s.io/gateway-name': 'gate' }));
  const forAll = { 'istio.io/waypoint-for': 'all' };
  const binding = (text: string): { annotations: Record<string, string> } => ({
    annotations: { 'ambient.istio.io/waypoint-inbound-binding': text },
  });

  it.each([
    ['PROXY', { applicationTunnel: { protocol: 'PROXY' } }],
    ['PROXY/15088', { applicationTunnel: { protocol: 'PROXY', port: 15088 } }],
    ['NONE', { applicationTunnel: { protocol: 'NONE' } }],
    ['NONE/80', { applicationTunnel: { protocol: 'NONE', port: 80 } }],
    ['PROXY/x80', { applicationTunnel: { protocol: 'PROXY' } }],
    ['PROXY/80x', { applicationTunnel: { protocol: 'PROXY' } }],
    ['PROXY/0x50', { applicationTunnel: { protocol: 'PROXY' } }],
    ['PROXY/80.5', { applicationTunnel: { protocol: 'PROXY' } }],
    ['PROXY/0', { applicationTunnel: { protocol: 'PROXY' } }],
    ['PROXY/80/90', {}],
    ['HBONE', {}],
    ['', {}],
  ])('bound as %j have %j, and no waypoint', (text, is) => {
    expect(ofPod({ gateways: [gate({ labels: forAll, ...binding(text) })] })).toStrictEqual(is);
    expect(ofPod({ gateways: [gate({ labels: forAll })], ofClass: binding(text) })).toStrictEqual(is);
  });

  it('are bound by its own annotation rather than by that of its class', () => {
    expect(ofPod({ gateways: [gate(binding('NONE'))], ofClass: binding('PROXY') })).toEqual({
      applicationTunnel: { protocol: 'NONE' },
    });
  });

  it('have neither where nobody says so', () => {
    expect(ofPod({ gateways: [gate({ labels: forAll })], ofClass: {} })).toStrictEqual({});
  });

  it('of a Gateway without an address are pods like others', () => {
    const pod = labelled({ ...uses('gate'), 'gateway.networking.k8s.io/gateway-name': 'next' });
    const gateways = [gate({ labels: forAll }), canary({ addresses: undefined, ...binding('PROXY') })];
    expect(waypoints({ gateways }).ofWorkload(pod)).toEqual({ waypoint: to('gate') });
  });

  it('of a Gateway that is not there are pods like others', () => {
    const pod = labelled({ ...uses('gate'), 'gateway.networking.k8s.io/gateway-name': 'missing' });
    expect(waypoints({ gateways: [gate({ labels: forAll })] }).ofWorkload(pod)).toEqual({ waypoint: to('gate') });
  });
});

describe('the canary of a waypoint', () => {
  const WEIGHT = 'istio.io/use-waypoint-canary-weight';
  const splits = (name: string, namespace?: string): Record<string, string> => ({
    ...uses('gate'),
    'istio.io/use-waypoint-canary': name,
    ...(namespace !== undefined && { 'istio.io/use-waypoint-canary-namespace': namespace }),
  });
  const shares = (mesh: Mesh, metadata: IndexedMetadata): unknown =>
    waypoints(mesh)
      .ofService(metadata, 'Service')
      .weightedWaypoints?.map(({ destination, weight }) => [destination.destination.split(/[/.]/)[1], weight]);
  const both = { gateways: [gate(), canary()] };
  const shop = { labels: splits('next'), annotations: { [WEIGHT]: '30' } };

  it.each([
    ['30', 30],
    ['+30', 30],
    ['0', 0],
    ['100', 100],
    ['101', undefined],
    ['-1', undefined],
    ['x30', undefined],
    ['0x10', undefined],
    ['5.5', undefined],
    ['30x', undefined],
    ['', undefined],
  ])('of weight %j has the share %s', (text, weight) => {
    const is =
      weight === undefined
        ? undefined
        : [
            ['gate', 100 - weight],
            ['next', weight],
          ];
    expect(shares(both, labelled(splits('next'), { annotations: { [WEIGHT]: text } }))).toEqual(is);
  });

  it.each<[string, Mesh, IndexedMetadata, unknown]>([
    [
      'has no share that nobody gives it',
      both,
      labelled(splits('next')),
      [
        ['gate', 100],
        ['next', 0],
      ],
    ],
    [
      'is that of the namespace for who has its waypoint',
      { ...both, shop },
      labelled(),
      [
        ['gate', 70],
        ['next', 30],
      ],
    ],
    ['is not that of the namespace for who has its own waypoint', { ...both, shop }, labelled(uses('gate')), undefined],
    [
      'of its own has not the share of the namespace',
      { ...both, shop },
      labelled(splits('next')),
      [
        ['gate', 100],
        ['next', 0],
      ],
    ],
    [
      'has the share that the Service gives it',
      { ...both, shop },
      labelled({}, { annotations: { [WEIGHT]: '5' } }),
      [
        ['gate', 95],
        ['next', 5],
      ],
    ],
    ['is none', both, labelled(uses('gate')), undefined],
    ['is none without a name', { gateways: [gate(), canary({ name: '' })] }, labelled(splits('')), undefined],
    [
      'is none by the name of none',
      { gateways: [gate(), canary({ name: 'none' })] },
      labelled(splits('none')),
      undefined,
    ],
    ['is not the waypoint itself', both, labelled(splits('gate')), undefined],
    ['is none that is not there', both, labelled(splits('missing')), undefined],
    [
      'is none that serves pods only',
      { gateways: [gate(), canary({ labels: { 'istio.io/waypoint-for': 'workload' } })] },
      labelled(splits('next')),
      undefined,
    ],
    [
      'is none whose address ztunnel cannot use',
      { gateways: [gate(), canary({ addresses: [{ type: 'Other', value: 'x' }] })] },
      labelled(splits('next')),
      undefined,
    ],
    [
      'is none of another namespace that does not admit',
      { gateways: [gate(), canary({ namespace: 'edge' })] },
      labelled(splits('next', 'edge')),
      undefined,
    ],
    [
      'may be in another namespace',
      {
        gateways: [
          gate(),
          canary({ namespace: 'edge', listeners: [{ ...HBONE, allowedRoutes: { namespaces: { from: 'All' } } }] }),
        ],
      },
      labelled(splits('next', 'edge')),
      [
        ['gate', 100],
        ['next', 0],
      ],
    ],
  ])('%s', (_, mesh, metadata, is) => {
    expect(shares(mesh, metadata)).toEqual(is);
  });
});
