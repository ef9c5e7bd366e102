import { describe, expect, test } from 'vitest';

import type { PolicyObject } from '../policy-object.js';
import type { Headers, HttpRequest, Token } from './request.js';
import { type Authentication, audienceName, jwtRules, tokenCheck } from './token.js';
import { type Credentials, tokensAt, without } from './token-location.js';

const good: Token = { claims: { iss: 'a', sub: 's', aud: 'shop' } };
const tokens: Record<string, Token> = {
  good,
  again: { claims: { iss: 'a', sub: 'again', aud: 'shop' }, state: 'Good' },
  other: { claims: { iss: 'b', sub: 's' } },
  nobody: { claims: { sub: 's' } },
  forged: { ...good, state: 'Forged' },
  'forged-for-x': { claims: { iss: 'a', aud: 'x' }, state: 'Forged' },
  expired: { claims: { iss: 'a', aud: 'x' }, state: 'Expired' },
  early: { ...good, state: 'NotYetValid' },
  'odd-iss': { claims: { iss: 7 } },
  'odd-sub': { claims: { iss: 'a', sub: 7 } },
  'odd-aud': { claims: { iss: 'a', aud: ['shop', 7] } },
  'h.p.s': good,
};

const authentication = (...jwtRules: readonly object[]): PolicyObject => ({
  kind: 'RequestAuthentication',
  metadata: { name: 'r', namespace: 'shop' },
  spec: { jwtRules },
});
const http: HttpRequest = { method: 'GET', host: 'h', path: '/', headers: {}, tokens };
const check = (rules: readonly object[], headers: Headers, path = '/', method = 'GET'): Authentication =>
  tokenCheck([authentication(...rules)])({ ...http, headers, method }, path);
const bearer = (text: string): Headers => ({ authorization: [`Bearer ${text}`] });

/** The status of a refusal, or the subject of the token that was accepted. */
function outcome(rules: readonly object[], headers: Headers, path?: string): unknown {
  const of = check(rules, headers, path);
  return of.isRefused ? of.status : of.claims?.['sub'];
}

test('without rules, and without a token, everything passes', () => {
  expect(tokenCheck([])({ ...http, headers: bearer('x') }, '/')).toEqual({
    isRefused: false,
    claims: undefined,
    headers: bearer('x'),
    path: '/',
  });
  expect(outcome([{ issuer: 'a' }], {})).toBeUndefined();
  expect(outcome([{ issuer: 'a' }, { issuer: 'b' }], {})).toBeUndefined();
});

test.each([
  ['good', 's'],
  ['other', 401],
  ['nobody', 401],
  ['forged', 401],
  ['early', 401],
  ['odd-iss', 401],
  ['odd-sub', 401],
  ['odd-aud', 401],
  ['no-token', 401],
])('a token that is %s: %s', (text, expected) => {
  expect(outcome([{ issuer: 'a' }], bearer(text))).toBe(expected);
});

test('a rule without an issuer takes tokens of all', () => {
  expect(outcome([{}], bearer('other'))).toBe('s');
});

test('audiences are compared after time and before the signature, without scheme and slash', () => {
  const rule = (...audiences: readonly string[]): object[] => [{ issuer: 'a', audiences }];
  expect(outcome(rule('x', 'https://shop/'), bearer('good'))).toBe('s');
  expect(outcome(rule('http://shop'), bearer('good'))).toBe('s');
  expect(outcome(rule('x'), bearer('good'))).toBe(403);
  expect(outcome(rule('shop'), bearer('forged-for-x'))).toBe(403);
  expect(outcome(rule('shop'), bearer('expired'))).toBe(401);
  expect(outcome([{ issuer: 'b', audiences: ['shop'] }], bearer('other'))).toBe(403);
  const list: Token = { claims: { iss: 'a', sub: 'l', aud: ['y', 'https://shop'] } };
  const of = tokenCheck([authentication(...rule('shop'))])({ ...http, headers: bearer('l'), tokens: { l: list } }, '/');
  expect(of).toMatchObject({ isRefused: false });
});

