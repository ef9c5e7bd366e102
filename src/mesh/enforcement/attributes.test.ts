import { describe, expect, test } from 'vitest';

import type { PolicyObject } from '../policy-object.js';
import { decideAtProxy } from './proxy-authorization.js';
import type { HttpRequest, ProxyRequest, ProxySettings } from './request.js';

const settings: ProxySettings = { trustDomain: 'td' };
const http: HttpRequest = { method: 'GET', host: 'shop.example.com', path: '/ip?x=1', headers: {} };
const connection: ProxyRequest = {
  source: { principal: 'td/ns/shop/sa/web', address: '10.0.0.1' },
  destination: { address: '10.0.0.2', port: 8080 },
};
const request: ProxyRequest = { ...connection, http };
const asked = (change: Partial<HttpRequest>): ProxyRequest => ({ ...connection, http: { ...http, ...change } });

const denied = (rule: object): PolicyObject => ({
  kind: 'AuthorizationPolicy',
  metadata: { name: 'p', namespace: 'shop' },
  spec: { action: 'DENY', rules: [rule] },
});

const to = (operation: object): object => ({ to: [{ operation }] });
const from = (source: object): object => ({ from: [{ source }] });
const when = (key: string, ...values: readonly string[]): object => ({ when: [{ key, values }] });

/** Whether a rule matches. */
const matches = (rule: object, of = request, by = settings): boolean =>
  decideAtProxy([denied(rule)], of, by).by === 'Deny';

describe('attributes', () => {
  const seen: ProxyRequest = {
    ...asked({ headers: { 'x-role': ['user', 'admin'], 'x-empty': [''], authorization: ['a', 'b'] } }),
    remoteAddress: '1.2.3.4',
    sni: 'shop.example.com',
    metadata: { 'envoy.filters.x': { one: 'a', many: ['a', 'b]c', 7], open: '[a', closed: 'a]' } },
  };

  test.each<[object, boolean]>([
    [to({ methods: ['GET'] }), true],
    [to({ methods: ['get'] }), false],
    [to({ hosts: ['SHOP.example.com'] }), true],
    [to({ paths: ['/ip'] }), true],
    [to({ paths: ['/ip?x=1'] }), false],
    [from({ principals: ['td/ns/shop/sa/web'] }), true],
    [from({ principals: ['cluster.local/ns/shop/sa/web'] }), true],
    [from({ principals: ['x/ns/shop/sa/web'] }), false],
    [from({ namespaces: ['shop'] }), true],
    [from({ serviceAccounts: ['web'] }), true],
    [from({ serviceAccounts: ['other/web'] }), false],
    [from({ trustDomains: ['td'] }), true],
    [from({ notTrustDomains: ['x'] }), true],
    [from({ ipBlocks: ['10.0.0.1'] }), true],
    [from({ ipBlocks: ['1.2.3.4'] }), false],
    [from({ remoteIpBlocks: ['1.2.3.4'] }), true],
    [from({ remoteIpBlocks: ['10.0.0.1'] }), false],
    [from({ requestPrincipals: ['*'] }), false],
    [from({ notRequestPrincipals: ['*'] }), true],
    [when('source.ip', '10.0.0.0/24'), true],
    [when('remote.ip', '1.2.0.0/16'), true],
    [when('source.namespace', 'sh*'), true],
    [when('source.serviceAccount', 'shop/web'), true],
    [when('source.trustDomain', 'x'), false],
    [when('source.principal', '*/sa/web'), true],
    [when('destination.ip', '10.0.0.2'), true],
    [when('destination.ip', '10.0.0.1'), false],
    [when('connection.sni', '*.example.com'), true],
    [when('connection.sni', 'x'), false],
    [when('request.headers[X-Role]', 'admin'), true],
    [when('request.headers[x-role]', 'user,admin'), false],
    [when('request.headers[x-role]', 'x'), false],
    [when('request.headers[x-empty]', '*'), true],
    [when('request.headers[x-none]', '*'), false],
    [when('request.headers[authorization]', 'a,b'), true],
    [when('request.headers[authorization]', 'a'), false],
    [when('request.headers[host]', 'shop.example.com'), true],
    [when('request.headers[:authority]', 'shop.example.com'), true],
    [when('request.headers[:method]', 'GET'), true],
    [when('request.headers[:path]', '/ip?x=1'), true],
    [when('request.headers[:path]', '/ip'), false],
    [when('experimental.envoy.filters.x[one]', 'a'), true],
    [when('experimental.envoy.filters.x[one]', '[a]'), false],
    [when('experimental.envoy.filters.x[many]', '[a]'), true],
    [when('experimental.envoy.filters.x[many]', '[7]'), false],
    [when('experimental.envoy.filters.x[many]', '[[a]]'), true],
    [when('experimental.envoy.filters.x[many]', '[b]c]'), true],
    [when('experimental.envoy.filters.x[one', 'a'), true],
    [when('experimental.envoy.filters.x[many]', 'a'), false],
    [when('experimental.envoy.filters.y[one]', 'a'), false],
    [when('experimental.envoy.filters.x[open]', '[a'), true],
    [when('experimental.envoy.filters.x[closed]', 'a]'), true],
  ])('%j: %s', (rule, expected) => {
    expect(matches(rule, seen)).toBe(expected);
  });

  test('who sends plaintext has no identity, and no server name', () => {
    const plaintext: ProxyRequest = { ...request, source: { address: '10.0.0.1' } };
    expect(matches(from({ principals: ['*'] }), plaintext)).toBe(false);
    expect(matches(from({ notPrincipals: ['*'] }), plaintext)).toBe(true);
    expect(matches(when('connection.sni', '*'), plaintext)).toBe(false);
  });

  test('ports go up to 65535', () => {
    const last = { ...request, destination: { address: '10.0.0.2', port: 65_535 } };
    expect(matches(to({ ports: ['65535'] }), last)).toBe(true);
    expect(matches(to({ ports: ['80'] }), last)).toBe(false);
  });

  test('without X-Forwarded-For, the remote address is the source’s', () => {
    expect(matches(from({ remoteIpBlocks: ['10.0.0.1'] }))).toBe(true);
  });

  test('aliases of the trust domain count for principals and for trust domains', () => {
    const by: ProxySettings = { trustDomain: 'new', trustDomainAliases: ['td'] };
    expect(matches(from({ principals: ['new/ns/shop/sa/web'] }), request, by)).toBe(true);
    expect(matches(from({ trustDomains: ['new'] }), request, by)).toBe(true);
    expect(matches(from({ notTrustDomains: ['new'] }), request, by)).toBe(false);
  });

  test('paths are normalised as the mesh says', () => {
    const rule = to({ paths: ['/a/b'] });
    expect(matches(rule, asked({ path: '/a//b' }))).toBe(false);
    expect(matches(rule, asked({ path: '/a//b' }), { ...settings, pathNormalization: 'MERGE_SLASHES' })).toBe(true);
  });
});

