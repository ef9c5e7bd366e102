import { describe, expect, it } from 'vitest';
import { type MeshPicture, meshPicture, type PictureObjects, type PictureSettings } from '../picture.js';
import type { PolicyObject } from '../policy-object.js';
import { smallObjects, smallPod, smallSettings } from '../../../test/support/small-mesh.js';
import { type Asked, type Call, trace, type Trace } from './trace.js';

/* The mesh of the article, at moments of its move: design 6, scenario A. */

const settings: PictureSettings = {
  clusterId: 'Kubernetes',
  trustDomain: 'cluster.local',
  trustDomainAliases: [],
  enableAutoMtls: true,
  clusterDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  systemNamespace: 'istio-system',
  revision: 'default',
};

type Mode = 'ambient' | 'sidecar' | 'sidecar without HBONE' | 'none';
type Pod = PictureObjects['pods'][number];

let lastAddress = 0;

function pod(name: string, mode: Mode, labels: Record<string, string> = {}): Pod {
  const isSidecar = mode.startsWith('sidecar');
  lastAddress += 1;
  return {
    metadata: {
      name,
      namespace: 'shop',
      labels: { app: name, ...labels, ...(mode === 'sidecar' && { 'networking.istio.io/tunnel': 'http' }) },
      annotations: {
        ...(isSidecar && { 'sidecar.istio.io/status': '{}' }),
        ...(mode === 'ambient' && { 'ambient.istio.io/redirection': 'enabled' }),
      },
    },
    spec: {
      serviceAccountName: name,
      containers: [{ name: 'app' }, ...(isSidecar ? [{ name: 'istio-proxy' }] : [])],
    },
    status: { phase: 'Running', podIPs: [{ ip: `10.0.0.${lastAddress}` }] },
  };
}

interface Plot {
  readonly client: Mode;
  readonly server: Mode;
  /** Whether the Service goes through the waypoint. */
  readonly bound?: boolean;
  readonly policies?: readonly PolicyObject[];
  readonly headless?: boolean;
  readonly portName?: string;
  readonly appProtocol?: string;
  readonly port?: number;
  readonly settings?: Partial<PictureSettings>;
  /** Labels of the Service. */
  readonly labels?: Record<string, string>;
  readonly clientLabels?: Record<string, string>;
}

function draw({
  client,
  server,
  bound,
  policies = [],
  headless,
  portName = 'http',
  appProtocol,
  port = 8000,
  settings: others,
  labels,
  clientLabels,
}: Plot): MeshPicture {
  const of = (kind: string): PolicyObject[] => policies.filter((policy) => policy.kind === kind);
  lastAddress = 0;
  return meshPicture(
    {
      namespaces: [{ metadata: { name: 'shop' } }],
      nodes: [],
      pods: [pod('sleep', client, clientLabels), pod('rogue', client), pod('httpbin', server)],
      services: [
        {
          metadata: {
            name: 'httpbin',
            namespace: 'shop',
            labels: { ...labels, ...(bound === true && { 'istio.io/use-waypoint': 'waypoint' }) },
          },
          spec: {
            clusterIP: headless === true ? 'None' : '10.96.0.1',
            selector: { app: 'httpbin' },
            ports: [{ name: portName, port, targetPort: 80, ...(appProtocol && { appProtocol }) }],
          },
        },
      ],
      endpointSlices: [],
      serviceEntries: [],
      workloadEntries: [],
      gateways: [
        {
          metadata: { name: 'waypoint', namespace: 'shop' },
          spec: {
            gatewayClassName: 'istio-waypoint',
            listeners: [{ port: 15008, protocol: 'HBONE' }],
          },
          status: { addresses: [{ type: 'Hostname', value: 'waypoint.shop.svc.cluster.local' }] },
        },
      ],
      gatewayClasses: [],
      authorizationPolicies: of('AuthorizationPolicy'),
      requestAuthentications: of('RequestAuthentication'),
      peerAuthentications: of('PeerAuthentication'),
    },
    { ...settings, ...others },
  );
}

function policy(kind: string, name: string, spec: object): PolicyObject {
  return { kind, metadata: { name, namespace: 'shop' }, spec };
}

