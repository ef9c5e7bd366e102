import { describe, expect, test } from 'vitest';

import type { PolicyObject } from '../policy-object.js';
import { decideAtProxy, proxyRules } from './proxy-authorization.js';
import type { HttpRequest, ProxyRequest, ProxySettings, Token } from './request.js';

const settings: ProxySettings = { trustDomain: 'td' };
const http: HttpRequest = { method: 'GET', host: 'shop.example.com', path: '/ip?x=1', headers: {} };
const connection: ProxyRequest = {
  source: { principal: 'td/ns/shop/sa/web', address: '10.0.0.1' },
  destination: { address: '10.0.0.2', port: 8080 },
};
const request: ProxyRequest = { ...connection, http };
const asked = (change: Partial<HttpRequest>): ProxyRequest => ({ ...connection, http: { ...http, ...change } });

function policy(action: string | undefined, rules?: readonly unknown[], more: object = {}): PolicyObject {
  const spec = { ...(action && { action }), ...(rules && { rules }), ...more };
  return { kind: 'AuthorizationPolicy', metadata: { name: 'p', namespace: 'shop' }, spec };
}
const dry = (of: PolicyObject): PolicyObject => ({
  ...of,
  metadata: { ...of.metadata, annotations: { 'istio.io/dry-run': 'true' } },
});
const custom = (name: string, rules: readonly unknown[] = [{}]): PolicyObject =>
  policy('CUSTOM', rules, { provider: { name } });

const to = (operation: object): object => ({ to: [{ operation }] });
const from = (source: object): object => ({ from: [{ source }] });
const when = (key: string, ...values: readonly string[]): object => ({ when: [{ key, values }] });
const never = to({ ports: ['1'] });

/** Whether a rule matches. */
const matches = (rule: object, of = request, by = settings): boolean =>
  decideAtProxy([policy('DENY', [rule])], of, by).by === 'Deny';

describe('order', () => {
  test('DENY wins over ALLOW', () => {
    const deny = policy('DENY', [never, {}]);
    expect(decideAtProxy([policy('ALLOW', [{}]), deny], request, settings)).toEqual({
      allowed: false,
      by: 'Deny',
      policy: deny,
      rule: 1,
    });
  });

  test('without ALLOW, all may pass', () => {
    expect(decideAtProxy([], request, settings)).toEqual({ allowed: true, by: 'NoPolicy' });
    const others = [policy('DENY', [never]), policy('AUDIT', [{}]), dry(policy('ALLOW'))];
    expect(decideAtProxy(others, request, settings)).toEqual({ allowed: true, by: 'NoPolicy' });
  });

  test('with ALLOW, one rule of all must match; no action means ALLOW', () => {
    const allow = policy(undefined, [never, {}]);
    const other = policy('ALLOW', [never]);
    expect(decideAtProxy([other, allow], request, settings)).toEqual({
      allowed: true,
      by: 'Allow',
      policy: allow,
      rule: 1,
    });
    expect(decideAtProxy([other], request, settings)).toEqual({ allowed: false, by: 'NoAllow', policies: [other] });
  });

  test('a policy without rules never matches', () => {
    expect(decideAtProxy([policy('ALLOW')], request, settings).by).toBe('NoAllow');
    expect(decideAtProxy([policy('DENY')], request, settings).by).toBe('NoPolicy');
  });

  test('a bad token ends it before the rules', () => {
    const authentication: PolicyObject = {
      kind: 'RequestAuthentication',
      metadata: { name: 'r', namespace: 'shop' },
      spec: { jwtRules: [{ issuer: 'i', audiences: ['x'] }] },
    };
    const refusal = (tokens: Record<string, Token>): unknown =>
      decideAtProxy(
        [authentication, policy('DENY', [{}])],
        asked({ headers: { authorization: ['Bearer t'] }, tokens }),
        settings,
      );
    expect(refusal({})).toEqual({ allowed: false, by: 'Token', status: 401 });
    expect(refusal({ t: { claims: { iss: 'i' } } })).toEqual({ allowed: false, by: 'Token', status: 403 });
    expect(decideAtProxy([authentication], connection, settings).by).toBe('NoPolicy');
  });

  test('a dry run decides nothing', () => {
    expect(decideAtProxy([dry(policy('DENY', [{}]))], request, settings).by).toBe('NoPolicy');
  });
});

