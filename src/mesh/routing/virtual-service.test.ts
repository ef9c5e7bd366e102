import { describe, expect, it } from 'vitest';
import type { HttpRequest } from '../enforcement/request.js';
import type { Labels, PolicyObject } from '../policy-object.js';
import type { Outcome, Routed, Router } from './routed.js';
import { byVirtualServices, type VirtualServiceScope } from './virtual-service.js';

const virtualService = (http: readonly object[], name = 'web', namespace = 'shop'): PolicyObject => ({
  kind: 'VirtualService',
  metadata: { name, namespace },
  spec: { http },
});
const destination = (host: string, more: object = {}): object => ({ destination: { host }, ...more });
const to = (host: string): object => ({ route: [destination(host)] });

interface Given {
  readonly http?: Partial<HttpRequest>;
  readonly router?: Partial<Router>;
  /** Other VirtualServices, that may be delegates. */
  readonly others?: readonly PolicyObject[];
  readonly subsets?: Readonly<Record<string, Labels>>;
}

/** Who calls is `sleep` of the namespace `shop`, on port 80. */
function routed(all: readonly PolicyObject[], given: Given = {}): Routed {
  const found = routedIfAny(all, given);
  if (!found) throw new Error('there are no routes');
  return found;
}

function routedIfAny(
  all: readonly PolicyObject[],
  { http, router, others = [], subsets = {} }: Given = {},
): Routed | undefined {
  const scope: VirtualServiceScope = {
    router: { kind: 'Sidecar', namespace: 'shop', labels: { app: 'sleep', tier: 'x' }, ...router },
    delegate: (namespace, name) =>
      others.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    subset: (service, name) => subsets[`${service.namespace}/${service.name}/${name}`],
  };
  return byVirtualServices(
    all,
    { port: 80, http: { method: 'GET', host: 'web', path: '/', headers: {}, ...http } },
    scope,
  );
}

const outcomesOf = (rule: object, given: Given = {}): readonly Outcome[] =>
  routed([virtualService([rule])], given).outcomes;

/** What arrives at the only destination. */
function arriving(rule: object, given: Given = {}): HttpRequest {
  const [outcome] = outcomesOf(rule, given);
  if (!outcome || 'answer' in outcome) throw new Error('it goes nowhere');
  return outcome.http;
}

