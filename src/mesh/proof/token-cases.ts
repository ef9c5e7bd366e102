import type { Claims, Headers, HttpRequest, Token } from '../enforcement/request.js';
import { type JwtRule, jwtRules, audienceName, tokenCheck } from '../enforcement/token.js';
import type { Location } from '../enforcement/token-location.js';
import type { PolicyObject } from '../policy-object.js';

/** Text of the token of an example: three parts, of which the first two begin as JSON does. */
const TEXT = 'eyJhbGciOiJSUzI1NiJ9.eyJleGFtcGxlIjoxfQ.good';
/** Text of what is taken for a token and is none. */
const BAD_TEXT = 'eyJhbGciOiJSUzI1NiJ9.eyJleGFtcGxlIjoyfQ.bad';

/** A way in which a request may carry a token, and beside it what is none. One with several good tokens is not looked at. */
export interface TokenCase {
  /** None in the first case. */
  readonly token?: Token & { readonly claims: { readonly iss: string; readonly aud: readonly string[] } };
  /** The headers that carry it. */
  readonly headers: Readonly<Record<string, readonly [string]>>;
  /** The query that carries it, with its question mark; else empty. */
  readonly query: string;
}

/** What a proxy makes of it. */
export interface TokenView {
  readonly isRefused: boolean;
  /** `iss` and `aud`; what else the token says is free. None if rules see no claims. */
  readonly claims: Claims | undefined;
  /** Headers that are as they are whatever the request is: those that carried the token, and those that only the proxy writes. */
  readonly headers: Headers;
  /** Headers that the proxy writes claims into, and those claims. */
  readonly written: ReadonlyMap<string, readonly (readonly string[])[]>;
}

/** What proxies look at that reads no requests. */
export const NO_TOKEN: TokenView = { isRefused: false, claims: undefined, headers: {}, written: new Map() };

/**
 * Every way in which tokens can matter where there are these RequestAuthentications: none, one of each issuer for some, none or all of the
 * audiences, at each place, and one that is forged; and a good one with a bad one at another place.
 */
export function tokenCases(policies: readonly PolicyObject[]): TokenCase[] {
  const rules = jwtRules(policies);
  const none: TokenCase = { headers: {}, query: '' };
  const issuers = [...new Set(rules.map(({ issuer }) => issuer))];
  const places = distinct(rules.flatMap(({ locations }) => locations));
  const some = issuers.flatMap((issuer) => {
    const ofIssuer = rules.filter((rule) => rule.issuer === issuer);
    const audiences = [...new Set(ofIssuer.flatMap((rule) => rule.audiences))];
    const lists = [[], ...audiences.map((one) => [one]), ...(audiences.length > 1 ? [audiences] : [])];
    const iss = issuer || PLAIN_ISSUER;
    return distinct(ofIssuer.flatMap(({ locations }) => locations)).flatMap((location) => [
      ...lists.map((aud) => placed(location, { claims: { iss, aud } })),
      placed(location, { claims: { iss, aud: audiences }, state: 'Forged' }),
      ...lists.flatMap((aud) => besides(placed(location, { claims: { iss, aud } }), places)),
    ]);
  });
  return [none, ...some];
}

/** A case with what is no token at each of the places where it has none. */
function besides(good: TokenCase, places: readonly Location[]): TokenCase[] {
  return places.flatMap((place) => {
    const { headers, query } = carried(place, BAD_TEXT);
    const isTaken = Object.keys(headers).some((name) => name in good.headers) || (query !== '' && good.query !== '');
    return isTaken ? [] : [{ ...good, headers: { ...good.headers, ...headers }, query: `${good.query}${query}` }];
  });
}

/** Issuer of a token that any rule takes. */
const PLAIN_ISSUER = 'https://issuer.example';

/** What a proxy with these RequestAuthentications makes of a case. */
export function viewOf({ token, headers, query }: TokenCase, policies: readonly PolicyObject[]): TokenView {
  const rules = jwtRules(policies);
  const path = `/${query}`;
  const tokens: HttpRequest['tokens'] = token ? { [TEXT]: { ...token, claims: { ...token.claims, sub: 'x' } } } : {};
  const seen = tokenCheck(policies)({ method: 'GET', host: '', path, headers, tokens }, path);
  if (seen.isRefused) return { ...NO_TOKEN, isRefused: true };
  const accepting = seen.claims ? rules.filter(({ issuer }) => issuer === '' || issuer === token?.claims.iss) : [];
  const outputs = rules.flatMap(({ payloadHeader, claimHeaders }) => [
    ...(payloadHeader === undefined ? [] : [payloadHeader]),
    ...claimHeaders.map(({ header }) => header),
  ]);
  const written = new Map<string, (readonly string[])[]>();
  for (const { header, claim } of accepting.flatMap(({ claimHeaders }) => claimHeaders)) {
    written.set(header, [...(written.get(header) ?? []), claim.split('.')]);
  }
  const fixed = [...Object.keys(headers), ...outputs];
  return {
    isRefused: false,
    claims: seen.claims && { iss: token?.claims.iss, aud: token?.claims.aud },
    headers: Object.fromEntries(fixed.map((name) => [name, seen.headers[name] ?? []])),
    written,
  };
}

/** Audiences that some rule asks for and this token is not for: a token with them would be another case. */
export function otherAudiences({ token }: TokenCase, policies: readonly PolicyObject[]): (audience: string) => boolean {
  const asked = new Set(jwtRules(policies).flatMap(({ audiences }) => audiences));
  const own = new Set(token?.claims.aud.map(audienceName));
  return (audience) => asked.has(audienceName(audience)) && !own.has(audienceName(audience));
}

/** Whether a value of a header, cookies included, is taken for a token somewhere. */
export function carriesToken(header: string, value: string, rules: readonly JwtRule[]): boolean {
  return rules.some(({ locations }) =>
    locations.some((location) => {
      if ('header' in location) return location.header === header && value.includes(location.prefix);
      return 'cookie' in location && header === 'cookie' && value.includes(`${location.cookie}=`);
    }),
  );
}

/** The tokens of a request with this case and these other claims; undefined if there are none. */
export function tokensOf({ token }: TokenCase, claims: Claims): HttpRequest['tokens'] {
  return token && { [TEXT]: { ...token, claims: { ...claims, ...token.claims, ...pick(claims, 'aud') } } };
}

const pick = (claims: Claims, name: string): Claims => (name in claims ? { [name]: claims[name] } : {});

function placed(location: Location, token: NonNullable<TokenCase['token']>): TokenCase {
  return { token, ...carried(location, TEXT) };
}

function carried(location: Location, text: string): Pick<TokenCase, 'headers' | 'query'> {
  if ('header' in location) return { headers: { [location.header]: [`${location.prefix}${text}`] }, query: '' };
  if ('cookie' in location) return { headers: { cookie: [`${location.cookie}=${text}`] }, query: '' };
  return { headers: {}, query: `?${location.param}=${text}` };
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
