import { describe, expect, it } from 'vitest';
import type { LocalService } from '../ztunnel-config.js';
import { readNamespaces } from './namespaces.js';
import type { IndexedService, IndexedServiceEntry, IndexSettings, MeshObjects, Visibility } from './objects.js';
import { hostnameOf, readServices, resolutionOf, type ServiceInfo } from './services.js';
import { readWaypoints } from './waypoints.js';

const settings: IndexSettings = {
  clusterId: 'Kubernetes',
  trustDomain: 'td',
  clusterDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  systemNamespace: 'istio-system',
  revision: 'default',
};

interface Given {
  readonly services?: readonly IndexedService[];
  readonly serviceEntries?: readonly IndexedServiceEntry[];
  readonly annotations?: Record<string, string>;
  readonly network?: string;
  readonly visibility?: Visibility;
}

/** What istiod says of the services of `shop`. */
function infosOf({ services = [], serviceEntries = [], annotations = {}, network, visibility }: Given): ServiceInfo[] {
  const objects = {
    services,
    serviceEntries,
    namespaces: [
      { metadata: { name: 'shop', annotations } },
      { metadata: { name: 'istio-system', labels: { ...(network && { 'topology.istio.io/network': network }) } } },
    ],
  } as unknown as MeshObjects;
  const namespaces = readNamespaces(objects, {
    ...settings,
    ...(visibility && { serviceEntryVisibility: { defaultVisibility: visibility } }),
  });
  return readServices(objects, namespaces, readWaypoints({ gateways: [], gatewayClasses: [] }, namespaces));
}

const locals = (given: Given): LocalService[] => infosOf(given).map(({ service }) => service);

type ServiceSpec = NonNullable<IndexedService['spec']>;
type EntrySpec = NonNullable<IndexedServiceEntry['spec']>;

const service = (spec: ServiceSpec = {}, metadata: Partial<IndexedService['metadata']> = {}): IndexedService => ({
  metadata: { name: 'web', namespace: 'shop', ...metadata },
  spec,
});
const entry = (
  spec: EntrySpec = {},
  metadata: Partial<IndexedServiceEntry['metadata']> = {},
  ...values: readonly { value: string; host?: string }[]
): IndexedServiceEntry => ({
  metadata: { name: 'db', namespace: 'shop', ...metadata },
  spec: { hosts: ['db.example.com'], resolution: 'STATIC', ...spec },
  ...(values.length > 0 && { status: { addresses: values } }),
});
const preferring = (value: string): Record<string, string> => ({ 'networking.istio.io/traffic-distribution': value });

const ZONE = { routingPreferences: ['Network', 'Region', 'Zone'], mode: 'Failover', healthPolicy: 'OnlyHealthy' };
const NODE = { ...ZONE, routingPreferences: ['Network', 'Region', 'Zone', 'Subzone', 'Node'] };
const NODE_ONLY = { routingPreferences: ['Node'], mode: 'Strict', healthPolicy: 'OnlyHealthy' };
const ANY = { routingPreferences: [], mode: 'Standard', healthPolicy: 'AllowAll' };
const PASSTHROUGH = { routingPreferences: [], mode: 'Passthrough', healthPolicy: 'AllowAll' };

