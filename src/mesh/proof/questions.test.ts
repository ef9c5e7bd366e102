import { describe, expect, it } from 'vitest';
import { parseAddress } from '../ambient-index/ip-address.js';
import type { Seen } from '../enforcement/attributes.js';
import { readRule } from '../enforcement/rule.js';
import { atomsOf, type Formula } from './formula.js';
import {
  claimName,
  isOfConnection,
  isUndecidable,
  nested,
  ruleFormula,
  type Standpoint,
  unknown,
  YES,
} from './questions.js';
import { NO_TOKEN, type TokenView } from './token-cases.js';

type Rule = Readonly<Record<string, unknown>>;

/** `web` of `shop`, at 10.0.0.1 and for 10.9.0.1, calls port 8080. */
const seen: Seen = {
  identity: 'spiffe://td/ns/shop/sa/web',
  sourceAddress: parseAddress('10.0.0.1'),
  remoteAddress: parseAddress('10.9.0.1'),
  destinationAddress: parseAddress('10.0.0.2'),
  destinationPort: 8080,
  sni: '',
  metadata: {},
  method: '',
  host: '',
  target: '',
  path: '',
  headers: {},
  claims: undefined,
};

function formulaOf(rule: Rule, token: Partial<TokenView> = {}, hop: Standpoint['hop'] = 'Sidecar'): Formula {
  const clauses = readRule(rule, { namespace: 'shop', trustDomains: ['td'], isAllow: false, isHttp: true })!;
  return ruleFormula(clauses, { hop, seen, token: { ...NO_TOKEN, ...token } });
}

/** Whether it holds, if variables have these values. */
function holds(formula: Formula, values: Readonly<Record<string, string | undefined>> = {}): boolean {
  if (typeof formula === 'boolean') return formula;
  if ('all' in formula) return formula.all.every((one) => holds(one, values));
  if ('any' in formula) return formula.any.some((one) => holds(one, values));
  return formula.holds(values[formula.variable]) === formula.isWanted;
}

const variablesIn = (formula: Formula): string[] => [...new Set(atomsOf(formula).map(({ variable }) => variable))];

const source = (fields: object): Rule => ({ from: [{ source: fields }] });
const operation = (fields: object): Rule => ({ to: [{ operation: fields }] });
const when = (key: string, ...values: string[]): Rule => ({ when: [{ key, values }] });
const unless = (key: string, ...notValues: string[]): Rule => ({ when: [{ key, notValues }] });

