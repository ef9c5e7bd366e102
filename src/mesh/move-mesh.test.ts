import { describe, expect, it } from 'vitest';
import { smallSettings } from '../../test/support/small-mesh.js';
import { addressesOf, callerKind, hasMode, moveMesh } from './move-mesh.js';
import type { PictureObjects } from './picture.js';
import type { PolicyObject } from './policy-object.js';

type Fields = Readonly<Record<string, unknown>>;

const made = (kind: string, name: string, namespace: string | undefined, rest: Fields = {}): PolicyObject => {
  const { metadata = {}, ...others } = rest;
  return { kind, metadata: { name, namespace, ...(metadata as object) }, ...others };
};
const namespace = (name: string, labels: Fields = { 'istio-injection': 'enabled' }): PolicyObject =>
  made('Namespace', name, undefined, { metadata: { labels } });
const deployment = (name: string, inNamespace = 'shop'): PolicyObject =>
  made('Deployment', name, inNamespace, {
    spec: { template: { metadata: { labels: { app: name } }, spec: { serviceAccountName: name, containers: [{}] } } },
  });

interface Given {
  readonly inNamespace?: string;
  readonly account?: string;
  readonly mode?: 'sidecar' | 'old sidecar' | 'ambient' | 'none';
  readonly ip?: string;
  readonly labels?: Fields;
  readonly owner?: string;
  readonly isReady?: boolean;
}

