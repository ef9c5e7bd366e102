import { asRecords, asRecord, asStrings, type PolicyObject, stringAt } from '../policy-object.js';
import type { Claims, Headers, HttpRequest, Token } from './request.js';
import { type Credentials, type Location, tokensAt, without } from './token-location.js';

/** What a proxy makes of a request's tokens. */
export type Authentication =
  | {
      readonly isRefused: false;
      /** Of the token that was accepted; none if no token was sent, or nothing asks for one. */
      readonly claims: Claims | undefined;
      /** As they go on: without the token, if nobody wants it forwarded, and with what its claims were put into. */
      readonly headers: Headers;
      /** With the query, which may have lost the token. */
      readonly path: string;
    }
  | { readonly isRefused: true; readonly status: 401 | 403 };

/** One entry of `jwtRules`. */
export interface JwtRule {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly locations: readonly Location[];
  readonly isForwarded: boolean;
  readonly payloadHeader: string | undefined;
  readonly claimHeaders: readonly { readonly header: string; readonly claim: string }[];
  /** Claims that are lists, written with spaces between. */
  readonly spacedClaims: readonly string[];
}

/** How a rule, or several, got on with the tokens of a request. */
type Outcome = 'Accepted' | 'Missing' | 'UnknownIssuer' | 'WrongAudience' | 'Invalid';

/** A request on its way through the rules: they take tokens away, and put claims into headers. */
interface Passage extends Credentials {
  claims: Claims | undefined;
  headers: Record<string, readonly string[]>;
  path: string;
}

const ALWAYS_SPACED = ['permission', 'scope'];

/**
 * What RequestAuthentications make of a request: one without a token passes, one with an invalid token does not.
 *
 * Of several rules, one that accepts a token is enough, even if the token of another is invalid.
 *
 * @param policies  those that apply to the proxy
 * @returns the check of a request, to be made with its normalised path
 * @see istio/istio pilot/pkg/security/authn/policy_applier.go, convertToEnvoyJwtConfig
 * @see envoyproxy/envoy source/extensions/filters/http/jwt_authn: verifier.cc, authenticator.cc, extractor.cc
 */
export function tokenCheck(policies: readonly PolicyObject[]): (http: HttpRequest, path: string) => Authentication {
  const rules = jwtRules(policies);
  return (http, path) => {
    const passage = { claims: undefined, headers: { ...http.headers }, path, tokens: http.tokens ?? {} };
    for (const rule of rules) removeOutput(rule, passage);
    const outcome = isPreflight(http) ? 'Accepted' : authenticate(rules, passage);
    if (outcome !== 'Accepted') return { isRefused: true, status: outcome === 'WrongAudience' ? 403 : 401 };
    return { isRefused: false, claims: passage.claims, headers: passage.headers, path: passage.path };
  };
}

/** The rules of RequestAuthentications, in the order in which they are asked. */
export function jwtRules(policies: readonly PolicyObject[]): JwtRule[] {
  return policies
    .flatMap(({ spec }) => asRecords(asRecord(spec)['jwtRules']).map(ruleOf))
    .sort((a, b) => (a.issuer < b.issuer ? -1 : a.issuer > b.issuer ? 1 : 0));
}

function ruleOf(rule: Readonly<Record<string, unknown>>): JwtRule {
  return {
    issuer: stringAt(rule, 'issuer') ?? '',
    audiences: asStrings(rule['audiences']).map(audienceName),
    locations: locationsOf(rule),
    isForwarded: rule['forwardOriginalToken'] === true,
    payloadHeader: stringAt(rule, 'outputPayloadToHeader')?.toLowerCase(),
    claimHeaders: asRecords(rule['outputClaimToHeaders']).map(({ header, claim }) => ({
      header: String(header).toLowerCase(),
      claim: String(claim),
    })),
    spacedClaims: [...ALWAYS_SPACED, ...asStrings(rule['spaceDelimitedClaims'])],
  };
}

/** In the order in which Envoy looks: headers, parameters, cookies, each by name. */
function locationsOf(rule: Readonly<Record<string, unknown>>): Location[] {
  const headers = asRecords(rule['fromHeaders']).map(({ name, prefix }) => ({
    header: String(name).toLowerCase(),
    prefix: typeof prefix === 'string' ? prefix : '',
  }));
  const params = asStrings(rule['fromParams']).map((param) => ({ param }));
  const cookies = asStrings(rule['fromCookies']).map((cookie) => ({ cookie }));
  const nameOf = (location: Location): string => Object.values(location).join('');
  const sorted = <T extends Location>(list: readonly T[]): T[] =>
    [...new Map(list.map((location) => [nameOf(location), location])).entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, location]) => location);
  const all = [...sorted(headers), ...sorted(params), ...sorted(cookies)];
  return all.length > 0 ? all : [{ header: 'authorization', prefix: 'Bearer ' }, { param: 'access_token' }];
}