test.each([
  ['https://shop/', 'shop'],
  ['http://shop', 'shop'],
  ['shop/a/', 'shop/a'],
  ['shop/a', 'shop/a'],
  ['urn:https://shop', 'urn:https://shop'],
])('the audience %s is called %s', (audience, name) => {
  expect(audienceName(audience)).toBe(name);
});

test('rules are read in the order of their issuers, and those of one issuer in their own', () => {
  const rules = [
    { issuer: 'b', outputPayloadToHeader: '1' },
    { issuer: 'a', outputPayloadToHeader: '2' },
    { issuer: 'b', outputPayloadToHeader: '3' },
    { issuer: 'c', outputPayloadToHeader: '4' },
    { outputPayloadToHeader: '5' },
  ];
  const order = jwtRules([authentication(...rules)]).map(({ payloadHeader }) => payloadHeader);
  expect(order).toEqual(['5', '2', '1', '3', '4']);
});

describe('locations', () => {
  test('by default, the header Authorization and the parameter access_token', () => {
    expect(outcome([{ issuer: 'a' }], {}, '/?access_token=good')).toBe('s');
    expect(outcome([{ issuer: 'a' }], {}, '/?token=forged')).toBeUndefined();
    expect(outcome([{ issuer: 'a' }], { authorization: ['Basic forged'] })).toBeUndefined();
    expect(outcome([{ issuer: 'a' }], { authorization: ['bearer forged'] })).toBeUndefined();
    expect(outcome([{ issuer: 'a', fromParams: ['token'] }], { ...bearer('forged') })).toBeUndefined();
  });

  test.each([
    ['X, Bearer good', 's'],
    ['Bearer   good', 's'],
    ['Bearer "good', 's'],
    ['Bearer good,', 401],
    ['Bearer ', 401],
  ])('Authorization %j: %s', (value, expected) => {
    expect(outcome([{ issuer: 'a' }], { authorization: [value] })).toBe(expected);
  });

  test('headers with and without a prefix', () => {
    const plain = [{ issuer: 'a', fromHeaders: [{ name: 'X-Token' }] }];
    expect(outcome(plain, { 'x-token': ['good'] })).toBe('s');
    expect(outcome(plain, { 'x-token': ['Tok good'] })).toBe(401);
    expect(outcome(plain, { 'x-token': ['"good'] })).toBe(401);
    const prefixed = [{ issuer: 'a', fromHeaders: [{ name: 'x-token', prefix: 'Tok ' }] }];
    expect(outcome(prefixed, { 'x-token': ['Tok good'] })).toBe('s');
    expect(outcome(prefixed, { 'x-token': ['good'] })).toBeUndefined();
  });

  test('parameters and cookies', () => {
    const params = [{ issuer: 'a', fromParams: ['token'] }];
    expect(outcome(params, {}, '/?x=1&token=go%6Fd')).toBe('s');
    const cookies = [{ issuer: 'a', fromCookies: ['session'] }];
    expect(outcome(cookies, { cookie: ['a=b; session=good; c=d'] })).toBe('s');
    expect(outcome(cookies, { cookie: ['a=b', 'session="good"'] })).toBe('s');
    expect(outcome(cookies, { cookie: ['x', 'sessions=forged'] })).toBeUndefined();
  });

  test('all tokens at a rule’s locations must be good, and the claims are those of the first', () => {
    const rule = [{ issuer: 'a', fromHeaders: [{ name: 'y' }, { name: 'x' }], fromParams: ['t'], fromCookies: ['c'] }];
    expect(outcome(rule, { x: ['good'], y: ['again'] }, '/?t=again')).toBe('s');
    expect(outcome(rule, { x: ['good'] }, '/?t=forged')).toBe(401);
    expect(outcome(rule, { x: ['forged'] }, '/?t=good')).toBe(401);
    expect(outcome(rule, { x: ['good'], cookie: ['c=forged'] })).toBe(401);
    expect(outcome(rule, { cookie: ['c=again'] }, '/?t=good')).toBe('s');
    expect(outcome(rule, { x: ['good'], y: ['forged'] })).toBe(401);
  });

  test('are the same in whatever order a rule names them', () => {
    const x = { name: 'x' };
    const y = { name: 'y' };
    for (const fromHeaders of [
      [x, y],
      [y, x],
    ]) {
      expect(outcome([{ issuer: 'a', fromHeaders }], { x: ['good'], y: ['again'] })).toBe('s');
      expect(outcome([{ issuer: 'a', fromHeaders }], { x: ['forged'], y: ['good'] })).toBe(401);
    }
  });

  test('a parameter is in the query, and not in the path', () => {
    expect(outcome([{ issuer: 'a', fromParams: ['t'] }], {}, '/a&t=forged')).toBeUndefined();
    expect(outcome([{ issuer: 'a', fromParams: ['t'] }], {}, '/a')).toBeUndefined();
  });

  test('what cannot begin a token is skipped, unless nothing is left', () => {
    const location = { header: 'authorization', prefix: 'Bearer ' };
    const at = (value: string): string[] =>
      tokensAt([location], { headers: { authorization: [value] }, path: '/', tokens: {} }).map(({ text }) => text);
    expect(at('Bearer "good')).toEqual(['good']);
    expect(at('Bearer !!')).toEqual(['Bearer !!']);
  });

  test.each([
    [
      { header: 'x', prefix: '' },
      { headers: { cookie: ['c=1'] }, path: '/p?t=1' },
    ],
    [{ param: 't' }, { headers: { x: ['1'], cookie: ['c=1'] }, path: '/p' }],
    [{ cookie: 'c' }, { headers: { x: ['1'], cookie: ['c=1'] }, path: '/p?t=1' }],
  ])('a token at %j stays behind, but for one in a cookie', (location, kept) => {
    const sent: Credentials = { headers: { x: ['1'], cookie: ['c=1'] }, path: '/p?t=1', tokens: {} };
    expect(without(location, sent)).toEqual(kept);
  });
});