/** A live pod. */
function pod(name: string, given: Given = {}): PolicyObject {
  const { inNamespace = 'shop', account = 'web', mode = 'sidecar', ip = '10.0.0.1', labels = {} } = given;
  const { owner = 'web-7d9f', isReady = true } = given;
  const hasProxy = mode.endsWith('sidecar');
  return made('Pod', name, inNamespace, {
    metadata: {
      labels: {
        app: 'web',
        'pod-template-hash': '7d9f',
        ...labels,
        ...(mode === 'sidecar' && { 'networking.istio.io/tunnel': 'http' }),
      },
      annotations: {
        ...(hasProxy && { 'sidecar.istio.io/status': '' }),
        ...(mode === 'ambient' && { 'ambient.istio.io/redirection': 'enabled' }),
      },
      ownerReferences: [{ kind: 'ReplicaSet', name: owner, controller: true }],
    },
    spec: {
      serviceAccountName: account,
      containers: [{ name: 'app' }, ...(hasProxy ? [{ name: 'istio-proxy' }] : [])],
    },
    status: { phase: 'Running', podIPs: [{ ip }], conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  });
}

const blocks = (...ipBlocks: string[]): PolicyObject =>
  made('AuthorizationPolicy', 'blocks', 'shop', { spec: { rules: [{ from: [{ source: { ipBlocks } }] }] } });

const scope = { namespace: 'shop', waypoint: undefined, settings: smallSettings };
const mesh = (...objects: PolicyObject[]): PictureObjects => moveMesh([namespace('shop'), ...objects], scope);
const podsOf = ({ pods }: PictureObjects): string[] => pods.map((one) => `${one.metadata.name} ${callerKind(one)}`);

describe('the mesh of a migration', () => {
  it('is the same however many pods there are, and in whatever order', () => {
    const web = deployment('web');
    const three = ['a', 'b', 'c'].map((name, index) => pod(`web-7d9f-${name}`, { ip: `10.0.0.${index + 1}` }));
    expect(podsOf(mesh(web))).toEqual(['web shop/web sidecar true false']);
    expect(mesh(web, ...three)).toEqual(mesh(web));
    expect(mesh(...three.reverse(), web)).toEqual(mesh(web));
    expect(mesh(web, blocks('10.0.0.0/8'), ...three)).toEqual(mesh(web, blocks('10.0.0.0/8'), three[0]!));
  });

  it('has the addresses of pods that were left out, for they are like others', () => {
    const blocked = blocks('10.1.0.0/16');
    const [near, far] = [pod('a', { ip: '10.2.0.5' }), pod('b', { ip: '10.1.0.5' })];
    const whole = mesh(deployment('web'), blocked, near, far);
    const addresses = (): string[] => ['10.2.0.5', '10.1.0.5'];
    const of = (...objects: PolicyObject[]): PictureObjects =>
      moveMesh([namespace('shop'), deployment('web'), blocked, ...objects], { ...scope, addresses });
    expect(of(near)).toEqual(whole);
    expect(of(far)).toEqual(whole);
    expect(mesh(deployment('web'), blocked, near)).not.toEqual(whole);
  });

  it('has pods that no template makes, and those that are not as their template says', () => {
    const old = pod('web-7d9f-a', { mode: 'old sidecar' });
    expect(podsOf(mesh(deployment('web'), old))).toEqual([
      'web shop/web sidecar true false',
      'web-7d9f shop/web sidecar false false',
    ]);
    const job = (run: number): PolicyObject =>
      pod(`batch-${run}-x`, { account: 'batch', owner: 'batch', labels: { 'job-name': `batch-${run}` } });
    expect(podsOf(mesh(job(1), job(2)))).toEqual(['batch shop/batch sidecar true false']);
  });

  it('does not take a pod that is about to be captured for one outside the mesh', () => {
    const coming = pod('web-7d9f-a', { mode: 'none', isReady: false });
    expect(hasMode(coming as never)).toBe(false);
    expect(podsOf(mesh(deployment('web'), coming))).toEqual(podsOf(mesh(deployment('web'))));
  });

  it('has one caller for each data plane elsewhere, by templates and live pods', () => {
    const other = namespace('other', { 'istio.io/dataplane-mode': 'ambient' });
    const there = mesh(
      other,
      deployment('web', 'other'),
      ...['a', 'b'].map((name) => pod(name, { inNamespace: 'other', mode: 'ambient' })),
      pod('c', { inNamespace: 'other' }),
    );
    expect(podsOf(there)).toEqual(['web-7d9f other/web sidecar true false', 'web other/web ambient false false']);
  });

  it('has one caller for all accounts elsewhere that no policy tells apart', () => {
    const elsewhere = ['a', 'b', 'c'].map((name) => deployment(name, 'other'));
    const from = (...principals: string[]): PolicyObject =>
      made('AuthorizationPolicy', 'from', 'shop', { spec: { rules: [{ from: [{ source: { principals } }] }] } });
    const names = (...objects: PolicyObject[]): string[] =>
      mesh(namespace('other'), ...elsewhere, ...objects).pods.map(({ metadata }) => metadata.name);
    expect(names()).toEqual(['a']);
    expect(names(from('cluster.local/ns/other/sa/b'))).toEqual(['a', 'b']);
    expect(names(from('cluster.local/ns/other/sa/*'))).toEqual(['a']);
    expect(names(from('cluster.local/ns/other/sa/b', '*/sa/c'))).toEqual(['a', 'b', 'c']);
  });

  it('gives each pod the addresses that pods have, as far as policies tell them apart', () => {
    const addresses = (...objects: PolicyObject[]): string[] =>
      mesh(deployment('web'), ...objects).pods.map(({ status }) => status?.podIPs?.[0]?.ip ?? '');
    expect(addresses(pod('web-7d9f-a'))).toEqual(['240.0.0.1']);
    expect(addresses(blocks('192.0.2.0/24'), pod('web-7d9f-a'))).toEqual(['240.0.0.1']);
    expect(addresses(blocks('10.0.0.0/8'), pod('web-7d9f-a'))).toEqual(['10.0.0.0']);
    const both = [pod('web-7d9f-a'), pod('web-7d9f-b', { ip: '10.9.0.1' })];
    expect(addresses(blocks('10.0.0.0/16'), ...both)).toEqual(['240.0.0.1', '10.0.0.0']);
  });

  it('leaves out what is elsewhere, unless it is the waypoint, or holds for all', () => {
    const policy = (inNamespace: string): PolicyObject => made('AuthorizationPolicy', inNamespace, inNamespace);
    const service = (inNamespace: string): PolicyObject => made('Service', inNamespace, inNamespace);
    const all = ['shop', 'edge', 'other', 'istio-system'].flatMap((name) => [policy(name), service(name)]);
    const names = (of: readonly { metadata: { name: string } }[]): string[] => of.map(({ metadata }) => metadata.name);
    const here = mesh(...all);
    expect([names(here.authorizationPolicies), names(here.services)]).toEqual([['istio-system', 'shop'], ['shop']]);
    const behind = moveMesh(all, { ...scope, waypoint: { namespace: 'edge', name: 'waypoint' } });
    expect(names(behind.authorizationPolicies)).toEqual(['edge', 'istio-system', 'shop']);
    expect(names(behind.services)).toEqual(['edge', 'shop']);
  });

  it('takes no waypoint for a caller', () => {
    const gateway = made('Gateway', 'wp', 'other', { spec: { listeners: [{ protocol: 'HBONE', port: 15008 }] } });
    const proxy = pod('wp-1', {
      inNamespace: 'other',
      mode: 'none',
      labels: { 'gateway.networking.k8s.io/gateway-name': 'wp' },
    });
    expect(podsOf(mesh(gateway, proxy))).toEqual([]);
    expect(podsOf(mesh(proxy))).toHaveLength(1);
  });
});

const service = (name: string, inNamespace = 'shop', labels: Fields = {}): PolicyObject =>
  made('Service', name, inNamespace, { metadata: { labels } });
const namesOf = (objects: readonly { metadata: { name: string } }[]): string[] =>
  objects.map(({ metadata }) => metadata.name);

describe('an object of the mesh of a migration', () => {
  it.each<[string, keyof PictureObjects]>([
    ['ServiceEntry', 'serviceEntries'],
    ['WorkloadEntry', 'workloadEntries'],
    ['RequestAuthentication', 'requestAuthentications'],
    ['PeerAuthentication', 'peerAuthentications'],
  ])('of kind %s is there if it is of the namespace', (kind, field) => {
    const there = mesh(made(kind, 'a', 'shop'), made(kind, 'b', 'other'));
    expect(there[field]).toMatchObject([{ kind, metadata: { name: 'a', namespace: 'shop' } }]);
  });

  it('may be a Gateway of the Gateway API, and is none of Istio’s own', () => {
    const gateway = made('Gateway', 'waypoint', 'shop', { spec: { gatewayClassName: 'istio-waypoint' } });
    expect(namesOf(mesh(gateway, made('Gateway', 'edge', 'shop', { spec: { servers: [] } })).gateways)).toEqual([
      'waypoint',
    ]);
  });

  it('may be a GatewayClass, which is of the whole cluster', () => {
    expect(namesOf(mesh(made('GatewayClass', 'own', undefined)).gatewayClasses)).toEqual(['own']);
  });

  it('may be the namespace that is migrated, or the one whose policies hold for all', () => {
    const given = [namespace('other'), namespace('istio-system'), service('shop'), service('web', 'istio-system')];
    const { namespaces } = mesh(...given);
    expect(namespaces).toMatchObject([{ kind: 'Namespace' }, { kind: 'Namespace' }]);
    expect(namesOf(namespaces)).toEqual(['istio-system', 'shop']);
  });

  it('is of a namespace of the waypoints that the namespace and what is in it name', () => {
    const to = (place: string): Fields => ({ 'istio.io/use-waypoint': 'w', 'istio.io/use-waypoint-namespace': place });
    const policies = ['by-namespace', 'by-service', 'far', 'shop'].map((place) =>
      made('AuthorizationPolicy', place, place),
    );
    const objects = [
      namespace('shop', to('by-namespace')),
      namespace('other', to('far')),
      service('web', 'shop', to('by-service')),
      service('shop', 'other', to('far')),
    ];
    expect(namesOf(moveMesh([...objects, ...policies], scope).authorizationPolicies)).toEqual([
      'by-namespace',
      'by-service',
      'shop',
    ]);
  });

  it('comes by namespace, then by name', () => {
    const given = [service('b'), service('a'), service('c', 'edge')];
    const waypoint = { namespace: 'edge', name: 'waypoint' };
    expect(namesOf(moveMesh(given, { ...scope, waypoint }).services)).toEqual(['c', 'a', 'b']);
  });

  it('has its spec, its addresses and what says how it is treated, not what others have noted on it', () => {
    const annotations = {
      'networking.istio.io/exportTo': '.',
      'my.sidestep.dev/team': 'a',
      'sidestep.dev/bound-waypoint': 'w',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
    };
    const metadata = { labels: { app: 'web' }, creationTimestamp: '2026-01-01T00:00:00Z' };
    const web = made('Service', 'web', 'shop', {
      metadata: { ...metadata, annotations, resourceVersion: '7', managedFields: [] },
      spec: { selector: { app: 'web' } },
      status: { loadBalancer: {}, conditions: [] },
    });
    const { 'networking.istio.io/exportTo': exportTo, 'my.sidestep.dev/team': team } = annotations;
    expect(mesh(web).services).toStrictEqual([
      {
        kind: 'Service',
        metadata: {
          ...metadata,
          name: 'web',
          namespace: 'shop',
          annotations: { 'networking.istio.io/exportTo': exportTo, 'my.sidestep.dev/team': team },
        },
        spec: { selector: { app: 'web' } },
      },
    ]);
    const addresses = [{ value: '10.96.0.9' }];
    const gateway = made('Gateway', 'w', 'shop', {
      spec: { gatewayClassName: 'istio' },
      status: { addresses, conditions: [{ type: 'Programmed' }] },
    });
    expect(mesh(gateway).gateways[0]?.status).toEqual({ addresses });
  });
});

describe('a pod of the namespace that is migrated', () => {
  it('is what its template makes of it, by the labels of its namespace alone', () => {
    const web = deployment('web');
    expect(podsOf(mesh(web, service('shop')))).toEqual(['web shop/web sidecar true false']);
  });

  it('is not made by a Rollout that takes its template from a Deployment', () => {
    const rollout = made('Rollout', 'web', 'shop', { spec: { workloadRef: { kind: 'Deployment', name: 'web' } } });
    expect(mesh(rollout, deployment('web'))).toEqual(mesh(deployment('web')));
    const own = made('Rollout', 'api', 'shop', { spec: { template: { spec: { containers: [{ name: 'app' }] } } } });
    expect(podsOf(mesh(own))).toEqual(['api shop/default sidecar true false']);
  });

  it('comes in an order of its own, templates before live pods', () => {
    const templates = [
      deployment('web'),
      { ...deployment('api'), kind: 'StatefulSet' },
      { ...deployment('api'), spec: { template: { spec: { serviceAccountName: 'other' } } } },
    ];
    const live = ['y', 'x'].map((name) => pod(name, { account: name, owner: name }));
    const wanted = [
      'api shop/other sidecar true false',
      'api-2 shop/api sidecar true false',
      'web shop/web sidecar true false',
      'x shop/x sidecar true false',
      'y shop/y sidecar true false',
    ];
    expect(podsOf(mesh(...templates, ...live))).toEqual(wanted);
    expect(podsOf(mesh(...live.toReversed(), ...templates.toReversed()))).toEqual(wanted);
  });

  it('is like its template, whatever the injector has labelled it, and in whatever order', () => {
    const labels = {
      'service.istio.io/canonical-name': 'web',
      'security.istio.io/tlsMode': 'istio',
      'istio.io/rev': 'default',
      tier: 'x',
    };
    const web = made('Deployment', 'web', 'shop', {
      spec: { template: { metadata: { labels: { tier: 'x', app: 'web' } }, spec: { serviceAccountName: 'web' } } },
    });
    expect(mesh(web, pod('web-7d9f-a', { labels }))).toEqual(mesh(web));
    expect(mesh(web, pod('web-7d9f-a', { labels: { ...labels, tier: 'y' } })).pods).toHaveLength(2);
  });

  it('says what decides its data plane and its ports, and no more', () => {
    const live = pod('web-7d9f-a', { ip: '10.0.0.7' });
    const ports = [{ name: 'http', containerPort: 8080 }];
    const given = {
      ...live,
      metadata: { ...live.metadata, annotations: { ...live.metadata.annotations, team: 'a' } },
      spec: {
        serviceAccountName: 'web',
        hostNetwork: true,
        nodeName: 'node-1',
        containers: [{ name: 'app', ports, image: 'app:1' }],
        initContainers: [{ name: 'istio-proxy', restartPolicy: 'Always', image: 'proxyv2' }],
      },
    };
    const expected = {
      metadata: {
        name: 'web-7d9f',
        namespace: 'shop',
        labels: { app: 'web', 'networking.istio.io/tunnel': 'http' },
        annotations: { 'sidecar.istio.io/status': '' },
      },
      spec: {
        serviceAccountName: 'web',
        hostNetwork: true,
        containers: [{ name: 'app', ports, restartPolicy: undefined }],
        initContainers: [{ name: 'istio-proxy', ports: undefined, restartPolicy: 'Always' }],
      },
      status: { phase: 'Running', podIPs: [{ ip: '240.0.0.1' }], conditions: [{ type: 'Ready', status: 'True' }] },
    };
    expect(mesh(given).pods).toStrictEqual([expected]);
    const { serviceAccountName: _, hostNetwork: __, initContainers: ___, ...spec } = given.spec;
    expect(mesh({ ...given, spec: { ...spec, containers: [{ name: 'istio-proxy' }] } }).pods[0]?.spec).toStrictEqual({
      containers: [{ name: 'istio-proxy', ports: undefined, restartPolicy: undefined }],
      initContainers: [],
    });
  });

  it('has another name for each address, and the same one as pods of other namespaces', () => {
    const both = [pod('a'), pod('b', { ip: '10.9.0.1' })];
    const elsewhere = [namespace('other'), deployment('web', 'other')];
    const { pods } = mesh(deployment('web'), ...elsewhere, blocks('10.0.0.0/16'), ...both);
    expect(pods.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual([
      'shop/web',
      'shop/web-2',
      'other/web',
      'other/web-2',
    ]);
    expect(new Set(pods.map(({ status }) => status?.podIPs?.[0]?.ip))).toEqual(
      new Set(['240.0.0.1', '240.0.0.2', '10.0.0.0']),
    );
  });

  it('has an address that nobody uses where policies name the block of all', () => {
    const { pods } = mesh(deployment('web'), blocks('0.0.0.0/0'), pod('web-7d9f-a'));
    expect(pods.map(({ status }) => status?.podIPs)).toEqual([[{ ip: '240.0.0.1' }]]);
  });

  it('is not asked for its address where no policy names blocks', () => {
    const addresses = (): string[] => {
      throw new Error('nobody needs them');
    };
    const objects = [namespace('shop'), deployment('web')];
    expect(moveMesh(objects, { ...scope, addresses })).toEqual(mesh(deployment('web')));
    expect(() => moveMesh([...objects, blocks('10.0.0.0/8')], { ...scope, addresses })).toThrow('nobody needs them');
  });
});

describe('a caller of another namespace', () => {
  const at = (name: string, given: Given = {}): PolicyObject => pod(name, { inNamespace: 'other', ...given });

  it('is the first by name of those that are alike', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => at(name, { owner: name }));
    expect(namesOf(mesh(b!, a!, c!).pods)).toEqual(['a']);
    expect(namesOf(mesh(c!, b!, a!).pods)).toEqual(['a']);
    const templates = ['y', 'x'].map((name) => deployment(name, 'other'));
    expect(namesOf(mesh(namespace('other'), ...templates, a!).pods)).toEqual(['x']);
  });

  it('keeps of its labels those that tell its data plane', () => {
    const waypoint = { namespace: 'other', name: 'waypoint' };
    const ingress = { 'gateway.networking.k8s.io/gateway-name': 'ingress' };
    const given = [at('a'), at('b', { mode: 'ambient' }), at('c', { mode: 'none', labels: ingress })];
    const labels = moveMesh(given, { ...scope, waypoint }).pods.map(({ metadata }) => metadata.labels);
    expect(labels).toStrictEqual([{ 'networking.istio.io/tunnel': 'http' }, {}, ingress]);
  });

  it('has the account `default` if it names none', () => {
    const unnamed = made('Deployment', 'unnamed', 'other', { spec: { template: { spec: { containers: [] } } } });
    const principals = ['cluster.local/ns/other/sa/default'];
    const policy = made('AuthorizationPolicy', 'from', 'shop', {
      spec: { rules: [{ from: [{ source: { principals } }] }] },
    });
    const given = [namespace('other'), deployment('named', 'other'), unnamed];
    expect(podsOf(mesh(...given))).toEqual(['named other/named sidecar true false']);
    expect(podsOf(mesh(...given, policy))).toEqual([
      'named other/named sidecar true false',
      'unnamed other/default sidecar true false',
    ]);
  });

  it('is one for each account where the waypoint is, whose pods have one, too', () => {
    const proxy = at('w-1', {
      account: 'w',
      owner: 'w',
      mode: 'none',
      labels: { 'gateway.networking.k8s.io/gateway-name': 'w' },
    });
    const gateway = made('Gateway', 'w', 'other', { spec: { listeners: [{ protocol: 'HBONE', port: 15008 }] } });
    const given = [at('a', { account: 'a', owner: 'a' }), at('b', { account: 'b', owner: 'b' }), gateway, proxy];
    expect(podsOf(mesh(...given))).toEqual(['a other/a sidecar true false']);
    expect(podsOf(moveMesh(given, { ...scope, waypoint: { namespace: 'other', name: 'w' } }))).toEqual([
      'a other/a sidecar true false',
      'b other/b sidecar true false',
      'w other/w none false w',
    ]);
  });

  it('may lack labels and a spec', () => {
    const bare = made('Pod', 'a', 'other', {
      metadata: { annotations: { 'ambient.istio.io/redirection': 'enabled' } },
      status: { phase: 'Running' },
    });
    expect(podsOf(mesh(bare))).toEqual(['a other/default ambient false false']);
    const own = { ...bare, metadata: { ...bare.metadata, namespace: 'shop' } };
    expect(podsOf(mesh(own))).toEqual(['a shop/default ambient false false']);
    expect(mesh(own).pods[0]?.spec).toEqual({ containers: [], initContainers: [] });
  });

  it.each<[string, string[], number]>([
    ['is the proxy of a Gateway for ingress', ['HTTP'], 1],
    ['is no proxy of a waypoint with further listeners', ['HTTP', 'HBONE'], 0],
  ])('%s', (_, protocols, count) => {
    const listeners = protocols.map((protocol) => ({ protocol, port: 80 }));
    const gateways = ['web', 'gate'].map((name) => made('Gateway', name, 'other', { spec: { listeners } }));
    const labels = { 'gateway.networking.k8s.io/gateway-name': 'gate' };
    expect(mesh(...gateways, at('gate-1', { mode: 'none', labels })).pods).toHaveLength(count);
  });
});

