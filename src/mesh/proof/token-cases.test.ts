import { describe, expect, it } from 'vitest';
import { jwtRules } from '../enforcement/token.js';
import type { PolicyObject } from '../policy-object.js';
import { carriesToken, otherAudiences, tokenCases, type TokenCase, tokensOf, viewOf } from './token-cases.js';

const authentication = (...jwtRules: object[]): PolicyObject => ({
  kind: 'RequestAuthentication',
  metadata: { name: 'r', namespace: 'shop' },
  spec: { jwtRules },
});
const [xt, xu] = ['x-t', 'x-u'].map((name) => ({ fromHeaders: [{ name }] })) as [object, object];
const us = { issuer: 'us', jwks: '{}', ...xt };

/** `<state> iss [aud] <where>`, and what is a bad token where */
const said = ({ token, headers, query }: TokenCase): string => {
  const carried = [...Object.entries(headers).map(([name, [value]]) => `${name}: ${value}`), query].filter(Boolean);
  const places = carried.map((one) => one.replace(/eyJ[^&]*\.(good|bad)/g, '<$1>')).join(' ');
  const of = token && `${token.state ?? 'Good'} ${token.claims.iss} [${token.claims.aud.join()}] `;
  return `${of ?? ''}${places}`;
};
const cases = (...rules: object[]): string[] => tokenCases([authentication(...rules)]).map(said);

describe('the ways to carry a token', () => {
  it.each<[string, object[], string[]]>([
    ['one, where nobody reads any', [], ['']],
    ['one place of one issuer', [us], ['', 'Good us [] x-t: <good>', 'Forged us [] x-t: <good>']],
    [
      'one audience, and none',
      [{ ...us, audiences: ['a'] }],
      ['', 'Good us [] x-t: <good>', 'Good us [a] x-t: <good>', 'Forged us [a] x-t: <good>'],
    ],
    [
      'each of two audiences, both, and none',
      [{ ...us, audiences: ['a', 'b'] }],
      [
        '',
        'Good us [] x-t: <good>',
        'Good us [a] x-t: <good>',
        'Good us [b] x-t: <good>',
        'Good us [a,b] x-t: <good>',
        'Forged us [a,b] x-t: <good>',
      ],
    ],
    [
      'of several issuers, each at its own places, with what is no token at those of the other',
      [us, { issuer: 'them', jwks: '{}', ...xu }],
      [
        '',
        'Good them [] x-u: <good>',
        'Forged them [] x-u: <good>',
        'Good them [] x-u: <good> x-t: <bad>',
        'Good us [] x-t: <good>',
        'Forged us [] x-t: <good>',
        'Good us [] x-t: <good> x-u: <bad>',
      ],
    ],
    [
      'of an issuer once, however many rules say the same',
      [us, us],
      ['', 'Good us [] x-t: <good>', 'Forged us [] x-t: <good>'],
    ],
    [
      'of whatever issuer, where none is named',
      [{ jwks: '{}', ...xt }],
      ['', 'Good https://issuer.example [] x-t: <good>', 'Forged https://issuer.example [] x-t: <good>'],
    ],
    [
      'with a prefix, in the query and as a cookie, two of which are never in one query or cookie',
      [
        {
          issuer: 'us',
          jwks: '{}',
          fromHeaders: [{ name: 'X-T', prefix: 'T ' }],
          fromParams: ['p', 'q'],
          fromCookies: ['c'],
        },
      ],
      [
        '',
        ...['x-t: T <good>', '?p=<good>', '?q=<good>', 'cookie: c=<good>'].flatMap((place) => {
          const others = ['x-t: T <bad>', '?p=<bad>', '?q=<bad>', 'cookie: c=<bad>'].filter(
            (other) => other[0] !== place[0],
          );
          // Headers are told first.
          const both = others.map((other) => (place.startsWith('?') ? `${other} ${place}` : `${place} ${other}`));
          return ['Good us [] ', 'Forged us [] ']
            .map((token) => `${token}${place}`)
            .concat(both.map((one) => `Good us [] ${one}`));
        }),
      ],
    ],
    [
      'as a bearer or in the query, if no place is named',
      [{ issuer: 'us', jwks: '{}' }],
      [
        '',
        'Good us [] authorization: Bearer <good>',
        'Forged us [] authorization: Bearer <good>',
        'Good us [] authorization: Bearer <good> ?access_token=<bad>',
        'Good us [] ?access_token=<good>',
        'Forged us [] ?access_token=<good>',
        'Good us [] authorization: Bearer <bad> ?access_token=<good>',
      ],
    ],
  ])('are %s', (_, rules, expected) => {
    expect(cases(...rules)).toEqual(expected);
  });
});

