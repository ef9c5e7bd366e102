import { describe, expect, it } from 'vitest';
import type { HttpRequest } from '../enforcement/request.js';
import type { PolicyObject } from '../policy-object.js';
import { byHttpRoutes } from './http-route.js';
import type { Routed } from './routed.js';

const route = (rules: readonly object[], name = 'web'): PolicyObject => ({
  kind: 'HTTPRoute',
  metadata: { name, namespace: 'shop' },
  spec: { rules },
});
const backend = (name: string, more: object = {}): object => ({ name, port: 80, ...more });
const asking = (...matches: object[]): object => ({ matches, backendRefs: [backend('api')] });

type Asked = Partial<HttpRequest>;

const request = (asked: Asked | string): HttpRequest => ({
  method: 'GET',
  host: 'web',
  path: '/',
  headers: {},
  ...(typeof asked === 'string' ? { path: asked } : asked),
});
const routed = (routes: readonly PolicyObject[], asked: Asked | string = '/'): Routed =>
  byHttpRoutes(routes, { http: request(asked), port: 80 });
/** What arrives at the only backend. */
function arriving(rule: object, asked: Asked | string = '/'): HttpRequest {
  const [outcome, ...others] = routed([route([rule])], asked).outcomes;
  expect(others).toEqual([]);
  if (!outcome || 'answer' in outcome) throw new Error('it goes nowhere');
  return outcome.http;
}

const path = (type: string, value: string): object => ({ path: { type, value } });
const prefix = (value: string): object => path('PathPrefix', value);
const header = (name: string, value: string, type?: string): object => ({ name, value, ...(type && { type }) });