describe('a pod', () => {
  const bare = { metadata: { name: 'a', namespace: 'shop' } };
  const ready = { type: 'Ready', status: 'True' };

  it('calls as the account that it names, or as `default`', () => {
    expect(callerKind({ ...bare, spec: { serviceAccountName: 'web' } })).toBe('shop/web none false false');
    expect(callerKind({ ...bare, spec: {} })).toBe('shop/default none false false');
    expect(callerKind(bare)).toBe('shop/default none false false');
  });

  it.each<[string, object[] | undefined, boolean]>([
    ['is ready', [{ type: 'PodScheduled', status: 'False' }, ready], true],
    [
      'is not ready',
      [
        { type: 'PodScheduled', status: 'True' },
        { ...ready, status: 'False' },
      ],
      false,
    ],
    ['says nothing of it', undefined, false],
    ['says nothing yet', [], false],
  ])('that is outside the mesh and %s may stay there or not', (_, conditions, expected) => {
    expect(hasMode({ ...bare, status: { conditions } } as never)).toBe(expected);
  });

  it('with a data plane has it, ready or not, until it ends', () => {
    const web = pod('a', { isReady: false });
    expect(hasMode(web as never)).toBe(true);
    expect(hasMode(pod('b', { mode: 'ambient', isReady: false }) as never)).toBe(true);
    expect(hasMode({ ...web, status: { phase: 'Succeeded' } } as never)).toBe(false);
    expect(hasMode(bare)).toBe(false);
  });

  it('has the first of its addresses, unless that is its node’s', () => {
    const podIPs = [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }];
    expect(addressesOf([{ spec: {}, status: { podIPs } }, { status: { podIPs: [{ ip: '10.0.0.2' }] } }])).toEqual([
      '10.0.0.1',
      '10.0.0.2',
    ]);
    expect(addressesOf([{ spec: { hostNetwork: true }, status: { podIPs } }])).toEqual([]);
    expect(addressesOf([{}, { spec: {}, status: {} }, { status: { podIPs: [] } }])).toEqual([]);
  });
});