describe('claims', () => {
  const claims = {
    iss: 'https://i',
    sub: 'alice',
    aud: ['shop', 'x'],
    azp: 'client',
    groups: ['dev', 'ops'],
    realm: { role: 'admin', 'a.b': 'c' },
    nothing: null,
    number: 7,
  };
  const authentication: PolicyObject = {
    kind: 'RequestAuthentication',
    metadata: { name: 'r', namespace: 'shop' },
    spec: { jwtRules: [{}] },
  };
  const has = (rule: object, of: object = claims): boolean => {
    return (
      decideAtProxy(
        [authentication, denied(rule)],
        asked({ headers: { authorization: ['Bearer t'] }, tokens: { t: { claims: { ...of } } } }),
        settings,
      ).by === 'Deny'
    );
  };
  const principal = (...requestPrincipals: readonly string[]): object => from({ requestPrincipals });

  test.each<[object, boolean]>([
    [principal('https://i/alice'), true],
    [principal('https://i/bob', 'https://i/alice'), true],
    [principal('https://i/bob'), false],
    [principal('https://i/al*'), true],
    [principal('https://i/*'), true],
    [principal('https://x/*'), false],
    [principal('*'), true],
    [principal('*/alice'), true],
    [principal('*i/alice'), true],
    [principal('*x/alice'), false],
    [principal('*/al*'), false],
    [principal('*lice'), true],
    [principal('*bob'), false],
    [principal('https://*'), false],
    [principal('https://*', 'https://i/alice'), true],
    [principal('https*'), true],
    [principal('http:*'), false],
    [principal('https://i'), false],
    [when('request.auth.principal', 'https://i/alice'), true],
    [when('request.auth.audiences', 'shop'), true],
    [when('request.auth.audiences', 'y'), false],
    [when('request.auth.presenter', 'client'), true],
    [when('request.auth.claims[groups]', 'ops'), true],
    [when('request.auth.claims[groups]', 'd*'), true],
    [when('request.auth.claims[groups]', 'x'), false],
    [when('request.auth.claims[realm][role]', 'admin'), true],
    [when('request.auth.claims[realm][x]', '*'), false],
    [when('request.auth.claims[nothing][x]', '*'), false],
    [when('request.auth.claims[groups][0]', '*'), false],
    [when('request.auth.claims[realm]', '*'), false],
    [when('request.auth.claims[number]', '7'), false],
    [when('request.auth.claims[realm][a.b]', 'c'), true],
    [when('request.auth.claims[a[b]]', 'c'), false],
  ])('%j: %s', (rule, expected) => {
    expect(has(rule)).toBe(expected);
  });

  test('a name that brackets do not divide is one name', () => {
    expect(has(when('request.auth.claims[a[b]', 'c'), { 'a[b': 'c' })).toBe(true);
  });

  test('a principal needs both parts; an empty subject is one only where it is asked for', () => {
    expect(has(principal('*'), { iss: 'i' })).toBe(false);
    expect(has(principal('*'), { iss: 'i', sub: '' })).toBe(false);
    expect(has(principal('i'), { iss: 'i', sub: '' })).toBe(true);
    expect(has(principal('i*'), { iss: 'i', sub: 's' })).toBe(true);
    expect(has(principal('*/s'), { iss: '', sub: 's' })).toBe(false);
    expect(has(principal('/s'), { iss: '', sub: 's' })).toBe(true);
  });
});