describe('a match of a VirtualService', () => {
  const labelled = (app: string): object => ({ sourceLabels: { app } });
  it.each<[boolean, object, Partial<HttpRequest>]>([
    [true, {}, {}],
    [true, { method: { exact: 'GET' } }, {}],
    [false, { method: { exact: 'POST' } }, {}],
    [true, { scheme: { exact: 'http' } }, {}],
    [false, { scheme: { exact: 'https' } }, {}],
    [true, { authority: { regex: 'w.b' } }, {}],
    [false, { authority: { exact: 'other' } }, {}],
    [true, { port: 80 }, {}],
    [true, { port: 0 }, {}],
    [false, { port: 81 }, {}],
    [true, { uri: { prefix: '/a' } }, { path: '/ab' }],
    [false, { uri: { prefix: '/a' } }, { path: '/b/a' }],
    [false, { uri: { exact: '/a?b' } }, { path: '/a?b' }],
    [true, { uri: { exact: '/A' }, ignoreUriCase: true }, { path: '/a' }],
    [true, { uri: { prefix: '/A' }, ignoreUriCase: true }, { path: '/ab' }],
    [true, { uri: { exact: '/a' }, ignoreUriCase: true }, { path: '/A' }],
    [false, { uri: { exact: '/A' }, ignoreUriCase: false }, { path: '/a' }],
    [false, { uri: { regex: '/A' }, ignoreUriCase: true }, { path: '/a' }],
    [true, { uri: { regex: '/A' }, ignoreUriCase: true }, { path: '/A' }],
    [true, { ignoreUriCase: true }, { path: '/A' }],
    [true, { headers: { X: { exact: 'a' } } }, { headers: { x: ['a'] } }],
    [false, { headers: { x: { exact: 'a' }, y: {} } }, { headers: { x: ['a'] } }],
    [false, { headers: { x: {} } }, {}],
    [true, { withoutHeaders: { x: {} } }, {}],
    [false, { withoutHeaders: { x: {} } }, { headers: { x: ['a'] } }],
    [false, { withoutHeaders: { x: { exact: 'a' }, y: {} } }, { headers: { x: ['a'] } }],
    [true, { withoutHeaders: { x: { exact: 'b' } } }, { headers: { x: ['a'] } }],
    [true, { queryParams: { q: { exact: '1' } } }, { path: '/?q=1' }],
    [false, { queryParams: { q: { exact: '1' } } }, { path: '/?q=2' }],
    [false, { queryParams: { q: {} } }, {}],
    [true, labelled('sleep'), {}],
    [false, labelled('web'), {}],
    [false, { sourceLabels: { app: 'sleep', tier: 'y' } }, {}],
    [true, { sourceNamespace: 'shop' }, {}],
    [true, { sourceNamespace: '' }, {}],
    [false, { sourceNamespace: 'other' }, {}],
    [true, { gateways: ['ingress', 'mesh'] }, {}],
    [true, { gateways: ['mesh'], sourceNamespace: 'other', ...labelled('web') }, {}],
    [false, { gateways: ['ingress'] }, {}],
    [true, { gateways: [], ...labelled('sleep') }, {}],
    [false, { method: { exact: 'GET' }, uri: { exact: '/b' } }, {}],
  ])('holds (%s) of %j for %j', (holds, match, http) => {
    const rules = [{ match: [match], ...to('api') }, to('web')];
    expect(routed([virtualService(rules)], { http }).by).toBe(`VirtualService shop/web, rule ${holds ? 0 : 1}`);
  });

  it('is one of several, and counts in the order of rules', () => {
    const match = [{ uri: { exact: '/a' } }, { uri: { exact: '/b' } }];
    const all = [
      virtualService([
        { match, ...to('a') },
        { match: [match[1]!], ...to('b') },
        { match: [], ...to('c') },
      ]),
    ];
    const ruleFor = (path: string): string | undefined => routed(all, { http: { path } }).by.split(' ').at(-1);
    expect(['/a', '/b', '/c'].map(ruleFor)).toEqual(['0', '0', '2']);
  });

  it('is of the first VirtualService that has one', () => {
    const only = (path: string, name: string): PolicyObject =>
      virtualService([{ match: [{ uri: { exact: path } }], ...to('api') }], name);
    const all = [only('/a', 'first'), only('/b', 'second'), only('/b', 'third')];
    const http = { path: '/b' };
    const router = { kind: 'Waypoint' as const };
    const none = { by: 'VirtualService shop/first', outcomes: [{ answer: 'no rule takes it (404)', allowed: false }] };
    expect(routed(all, { http, router }).by).toBe('VirtualService shop/second, rule 0');
    expect(routed(all, { router })).toEqual(none);
    // A sidecar reads the first alone.
    expect(routed(all, { http })).toEqual(none);
  });

  const part = virtualService([{ match: [{ port: 81 }], ...to('api') }], 'part');
  it.each<[boolean, string, readonly object[]]>([
    [false, 'there is none', []],
    [false, 'all are for other ports', [{ match: [{ port: 81 }], ...to('api') }]],
    [false, 'all are for other callers', [{ match: [{ sourceLabels: { app: 'web' } }], ...to('api') }]],
    [false, 'all are for callers from elsewhere', [{ match: [{ sourceNamespace: 'other' }], ...to('api') }]],
    [false, 'all are for gateways', [{ match: [{ gateways: ['ingress'] }], ...to('api') }]],
    [false, 'they are left to somebody who is not there', [{ delegate: { name: 'nobody' } }]],
    [false, 'they are left to somebody who has none', [{ delegate: { name: 'part' } }]],
    [false, 'they are not left to anybody on this port', [{ match: [{ port: 81 }], delegate: { name: 'all' } }]],
    [true, 'they are left to somebody who has one', [{ delegate: { name: 'all' } }]],
    [true, 'one asks for the port', [{ match: [{ port: 81 }, { port: 80 }], ...to('api') }]],
    [true, 'one of them is for all', [{ match: [{ port: 81 }], ...to('api') }, to('web')]],
    [true, 'one asks for something else', [{ match: [{ method: { exact: 'POST' } }], ...to('api') }]],
  ])('is of a rule that is meant (%s): %s', (isMeant, _, rules) => {
    const others = [part, virtualService([to('api')], 'all')];
    const [own, next] = [virtualService(rules), virtualService([to('next')], 'next')];
    expect(routedIfAny([own], { others }) !== undefined).toBe(isMeant);
    // The next one is read where the first says nothing.
    expect(routed([own, next], { others }).by.includes('shop/next')).toBe(!isMeant);
  });

  it('is none of a waypoint if it asks for labels, even of gateways', () => {
    for (const match of [{ sourceLabels: { app: 'sleep' } }, { gateways: ['mesh'], sourceLabels: { app: 'sleep' } }]) {
      const all = [virtualService([{ match: [match], ...to('api') }])];
      expect(routedIfAny(all, { router: { kind: 'Waypoint' } })).toBeUndefined();
      expect(routedIfAny(all)).toBeDefined();
    }
  });
});