/** The question of a browser before the request itself, which carries no token. */
function isPreflight({ method, headers }: HttpRequest): boolean {
  const isSet = (name: string): boolean => (headers[name]?.[0] ?? '') !== '';
  return method === 'OPTIONS' && isSet('origin') && isSet('access-control-request-method');
}

/**
 * One rule accepts, or each of them either does or has no token to look at.
 *
 * A rule that takes a token away takes the whole header with it. So where a header has several values, the last is a good token,
 * and there are several rules, the bad ones before it are gone when the rules are asked again.
 */
function authenticate(rules: readonly JwtRule[], passage: Passage): Outcome {
  const outcomes: Outcome[] = [];
  const accepts = (rule: JwtRule): boolean => {
    const outcome = verify(rule, passage);
    outcomes.push(outcome);
    return outcome === 'Accepted';
  };
  const acceptsOrMisses = (rule: JwtRule): boolean => accepts(rule) || outcomes.at(-1) === 'Missing';
  if (rules.length > 1 && rules.some(accepts)) return 'Accepted';
  if (rules.every(acceptsOrMisses)) return 'Accepted';
  // That a token is another issuer's is told only if no rule has more to say.
  return outcomes.find((outcome) => outcome === 'Invalid' || outcome === 'WrongAudience') ?? 'UnknownIssuer';
}

/** Tries the tokens at the rule's locations, from the last to the first: all of them must be good. */
function verify(rule: JwtRule, passage: Passage): Outcome {
  removeOutput(rule, passage);
  const found = tokensAt(rule.locations, passage).reverse();
  for (const { text, location } of found) {
    const token = passage.tokens[text];
    const outcome = check(token, rule);
    if (outcome !== 'Accepted' || !token) return outcome;
    accept(rule, text, token, location, passage);
  }
  return found.length > 0 ? 'Accepted' : 'Missing';
}

/** Nobody but the proxy says what is in a token. */
function removeOutput({ payloadHeader, claimHeaders }: JwtRule, { headers }: Passage): void {
  if (payloadHeader !== undefined) delete headers[payloadHeader];
  for (const { header } of claimHeaders) delete headers[header];
}

function check(token: Token | undefined, { issuer, audiences }: JwtRule): Outcome {
  if (!token || !isWellFormed(token.claims)) return 'Invalid';
  if (issuer !== '' && issuer !== token.claims['iss']) return 'UnknownIssuer';
  if (token.state === 'Expired' || token.state === 'NotYetValid') return 'Invalid';
  const isMeant = audiences.length === 0 || audiencesOf(token.claims).some((one) => audiences.includes(one));
  if (!isMeant) return 'WrongAudience';
  return token.state === 'Forged' ? 'Invalid' : 'Accepted';
}

function isWellFormed({ iss, sub, aud }: Claims): boolean {
  const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';
  return isText(iss) && isText(sub) && (isText(aud) || (Array.isArray(aud) && aud.every(isText)));
}

function audiencesOf({ aud }: Claims): readonly string[] {
  return (typeof aud === 'string' ? [aud] : asStrings(aud)).map(audienceName);
}

/** Audiences are the same with and without a scheme and a slash at the end. */
export function audienceName(audience: string): string {
  return audience.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

function accept(rule: JwtRule, text: string, { claims }: Token, location: Location, passage: Passage): void {
  const add = (header: string, value: string): void => {
    passage.headers[header] = [...(passage.headers[header] ?? []), value];
  };
  if (rule.payloadHeader !== undefined) add(rule.payloadHeader, text.split('.')[1] ?? '');
  for (const { header, claim } of rule.claimHeaders) {
    const value = claimText(claims, claim);
    if (value !== '') add(header, value);
  }
  if (!rule.isForwarded) Object.assign(passage, without(location, passage));
  passage.claims = Object.fromEntries(
    Object.entries(claims).map(([name, value]) =>
      rule.spacedClaims.includes(name) && typeof value === 'string' ? [name, value.split(' ')] : [name, value],
    ),
  );
}

/** A claim as a header's value, `a.b` being b in a; empty for what is no text, number or boolean. */
function claimText(claims: Claims, path: string): string {
  const value = path.split('.').reduce<unknown>((inner, name) => asRecord(inner)[name], claims);
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? String(value) : value.toFixed(6);
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : '';
}