describe('several rules', () => {
  const two = [{ issuer: 'b', fromHeaders: [{ name: 'x' }] }, { issuer: 'a' }];

  test('one that accepts is enough', () => {
    expect(outcome(two, { ...bearer('good'), x: ['forged'] })).toBe('s');
    expect(outcome(two, { x: ['other'] })).toBe('s');
    expect(outcome(two, { ...bearer('forged'), x: ['other'] })).toBe('s');
  });

  test('none may fail where none accepts', () => {
    expect(outcome(two, { x: ['forged'] })).toBe(401);
    expect(outcome(two, { ...bearer('forged') })).toBe(401);
  });

  test('the wrong audience is told rather than the wrong issuer', () => {
    const rules = [{ issuer: 'a', audiences: ['x'] }, { issuer: 'b' }];
    expect(outcome(rules, bearer('good'))).toBe(403);
    expect(outcome([...rules].reverse(), bearer('good'))).toBe(403);
    expect(outcome([{ issuer: 'a', audiences: ['x'] }, { issuer: '0' }], bearer('good'))).toBe(403);
    expect(outcome([{ issuer: 'b' }, { issuer: 'c' }], bearer('good'))).toBe(401);
  });

  test('are asked in the order of their issuers', () => {
    const token: Token = { claims: { iss: 'a', sub: 's' } };
    const rules = [{ issuer: 'a', forwardOriginalToken: true, outputPayloadToHeader: 'x' }, {}];
    for (const list of [rules, [...rules].reverse()]) {
      const of = tokenCheck([authentication(...list)])({ ...http, headers: bearer('t'), tokens: { t: token } }, '/');
      // The rule without an issuer comes first.
      expect(of).toEqual({ isRefused: false, claims: token.claims, headers: {}, path: '/' });
    }
  });

  test('a bad value beside a good token of the same header is gone when the rules are asked again', () => {
    const rules = [{ issuer: 'a', fromHeaders: [{ name: 'x' }] }];
    const headers = { x: ['forged', 'good'] };
    expect(outcome(rules, headers)).toBe(401);
    expect(outcome([...rules, { issuer: 'b' }], headers)).toBe('s');
    expect(outcome([{ ...rules[0], forwardOriginalToken: true }, { issuer: 'b' }], headers)).toBe(401);
  });
});