describe('CUSTOM', () => {
  const providers: ProxySettings = { ...settings, authorizationProviders: { a: 'http', b: 'grpc' } };

  test('asks its provider about what it matches, and the rest decides, too', () => {
    const asks = (of: readonly PolicyObject[]): unknown => decideAtProxy(of, request, providers);
    expect(asks([custom('a')])).toEqual({ allowed: true, by: 'NoPolicy', asks: 'a' });
    expect(asks([custom('a'), policy('ALLOW')])).toMatchObject({ allowed: false, by: 'NoAllow', asks: 'a' });
    expect(asks([custom('a', [never])])).toEqual({ allowed: true, by: 'NoPolicy' });
  });

  test('refuses what its provider cannot be asked about', () => {
    const missing = custom('missing', [never, {}]);
    const refused = { allowed: false, by: 'Custom', policy: missing, rule: 1 };
    expect(decideAtProxy([missing], request, providers)).toEqual(refused);
    expect(decideAtProxy([custom('missing', [never])], request, providers).by).toBe('NoPolicy');
    expect(decideAtProxy([dry(missing)], request, providers)).toEqual({ allowed: true, by: 'NoPolicy' });
  });

  test('of two providers, none is asked', () => {
    const of = [custom('a'), custom('b', [never])];
    expect(decideAtProxy(of, request, providers)).toMatchObject({ allowed: false, by: 'Custom' });
    expect(decideAtProxy([custom('a'), custom('a')], request, providers).by).toBe('NoPolicy');
  });

  test('a dry run refuses where it would ask', () => {
    expect(decideAtProxy([dry(custom('a'))], request, providers).by).toBe('Custom');
    expect(decideAtProxy([dry(custom('a', [never]))], request, providers)).toEqual({ allowed: true, by: 'NoPolicy' });
  });

  test('nobody is asked by a dry run, or where the provider is missing', () => {
    const asking = (...of: readonly PolicyObject[]): unknown => proxyRules(of, providers, true).ask.length;
    expect(asking(custom('a', [{}, never]))).toBe(2);
    expect(asking(custom('a'), dry(custom('a')))).toBe(1);
    expect(asking(custom('missing'))).toBe(0);
  });

  test('without HTTP, a provider is asked over gRPC only', () => {
    const outcome = (name: string): unknown => decideAtProxy([custom(name)], connection, providers);
    expect(outcome('a')).toEqual({ allowed: true, by: 'NoPolicy' });
    expect(outcome('b')).toEqual({ allowed: true, by: 'NoPolicy', asks: 'b' });
    expect(outcome('missing')).toMatchObject({ allowed: false, by: 'Custom' });
  });

  test('sees no claims', () => {
    const token: Token = { claims: { iss: 'i', sub: 's' } };
    const authentication: PolicyObject = {
      kind: 'RequestAuthentication',
      metadata: { name: 'r', namespace: 'shop' },
      spec: { jwtRules: [{ issuer: 'i' }] },
    };
    const of = asked({ headers: { authorization: ['Bearer t'] }, tokens: { t: token } });
    const rule = from({ requestPrincipals: ['*'] });
    expect(decideAtProxy([authentication, custom('a', [rule])], of, providers)).toEqual({
      allowed: true,
      by: 'NoPolicy',
    });
    expect(decideAtProxy([authentication, policy('DENY', [rule])], of, providers).by).toBe('Deny');
  });
});