const bySelector = { selector: { matchLabels: { app: 'httpbin' } } };
const byService = { targetRefs: [{ group: '', kind: 'Service', name: 'httpbin' }] };
const fromSleep = [{ source: { principals: ['cluster.local/ns/shop/sa/sleep'] } }];
const requireSleep = policy('AuthorizationPolicy', 'require-sleep', { ...bySelector, rules: [{ from: fromSleep }] });
const strict = policy('PeerAuthentication', 'strict', { mtls: { mode: 'STRICT' } });

/** What becomes of a GET from the client: `<hop> <allowed>` for each hop, of the only backend. */
function get(
  picture: MeshPicture,
  from: string,
  { path = '/ip', token }: { path?: string; token?: object } = {},
): string[] {
  const service = picture.services.find(({ name }) => name === 'httpbin')!;
  const call: Call = {
    from: picture.workloads.find(({ name }) => name === from)!,
    to: { service, port: service.ports[0]!.port },
    http: {
      method: 'GET',
      host: 'httpbin:8000',
      path,
      headers: token ? { authorization: ['Bearer a.b.c'] } : {},
      ...(token && { tokens: { 'a.b.c': { claims: { ...token } } } }),
    },
  };
  const traces = trace(call, picture);
  expect(traces).toHaveLength(1);
  return traces[0]!.hops.map(({ hop, allowed }) => `${hop} ${allowed ? 'allows' : 'refuses'}`);
}

