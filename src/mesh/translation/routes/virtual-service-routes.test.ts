import { describe, expect, it } from 'vitest';
import { SHOP } from '../../../../test/support/routes/mesh.js';
import { match, rule, service, subsets, to, translated, web } from '../../../../test/support/routes/written.js';
import { asRecord, asRecords } from '../../policy-object.js';

/** The rules of the first HTTPRoute. */
function rulesOf(spec: object): readonly Readonly<Record<string, unknown>>[] {
  const { objects, refused } = translated(spec);
  expect(refused).toEqual([]);
  return asRecords(asRecord(objects.find(({ kind }) => kind === 'HTTPRoute')?.spec)['rules']);
}

const text = (pattern: object): object => ({ path: { type: 'RegularExpression', ...pattern } });

describe('a VirtualService becomes an HTTPRoute', () => {
  it('of its Service', () => {
    expect(translated(to({ destination: { host: 'web', port: { number: 80 } } }))).toEqual({
      objects: [
        {
          apiVersion: 'gateway.networking.k8s.io/v1',
          kind: 'HTTPRoute',
          metadata: { name: 'web', namespace: SHOP },
          spec: {
            parentRefs: [{ group: '', kind: 'Service', name: 'web' }],
            rules: [{ backendRefs: [{ name: 'web', port: 80 }] }],
          },
        },
      ],
      refused: [],
      leftOut: [],
    });
  });

  it.each([
    ['by their names', ['web', 'web.shop.svc.cluster.local', 'api'], ['web', 'api']],
    ['in the mesh and at a Gateway', ['web'], ['web']],
  ])('of all its hosts, %s', (_, hosts, expected) => {
    const destination = { host: 'web', port: { number: 80 } };
    const { objects } = translated({ hosts, gateways: ['mesh', 'edge'], ...to({ destination }) });
    expect(asRecords(asRecord(objects[0]?.spec)['parentRefs']).map(({ name }) => name)).toEqual(expected);
  });

  it.each([[[]], [['*']]])('for all callers where it is exported to %j', (exportTo) => {
    expect(rulesOf({ ...rule({}), exportTo })).toHaveLength(1);
  });

  it.each([
    ['an exact path', { uri: { exact: '/a.b' } }, { path: { type: 'Exact', value: '/a.b' } }],
    ['a path that is none for Exact', { uri: { exact: '/a//b' } }, text({ value: '/a//b' })],
    ['a prefix of texts', { uri: { prefix: '/foo' } }, text({ value: '/foo.*' })],
    ['a prefix with a dot', { uri: { prefix: '/a.b/' } }, text({ value: '/a\\.b/.*' })],
    ['a regular expression', { uri: { regex: '/v[0-9]+' } }, text({ value: '/v[0-9]+' })],
    ['a method', { method: { exact: 'GET' } }, { method: 'GET' }],
    ['a header', { headers: { 'X-Team': { exact: 'a' } } }, { headers: [{ name: 'x-team', value: 'a' }] }],
    [
      'the beginning of a header',
      { headers: { x: { prefix: 'a+' } } },
      { headers: [{ type: 'RegularExpression', name: 'x', value: 'a\\+.*' }] },
    ],
    [
      'a pattern of a header',
      { headers: { x: { regex: 'a|b' } } },
      { headers: [{ type: 'RegularExpression', name: 'x', value: 'a|b' }] },
    ],
    [
      'a header of any value',
      { headers: { x: {}, y: { regex: '*' } } },
      { headers: ['x', 'y'].map((name) => ({ type: 'RegularExpression', name, value: '.*' })) },
    ],
    ['a query parameter', { queryParams: { q: { exact: '1' } } }, { queryParams: [{ name: 'q', value: '1' }] }],
    [
      'the beginning of a query parameter',
      { queryParams: { q: { prefix: 'a' } } },
      { queryParams: [{ type: 'RegularExpression', name: 'q', value: 'a.*' }] },
    ],
  ])('with %s', (_, given, expected) => {
    expect(rulesOf(match(given))).toEqual([{ matches: [expected], backendRefs: [{ name: 'web', port: 80 }] }]);
  });

  it('with any path where it asks for the prefix /', () => {
    expect(rulesOf(match({ uri: { prefix: '/' } }))).toEqual([{ backendRefs: [{ name: 'web', port: 80 }] }]);
  });

  it('with a match for each of several methods', () => {
    const [first] = rulesOf(match({ method: { regex: 'GET|POST' }, uri: { exact: '/' } }));
    const path = { type: 'Exact', value: '/' };
    expect(first?.['matches']).toEqual([
      { path, method: 'GET' },
      { path, method: 'POST' },
    ]);
  });

  it('for each port where it says different things of them', () => {
    const { objects, refused } = translated({
      hosts: ['api'],
      http: [{ match: [{ port: 90 }], route: [web] }, { route: [{ destination: { host: 'api' } }] }],
    });
    expect(refused).toEqual([]);
    const backends = (...names: [string, number][]): object[] =>
      names.map(([name, port]) => ({ backendRefs: [{ name, port }] }));
    expect(
      objects.map(({ metadata, spec }) => [metadata.name, asRecord(spec)['parentRefs'], asRecord(spec)['rules']]),
    ).toEqual([
      ['web-80', [{ group: '', kind: 'Service', name: 'api', port: 80 }], backends(['api', 80])],
      ['web-90', [{ group: '', kind: 'Service', name: 'api', port: 90 }], backends(['web', 80], ['api', 90])],
    ]);
  });

  it.each([
    ['no weight for one', [{ ...web, weight: 0 }], [{ name: 'web', port: 80 }]],
    [
      'weights for several, 0 where none is given',
      [{ ...web, weight: 90 }, web],
      [
        { name: 'web', port: 80, weight: 90 },
        { name: 'web', port: 80, weight: 0 },
      ],
    ],
    [
      'headers of a destination',
      [{ ...web, headers: { response: { remove: ['x'] } } }],
      [
        {
          name: 'web',
          port: 80,
          filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['x'] } }],
        },
      ],
    ],
  ])('with %s', (_, route, backendRefs) => {
    expect(rulesOf(to(...route))).toEqual([{ backendRefs }]);
  });

  it('with leave to name a Service of another namespace', () => {
    const { objects } = translated(to({ destination: { host: 'cart.other.svc.cluster.local' } }));
    expect(objects).toMatchObject([
      {
        kind: 'ReferenceGrant',
        metadata: { name: 'shop-web', namespace: 'other' },
        spec: {
          from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: SHOP }],
          to: [{ group: '', kind: 'Service', name: 'cart' }],
        },
      },
      { kind: 'HTTPRoute', spec: { rules: [{ backendRefs: [{ name: 'cart', namespace: 'other', port: 80 }] }] } },
    ]);
  });

  const filter = (type: string, fields: object): object => ({
    type,
    [type === 'URLRewrite' ? 'urlRewrite' : `${type[0]!.toLowerCase()}${type.slice(1)}`]: fields,
  });
  const exactly = { match: [{ uri: { exact: '/a' } }] };
  const redirect = (fields: object): object => ({ route: undefined, redirect: fields });
  const path = (replaceFullPath: string): object => ({ path: { type: 'ReplaceFullPath', replaceFullPath } });
  const backendRef = { name: 'web', port: 80 };

  it.each<[string, object, object[]]>([
    [
      'headers',
      { headers: { request: { set: { a: '1' }, add: { b: '2' } }, response: { remove: ['c'] } } },
      [
        filter('RequestHeaderModifier', { set: [{ name: 'a', value: '1' }], add: [{ name: 'b', value: '2' }] }),
        filter('ResponseHeaderModifier', { remove: ['c'] }),
      ],
    ],
    ['a new path', { ...exactly, rewrite: { uri: '/b' } }, [filter('URLRewrite', path('/b'))]],
    [
      'a new path for a pattern',
      { match: [{ uri: { regex: '/a.*' } }], rewrite: { uri: '/b' } },
      [filter('URLRewrite', path('/b'))],
    ],
    ['a new host', { rewrite: { authority: 'b.example.com' } }, [filter('URLRewrite', { hostname: 'b.example.com' })]],
    [
      'a redirect',
      redirect({ uri: '/b', authority: 'b.example.com', scheme: 'https', port: 8443, redirectCode: 308 }),
      [
        filter('RequestRedirect', {
          scheme: 'https',
          hostname: 'b.example.com',
          ...path('/b'),
          port: 8443,
          statusCode: 308,
        }),
      ],
    ],
    [
      'a redirect of Istio’s own code',
      redirect({ scheme: 'https' }),
      [filter('RequestRedirect', { scheme: 'https', statusCode: 301 })],
    ],
    [
      'a redirect to the port of the request',
      redirect({ uri: '/b', derivePort: 'FROM_REQUEST_PORT' }),
      [filter('RequestRedirect', { ...path('/b'), statusCode: 301 })],
    ],
    ['a mirror', { mirror: { host: 'web' } }, [filter('RequestMirror', { backendRef })]],
    [
      'a share of a mirror',
      { mirror: { host: 'web' }, mirrorPercentage: { value: 12.5 } },
      [filter('RequestMirror', { backendRef, fraction: { numerator: 125_000, denominator: 1_000_000 } })],
    ],
    [
      'a share as it was',
      { mirror: { host: 'web' }, mirrorPercent: 5 },
      [filter('RequestMirror', { backendRef, percent: 5 })],
    ],
    [
      'mirrors',
      { mirrors: [{ destination: { host: 'web' }, percentage: { value: 0 } }, { destination: { host: 'web' } }] },
      [filter('RequestMirror', { backendRef, percent: 0 }), filter('RequestMirror', { backendRef })],
    ],
  ])('with %s', (_, given, filters) => {
    expect(rulesOf(rule(given))[0]?.['filters']).toEqual(filters);
  });

  it.each([
    ['10s', '10s'],
    ['0.5s', '500ms'],
    ['1m1.5s', '61s500ms'],
    ['0s', '0s'],
  ])('with a timeout: %s', (timeout, request) => {
    expect(rulesOf(rule({ timeout }))[0]?.['timeouts']).toEqual({ request });
  });

  it('with names of rules, and says which names it leaves out', () => {
    const { objects, leftOut, refused } = translated({
      http: [
        { name: 'first', match: [{ name: 'm', statPrefix: 's', uri: { exact: '/' } }], route: [web] },
        { name: 'The Rest', route: [web], mirrorPercent: 5 },
      ],
    });
    expect(refused).toEqual([]);
    expect(asRecords(asRecord(objects[0]?.spec)['rules']).map(({ name }) => name)).toEqual(['first', undefined]);
    expect(leftOut.map(({ at }) => at).sort()).toEqual([
      'spec.http[0].match[0].name',
      'spec.http[0].match[0].statPrefix',
      'spec.http[1].mirrorPercent',
      'spec.http[1].name',
    ]);
  });

  it('as many as its rules need', () => {
    const paths = (count: number, of: string): object[] =>
      Array.from({ length: count }, (_, index) => ({ uri: { exact: `/${of}${index}` } }));
    const http = [
      { match: paths(65, 'a'), route: [web] },
      { match: paths(63, 'b'), route: [web] },
      ...paths(15, 'c').map((one) => ({ match: [one], route: [web] })),
      { route: [web] },
    ];
    const { objects, refused } = translated({ http });
    expect(refused).toEqual([]);
    expect(objects.map(({ metadata, spec }) => [metadata.name, asRecords(asRecord(spec)['rules']).length])).toEqual([
      ['web', 3],
      ['web-2', 16],
    ]);
  });

  it('that it has found there already', () => {
    const spec = to({ destination: { host: 'web', subset: 'v1' } });
    const { objects } = translated(spec);
    const live = objects.map((one) => ({ ...one, spec: { ...asRecord(one.spec), clusterIP: '10.0.0.1' } }));
    expect(translated(spec, [service('web'), subsets('web'), ...live])).toMatchObject({ objects, refused: [] });
  });
});