describe('a Service', () => {
  it('is known by its name in the domain of the cluster', () => {
    expect(hostnameOf('web', 'shop', { ...settings, clusterDomain: 'example.org' })).toBe('web.shop.svc.example.org');
    expect(infosOf({ services: [service()] })).toMatchObject([
      {
        key: 'shop/web.shop.svc.cluster.local',
        kind: 'Service',
        selector: {},
        service: { name: 'web', namespace: 'shop', hostname: 'web.shop.svc.cluster.local', canonical: true },
      },
    ]);
  });

  it.each<[string, ServiceSpec, string[]]>([
    [
      'all its addresses',
      { clusterIPs: ['10.96.0.1', 'FD00::1'], clusterIP: '10.96.0.9' },
      ['far/10.96.0.1', 'far/fd00::1'],
    ],
    ['its only one', { clusterIP: '10.96.0.1' }, ['far/10.96.0.1']],
    ['none if it is headless', { clusterIP: 'None' }, []],
    ['none before it has one', {}, []],
  ])('has %s, each in its network', (_, spec, vips) => {
    expect(locals({ services: [service(spec)], network: 'far' }).map((one) => one.vips)).toEqual([vips]);
  });

  it('has no network where nobody has named one', () => {
    expect(locals({ services: [service({ clusterIP: '10.96.0.1' })] })[0]!.vips).toEqual(['/10.96.0.1']);
  });

  it('is none if it is only another name for a host', () => {
    expect(infosOf({ services: [service({ type: 'ExternalName' })] })).toEqual([]);
    expect(infosOf({ services: [service({ type: 'ClusterIP' })] })).toHaveLength(1);
  });

  it('leads to the same port unless it says otherwise, by number or by name: 0 is for what each pod has of that name', () => {
    const ports = [
      { name: 'http', port: 80, targetPort: 8080 },
      { port: 81, targetPort: 'admin' },
      { name: 'plain', port: 82 },
      { name: 'same', port: 83, targetPort: 83 },
    ];
    const [info] = infosOf({ services: [service({ ports, selector: { app: 'web' } })] });
    expect(info!.service.ports).toEqual({ 80: 8080, 81: 0, 82: 82, 83: 83 });
    expect(info!.ports).toEqual([
      { number: 80, name: 'http', target: 8080, targetName: '' },
      { number: 81, name: '', target: 0, targetName: 'admin' },
      { number: 82, name: 'plain', target: 82, targetName: '' },
      { number: 83, name: 'same', target: 83, targetName: '' },
    ]);
    expect(info!.selector).toEqual({ app: 'web' });
  });

  it('has of a port that is there twice, for TCP and UDP, the last', () => {
    const ports = [
      { name: 'dns', port: 53, targetPort: 5353 },
      { name: 'http', port: 80, targetPort: 8080 },
      { name: 'dns-tcp', port: 53, targetPort: 5354 },
    ];
    const [info] = infosOf({ services: [service({ ports })] });
    expect(info!.ports.map(({ name }) => name)).toEqual(['dns-tcp', 'http']);
    expect(info!.service.ports).toEqual({ 53: 5354, 80: 8080 });
  });

  it.each([
    [undefined, undefined],
    [[], undefined],
    [['IPv4'], 'IPv4'],
    [['IPv6'], 'IPv6'],
    [['IPv6', 'IPv4'], 'Dual'],
  ])('of the families %j is %s', (ipFamilies, expected) => {
    expect(locals({ services: [service({ ipFamilies })] })[0]!.ipFamilies).toBe(expected);
  });

  it.each<[string, ServiceSpec, Record<string, string>, Record<string, string>, unknown]>([
    ['of everywhere', {}, {}, {}, undefined],
    ['of its zone', { trafficDistribution: 'PreferSameZone' }, {}, {}, ZONE],
    ['of its zone, by the old name', { trafficDistribution: 'PreferClose' }, {}, {}, ZONE],
    ['of its node', { trafficDistribution: 'PreferSameNode' }, {}, {}, NODE],
    ['of everywhere where nobody knows the word', { trafficDistribution: 'PreferX' }, {}, {}, undefined],
    ['of its zone, by annotation', {}, preferring('PreferClose'), {}, ZONE],
    ["of its zone, by its namespace's annotation", {}, {}, preferring('PreferClose'), ZONE],
    [
      "of its node, by its own rather than its namespace's",
      {},
      preferring('PreferSameNode'),
      preferring('PreferClose'),
      NODE,
    ],
    ['of everywhere by an annotation that nobody knows', {}, preferring('Any'), preferring('PreferClose'), undefined],
    ['of its zone where its own annotation is empty', {}, preferring(''), preferring('PreferClose'), ZONE],
    [
      'by its field rather than an annotation',
      { trafficDistribution: 'PreferSameNode' },
      preferring('PreferClose'),
      {},
      NODE,
    ],
    [
      'by an annotation where nobody knows the field',
      { trafficDistribution: 'X' },
      preferring('PreferClose'),
      {},
      ZONE,
    ],
    [
      'of its node and no other',
      { internalTrafficPolicy: 'Local', trafficDistribution: 'PreferClose' },
      {},
      {},
      NODE_ONLY,
    ],
    ['of everywhere by the other policy', { internalTrafficPolicy: 'Cluster' }, {}, {}, undefined],
    ['that are not ready either', { publishNotReadyAddresses: true }, {}, {}, ANY],
    ['only if they are ready', { publishNotReadyAddresses: false }, {}, {}, undefined],
    [
      'of its zone, ready or not',
      { publishNotReadyAddresses: true, trafficDistribution: 'PreferClose' },
      {},
      {},
      { ...ZONE, healthPolicy: 'AllowAll' },
    ],
  ])('takes pods %s', (_, spec, annotations, ofNamespace, expected) => {
    const [found] = locals({ services: [service(spec, { annotations })], annotations: ofNamespace });
    expect(found!.loadBalancer).toEqual(expected);
  });
});