describe('a delegate', () => {
  const part = (namespace: string): PolicyObject =>
    virtualService([{ match: [{ uri: { prefix: '/a' } }], ...to('api') }], 'part', namespace);
  it.each<[string, object, readonly PolicyObject[], string]>([
    ['of the same namespace', { name: 'part' }, [part('other'), part('shop')], 'VirtualService shop/part, rule 0'],
    [
      'of another',
      { name: 'part', namespace: 'other' },
      [part('shop'), part('other')],
      'VirtualService other/part, rule 0',
    ],
    [
      'that is not there leaves it to the next rule',
      { name: 'part' },
      [part('other')],
      'VirtualService shop/web, rule 1',
    ],
  ])('%s', (_, delegate, others, by) => {
    expect(routed([virtualService([{ delegate }, to('web')])], { http: { path: '/a' }, others }).by).toBe(by);
  });

  it('is asked only where the rule holds, and leaves what it does not take', () => {
    const rules = [{ match: [{ method: { exact: 'GET' } }], delegate: { name: 'part' } }, to('web')];
    const by = (http: Partial<HttpRequest>): string =>
      routed([virtualService(rules)], { http, others: [part('shop')] }).by;
    expect(by({ path: '/a' })).toBe('VirtualService shop/part, rule 0');
    expect(by({ path: '/b' })).toBe('VirtualService shop/web, rule 1');
    expect(by({ path: '/a', method: 'POST' })).toBe('VirtualService shop/web, rule 1');
  });
});

