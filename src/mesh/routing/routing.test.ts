import { describe, expect, it } from 'vitest';
import { Random } from '../../../test/controlplane/ambient/random.js';
import { HOSTS, randomRoutedRequest, randomVirtualService } from '../../../test/support/routes/generator.js';
import { byHttpRoutes as modelOfHttpRoutes } from '../../../test/support/routes/http-route-model.js';
import { MESH, OTHER, SHOP, objectOf } from '../../../test/support/routes/mesh.js';
import { asked, routedEffect, withoutTime } from '../../../test/support/routes/routed-effect.js';
import { byVirtualService as modelOfVirtualService } from '../../../test/support/routes/virtual-service-model.js';
import { SeedBlocks } from '../../../test/support/seed-blocks.js';
import type { HttpRequest } from '../enforcement/request.js';
import type { PolicyObject } from '../policy-object.js';
import { virtualServiceRoutes } from '../translation/routes/virtual-service-routes.js';
import type { Outcome, Router } from './routed.js';
import { routesOfService } from './routes-of-service.js';

const blocks = new SeedBlocks(200, 10);
const REQUESTS = 30;

const sidecar: Router = { kind: 'Sidecar', namespace: SHOP, labels: { app: 'sleep' } };
const waypoint: Router = { kind: 'Waypoint', namespace: SHOP, labels: {} };
const web = { namespace: SHOP, name: 'web' };

describe('routes', () => {
  it.each(blocks.all)(
    'of generated VirtualServices, and of the HTTPRoutes for them, send requests where models of both say: %d to %d',
    (first, last) => {
      const tally = blocks.begin(first);
      for (let seed = first; seed <= last; seed++) {
        const random = new Random(seed);
        const host = random.pick(HOSTS);
        const virtualService = randomVirtualService(random, 'routes', host);
        const scope = { namespace: SHOP, objects: [...MESH, virtualService] };
        const { objects, refused } = virtualServiceRoutes(virtualService, scope);
        // What the model of a VirtualService does not know is not translated either.
        if (refused.some(({ at }) => /withoutHeaders|ignoreUriCase/.test(at))) continue;
        const called = { namespace: SHOP, name: host.name };
        const written = [...MESH, ...objects];
        const byVirtualService = routesOfService([...MESH, virtualService], sidecar, called);
        const byHttpRoutes = refused.length === 0 ? routesOfService(written, waypoint, called) : undefined;
        if (byHttpRoutes) tally.add('translated');
        for (let count = 0; count < REQUESTS; count++) {
          const request = randomRoutedRequest(random, host, virtualService);
          const expectSame = (routes: typeof byVirtualService, all: readonly PolicyObject[], model: string): void => {
            // Where no rule is for the port it is as if there were no routes: of that the models say nothing.
            const routed = routes!(asked(request));
            const effect = routed ? routedEffect(routed, all, request.port) : 'none';
            if (effect === withoutTime(model)) return;
            const context = `seed ${seed}, ${JSON.stringify(request)}\n${JSON.stringify(virtualService.spec, undefined, 1)}`;
            expect(effect, context).toBe(withoutTime(model));
          };
          expectSame(byVirtualService, MESH, modelOfVirtualService(virtualService, request).effect);
          if (byHttpRoutes) expectSame(byHttpRoutes, written, modelOfHttpRoutes(objects, host.name, request));
        }
      }
      if (blocks.total) expect(blocks.total.of('translated')).toBeGreaterThan(200 / 3);
    },
  );
});

const virtualService = (http: object[], more: object = {}, namespace = SHOP, name = 'web'): PolicyObject =>
  objectOf('networking.istio.io/v1', 'VirtualService', name, { hosts: ['web'], http, ...more }, namespace);

const httpRoute = (rules: object[], namespace = SHOP, name = 'web', port?: number): PolicyObject => {
  const parentRefs = [{ group: '', kind: 'Service', name: 'web', namespace: SHOP, ...(port && { port }) }];
  return objectOf('gateway.networking.k8s.io/v1', 'HTTPRoute', name, { parentRefs, rules }, namespace);
};

const to = (host: string, more: object = {}): object => ({ route: [{ destination: { host, ...more } }] });
const backend = (name: string, more: object = {}): object => ({ backendRefs: [{ name, port: 80, ...more }] });