describe('what goes on', () => {
  const of = (rule: object, headers: Headers, path = '/'): unknown => {
    const result = check([{ issuer: 'a', ...rule }], headers, path);
    return result.isRefused ? result.status : { headers: result.headers, path: result.path };
  };

  test('the token stays behind, unless it is forwarded', () => {
    expect(of({}, { ...bearer('good'), x: ['1'] })).toEqual({ headers: { x: ['1'] }, path: '/' });
    expect(of({ forwardOriginalToken: true }, bearer('good'))).toEqual({ headers: bearer('good'), path: '/' });
    expect(of({}, {}, '/p?a=1&access_token=good&b=2')).toEqual({ headers: {}, path: '/p?a=1&b=2' });
    expect(of({}, {}, '/p?access_token=good')).toEqual({ headers: {}, path: '/p' });
    const cookie = { cookie: ['c=good'] };
    expect(of({ fromCookies: ['c'] }, cookie)).toEqual({ headers: cookie, path: '/' });
  });

  test('the payload and claims become headers, which nobody else can set', () => {
    const rule = {
      outputPayloadToHeader: 'X-Payload',
      outputClaimToHeaders: [
        { header: 'X-Sub', claim: 'sub' },
        { header: 'X-None', claim: 'none' },
      ],
    };
    const sent = { 'x-payload': ['mine'], 'x-sub': ['mine'], 'x-none': ['mine'] };
    expect(of(rule, { ...bearer('h.p.s'), ...sent })).toEqual({
      headers: { 'x-payload': ['p'], 'x-sub': ['s'] },
      path: '/',
    });
    expect(of(rule, sent)).toEqual({ headers: {}, path: '/' });
  });

  test.each<[unknown, string[] | undefined]>([
    ['text', ['text']],
    [7, ['7']],
    [0, ['0']],
    [-3, ['-3.000000']],
    [0.5, ['0.500000']],
    [true, ['true']],
    [['a'], undefined],
    [{}, undefined],
    ['', undefined],
  ])('the claim %j as a header: %s', (value, expected) => {
    const rule = { outputClaimToHeaders: [{ header: 'x', claim: 'a.b' }] };
    const token: Token = { claims: { a: { b: value } } };
    const result = tokenCheck([authentication(rule)])({ ...http, headers: bearer('t'), tokens: { t: token } }, '/');
    expect(result.isRefused ? 'refused' : result.headers['x']).toEqual(expected);
  });

  test('some claims are lists with spaces', () => {
    const claims = { scope: 'a b', permission: 'a b', perms: 'a b', other: 'a b', list: 7 };
    const rule = { spaceDelimitedClaims: ['perms', 'list'] };
    const result = tokenCheck([authentication(rule)])(
      { ...http, headers: bearer('t'), tokens: { t: { claims } } },
      '/',
    );
    const list = ['a', 'b'];
    expect(result).toMatchObject({ claims: { scope: list, permission: list, perms: list, other: 'a b', list: 7 } });
  });
});

test('a preflight passes, whatever its token', () => {
  const preflight = { origin: ['https://x'], 'access-control-request-method': ['PUT'], ...bearer('forged') };
  expect(check([{ issuer: 'a' }], preflight, '/', 'OPTIONS')).toMatchObject({ isRefused: false, claims: undefined });
  expect(check([{ issuer: 'a' }], preflight, '/', 'GET').isRefused).toBe(true);
  expect(check([{ issuer: 'a' }], bearer('forged'), '/', 'OPTIONS').isRefused).toBe(true);
  for (const name of ['origin', 'access-control-request-method']) {
    expect(check([{ issuer: 'a' }], { ...preflight, [name]: [''] }, '/', 'OPTIONS').isRefused).toBe(true);
  }
});