describe('a ServiceEntry', () => {
  it('is a service for each of its hosts', () => {
    const spec = { hosts: ['a.example.com', 'b.example.com'], workloadSelector: { labels: { app: 'db' } } };
    expect(infosOf({ serviceEntries: [entry(spec)] })).toMatchObject([
      { key: 'shop/a.example.com', kind: 'ServiceEntry', selector: { app: 'db' }, service: { canonical: true } },
      { key: 'shop/b.example.com', kind: 'ServiceEntry', selector: { app: 'db' }, service: { canonical: true } },
    ]);
    expect(infosOf({ serviceEntries: [entry()] })[0]!.selector).toEqual({});
    expect(infosOf({ serviceEntries: [{ metadata: { name: 'db', namespace: 'shop' } }] })).toEqual([]);
  });

  it('leads to the same ports unless it says otherwise', () => {
    const ports = [
      { number: 80, name: 'http' },
      { number: 81, targetPort: 8081 },
    ];
    const [info] = infosOf({ serviceEntries: [entry({ ports })] });
    expect(info!.service.ports).toEqual({ 80: 80, 81: 8081 });
    expect(info!.ports).toEqual([
      { number: 80, name: 'http', target: 80, targetName: '' },
      { number: 81, name: '', target: 8081, targetName: '' },
    ]);
  });

  it.each<[string, string[], string[], string[] | undefined]>([
    ['an address', ['10.0.0.1', 'fd00::1'], ['/10.0.0.1', '/fd00::1'], undefined],
    ['a block of one address', ['10.0.0.1/32'], ['/10.0.0.1'], undefined],
    ['a block', ['10.0.0.9/24', '10.1.0.1'], ['/10.1.0.1'], ['/10.0.0.0/24']],
  ])('has %s, blocks apart', (_, addresses, vips, cidrVips) => {
    const [found] = locals({
      serviceEntries: [entry({ addresses }, {}, { value: '240.240.0.1', host: 'db.example.com' })],
    });
    expect([found!.vips, found!.cidrVips]).toEqual([vips, cidrVips]);
  });

  it('is none if one of its addresses is none', () => {
    expect(infosOf({ serviceEntries: [entry({ addresses: ['10.0.0.1', 'db'] })] })).toEqual([]);
  });

  const given = { value: '240.240.0.1', host: 'db.example.com' };
  it.each<[string, EntrySpec, Record<string, string>, { value: string; host?: string }[], string[]]>([
    ['those that it was given', {}, {}, [given], ['/240.240.0.1']],
    ['those of that host', {}, {}, [{ ...given, host: 'other' }, { value: '240.240.0.2' }], []],
    ['no block', {}, {}, [{ ...given, value: '240.240.0.0/24' }], []],
    ['none without resolution', { resolution: 'NONE' }, {}, [given], []],
    ['none of a wildcard', { hosts: ['*.example.com'] }, {}, [{ ...given, host: '*.example.com' }], []],
    [
      'those of a wildcard that is resolved as it is called',
      { hosts: ['*.example.com'], resolution: 'DYNAMIC_DNS' },
      {},
      [{ ...given, host: '*.example.com' }],
      ['/240.240.0.1'],
    ],
    ['none where a label says so', {}, { 'networking.istio.io/enable-autoallocate-ip': 'False' }, [given], []],
    [
      'those it was given where a label asks for them',
      {},
      { 'networking.istio.io/enable-autoallocate-ip': 'true' },
      [given],
      ['/240.240.0.1'],
    ],
  ])('without addresses has %s', (_, spec, labels, addresses, vips) => {
    expect(locals({ serviceEntries: [entry(spec, { labels }, ...addresses)] })[0]!.vips).toEqual(vips);
  });

  it.each<[string, EntrySpec, Record<string, string>, Record<string, string>, unknown]>([
    ['where it was called', { resolution: 'NONE' }, preferring('PreferClose'), {}, PASSTHROUGH],
    ['where it was called if it says nothing', { resolution: undefined }, {}, {}, PASSTHROUGH],
    ['anywhere', {}, {}, {}, undefined],
    ['to its zone', {}, preferring('preferclose'), {}, ZONE],
    ["to its zone by its namespace's annotation", {}, {}, preferring('PreferClose'), ZONE],
  ])('sends calls %s', (_, spec, annotations, ofNamespace, expected) => {
    const [found] = locals({ serviceEntries: [entry(spec, { annotations })], annotations: ofNamespace });
    expect(found!.loadBalancer).toEqual(expected);
  });

  it('has the names of certificates that it says', () => {
    const names = (subjectAltNames?: string[]): unknown =>
      locals({ serviceEntries: [entry({ subjectAltNames })] })[0]!.subjectAltNames;
    expect([names(['spiffe://td/x']), names([]), names()]).toEqual([['spiffe://td/x'], undefined, undefined]);
    expect(resolutionOf({ metadata: { name: 'x' } })).toBe('NONE');
  });

  it.each<[Visibility | undefined, (string | undefined)[]]>([
    [undefined, [undefined]],
    ['PUBLIC', [undefined]],
    ['UNSPECIFIED', [undefined]],
    ['NAMESPACE', ['Namespace']],
    ['NONE', []],
  ])('is seen as the mesh says: %s', (visibility, expected) => {
    const found = locals({ serviceEntries: [entry()], ...(visibility && { visibility }) });
    expect(found.map((one) => one.visibility)).toEqual(expected);
  });
});