const get = (path = '/', headers: Record<string, readonly string[]> = {}): HttpRequest => ({
  method: 'GET',
  host: 'web.shop:80',
  path,
  headers,
});

/** What becomes of a request, in few words. */
function sent(objects: readonly PolicyObject[], http = get(), router = sidecar): string {
  const routed = routesOfService([...MESH, ...objects], router, web)?.({ http, port: 80 });
  return routed ? routed.outcomes.map(said).join(', ') : 'no route';
}

function said(outcome: Outcome): string {
  if ('answer' in outcome) return `${outcome.answer}${outcome.allowed ? '' : ' (refused)'}`;
  const { service, port, labels, http } = outcome;
  const subset = Object.values(labels).map((value) => ` ${value}`);
  return `${service.namespace}/${service.name}:${port ?? ''}${subset.join('')} ${http.path}`;
}

describe('a VirtualService', () => {
  it.each<[string, object, HttpRequest, boolean]>([
    ['ignores case where it says so', { uri: { prefix: '/Api' }, ignoreUriCase: true }, get('/aPI/x'), true],
    ['else does not', { uri: { prefix: '/Api' } }, get('/aPI/x'), false],
    ['leaves regular expressions as they are', { uri: { regex: '/A.*' }, ignoreUriCase: true }, get('/a'), false],
    ['knows the flag of RE2', { uri: { regex: '(?i)/A.*' } }, get('/ab'), true],
    ['takes a path as a whole', { uri: { regex: '/a' } }, get('/ab'), false],
    ['reads no query as path', { uri: { exact: '/a' } }, get('/a?b=1'), true],
    ['asks for the host', { authority: { prefix: 'web.shop' } }, get(), true],
    ['and for another', { authority: { exact: 'web' } }, get(), false],
    ['asks for the scheme', { scheme: { exact: 'https' } }, get(), false],
    ['asks for what is not there', { withoutHeaders: { x: {} } }, get('/', { x: [''] }), false],
    ['and for another value', { withoutHeaders: { X: { exact: 'a' } } }, get('/', { x: ['b'] }), true],
    ['joins values', { headers: { x: { exact: 'a,b' } } }, get('/', { x: ['a', 'b'] }), true],
    ['asks for a header that is there', { headers: { x: { regex: '*' } } }, get('/', { x: [''] }), true],
    ['asks for parameters', { queryParams: { q: { exact: '' } } }, get('/?p=1&q'), true],
    ['asks who calls', { sourceLabels: { app: 'sleep' } }, get(), true],
    ['and of others does not hold', { sourceLabels: { app: 'other' } }, get(), false],
    ['asks where from', { sourceNamespace: OTHER }, get(), false],
    ['is for the mesh', { gateways: ['mesh'], sourceLabels: { app: 'other' } }, get(), true],
    ['or for gateways', { gateways: ['shop/ingress'] }, get(), false],
    ['is for a port', { port: 8081 }, get(), false],
  ])('%s', (_, match, http, holds) => {
    expect(sent([virtualService([{ match: [match], ...to('api', { port: { number: 80 } }) }, to('web')])], http)).toBe(
      holds ? `shop/api:80 ${http.path}` : `shop/web: ${http.path}`,
    );
  });

  it.each<[string, object, HttpRequest, string]>([
    ['a beginning', { match: [{ uri: { prefix: '/a' } }], rewrite: { uri: '/b' } }, get('/ac?d=1'), '/bc?d=1'],
    ['a whole path', { match: [{ uri: { exact: '/a' } }], rewrite: { uri: '/b' } }, get('/a?d=1'), '/b?d=1'],
    ['any path', { rewrite: { uri: '/b/' } }, get('/a'), '/b/a'],
    [
      'parts',
      { rewrite: { uriRegexRewrite: { match: '/v([0-9])/', rewrite: '/$-\\1/' } } },
      get('/v1/v2/'),
      '/$-1/v2/',
    ],
  ])('rewrites %s', (_, rule, http, path) => {
    expect(sent([virtualService([{ ...rule, ...to('web') }])], http)).toBe(`shop/web: ${path}`);
  });

  it('changes host and headers, those of a destination first', () => {
    const request = { set: { x: 'rule' }, add: { 'X-More': '2' }, remove: ['X-Gone'] };
    const headers = { request: { set: { x: 'destination' } } };
    const rule = {
      rewrite: { authority: 'api' },
      headers: { request },
      route: [{ destination: { host: 'web' }, headers }],
    };
    const http = get('/', { x: ['1'], 'x-more': ['1'], 'x-gone': ['1'] });
    const routed = routesOfService([...MESH, virtualService([rule])], sidecar, web)?.({ http, port: 80 });
    const [outcome] = routed?.outcomes ?? [];
    expect(outcome && 'http' in outcome && outcome.http).toEqual({
      ...http,
      host: 'api',
      headers: { x: ['rule'], 'x-more': ['1', '2'] },
    });
  });

  const abort = (value: number): object => ({
    fault: { abort: { percentage: { value }, httpStatus: 418 } },
    ...to('web'),
  });

  it.each<[string, object[], string]>([
    ['redirects', [{ redirect: { uri: '/x', authority: 'api' } }], 'redirects to api/x'],
    ['answers', [{ directResponse: { status: 403 } }], 'answers 403 (refused)'],
    ['answers well', [{ directResponse: { status: 200 } }], 'answers 200'],
    ['always fails', [abort(100)], 'answers 418 (refused)'],
    ['fails now and then', [abort(5)], 'answers 418 (refused), shop/web: /'],
    ['takes nothing', [{ match: [{ uri: { exact: '/x' } }], ...to('web') }], 'no rule takes it (404) (refused)'],
    [
      'names a subset that is not there',
      [to('web', { subset: 'v9' })],
      'sends it to the subset v9 of web, which nobody knows (refused)',
    ],
    ['names what is outside', [to('example.com')], 'sends it to example.com, which is no Service of the cluster'],
  ])('%s', (_, http, expected) => {
    expect(sent([virtualService(http)])).toBe(expected);
  });

  it('leaves to a delegate what that takes', () => {
    const delegate = virtualService(
      [{ match: [{ uri: { exact: '/x' } }], ...to('api') }],
      { hosts: [] },
      OTHER,
      'part',
    );
    const root = virtualService([{ delegate: { name: 'part', namespace: OTHER } }, to('web')]);
    expect(sent([root, delegate], get('/x'))).toBe('other/api: /x');
    expect(sent([root, delegate], get('/y'))).toBe('shop/web: /y');
    expect(sent([root], get('/x'))).toBe('shop/web: /x');
  });

  const old = (object: PolicyObject, creationTimestamp: string): PolicyObject => ({
    ...object,
    metadata: { ...object.metadata, creationTimestamp },
  });

  it('counts where its host is the Service by name, rather than a wildcard, and for sidecars where it is the oldest', () => {
    const wide = virtualService([to('api')], { hosts: ['*.shop.svc.cluster.local'] }, SHOP, 'wide');
    expect(sent([wide])).toBe('shop/api: /');
    expect(sent([wide, virtualService([to('web')])])).toBe('shop/web: /');
    const younger = old(virtualService([to('api')], {}, SHOP, 'young'), '2026-02-01T00:00:00Z');
    const older = old(virtualService([{ match: [{ uri: { exact: '/x' } }], ...to('web') }]), '2026-01-01T00:00:00Z');
    expect(sent([younger, older], get('/y'))).toBe('no rule takes it (404) (refused)');
    expect(sent([younger, older], get('/y'), waypoint)).toBe('shop/api: /y');
  });

  it('counts for sidecars where it is exported to, for waypoints in the namespace of the Service or of the waypoint', () => {
    const elsewhere = virtualService(
      [to('web.shop.svc.cluster.local')],
      { hosts: ['web.shop.svc.cluster.local'] },
      OTHER,
    );
    const own = virtualService([to('web')], { exportTo: ['.'] });
    expect(sent([elsewhere])).toBe('shop/web: /');
    expect(sent([elsewhere], get(), waypoint)).toBe('no route');
    expect(sent([elsewhere], get(), { ...waypoint, namespace: OTHER })).toBe('shop/web: /');
    expect(sent([own], get(), { ...sidecar, namespace: OTHER })).toBe('no route');
    expect(sent([virtualService([to('web')], { gateways: ['ingress'] })])).toBe('no route');
  });
});