describe('trace', () => {
  it.each<[client: Mode, server: Mode, hop: string]>([
    ['sidecar', 'sidecar', 'Sidecar'],
    ['sidecar without HBONE', 'sidecar without HBONE', 'Sidecar'],
    ['sidecar', 'ambient', 'Ztunnel'],
    ['ambient', 'sidecar', 'Sidecar'],
    ['ambient', 'ambient', 'Ztunnel'],
  ])('knows the caller from %s to %s', (client, server, hop) => {
    const picture = draw({ client, server, policies: [requireSleep, strict] });
    expect(get(picture, 'sleep')).toEqual([`${hop} allows`]);
    expect(get(picture, 'rogue')).toEqual([`${hop} refuses`]);
  });

  it.each<[client: Mode, server: Mode, hop: string]>([
    ['none', 'sidecar', 'Sidecar'],
    ['none', 'ambient', 'Ztunnel'],
    ['ambient', 'sidecar without HBONE', 'Sidecar'],
    ['sidecar without HBONE', 'ambient', 'Ztunnel'],
  ])('has plaintext from %s to %s, which STRICT refuses and no principal matches', (client, server, hop) => {
    expect(get(draw({ client, server }), 'sleep')).toEqual([`${hop} allows`]);
    expect(get(draw({ client, server, policies: [strict] }), 'sleep')).toEqual([`${hop} refuses`]);
    expect(get(draw({ client, server, policies: [requireSleep] }), 'sleep')).toEqual([`${hop} refuses`]);
  });

  const mtls = (mode: string, more: object = {}): PolicyObject =>
    policy('PeerAuthentication', mode.toLowerCase(), { mtls: { mode }, ...more });
  const onPort = { ...bySelector, portLevelMtls: { 80: { mode: 'DISABLE' } } };
  it.each<[string, Plot, boolean]>([
    ['who speaks mutual TLS', { client: 'sidecar', server: 'sidecar' }, true],
    ['who is asked for plaintext', { client: 'sidecar', server: 'sidecar', policies: [mtls('DISABLE')] }, false],
    [
      'who is asked for plaintext on the port',
      { client: 'sidecar', server: 'sidecar', policies: [mtls('STRICT', onPort)] },
      false,
    ],
    [
      'who sends plaintext wherever nobody asks for more',
      { client: 'sidecar', server: 'sidecar', settings: { enableAutoMtls: false } },
      false,
    ],
    ['who tunnels, whatever is asked for', { client: 'ambient', server: 'sidecar', policies: [mtls('DISABLE')] }, true],
    ['who tunnels to ztunnel', { client: 'sidecar', server: 'ambient', policies: [mtls('DISABLE')] }, true],
    [
      'who tunnels to ztunnel in any mesh',
      { client: 'sidecar', server: 'ambient', settings: { enableAutoMtls: false } },
      true,
    ],
  ])('shows by name only a caller %s', (_, plot, isKnown) => {
    const policies = [...(plot.policies ?? []), requireSleep];
    const [answer] = get(draw({ ...plot, policies }), 'sleep');
    expect(answer).toMatch(isKnown ? / allows$/ : / refuses$/);
  });

  it('has nobody to enforce anything at a pod outside the mesh', () => {
    const picture = draw({ client: 'ambient', server: 'none', policies: [requireSleep, strict] });
    expect(get(picture, 'rogue')).toEqual(['Nobody allows']);
  });

  it('shows pods behind a waypoint the identity of the waypoint', () => {
    const plot: Plot = { client: 'ambient', server: 'ambient', bound: true };
    expect(get(draw({ ...plot, policies: [requireSleep] }), 'sleep')).toEqual(['Waypoint allows', 'Ztunnel refuses']);
    const both = [...fromSleep, { source: { principals: ['cluster.local/ns/shop/sa/waypoint'] } }];
    const cured = [policy('AuthorizationPolicy', 'cured', { ...bySelector, rules: [{ from: both }] })];
    // Nobody looks at the caller any more.
    expect(get(draw({ ...plot, policies: cured }), 'rogue')).toEqual(['Waypoint allows', 'Ztunnel allows']);
  });

  it("answers the article's three questions at the waypoint", () => {
    const ambient: Plot = {
      client: 'ambient',
      server: 'ambient',
      bound: true,
      policies: [
        policy('RequestAuthentication', 'jwt', { ...byService, jwtRules: [{ issuer: 'us', jwks: '{}' }] }),
        policy('AuthorizationPolicy', 'ip-with-jwt', {
          ...byService,
          rules: [
            {
              from: fromSleep,
              to: [{ operation: { paths: ['/ip'] } }],
              when: [{ key: 'request.auth.claims[iss]', values: ['us'] }],
            },
          ],
        }),
      ],
    };
    const token = { iss: 'us', sub: 'sleep' };
    expect(get(draw(ambient), 'sleep', { path: '/headers', token })).toEqual(['Waypoint refuses']);
    expect(get(draw(ambient), 'sleep')).toEqual(['Waypoint refuses']);
    expect(get(draw(ambient), 'sleep', { token })).toEqual(['Waypoint allows', 'Ztunnel allows']);
    expect(get(draw(ambient), 'rogue', { token })).toEqual(['Waypoint refuses']);
    // The gap: a sidecar does not go through waypoints, and a Service that is not bound has none.
    expect(get(draw({ ...ambient, client: 'sidecar' }), 'rogue')).toEqual(['Ztunnel allows']);
    expect(get(draw({ ...ambient, bound: false }), 'rogue')).toEqual(['Ztunnel allows']);
  });

  it('takes a gateway through the waypoint only where the Service asks for it', () => {
    const gateway = { 'gateway.networking.k8s.io/gateway-name': 'ingress' };
    const plot: Plot = { client: 'none', server: 'ambient', bound: true, clientLabels: gateway };
    expect(get(draw(plot), 'sleep')).toEqual(['Ztunnel allows']);
    const asked = { ...plot, labels: { 'istio.io/ingress-use-waypoint': 'true' } };
    expect(get(draw(asked), 'sleep')).toEqual(['Waypoint allows', 'Ztunnel allows']);
  });

  it('knows a gateway by its certificate, as it does a sidecar', () => {
    const clientLabels = { 'gateway.networking.k8s.io/gateway-name': 'ingress' };
    const rules = [{ from: [{ source: { principals: ['cluster.local/ns/shop/sa/sleep'] } }] }];
    const policies = [policy('AuthorizationPolicy', 'callers', { ...bySelector, rules })];
    for (const server of ['ambient', 'sidecar', 'sidecar without HBONE'] as const) {
      const plot: Plot = { client: 'none', server, policies, clientLabels };
      expect(get(draw(plot), 'sleep'), server).toEqual([server === 'ambient' ? 'Ztunnel allows' : 'Sidecar allows']);
      expect(get(draw({ ...plot, clientLabels: {} }), 'sleep'), server).toEqual([
        server === 'ambient' ? 'Ztunnel refuses' : 'Sidecar refuses',
      ]);
    }
  });

  it('sees no requests on a port of another protocol: an ALLOW with paths refuses the connection', () => {
    const paths = [{ to: [{ operation: { paths: ['/ip'] } }] }];
    const policies = [policy('AuthorizationPolicy', 'ip', { ...bySelector, rules: paths })];
    const plot: Plot = { client: 'sidecar', server: 'sidecar', policies };
    expect(get(draw(plot), 'sleep')).toEqual(['Sidecar allows']);
    expect(get(draw({ ...plot, portName: 'grpc-web' }), 'sleep')).toEqual(['Sidecar allows']);
    expect(get(draw({ ...plot, portName: 'tcp-db' }), 'sleep')).toEqual(['Sidecar refuses']);
  });

  it.each<[isHttp: boolean, Partial<Plot>]>([
    [true, { portName: 'http' }],
    [true, { portName: 'HTTP-web' }],
    [true, { portName: 'grpc' }],
    [true, { portName: 'web' }],
    [true, { portName: 'web-http' }],
    [false, { portName: 'tcp' }],
    [false, { portName: 'https-web' }],
    [false, { portName: 'redis' }],
    [true, { portName: 'tcp', appProtocol: 'http' }],
    [false, { portName: 'http', appProtocol: 'tcp' }],
    [true, { portName: 'tcp', appProtocol: 'kubernetes.io/h2c' }],
    [true, { portName: 'tcp', appProtocol: 'kubernetes.io/ws' }],
    [false, { portName: 'http', appProtocol: 'kubernetes.io/wss' }],
    [true, { portName: 'db', port: 5432 }],
    [false, { portName: 'db', port: 3306 }],
    [false, { portName: 'db', port: 27017 }],
    [false, { portName: 'mail', port: 25 }],
    [true, { portName: 'http-db', port: 3306 }],
  ])('reads requests (%s) on a port such as %j', (isHttp, plot) => {
    const paths = [{ to: [{ operation: { paths: ['/ip'] } }] }];
    const policies = [policy('AuthorizationPolicy', 'ip', { ...bySelector, rules: paths })];
    const picture = draw({ client: 'sidecar', server: 'sidecar', policies, ...plot });
    expect(get(picture, 'sleep')).toEqual([`Sidecar ${isHttp ? 'allows' : 'refuses'}`]);
  });

  it('does not pass the waypoint of a headless Service: its clients call pods', () => {
    const picture = draw({ client: 'ambient', server: 'ambient', bound: true, headless: true });
    expect(get(picture, 'sleep')).toEqual(['Ztunnel allows']);
  });

  it('says that no pod serves a port', () => {
    const picture = draw({ client: 'ambient', server: 'ambient' });
    const call: Call = { from: picture.workloads[0]!, to: { service: picture.services[0]!, port: 81 } };
    expect(trace(call, picture)).toEqual([
      {
        hops: [{ hop: 'Nobody', enforcer: 'Service/shop/httpbin', allowed: false, by: 'no pod serves port 81' }],
        allowed: false,
      },
    ]);
  });
});

