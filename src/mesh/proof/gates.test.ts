import { describe, expect, it } from 'vitest';
import type { PolicyObject } from '../policy-object.js';
import { type Formula } from './formula.js';
import { ProxyPolicies, remembered } from './gates.js';
import { tokenCases } from './token-cases.js';

const settings = { trustDomain: 'td', authorizationProviders: { ext: 'grpc' } as const };
const policy = (action: string, rules: readonly object[], more: object = {}): PolicyObject => ({
  kind: 'AuthorizationPolicy',
  metadata: { name: 'p', namespace: 'shop' },
  spec: { action, rules, ...more },
});
const from = (source: object): object => ({ from: [{ source }] });
const methods = (...names: string[]): object => ({ to: [{ operation: { methods: names } }] });
const when = (key: string, ...values: string[]): object => ({ when: [{ key, values }] });
const authentication: PolicyObject = {
  kind: 'RequestAuthentication',
  metadata: { name: 'r', namespace: 'shop' },
  spec: { jwtRules: [{ issuer: 'us', jwks: '{}', fromHeaders: [{ name: 'x-t' }] }] },
};

const proxy = (policies: readonly PolicyObject[], readsHttp = true): ProxyPolicies =>
  new ProxyPolicies('one', policies, settings, { hop: 'Sidecar', readsHttp });

const destination = { address: '10.0.0.2', port: 8080 };
const client = { source: { principal: 'td/ns/shop/sa/client', address: '10.0.0.1' }, destination };
const other = { source: { principal: 'td/ns/shop/sa/other', address: '10.9.0.1' }, destination };
const elsewhere = { source: client.source, destination: { address: '10.0.0.3', port: 9090 } };

describe('a proxy', () => {
  it('lets everything pass that has no policies, and only then is no gate', () => {
    expect(proxy([]).gate(client)).toBeUndefined();
    for (const action of ['ALLOW', 'DENY']) {
      expect(proxy([policy(action, [methods('GET')])]).gate(client)).toBeDefined();
    }
    // An ALLOW without rules allows nothing, and a DENY denies nothing.
    expect(
      proxy([policy('ALLOW', [])])
        .gate(client)
        ?.refusals(tokenCases([])[0]!),
    ).toContain(true);
    expect(proxy([policy('DENY', [])]).gate(client)).toBeUndefined();
    expect(proxy([authentication]).gate(client)?.authentications).toEqual([authentication]);
    expect(proxy([authentication], false).gate(client)).toBeUndefined();
  });

  it.each<[string, object, boolean, boolean]>([
    ['a method', methods('GET'), false, false],
    ['a principal', from({ principals: ['td/ns/shop/sa/client'] }), true, false],
    ['an address', from({ ipBlocks: ['10.9.0.0/16'] }), true, false],
    ['where a request comes from', from({ remoteIpBlocks: ['10.9.0.0/16'] }), true, false],
    ['a principal that nobody of them has', from({ principals: ['td/ns/shop/sa/nobody'] }), false, false],
    ['a port', { to: [{ operation: { ports: ['9090'] } }] }, false, true],
    ['an address that is called', when('destination.ip', '10.0.0.2'), false, true],
    ['an address of neither', when('destination.ip', '10.0.0.9'), false, false],
  ])('that asks for %s tells callers apart (%s), or whom they call', (_, rule, isOfSource, isOfDestination) => {
    const one = proxy([policy('DENY', [rule])]);
    const keyOf = (connection: typeof client): string => one.gate(connection)!.key;
    expect(keyOf(client) !== keyOf(other)).toBe(isOfSource);
    const [kind, another] = [client, other].map(({ source }) => one.sourceKind(source.principal, source.address));
    expect(kind !== another).toBe(isOfSource);
    expect(keyOf(client) !== keyOf(elsewhere)).toBe(isOfDestination);
    expect(one.destinationKey(client) !== one.destinationKey(elsewhere)).toBe(isOfDestination);
  });

  it('that asks for nothing of a connection takes all for one kind', () => {
    const one = proxy([policy('DENY', [methods('GET')])]);
    expect([one.sourceKind('td/ns/a/sa/b', '10.0.0.1'), one.destinationKey(client)]).toEqual(['', '']);
    expect(one.gate(client)!.key).toBe('one::');
  });

  it('tells who has a certificate from who has none', () => {
    const one = proxy([policy('DENY', [from({ principals: ['*'] })])]);
    const plaintext = { source: { address: '10.0.0.1' }, destination };
    expect(one.gate(plaintext)!.key).not.toBe(one.gate(client)!.key);
  });

  /** The values of all questions, in their order. */
  const said = (formula: Formula): unknown => {
    if (typeof formula === 'boolean') return formula;
    if ('all' in formula) return { all: formula.all.map(said) };
    if ('any' in formula) return { any: formula.any.map(said) };
    const { variable, patterns, isWanted } = formula;
    return `${isWanted ? '' : 'not '}${variable}${patterns.map((one) => ` ${one}`).join('')}`;
  };
  const refusals = (policies: readonly PolicyObject[], token = tokenCases([])[0]!): unknown[] =>
    proxy(policies).gate(client)!.refusals(token).map(said);

  const provider = { provider: { name: 'ext' } };
  it.each<[string, PolicyObject[], unknown[]]>([
    ['what a DENY says', [policy('DENY', [methods('GET')])], [false, false, 'method GET', false]],
    [
      'what each DENY says, by policies',
      [policy('DENY', [methods('GET'), methods('PUT')]), policy('DENY', [methods('POST')])],
      [false, false, { any: ['method GET', 'method PUT'] }, 'method POST', false],
    ],
    [
      'what no ALLOW says',
      [policy('ALLOW', [methods('GET')]), policy('ALLOW', [methods('PUT')])],
      [false, false, { all: ['not method GET', 'not method PUT'] }],
    ],
    [
      'what a provider refuses that is asked about it',
      [policy('CUSTOM', [methods('GET')], provider)],
      [{ all: ['method GET', 'unknown:the provider ext refuses'] }, false, false],
    ],
    [
      'everything about which nobody can be asked',
      [policy('CUSTOM', [methods('GET')], { provider: { name: 'missing' } })],
      ['method GET', false, false, false],
    ],
  ])('refuses %s', (_, policies, expected) => {
    expect(refusals(policies)).toEqual(expected);
  });

  it('refuses bad tokens, and asks good ones for their claims', () => {
    const claimed = [authentication, policy('DENY', [when('request.auth.claims[g]', 'u')])];
    const [none, good, forged] = tokenCases([authentication]);
    expect(refusals(claimed, none)).toEqual([false, false, false, false]);
    expect(refusals(claimed, good)).toEqual([false, false, 'claim:["g"] u', false]);
    expect(refusals(claimed, forged)).toEqual([false, true, false, false]);
  });
});

describe('what is remembered', () => {
  it('is made once', () => {
    const map = new Map<string, number[]>();
    const made = remembered(map, 'a', () => [1]);
    expect(remembered(map, 'a', () => [2])).toBe(made);
    expect([...map]).toEqual([['a', [1]]]);
  });
});
