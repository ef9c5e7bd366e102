import { describe, expect, it } from 'vitest';
import type { ProxySettings } from '../enforcement/request.js';
import type { PolicyObject } from '../policy-object.js';
import { domainsOf } from './domains.js';
import { all, any, type Atom } from './formula.js';
import type { Domain } from './search.js';
import { tokenCases } from './token-cases.js';

const settings: ProxySettings = { trustDomain: 'td', pathNormalization: 'NONE' };
const authentications: PolicyObject[] = [
  {
    kind: 'RequestAuthentication',
    metadata: { name: 'r', namespace: 'shop' },
    spec: {
      jwtRules: [
        { issuer: 'us', jwks: '{}', audiences: ['one', 'two'], fromHeaders: [{ name: 'x-t' }], fromCookies: ['c'] },
      ],
    },
  },
];
const cases = tokenCases(authentications);

const atom = (variable: string, ...patterns: string[]): Atom => ({
  variable,
  holds: () => false,
  isWanted: true,
  patterns,
});
const domain = (variable: string, patterns: string[], token = cases[0]!): Domain =>
  domainsOf([atom(variable, ...patterns)], { token, authentications, settings }).get(variable)!;

describe('the domain', () => {
  it.each<[string, string, string[], (string | undefined)[]]>([
    ['of what nobody knows', 'unknown:connection.sni=x', [], [undefined, 'yes']],
    ['of a method', 'method', ['P*', 'GET'], ['GET', 'POST', 'x', 'P*', 'Px']],
    ['of an address', 'remote', ['10.0.0.0/8'], [undefined, '203.0.113.1', '10.0.0.0', '11.0.0.0']],
    ['of a host', 'host', ['a.B'], ['x', 'a.B', 'a.b', 'X', 'A.B']],
    ['of a subject', 'sub', ['s*'], [undefined, 'x', 's*', 'sx', '']],
  ])('%s is a value of each class', (_, variable, patterns, values) => {
    expect(domain(variable, patterns)).toEqual({ values, isList: false });
  });

  it.each<[string, string, string[], string[]]>([
    ['of a claim', 'claim:["g"]', ['b', 'a*'], ['x', 'a*', 'ax', 'b', '']],
    ['of a claim with spaces', 'claim:["scope"]', ['a b'], ['x', 'a b', 'a', 'b', '']],
    ['of a header', 'header:x-r', ['u'], ['u', 'x', '']],
    ['of a header that carries tokens', 'header:x-t', ['u'], []],
    ['of cookies that are no tokens', 'header:cookie', ['c=x', 'd=x'], ['y', 'd=x', '']],
  ])('%s has several values at once', (_, variable, patterns, values) => {
    const found = domain(variable, patterns);
    expect(found.isList).toBe(true);
    expect([...found.values].sort()).toEqual([...values].sort());
  });

  it('of an authorization is one value, or none', () => {
    expect(domain('header:authorization', ['Basic*'])).toEqual({
      values: [undefined, 'x', 'Basic*', 'Basicx', ''],
      isList: false,
    });
  });

  const aud = 'claim:["aud"]';
  it('of audiences has those of the token in any case, and none of which there is another case', () => {
    const one = cases.find(({ token }) => token?.claims.aud.join() === 'one')!;
    expect(domain(aud, ['two', 'three'], one)).toEqual({
      values: ['one', 'x', 'three', ''],
      isList: true,
      given: ['one'],
    });
    expect(domain(aud, ['one'], cases[0])).toEqual({ values: ['x', ''], isList: true, given: [] });
  });

  it.each<[string, string[], string[]]>([
    ['any path', [], ['/', '/x', '//x']],
    ['an end', ['*/b'], ['/', '/x/b']],
    ['a query at the end', ['*?q'], ['/?q', '/x?q']],
    ['a beginning', ['/a*'], ['/ax']],
    ['a template', ['/a/{*}'], ['/', '/a/a']],
    ['a template and an end', ['/a/{*}', '*/b'], ['/', '/b', '/a/b', '/a/a']],
  ])('of paths has those for %s', (_, patterns, values) => {
    const found = domain('path', patterns);
    expect(found).toMatchObject({ isList: false, isPartial: false });
    for (const value of values) expect(found.values).toContain(value);
    for (const value of found.values) expect(value).toMatch(/^\//);
    expect(found.values.map((value) => value!.length)).toEqual(
      found.values.map((value) => value!.length).sort((a, b) => a - b),
    );
  });

  it('of paths has no fragments, no templates and no end twice', () => {
    expect(domain('path', ['/a#b', '/{*}', '*b']).values).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/[#{]|bb/)]),
    );
  });

  it('of paths carries the token that is in the query', () => {
    const rules = [{ issuer: 'us', jwks: '{}', fromParams: ['t'] }];
    const policies = [{ ...authentications[0]!, spec: { jwtRules: rules } }];
    const token = tokenCases(policies)[1]!;
    const { values } = domainsOf([atom('path', '/a')], { token, authentications: policies, settings }).get('path')!;
    expect(values).toContain(`/a${token.query}`);
    for (const value of values) expect(value!.endsWith(token.query)).toBe(true);
  });

  it('is made of all questions about a variable, wherever they are', () => {
    const formulas = [all([atom('sub', 'a'), atom('method', 'PUT')]), any([atom('sub', 'b'), atom('method', 'PUT')])];
    const found = domainsOf(formulas, { token: cases[0]!, authentications, settings });
    expect([...found].map(([name, { values }]) => [name, values])).toEqual([
      ['sub', [undefined, 'a', 'b', 'x', '']],
      ['method', ['GET', 'POST', 'x', 'PUT']],
    ]);
  });
});