const jwtRules = [{ issuer: 'us', audiences: ['shop'] }];
const authentication = policy('RequestAuthentication', 'jwt', { ...bySelector, jwtRules });
const allow = (name: string, ...rules: object[]): PolicyObject =>
  policy('AuthorizationPolicy', name, { ...bySelector, rules });
const never = { to: [{ operation: { ports: ['1'] } }] };

describe('a hop', () => {
  it.each<[string, Mode, policies: PolicyObject[], allowed: boolean, by: string]>([
    ['Sidecar', 'sidecar', [], true, 'no policy says anything'],
    ['Sidecar', 'sidecar', [allow('a', never, {})], true, 'ALLOW shop/a, rule 1'],
    [
      'Sidecar',
      'sidecar',
      [policy('AuthorizationPolicy', 'd', { ...bySelector, action: 'DENY', rules: [{}] })],
      false,
      'DENY shop/d, rule 0',
    ],
    [
      'Sidecar',
      'sidecar',
      [policy('AuthorizationPolicy', 'c', { ...bySelector, action: 'CUSTOM', provider: { name: 'x' }, rules: [{}] })],
      false,
      'CUSTOM shop/c, whose provider cannot be asked',
    ],
    ['Sidecar', 'sidecar', [allow('a', never), allow('b')], false, 'no rule allows it of shop/a, shop/b'],
    ['Ztunnel', 'ambient', [], true, 'no policy says anything'],
    ['Ztunnel', 'ambient', [allow('a', never, {})], true, 'ALLOW shop/a'],
    [
      'Ztunnel',
      'ambient',
      [policy('AuthorizationPolicy', 'd', { ...bySelector, action: 'DENY', rules: [{}] })],
      false,
      'DENY shop/d',
    ],
    ['Ztunnel', 'ambient', [allow('a', never), allow('b')], false, 'no rule allows it of shop/a, shop/b'],
  ])('at a %s tells why (%#)', (hop, server, policies, allowed, by) => {
    const picture = draw({ client: 'sidecar', server, policies });
    const [sleep, , httpbin] = picture.workloads;
    const call: Call = { from: sleep!, to: { workload: httpbin!, port: 80 } };
    expect(trace(call, picture)).toEqual([
      {
        backend: 'Pod/shop/httpbin',
        hops: [{ hop, enforcer: 'Pod/shop/httpbin', principal: 'cluster.local/ns/shop/sa/sleep', allowed, by }],
        allowed,
      },
    ]);
  });

  it('has no principal where the caller sends plaintext', () => {
    for (const server of ['sidecar', 'ambient'] as const) {
      const picture = draw({ client: 'none', server });
      const [sleep, , httpbin] = picture.workloads;
      const [way] = trace({ from: sleep!, to: { workload: httpbin!, port: 80 } }, picture);
      expect(way?.hops).toStrictEqual([
        {
          hop: server === 'sidecar' ? 'Sidecar' : 'Ztunnel',
          enforcer: 'Pod/shop/httpbin',
          allowed: true,
          by: 'no policy says anything',
        },
      ]);
    }
  });

  const asking = (claims?: object): Asked => ({
    http: {
      method: 'GET',
      host: 'httpbin:8000',
      path: '/ip',
      headers: { authorization: ['Bearer a.b.c'] },
      ...(claims && { tokens: { 'a.b.c': { claims: { ...claims } } } }),
    },
  });
  it.each<[string, Asked, boolean, string]>([
    ['is not valid', asking(), false, 'the token is not valid'],
    ['is for others', asking({ iss: 'us', aud: 'x' }), false, 'the token is for another audience'],
    ['is good', asking({ iss: 'us', aud: 'shop' }), true, 'no policy says anything'],
  ])('tells of a token that %s', (_, asked, allowed, by) => {
    const picture = draw({ client: 'sidecar', server: 'sidecar', policies: [authentication] });
    const [sleep] = picture.workloads;
    const [way] = trace({ from: sleep!, to: { service: picture.services[0]!, port: 8000 }, ...asked }, picture);
    expect(way?.hops).toMatchObject([{ allowed, by }]);
  });

  it('goes by the address of who began the call, if that is known', () => {
    const remote = allow('remote', { from: [{ source: { remoteIpBlocks: ['1.2.3.4'] } }] });
    const picture = draw({ client: 'sidecar', server: 'sidecar', policies: [remote] });
    const [sleep, , httpbin] = picture.workloads;
    const call: Call = { from: sleep!, to: { workload: httpbin!, port: 80 } };
    const isAllowed = (asked: Asked): unknown => trace({ ...call, ...asked }, picture)[0]?.allowed;
    expect(isAllowed({ remoteAddress: '1.2.3.4' })).toBe(true);
    expect(isAllowed({ remoteAddress: '1.2.3.5' })).toBe(false);
    expect(isAllowed({})).toBe(false);
    const caller = allow('caller', { from: [{ source: { remoteIpBlocks: ['10.0.0.1'] } }] });
    const other = draw({ client: 'sidecar', server: 'sidecar', policies: [caller] });
    const direct: Call = { from: other.workloads[0]!, to: { workload: other.workloads[2]!, port: 80 } };
    expect(trace(direct, other)[0]?.allowed).toBe(true);
  });
});