describe('a VirtualService with ports', () => {
  const ports = (...numbers: number[]): object => ({ ports: numbers.map((port) => ({ name: `http-${port}`, port })) });
  const there = [service('web'), service('api', ports(9090, 80)), service('other', ports(9090))];
  const made = (spec: object): unknown[] => {
    const { objects, refused } = translated(spec, there);
    expect(refused).toEqual([]);
    return objects.map((one) => {
      const { parentRefs, rules } = asRecord(one.spec);
      const parents = asRecords(parentRefs).map((parent) => [parent['name'], parent['port'] ?? []].flat().join(':'));
      return [one.metadata.name, parents, asRecords(rules).length];
    });
  };
  const fixed = { destination: { host: 'web', port: { number: 80 } } };

  it('has one HTTPRoute where no rule says anything of them', () => {
    expect(made({ hosts: ['api', 'other'], http: [{ route: [fixed] }] })).toEqual([['web', ['api', 'other'], 1]]);
  });

  it.each<[string, object[], number]>([
    ['a match', [{ port: 80 }], 1],
    ['one of several matches', [{ uri: { exact: '/' } }, { port: 80 }], 2],
  ])('has an HTTPRoute for each, in their order, where %s asks for one', (_, matches, rules) => {
    const http = [{ match: matches, route: [fixed] }, { route: [fixed] }];
    expect(made({ hosts: ['api', 'other'], http })).toEqual([
      ['web-80', ['api:80'], 2],
      ['web-9090', ['api:9090', 'other:9090'], rules],
    ]);
  });

  it.each<[string, object]>([
    [
      'one of its destinations',
      {
        route: [
          { ...fixed, weight: 1 },
          { destination: { host: 'api' }, weight: 1 },
        ],
      },
    ],
    [
      'one of its mirrors',
      { route: [fixed], mirrors: [{ destination: { host: 'web' } }, { destination: { host: 'api' } }] },
    ],
  ])('has an HTTPRoute for each where %s takes that of the request', (_, only) => {
    expect(made({ hosts: ['api'], http: [only] })).toEqual([
      ['web-80', ['api:80'], 1],
      ['web-9090', ['api:9090'], 1],
    ]);
  });

  it('is refused where none of its hosts has one that it asks for', () => {
    const http = [{ match: [{ port: 81 }], route: [fixed] }];
    expect(translated({ hosts: ['api'], http }, there).refused).toEqual([
      { at: 'spec.http[0].match[0].port', message: 'no host has HTTP on port 81' },
    ]);
  });

  it('redirects to that of the request by a route for each', () => {
    const http = [{ match: [{ port: 80 }], redirect: { uri: '/b' } }, { route: [fixed] }];
    expect(made({ hosts: ['api'], http })).toEqual([
      ['web-80', ['api:80'], 2],
      ['web-9090', ['api:9090'], 1],
    ]);
  });
});

describe('a rule of a VirtualService', () => {
  const at = 'spec.http[0]';
  const mirrors = (count: number): object => ({
    mirrors: Array.from({ length: count }, () => ({ destination: { host: 'web' } })),
  });

  it.each<[string, object, object[]]>([
    ['may say null of what it does not do', { redirect: null, route: [web] }, []],
    ['may do 16 things with a request', mirrors(16), []],
    ['cannot do 17', mirrors(17), [{ at, message: 'does more than 16 things with a request' }]],
    ['has to send requests somewhere', { route: [] }, [{ at: `${at}.route`, message: 'names no destination' }]],
    [
      'need not, where it cannot be said anyway',
      { route: undefined, directResponse: { status: 200 } },
      [{ at: `${at}.directResponse`, message: 'an HTTPRoute answers nothing by itself' }],
    ],
  ])('%s', (_, fields, refused) => {
    expect(translated(rule(fields)).refused).toEqual(refused);
  });
});