describe('a proxy', () => {
  const caseOf = (...rules: object[]): TokenCase => tokenCases([authentication(...rules)])[1]!;
  const none = tokenCases([])[0]!;

  it.each<[string, TokenCase, object[], object]>([
    ['sees no claims where there is no token', none, [us], { isRefused: false, claims: undefined, headers: {} }],
    [
      'takes the token that it accepts away, and knows its issuer',
      caseOf(us),
      [us],
      { claims: { iss: 'us', aud: [] }, headers: { 'x-t': [] } },
    ],
    [
      'leaves it, if it is to be forwarded',
      caseOf(us),
      [{ ...us, forwardOriginalToken: true }],
      { claims: { iss: 'us', aud: [] }, headers: { 'x-t': [expect.stringContaining('.good')] } },
    ],
    [
      'does not look at what is at no place of its rules',
      caseOf({ ...us, ...xu }),
      [us],
      { isRefused: false, claims: undefined },
    ],
    [
      'refuses a token of another issuer',
      caseOf({ ...us, issuer: 'them' }),
      [us],
      { isRefused: true, claims: undefined, headers: {} },
    ],
    ['refuses a forged one', tokenCases([authentication(us)])[2]!, [us], { isRefused: true }],
    [
      'writes payload and claims into headers, which nobody else writes',
      none,
      [{ ...us, outputPayloadToHeader: 'X-P', outputClaimToHeaders: [{ header: 'X-G', claim: 'g' }] }],
      { headers: { 'x-p': [], 'x-g': [] }, written: new Map() },
    ],
    [
      'writes them of a token that it accepts',
      caseOf(us),
      [
        {
          ...us,
          outputPayloadToHeader: 'X-P',
          outputClaimToHeaders: [
            { header: 'X-G', claim: 'g' },
            { header: 'X-G', claim: 'a.b' },
          ],
        },
      ],
      {
        headers: { 'x-t': [], 'x-p': ['eyJleGFtcGxlIjoxfQ'], 'x-g': [] },
        written: new Map([['x-g', [['g'], ['a', 'b']]]]),
      },
    ],
    [
      'writes claims of whatever issuer, if the rule names none',
      caseOf(us),
      [{ jwks: '{}', ...xt, outputClaimToHeaders: [{ header: 'x-g', claim: 'g' }] }],
      { written: new Map([['x-g', [['g']]]]) },
    ],
    [
      'writes no claims for an issuer whose token it is not',
      caseOf(us),
      [us, { ...us, issuer: 'them', outputClaimToHeaders: [{ header: 'x-g', claim: 'g' }] }],
      { isRefused: false, written: new Map(), headers: { 'x-g': [] } },
    ],
  ])('%s', (_, token, rules, view) => {
    expect(viewOf(token, [authentication(...rules)])).toMatchObject(view);
  });
});

describe('an audience', () => {
  it.each([
    ['that is asked for is of another case', 'b', true],
    ['is the same with a scheme', 'https://b/', true],
    ['of the token is none', 'a', false],
    ['of the token with a scheme is none', 'http://a', false],
    ['that nobody asks for is none', 'c', false],
  ])('%s', (_, audience, isOther) => {
    const policies = [authentication({ ...us, audiences: ['a', 'b'] })];
    const one = tokenCases(policies).find(({ token }) => token?.claims.aud.join() === 'a')!;
    expect(otherAudiences(one, policies)(audience)).toBe(isOther);
  });

  it('is of another case where there is no token', () => {
    const policies = [authentication({ ...us, audiences: ['a'] })];
    expect(otherAudiences(tokenCases([])[0]!, policies)('a')).toBe(true);
  });
});

describe('a value', () => {
  it.each([
    ['x-t', 'anything', true],
    ['x-u', 'anything', false],
    ['authorization', 'T x', true],
    ['authorization', 'Basic x', false],
    ['cookie', 'c=x', true],
    ['cookie', 'd=x', false],
    ['x-u', 'c=x', false],
  ])('of header %s, "%s", is taken for a token: %s', (header, value, isTaken) => {
    const rules = [
      us,
      { ...us, fromHeaders: [{ name: 'Authorization', prefix: 'T ' }], fromCookies: ['c'], fromParams: ['p'] },
    ];
    expect(carriesToken(header, value, jwtRules([authentication(...rules)]))).toBe(isTaken);
  });
});

describe('the tokens of a request', () => {
  it('say what is claimed, of the issuer that they are of, and for the audiences that are claimed', () => {
    const [none, one] = tokenCases([authentication({ ...us, audiences: ['a'] })]) as [TokenCase, TokenCase];
    const claims = (claimed: object): unknown => Object.values(tokensOf(one, { ...claimed })!);
    expect(claims({ g: 'u', iss: 'x' })).toEqual([{ claims: { iss: 'us', aud: [], g: 'u' } }]);
    expect(claims({ aud: ['a', 'c'] })).toEqual([{ claims: { iss: 'us', aud: ['a', 'c'] } }]);
    expect(tokensOf(none, { g: 'u' })).toBeUndefined();
  });
});