describe('a rule', () => {
  const hit = to({ ports: ['8080'] });

  test('needs one of from, one of to, and all of when', () => {
    const both = { from: [{ source: { namespaces: ['x'] } }, { source: { namespaces: ['shop'] } }], ...hit };
    expect(matches(both)).toBe(true);
    expect(matches({ ...both, ...never })).toBe(false);
    expect(matches({ ...both, from: [{ source: { namespaces: ['x'] } }] })).toBe(false);
    const port = (value: string): object => ({ key: 'destination.port', values: [value] });
    expect(matches({ when: [port('8080'), port('8080')] })).toBe(true);
    expect(matches({ when: [port('8080'), port('80')] })).toBe(false);
    expect(matches({ to: [{ operation: { ports: ['80'] } }, { operation: { ports: ['8080'] } }] })).toBe(true);
    expect(matches({})).toBe(true);
  });

  test('of an entry, all fields must hold: one of the values, and none of the others', () => {
    expect(matches(to({ ports: ['80', '8080'], methods: ['GET'] }))).toBe(true);
    expect(matches(to({ ports: ['80', '8080'], methods: ['POST'] }))).toBe(false);
    expect(matches(to({ notPorts: ['80', '8080'] }))).toBe(false);
    expect(matches(to({ notPorts: ['80'] }))).toBe(true);
    expect(matches(to({ ports: ['8080'], notPorts: ['8080'] }))).toBe(false);
    expect(matches({ when: [{ key: 'destination.port', values: ['8080'], notValues: ['8080'] }] })).toBe(false);
    expect(matches({ from: [{}] })).toBe(true);
  });

  test('with a when that there is not is left out, whatever the action', () => {
    const unknown = { ...hit, ...when('source.unknown', 'x') };
    expect(matches(unknown)).toBe(false);
    expect(decideAtProxy([policy('ALLOW', [unknown])], request, settings).by).toBe('NoAllow');
  });

  test.each([
    to({ ports: ['http'] }),
    to({ ports: ['70000'] }),
    to({ ports: [' 80'] }),
    to({ ports: ['80a'] }),
    from({ ipBlocks: ['x'] }),
    when('request.headers', 'x'),
    when('request.headers[x]y', 'x'),
    when('request.auth.claims[a]b', 'x'),
    when('experimental.envoy.filters.x', 'y'),
  ])('with a value that is not understood is left out of ALLOW, and matches more elsewhere: %j', (odd) => {
    expect(decideAtProxy([policy('ALLOW', [odd])], request, settings).by).toBe('NoAllow');
    expect(matches(odd)).toBe(true);
  });

  test('may ask about any port that there is', () => {
    const last = { ...request, destination: { address: '10.0.0.2', port: 65_535 } };
    expect(decideAtProxy([policy('ALLOW', [to({ ports: ['65535'] })])], last, settings).by).toBe('Allow');
  });

  test('the values that are understood stay', () => {
    expect(matches(to({ ports: ['http', '80'] }))).toBe(false);
    expect(matches(to({ ports: ['http', '8080'] }))).toBe(true);
    expect(matches(to({ notPorts: ['http', '8080'] }))).toBe(false);
    expect(decideAtProxy([policy('ALLOW', [to({ notPorts: ['http'] })])], request, settings).by).toBe('NoAllow');
  });
});

describe('without HTTP', () => {
  test.each([
    to({ paths: ['/x'] }),
    to({ methods: ['PUT'] }),
    to({ hosts: ['x'] }),
    from({ requestPrincipals: ['*'] }),
    when('request.headers[x]', '*'),
    when('request.auth.claims[x]', '*'),
    when('request.auth.presenter', '*'),
  ])('ALLOW loses the rule, and DENY what is about HTTP: %j', (rule) => {
    expect(decideAtProxy([policy('ALLOW', [rule])], connection, settings).by).toBe('NoAllow');
    expect(matches(rule, connection)).toBe(true);
    expect(matches(rule)).toBe(false);
  });

  test('the rest holds as ever', () => {
    expect(matches({ ...to({ paths: ['/x'], ports: ['80'] }) }, connection)).toBe(false);
    expect(matches({ ...to({ paths: ['/x'], ports: ['8080'] }) }, connection)).toBe(true);
    expect(decideAtProxy([policy('ALLOW', [from({ namespaces: ['shop'] })])], connection, settings).by).toBe('Allow');
    expect(matches(from({ remoteIpBlocks: ['10.0.0.1'] }), connection)).toBe(true);
    expect(matches(when('connection.sni', 'a'), { ...connection, sni: 'a' })).toBe(true);
  });
});