describe('a way with routes', () => {
  const service = (name: string, ports: readonly number[], namespace = 'shop'): PictureObjects['services'][number] => ({
    metadata: { name, namespace },
    spec: {
      clusterIP: `10.96.${namespace.length}.${name.length}`,
      selector: { app: name },
      ports: ports.map((port) => ({ name: `http-${port}`, port, targetPort: 8080 })),
    },
  });
  const virtualService = (http: object[]): PolicyObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { hosts: ['web'], http },
  });
  const subsets: PolicyObject = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { host: 'web', subsets: [{ name: 'v1', labels: { version: 'v1', track: 'main' } }] },
  };
  const to = (host: string, more: object = {}): object => ({ route: [{ destination: { host, ...more } }] });

  function drawn(
    routes: readonly PolicyObject[],
    policies: readonly PolicyObject[] = [],
    mode: 'ambient' | 'sidecar' = 'sidecar',
    isBound = false,
  ): MeshPicture {
    const small = smallObjects({
      pods: [
        smallPod('sleep', mode, { ip: '10.0.0.1' }),
        smallPod('web', mode, { ip: '10.0.0.2', labels: { version: 'v1', track: 'main' } }),
        smallPod('api', mode, { ip: '10.0.0.3' }),
        smallPod('api', mode, { ip: '10.0.0.4', namespace: 'other' }),
      ],
      services: [],
      policies,
      isBound,
    });
    const services = [
      service('api', [8081], 'other'),
      service('web', [80]),
      service('api', [81]),
      service('two', [81, 80]),
    ];
    return meshPicture({ ...small, services, routes }, smallSettings);
  }
  const ask = (picture: MeshPicture, path = '/', more: Partial<Call> = {}): Trace[] =>
    trace(
      {
        from: picture.workloads.find(({ name }) => name === 'sleep')!,
        to: { service: picture.services.find(({ name }) => name === 'web')!, port: 80 },
        http: { method: 'GET', host: 'web', path, headers: {} },
        ...more,
      },
      picture,
    );
  const said = (ways: readonly Trace[]): unknown =>
    ways.map(({ hops, backend, allowed }) => [hops.map(({ by }) => by), backend, allowed]);
  const passes = 'no policy says anything';

  it.each<[string, object, unknown]>([
    ['leads to the only port of a Service', to('api'), [['sends it to api.shop:81', passes], 'Pod/shop/api', true]],
    [
      'leads to the port that it names',
      to('api.other.svc.cluster.local', { port: { number: 8081 } }),
      [['sends it to api.other:8081', passes], 'Pod/other/api', true],
    ],
    [
      'leads to the port that was called, of several',
      to('two'),
      [['sends it to two.shop:80', 'no pod serves port 80'], undefined, false],
    ],
    [
      'ends where a Service is not there',
      to('gone'),
      [['sends it to gone.shop, which is not there'], undefined, false],
    ],
    [
      'leads to a subset',
      to('web', { subset: 'v1' }),
      [['sends it to web.shop:80 (version=v1, track=main)', passes], 'Pod/shop/web', true],
    ],
    ['ends with an answer', { directResponse: { status: 403 } }, [['answers 403'], undefined, false]],
    [
      'ends with an answer that is one',
      { redirect: { uri: '/x' } },
      [[expect.stringMatching(/^redirects to /)], undefined, true],
    ],
  ])('%s', (_, rule, expected) => {
    const ways = ask(drawn([virtualService([rule]), subsets]));
    const rest = ways.map(({ hops: [first, ...others], ...way }) => ({
      ...way,
      hops: [{ ...first!, by: first!.by.replace('VirtualService shop/web, rule 0, ', '') }, ...others],
    }));
    expect(said(rest)).toEqual([expected]);
  });

  it('begins at the sidecar of the caller, which knows nobody', () => {
    const [way] = ask(drawn([virtualService([to('api')])]));
    expect(way?.hops[0]).toEqual({
      hop: 'Sidecar',
      enforcer: 'Pod/shop/sleep',
      allowed: true,
      by: 'VirtualService shop/web, rule 0, sends it to api.shop:81',
    });
  });

  it('shows who is called what the route has made of the request', () => {
    const rules = [{ to: [{ operation: { paths: ['/new'] } }] }];
    const onlyNew: PolicyObject = policy('AuthorizationPolicy', 'new', { rules });
    const picture = drawn(
      [virtualService([{ match: [{ uri: { exact: '/old' } }], rewrite: { uri: '/new' }, ...to('web') }])],
      [onlyNew],
    );
    expect(ask(picture, '/old').map(({ allowed }) => allowed)).toEqual([true]);
    expect(ask(drawn([], [onlyNew]), '/old').map(({ allowed }) => allowed)).toEqual([false]);
  });

  it('is that of no connection, and not the way to the address of a pod', () => {
    const picture = drawn([virtualService([to('api')])]);
    const web = picture.workloads.find(({ name }) => name === 'web')!;
    const called = picture.services.find(({ name }) => name === 'web')!;
    const connection: Call = { from: picture.workloads[0]!, to: { service: called, port: 80 } };
    expect(said(trace(connection, picture))).toEqual([[[passes], 'Pod/shop/web', true]]);
    expect(said(ask(picture, '/', { to: { workload: web, port: 8080 } }))).toEqual([[[passes], 'Pod/shop/web', true]]);
  });

  it('is by the waypoint for ambient pods, and by nobody without one', () => {
    const routes = [virtualService([to('api')])];
    expect(said(ask(drawn(routes, [], 'ambient')))).toEqual([[[passes], 'Pod/shop/web', true]]);
    const [way] = ask(drawn(routes, [], 'ambient', true));
    expect(way?.hops.map(({ hop, enforcer }) => `${hop} ${enforcer}`)).toEqual([
      'Waypoint Gateway/shop/waypoint',
      'Waypoint Gateway/shop/waypoint',
      'Ztunnel Pod/shop/api',
    ]);
  });
});