describe('routes of a Service', () => {
  it('are none where nothing routes its requests', () => {
    const others = [httpRoute([backend('api')]), virtualService([to('api')])];
    expect(routesOfService(MESH, sidecar, web)).toBeUndefined();
    expect(routesOfService([...MESH, ...others], sidecar, { namespace: SHOP, name: 'cart' })).toBeUndefined();
  });

  it('know subsets by DestinationRules of the root namespace, where there is no other', () => {
    const spec = { host: 'api.shop.svc.cluster.local', subsets: [{ name: 'v9', labels: { version: 'v9' } }] };
    const ofMesh = objectOf('networking.istio.io/v1', 'DestinationRule', 'api', spec, 'istio-system');
    const objects = [virtualService([to('api', { subset: 'v9' })]), ofMesh];
    const routed = routesOfService(objects, sidecar, web)?.({ http: get(), port: 80 });
    expect(routed?.outcomes.map(said)).toEqual(['shop/api: v9 /']);
  });

  it('are those of any of the parents of an HTTPRoute', () => {
    const route = httpRoute([backend('api')]);
    const parentRefs = [8081, 80].map((port) => ({ group: '', kind: 'Service', name: 'web', port }));
    expect(sent([{ ...route, spec: { ...(route.spec as object), parentRefs } }])).toBe('shop/api:80 /');
  });
});