describe('a rule of a VirtualService', () => {
  const abort = (fault: object): object => ({ fault: { abort: fault }, ...to('web') });
  const web = { service: { name: 'web' } };
  it.each<[string, object, object[]]>([
    ['redirects to a path', { redirect: { uri: '/x' } }, [{ answer: 'redirects to /x', allowed: true }]],
    ['redirects to a host', { redirect: { authority: 'api' } }, [{ answer: 'redirects to api/a', allowed: true }]],
    [
      'redirects rather than answers',
      { redirect: { uri: '/x' }, directResponse: { status: 403 } },
      [{ allowed: true }],
    ],
    ['answers', { directResponse: { status: 399 } }, [{ answer: 'answers 399', allowed: true }]],
    ['answers with an error', { directResponse: { status: 400 } }, [{ answer: 'answers 400', allowed: false }]],
    ['fails', abort({ percentage: { value: 100 }, httpStatus: 418 }), [{ answer: 'answers 418', allowed: false }]],
    ['fails now and then', abort({ percentage: { value: 99.9 } }), [{ answer: 'answers 503', allowed: false }, web]],
    ['never fails', abort({ percentage: { value: 0 }, httpStatus: 418 }), [web]],
    ['does not say how often it fails', abort({ httpStatus: 418 }), [web]],
    ['sends it nowhere', { route: [] }, [{ answer: 'sends it nowhere from port 80', allowed: false }]],
    [
      'sends it to what is outside',
      to('example.com'),
      [{ answer: 'sends it to example.com, which is no Service of the cluster', allowed: true }],
    ],
  ])('%s', (_, rule, expected) => {
    const found = outcomesOf(rule, { http: { path: '/a?q' } });
    expect(found).toMatchObject(expected);
    expect(found).toHaveLength(expected.length);
  });

  it.each<[string, string, string]>([
    ['a short name is of its own namespace', 'api', 'shop/api'],
    ['a full one says of which', 'api.other.svc.cluster.local', 'other/api'],
    ['so does one without domain', 'api.other.svc', 'other/api'],
  ])('sends it to a Service: %s', (_, host, expected) => {
    const [outcome] = outcomesOf(to(host));
    expect(outcome && 'service' in outcome && `${outcome.service.namespace}/${outcome.service.name}`).toBe(expected);
  });

  it.each(['api.other.svcx', 'api.other', 'x.api.other.svc'])('knows no Service by the host %s', (host) => {
    expect(outcomesOf(to(host))).toMatchObject([{ allowed: true }]);
  });

  it.each<[string, object[], (number | undefined)[]]>([
    ['the only one, whatever it weighs', [destination('a', { weight: 0 })], [100]],
    [
      'each that weighs anything',
      [destination('a', { weight: 30 }), destination('b', { weight: 0 }), destination('c', { weight: 70 })],
      [30, 70],
    ],
    ['none that does not say', [destination('a'), destination('b', { weight: 1 })], [1]],
  ])('has of destinations %s', (_, route, weights) => {
    expect(outcomesOf({ route }).map((one) => ('weight' in one ? one.weight : undefined))).toEqual(weights);
  });

  it.each<[object, number | undefined]>([
    [{}, undefined],
    [{ port: { number: 81 } }, 81],
    [{ port: { number: 0 } }, undefined],
    [{ port: { name: 'http' } }, undefined],
  ])('sends it to the port of %j', (more, port) => {
    expect(outcomesOf({ route: [{ destination: { host: 'api', ...more } }] })).toMatchObject([{ port }]);
  });

  it('sends it to the pods of a subset', () => {
    const subsets = { 'shop/api/v1': { version: 'v1' } };
    const labelsOf = (subset: string | undefined): readonly Outcome[] =>
      outcomesOf({ route: [{ destination: { host: 'api', ...(subset !== undefined && { subset }) } }] }, { subsets });
    expect(labelsOf('v1')).toMatchObject([{ labels: { version: 'v1' } }]);
    for (const none of [undefined, '']) expect(labelsOf(none)).toMatchObject([{ labels: {} }]);
    expect(labelsOf('v2')).toEqual([
      { answer: 'sends it to the subset v2 of api, which nobody knows', allowed: false },
    ]);
  });

  it('changes headers: first those of the destination, then its own', () => {
    const headers = (set: object, more: object = {}): object => ({ headers: { request: { set, ...more } } });
    const rule = {
      ...headers({ a: 'rule' }, { add: { b: 'rule' }, remove: ['c'] }),
      route: [destination('api', headers({ a: 'destination', b: 'destination', c: 'destination' }))],
    };
    expect(arriving(rule).headers).toEqual({ a: ['rule'], b: ['destination', 'rule'] });
    expect(arriving({ headers: { response: { set: { a: 'x' } } }, ...to('api') }).headers).toEqual({});
  });

  const regex = (match: string, rewrite: string): object => ({ uriRegexRewrite: { match, rewrite } });
  it.each<[string, object | undefined, object, string, Partial<HttpRequest>]>([
    ['nothing', undefined, {}, '/a?q', { host: 'web', path: '/a?q' }],
    ['the host', undefined, { authority: 'api' }, '/a?q', { host: 'api', path: '/a?q' }],
    ['no host by an empty one', undefined, { authority: '' }, '/a', { host: 'web' }],
    ['no path by an empty one', { exact: '/a' }, { uri: '' }, '/a', { path: '/a' }],
    ['a whole path', { exact: '/a' }, { uri: '/b', authority: 'api' }, '/a?q', { host: 'api', path: '/b?q' }],
    ['a whole path that was matched by an expression', { regex: '/a.*' }, { uri: '/b' }, '/ac', { path: '/b' }],
    ['a beginning', { prefix: '/a' }, { uri: '/b' }, '/a/c?q', { path: '/b/c?q' }],
    ['the beginning of any path', undefined, { uri: '/b/' }, '/a', { path: '/b/a' }],
    ['all that an expression finds', undefined, regex('a', 'b'), '/aa?a', { host: 'web', path: '/bb?a' }],
    ['by groups, and with dollars as they are', undefined, regex('/(a)(b)', '/\\2$1\\1'), '/ab', { path: '/b$1a' }],
    [
      'by an expression, and the host',
      undefined,
      { ...regex('a', 'b'), authority: 'api' },
      '/a',
      { host: 'api', path: '/b' },
    ],
    ['nothing by what is no expression', undefined, regex('(', 'b'), '/a', { path: '/a' }],
    ['nothing by half an expression', undefined, { uriRegexRewrite: { match: 'a' } }, '/a', { path: '/a' }],
    ['the path by its own field rather', { exact: '/a' }, { uri: '/b', ...regex('a', 'c') }, '/a', { path: '/b' }],
  ])('rewrites %s', (_, uri, rewrite, path, expected) => {
    const rule = { ...(uri && { match: [{ uri }] }), rewrite, ...to('api') };
    expect(arriving(rule, { http: { path } })).toMatchObject(expected);
  });
});