describe('the waypoint of a pod', () => {
  const refuseAll = policy('AuthorizationPolicy', 'nobody', {
    targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' }],
  });
  const drawn = (policies: readonly PolicyObject[]): MeshPicture => {
    const small = smallObjects({
      pods: [smallPod('sleep', 'ambient', { ip: '10.0.0.1' }), smallPod('web', 'ambient', { ip: '10.0.0.2' })],
      services: [{ name: 'web', selector: { app: 'web' }, isHeadless: true }],
      policies,
      isBound: true,
    });
    const labels = { 'istio.io/waypoint-for': 'all' };
    const gateways = small.gateways.map((one) => ({ ...one, metadata: { ...one.metadata, labels } }));
    return meshPicture({ ...small, gateways }, smallSettings);
  };

  it('decides first, for who calls its address or a headless Service', () => {
    for (const policies of [[], [refuseAll]]) {
      const picture = drawn(policies);
      const [sleep, web] = picture.workloads;
      const principal = 'cluster.local/ns/shop/sa/sleep';
      const waypoint = { hop: 'Waypoint', enforcer: 'Gateway/shop/waypoint', principal };
      const by = 'no policy says anything';
      const refused = {
        hops: [{ ...waypoint, allowed: false, by: 'no rule allows it of shop/nobody' }],
        allowed: false,
      };
      const arrived = {
        backend: 'Pod/shop/web',
        hops: [
          { ...waypoint, allowed: true, by },
          {
            hop: 'Ztunnel',
            enforcer: 'Pod/shop/web',
            principal: 'cluster.local/ns/shop/sa/waypoint',
            allowed: true,
            by,
          },
        ],
        allowed: true,
      };
      for (const to of [
        { workload: web!, port: 8080 },
        { service: picture.services[0]!, port: 80 },
      ])
        expect(trace({ from: sleep!, to }, picture)).toEqual([policies.length > 0 ? refused : arrived]);
    }
  });
});