describe('an HTTPRoute', () => {
  const rewrite = (path: object, match: object = {}): object => ({
    matches: [match],
    filters: [{ type: 'URLRewrite', urlRewrite: { hostname: 'api', path } }],
    ...backend('web'),
  });

  it.each<[string, object, string, string]>([
    [
      'a beginning',
      rewrite({ type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' }, { path: { type: 'PathPrefix', value: '/a/' } }),
      '/a/c?d=1',
      '/b/c?d=1',
    ],
    [
      'a beginning by nothing',
      rewrite({ type: 'ReplacePrefixMatch', replacePrefixMatch: '/' }, { path: { type: 'PathPrefix', value: '/a' } }),
      '/a',
      '/',
    ],
    [
      'the beginning of any path',
      rewrite({ type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' }),
      '/a?d=1',
      '/b/a?d=1',
    ],
    ['the whole path', rewrite({ type: 'ReplaceFullPath', replaceFullPath: '/b' }), '/a?d=1', '/b?d=1'],
  ])('rewrites %s', (_, rule, path, expected) => {
    expect(sent([httpRoute([rule])], get(path))).toBe(`shop/web:80 ${expected}`);
  });

  it('changes headers, and is of segments', () => {
    const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'X', value: '1' }] } }];
    const rule = { matches: [{ path: { type: 'PathPrefix', value: '/a' } }], filters, ...backend('api') };
    const routes = routesOfService([httpRoute([rule])], waypoint, web);
    const [outcome] = routes?.({ http: get('/a/b'), port: 80 })?.outcomes ?? [];
    expect(outcome && 'http' in outcome && outcome.http.headers).toEqual({ x: ['1'] });
    expect(sent([httpRoute([rule])], get('/ab'))).toBe('no rule takes it (404) (refused)');
  });

  it.each<[string, object, string]>([
    [
      'redirects',
      { filters: [{ type: 'RequestRedirect', requestRedirect: { hostname: 'api' } }] },
      'redirects to api/',
    ],
    ['has no backend', {}, 'sends it nowhere (500) (refused)'],
    ['has one without weight', backend('web', { weight: 0 }), 'sends it nowhere (500) (refused)'],
    ['has one that is no Service', backend('x', { kind: 'Hostname' }), 'sends it to Hostname x'],
  ])('%s', (_, rule, expected) => {
    expect(sent([httpRoute([rule])])).toBe(expected);
  });

  it('is for a port, and counts before a VirtualService', () => {
    const other = httpRoute([backend('api')], SHOP, 'other', 8081);
    expect(sent([other])).toBe('no route');
    expect(sent([other, virtualService([to('web')])])).toBe('shop/web: /');
    expect(sent([httpRoute([backend('api')]), virtualService([to('web')])])).toBe('shop/api:80 /');
  });

  it('of the caller counts before that of the Service, and not for a waypoint', () => {
    const own = httpRoute([backend('api', { namespace: SHOP })], OTHER);
    const all = [httpRoute([backend('web')]), own];
    expect(sent(all, get(), { ...sidecar, namespace: OTHER })).toBe('shop/api:80 /');
    expect(sent(all)).toBe('shop/web:80 /');
    expect(sent(all, get(), waypoint)).toBe('shop/web:80 /');
  });
});