describe('services of one host', () => {
  const at = (namespace: string, second: string, name = 'db'): IndexedServiceEntry =>
    entry({}, { name, namespace, creationTimestamp: `2026-01-01T00:00:${second}Z` });
  /** `namespace/name`; `!`: the canonical one. */
  const told = (given: Given): string[] =>
    infosOf(given).map(
      ({ metadata, service: { canonical } }) =>
        `${metadata.namespace}/${metadata.name}${canonical === true ? '!' : ''}`,
    );

  it.each<[string, Given, string[]]>([
    [
      'are one for each namespace, the oldest canonical',
      { serviceEntries: [at('a', '02'), at('b', '01')] },
      ['b/db!', 'a/db'],
    ],
    ['are of a namespace the oldest', { serviceEntries: [at('a', '02', 'young'), at('a', '01', 'old')] }, ['a/old!']],
    [
      'are of a namespace the first by name where they are as old',
      { serviceEntries: [at('a', '01', 'y'), at('a', '01', 'x')] },
      ['a/x!'],
    ],
    [
      'are the Service before any ServiceEntry, however old',
      {
        serviceEntries: [{ ...at('a', '01'), spec: { hosts: ['web.shop.svc.cluster.local'], resolution: 'STATIC' } }],
        services: [service({}, { creationTimestamp: '2026-09-01T00:00:00Z' })],
      },
      ['shop/web!', 'a/db'],
    ],
    [
      'are in the namespace of a Service only that',
      {
        serviceEntries: [
          { ...at('shop', '01'), spec: { hosts: ['web.shop.svc.cluster.local'], resolution: 'STATIC' } },
        ],
        services: [service({}, { creationTimestamp: '2026-09-01T00:00:00Z' })],
      },
      ['shop/web!'],
    ],
    [
      'have no canonical one where only their namespaces see them',
      { serviceEntries: [at('a', '01')], visibility: 'NAMESPACE' },
      ['a/db'],
    ],
  ])('%s', (_, given, expected) => {
    expect(told(given)).toEqual(expected);
  });
});