describe('a match of an HTTPRoute', () => {
  const x = { headers: { x: ['ab'] } };
  it.each<[boolean, object, Asked | string]>([
    [true, {}, '/any'],
    [true, prefix('/'), '/any'],
    [true, prefix('/a'), '/a'],
    [true, prefix('/a'), '/a/'],
    [true, prefix('/a'), '/a/b'],
    [true, prefix('/a'), '/a?b'],
    [true, prefix('/a/'), '/a'],
    [true, prefix('/a//'), '/a/b'],
    [false, prefix('/a'), '/ab'],
    [false, prefix('/a'), '/b/a'],
    [true, { path: { value: '/a' } }, '/a/b'],
    [false, { path: { value: '/a' } }, '/b'],
    [true, { path: { type: 'Exact' } }, '/'],
    [false, { path: { type: 'Exact' } }, '/a'],
    [true, path('Exact', '/a'), '/a?b'],
    [false, path('Exact', '/a'), '/a/'],
    [true, path('RegularExpression', '/a+'), '/aaa?b'],
    [false, path('RegularExpression', '/a+'), '/aab'],
    [true, { method: 'GET' }, '/'],
    [false, { method: 'POST' }, '/'],
    [true, { headers: [header('X', 'ab')] }, x],
    [false, { headers: [header('x', 'a')] }, x],
    [true, { headers: [header('x', 'a.', 'RegularExpression')] }, x],
    [false, { headers: [header('x', 'a', 'RegularExpression')] }, x],
    [false, { headers: [header('x', 'a.', 'Exact')] }, x],
    [false, { headers: [header('y', '.*', 'RegularExpression')] }, x],
    [false, { headers: [header('x', 'ab'), header('y', 'c')] }, x],
    [true, { headers: [header('x', 'ab'), header('y', 'c')] }, { headers: { x: ['ab'], y: ['c'] } }],
    [true, { queryParams: [header('q', '1')] }, '/?p=2&q=1'],
    [false, { queryParams: [header('Q', '1')] }, '/?q=1'],
    [false, { queryParams: [header('q', '1')] }, '/?q=11'],
    [false, { ...prefix('/a'), method: 'POST' }, '/a'],
    [false, { ...prefix('/a'), method: 'GET' }, '/b'],
  ])('holds (%s) of %j for %j', (holds, match, asked) => {
    const { by, outcomes } = routed([route([asking(match)])], asked);
    expect(by).toBe(holds ? 'HTTPRoute shop/web, rule 0' : 'HTTPRoute shop/web');
    expect(outcomes).toMatchObject([
      holds ? { service: { name: 'api' } } : { answer: 'no rule takes it (404)', allowed: false },
    ]);
  });

  it('is one of several', () => {
    const rules = [asking(prefix('/a'), prefix('/b'))];
    expect(['/a', '/b', '/c'].map((one) => 'service' in routed([route(rules)], one).outcomes[0]!)).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('of matches that hold', () => {
  const everything: Asked = {
    path: '/abc?q=1&r=1',
    headers: { x: ['1'], y: ['1'] },
  };
  const both = (field: 'headers' | 'queryParams', ...names: string[]): object => ({
    [field]: names.map((name) => header(name, '1')),
  });
  it.each<[string, object, object]>([
    ['a whole path before a beginning', path('Exact', '/abc'), { ...prefix('/abc'), method: 'GET' }],
    ['a beginning before a regular expression', prefix('/'), { ...path('RegularExpression', '/abc.*'), method: 'GET' }],
    ['a long beginning before a short one', prefix('/abc'), { ...prefix('/'), method: 'GET' }],
    ['a long regular expression', path('RegularExpression', '/abc.*'), path('RegularExpression', '/.*')],
    ['a method before headers', { method: 'GET' }, both('headers', 'x', 'y')],
    [
      'more headers before fewer',
      both('headers', 'x', 'y'),
      { ...both('headers', 'x'), ...both('queryParams', 'q', 'r') },
    ],
    ['headers before parameters', both('headers', 'x'), both('queryParams', 'q', 'r')],
    ['more parameters before fewer', both('queryParams', 'q', 'r'), both('queryParams', 'q')],
    ['any parameter before none', both('queryParams', 'q'), {}],
    ['a path of its own before none', prefix('/abc'), {}],
  ])('counts %s', (_, better, worse) => {
    for (const rules of [
      [better, worse],
      [worse, better],
    ]) {
      const { by } = routed([route(rules.map((match) => asking(match)))], everything);
      expect(by).toBe(`HTTPRoute shop/web, rule ${rules.indexOf(better)}`);
    }
  });

  it('counts the first of the first route where all are alike: a match that says nothing is the beginning /', () => {
    const rules = [{ backendRefs: [] }, asking(prefix('/')), asking({ path: {} })];
    expect(routed([route(rules, 'a'), route(rules, 'b')]).by).toBe('HTTPRoute shop/a, rule 0');
    expect(routed([route(rules.slice(1), 'b'), route(rules, 'a')]).by).toBe('HTTPRoute shop/b, rule 0');
    expect(routed([route(rules.toReversed())]).by).toBe('HTTPRoute shop/web, rule 0');
  });

  it('names all routes where none counts', () => {
    expect(routed([route([], 'a'), route([asking({ method: 'POST' })], 'b')]).by).toBe(
      'HTTPRoute shop/a, HTTPRoute shop/b',
    );
  });
});

describe('a rule of an HTTPRoute', () => {
  const http = request('/');
  it('sends to each backend that has any weight', () => {
    const backendRefs = [
      backend('a', { weight: 3 }),
      backend('b', { weight: 0 }),
      { name: 'c', namespace: 'other' },
      backend('d', { port: '80' }),
    ];
    const labels = {};
    expect(routed([route([{ backendRefs }])]).outcomes).toEqual([
      { service: { namespace: 'shop', name: 'a' }, port: 80, labels, http, weight: 3 },
      { service: { namespace: 'other', name: 'c' }, port: undefined, labels, http, weight: 1 },
      { service: { namespace: 'shop', name: 'd' }, port: undefined, labels, http, weight: 1 },
    ]);
  });

  it('fails where no backend has any, and does not know those that are no Services', () => {
    const outcomesOf = (backendRefs: object[]): unknown => routed([route([{ backendRefs }])]).outcomes;
    const nowhere = [{ answer: 'sends it nowhere (500)', allowed: false }];
    expect([outcomesOf([]), outcomesOf([backend('a', { weight: 0 })])]).toEqual([nowhere, nowhere]);
    expect(outcomesOf([backend('a', { kind: 'Hostname' })])).toEqual([
      { answer: 'sends it to Hostname a', allowed: true },
    ]);
  });

  const set = (name: string, value: string): object => ({ set: [{ name, value }] });
  const modifier = (requestHeaderModifier: object): object => ({
    type: 'RequestHeaderModifier',
    requestHeaderModifier,
  });

  it('changes headers: what is taken away may be set again, what is set may get more', () => {
    const filters = [
      modifier({ add: [{ name: 'A', value: '3' }], set: [{ name: 'a', value: '2' }], remove: ['A', 'b'] }),
    ];
    const rule = { filters, backendRefs: [backend('api')] };
    expect(arriving(rule, { headers: { a: ['1'], b: ['1'], c: ['1'] } }).headers).toEqual({ a: ['2', '3'], c: ['1'] });
  });

  it('changes them one filter after the other, those of the backend last; other filters change nothing', () => {
    const filters = [
      modifier(set('x', '1')),
      { type: 'ResponseHeaderModifier', responseHeaderModifier: set('x', '2') },
    ];
    expect(arriving({ filters, backendRefs: [backend('api')] }).headers).toEqual({ x: ['1'] });
    const own = { filters: [modifier(set('x', '3'))] };
    expect(arriving({ filters, backendRefs: [backend('api', own)] }).headers).toEqual({ x: ['3'] });
    expect(arriving({ backendRefs: [backend('api', own)] }).headers).toEqual({ x: ['3'] });
  });

  const rewrite = (urlRewrite: object): object => ({ type: 'URLRewrite', urlRewrite });
  const toPrefix = (replacePrefixMatch: string): object => ({
    path: { type: 'ReplacePrefixMatch', replacePrefixMatch },
  });
  const toFull = (replaceFullPath: string): object => ({ path: { type: 'ReplaceFullPath', replaceFullPath } });
  it.each<[string, object, object, string, Partial<HttpRequest>]>([
    ['a host alone', {}, { hostname: 'api' }, '/a', { host: 'api', path: '/a' }],
    ['a path alone', {}, toFull('/b'), '/a?q', { host: 'web', path: '/b?q' }],
    ['both', {}, { hostname: 'api', ...toFull('/b') }, '/a', { host: 'api', path: '/b' }],
    ['nothing', {}, {}, '/a', { host: 'web', path: '/a' }],
    ['the beginning that was asked for', prefix('/a'), toPrefix('/b'), '/a/c?q', { path: '/b/c?q' }],
    ['one with a slash at its end', prefix('/a/'), toPrefix('/b/'), '/a/c', { path: '/b/c' }],
    ['it where there is no more', prefix('/a'), toPrefix('/b'), '/a', { path: '/b' }],
    ['it by nothing', prefix('/a'), toPrefix('/'), '/a', { path: '/' }],
    ['it by nothing, and keeps the rest', prefix('/a'), toPrefix('/'), '/a/c', { path: '/c' }],
    ['the beginning of any path', {}, toPrefix('/b'), '/a', { path: '/b/a' }],
  ])('rewrites %s', (_, match, urlRewrite, asked, expected) => {
    const rule = { matches: [match], filters: [rewrite(urlRewrite)], backendRefs: [backend('api')] };
    expect(arriving(rule, asked)).toMatchObject(expected);
  });

  it.each<[string, object, string, string]>([
    ['to another host', { hostname: 'api' }, '/a?q', 'redirects to api/a'],
    ['to another path', toFull('/b'), '/a?q', 'redirects to /b'],
    ['to another beginning', { hostname: 'api', ...toPrefix('/b') }, '/a/c', 'redirects to api/b/c'],
  ])('redirects %s', (_, requestRedirect, asked, answer) => {
    const filters = [modifier(set('x', '1')), { type: 'RequestRedirect', requestRedirect }];
    const rule = { matches: [prefix('/a')], filters, backendRefs: [backend('api')] };
    expect(routed([route([rule])], asked).outcomes).toEqual([{ answer, allowed: true }]);
  });
});