describe('a rule', () => {
  it.each<[boolean, Rule]>([
    [true, {}],
    [true, source({ principals: ['td/ns/shop/sa/web'] })],
    [false, source({ principals: ['td/ns/shop/sa/api'] })],
    [false, source({ notPrincipals: ['td/ns/shop/sa/web'] })],
    [true, source({ notPrincipals: ['td/ns/shop/sa/api'] })],
    [true, source({ ipBlocks: ['10.0.0.0/24'] })],
    [false, source({ notIpBlocks: ['10.0.0.0/24'] })],
    [true, source({ namespaces: ['shop'], notIpBlocks: ['10.1.0.0/16'] })],
    [false, source({ namespaces: ['shop'], ipBlocks: ['10.1.0.0/16'] })],
    [true, { from: [{ source: { namespaces: ['a'] } }, { source: { namespaces: ['shop'] } }] }],
    [true, operation({ ports: ['80', '8080'] })],
    [false, operation({ notPorts: ['8080'] })],
    [true, when('destination.ip', '10.0.0.2')],
    [false, { ...source({ namespaces: ['shop'] }), ...operation({ ports: ['80'] }) }],
  ])('is known (%s) before a request is, if it asks only for the connection: %j', (expected, rule) => {
    expect(formulaOf(rule)).toBe(expected);
  });

  type Values = Readonly<Record<string, string | undefined>>;
  it.each<[string, Rule, string, Values, Values]>([
    ['its method', operation({ methods: ['GET', 'P*'] }), 'method', { method: 'PUT' }, { method: 'HEAD' }],
    ['another method', operation({ notMethods: ['GET'] }), 'method', { method: 'PUT' }, { method: 'GET' }],
    ['its method as a header', when('request.headers[:method]', 'GET'), 'method', { method: 'GET' }, { method: 'PUT' }],
    ['its host', operation({ hosts: ['web'] }), 'host', { host: 'WEB' }, { host: 'api' }],
    ['its host as a header', when('request.headers[host]', 'web'), 'host', { host: 'web' }, { host: 'api' }],
    [
      'its host by the name of HTTP/2',
      when('request.headers[:authority]', 'web'),
      'host',
      { host: 'web' },
      { host: 'api' },
    ],
    ['its path, without query', operation({ paths: ['/a'] }), 'path', { path: '/a?q' }, { path: '/b?q' }],
    ['its path with query', when('request.headers[:path]', '/a?q'), 'path', { path: '/a?q' }, { path: '/a' }],
    ['where it comes from', when('remote.ip', '10.1.0.0/16'), 'remote', { remote: '10.1.0.1' }, { remote: '10.2.0.1' }],
    [
      'where it comes from, told by who sends it',
      when('remote.ip', '10.9.0.0/16'),
      'remote',
      {},
      { remote: '10.2.0.1' },
    ],
    ['a header', when('request.headers[X-R]', 'u*'), 'header:x-r', { 'header:x-r': 'uv' }, { 'header:x-r': 'v' }],
    ['no such header', unless('request.headers[x-r]', '*'), 'header:x-r', {}, { 'header:x-r': 'v' }],
  ])('asks a request for %s', (_, rule, variable, good, bad) => {
    const formula = formulaOf(rule);
    expect(variablesIn(formula)).toEqual([variable]);
    expect([holds(formula, good), holds(formula, bad)]).toEqual([true, false]);
  });

  const claims = { iss: 'us', aud: ['one'] };
  it.each<[string, Rule, string, Values, Values]>([
    ['its subject', when('request.auth.principal', 'us/s*'), 'sub', { sub: 'st' }, { sub: 't' }],
    ['another subject', source({ notRequestPrincipals: ['us/s'] }), 'sub', { sub: 't' }, { sub: 's' }],
    ['any subject', source({ requestPrincipals: ['*'] }), 'sub', { sub: 's' }, { sub: '' }],
    ['its subject as a claim', when('request.auth.claims[sub]', 's'), 'sub', { sub: 's' }, {}],
    ['a claim', when('request.auth.claims[g]', 'u'), 'claim:["g"]', { 'claim:["g"]': 'u' }, { 'claim:["g"]': 'v' }],
    [
      'a claim in another',
      when('request.auth.claims[a][iss]', 'u'),
      'claim:["a","iss"]',
      { 'claim:["a","iss"]': 'u' },
      {},
    ],
    [
      'its audience',
      when('request.auth.audiences', 'one'),
      'claim:["aud"]',
      { 'claim:["aud"]': 'one' },
      { 'claim:["aud"]': 'two' },
    ],
    ['who shows it', when('request.auth.presenter', 'me'), 'claim:["azp"]', { 'claim:["azp"]': 'me' }, {}],
  ])('asks a token for %s', (_, rule, variable, good, bad) => {
    const formula = formulaOf(rule, { claims });
    expect(variablesIn(formula)).toEqual([variable]);
    expect([holds(formula, good), holds(formula, bad)]).toEqual([true, false]);
  });

  it.each<[boolean, Rule, Partial<TokenView>]>([
    [true, when('request.auth.claims[iss]', 'us'), { claims }],
    [false, when('request.auth.claims[iss]', 'them'), { claims }],
    [false, when('request.auth.claims[iss]', 'us'), {}],
    [false, when('request.auth.claims[g]', '*'), {}],
    [true, unless('request.auth.claims[g]', '*'), {}],
    [true, source({ notRequestPrincipals: ['*'] }), {}],
    [true, when('request.headers[x-t]', 'good'), { headers: { 'x-t': ['good'] } }],
    [false, when('request.headers[x-t]', 'bad'), { headers: { 'x-t': ['good'] } }],
    [false, when('request.headers[x-t]', '*'), { headers: { 'x-t': [] } }],
    [true, unless('request.headers[x-t]', '*'), { headers: { 'x-t': [] } }],
  ])('is known (%s) where the token says it: %j of %j', (expected, rule, token) => {
    expect(formulaOf(rule, token)).toBe(expected);
  });

  it('asks the claims that a proxy writes into a header in place of the header, if that is fixed, too', () => {
    const written = new Map([['x-r', [['g'], ['a', 'b']]]]);
    const token = { claims, written, headers: { 'x-r': [] } };
    const [g, ab] = [claimName(['g']), claimName(['a', 'b'])];
    const formula = formulaOf(when('request.headers[x-r]', 'u'), token);
    expect(variablesIn(formula)).toEqual([g, ab]);
    expect([{ [g]: 'u' }, { [ab]: 'u' }, { [g]: 'v' }, {}].map((values) => holds(formula, values))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const other = formulaOf(unless('request.headers[x-r]', 'u'), token);
    expect([{ [g]: 'u' }, { [ab]: 'u' }, { [g]: 'v' }, {}].map((values) => holds(other, values))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    // An empty claim is not written.
    const any = formulaOf(when('request.headers[x-r]', '*'), token);
    expect([holds(any, { [g]: '' }), holds(any, { [g]: 'w' })]).toEqual([false, true]);
  });

  it('has the values of the policy, from which examples are made; of a principal its subject besides', () => {
    const patternsOf = (formula: Formula): unknown[] => atomsOf(formula).map(({ patterns }) => patterns);
    expect(patternsOf(formulaOf(operation({ paths: ['/a', '/b*'] })))).toEqual([['/a', '/b*']]);
    expect(patternsOf(formulaOf(when('request.auth.principal', 'https://us/s*', 'x'), { claims }))).toEqual([
      ['https://us/s*', 'x', 's*', 'x'],
    ]);
  });

  it.each(['connection.sni', 'experimental.envoy.filters.network.mysql_proxy[db.t]'])(
    'takes for either what nobody can know: %s',
    (key) => {
      const [x, y] = ['x', 'y'].map((value) => `unknown:${key}=${value} at the waypoint`);
      const wanted = formulaOf(when(key, 'x', 'y'), {}, 'Waypoint');
      expect(variablesIn(wanted)).toEqual([x, y]);
      const answers = [{ [x!]: YES }, { [y!]: YES }, { [x!]: 'no' }, {}];
      expect(answers.map((values) => holds(wanted, values))).toEqual([true, true, false, false]);
      const unwanted = formulaOf(unless(key, 'x', 'y'), {}, 'Waypoint');
      expect(answers.map((values) => holds(unwanted, values))).toEqual([false, false, true, true]);
      expect(variablesIn(formulaOf(when(key, 'x')))).toEqual([`unknown:${key}=x at the sidecar`]);
    },
  );
});

describe('a key', () => {
  const keys = [
    'source.ip',
    'source.principal',
    'destination.port',
    'remote.ip',
    'paths',
    'connection.sni',
    'experimental.x',
  ];
  it('is of the connection, or nobody knows it, or the request says it', () => {
    const ofConnection = keys.filter((key) => isOfConnection({ key, values: [], isWanted: true }));
    expect(ofConnection).toEqual(['source.ip', 'source.principal', 'destination.port']);
    expect(keys.filter(isUndecidable)).toEqual(['connection.sni', 'experimental.x']);
  });

  it('of a claim has a place', () => {
    expect([nested(['a', 'b'], 1), nested(['a'], 'x')]).toEqual([{ a: { b: 1 } }, { a: 'x' }]);
    expect(unknown('it')).toMatchObject({ variable: 'it', isWanted: true, patterns: [] });
  });
});
