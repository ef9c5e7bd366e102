import { type IpBytes, parseBlock } from '../ambient-index/ip-address.js';
import { isInside } from './address.js';
import {
  domainsFor,
  namespaceMatch,
  principalMatch,
  serviceAccountMatch,
  trustDomainMatch,
  withAliases,
} from './identity.js';
import { pathMatch } from './path.js';
import type { Claims, Headers, ProxyRequest } from './request.js';
import { headerMatch, hostMatch, textMatch, type TextMatch } from './text-match.js';

/** What policies are asked about: a request after normalisation and authentication, or a connection. */
export interface Seen {
  /** `spiffe://…`; none of a caller who sends plaintext. */
  readonly identity: string | undefined;
  readonly sourceAddress: IpBytes | undefined;
  readonly remoteAddress: IpBytes | undefined;
  readonly destinationAddress: IpBytes | undefined;
  readonly destinationPort: number;
  /** Empty if the caller sends plaintext. */
  readonly sni: string;
  readonly metadata: NonNullable<ProxyRequest['metadata']>;
  /** Of HTTP. */
  readonly method: string;
  readonly host: string;
  /** With its query. */
  readonly target: string;
  /** Without its query. */
  readonly path: string;
  readonly headers: Headers;
  /** Of the token that was accepted. */
  readonly claims: Claims | undefined;
}

/** Whether something holds of what is seen. */
export type Test = (seen: Seen) => boolean;

/** What of a policy and of the mesh is needed to understand values. */
export interface Context {
  /** Of the policy. */
  readonly namespace: string;
  /** Of the mesh: its trust domain, and the aliases. */
  readonly trustDomains: readonly string[];
}

/** What a rule can ask about. */
export interface Attribute {
  /** Where there is no HTTP, it cannot be asked about. */
  readonly isHttp?: true;
  /** The test of one value; undefined if the value is not understood. */
  readonly test: (value: string, context: Context) => Test | undefined;
}

const ofIdentity =
  (matchOf: (value: string, context: Context) => TextMatch): Attribute['test'] =>
  (value, context) => {
    const matches = matchOf(value, context);
    return ({ identity }) => identity !== undefined && matches(identity);
  };

const ofAddress =
  (addressOf: (seen: Seen) => IpBytes | undefined): Attribute['test'] =>
  (value) => {
    const block = parseBlock(value);
    return block && ((seen) => isInside(addressOf(seen), block));
  };

const anyOf = (matches: readonly TextMatch[]): TextMatch =>
  matches.length === 1 ? matches[0]! : (text) => matches.some((one) => one(text));

/** A text that is matched, or a list with one. */
const ofJson =
  (read: (seen: Seen) => unknown, matches: TextMatch): Test =>
  (seen) => {
    const value = read(seen);
    const isMatch = (one: unknown): boolean => typeof one === 'string' && matches(one);
    return Array.isArray(value) ? value.some(isMatch) : isMatch(value);
  };

const ofClaim = (path: readonly string[]): Attribute => ({
  isHttp: true,
  test: (value) => ofJson(({ claims }) => at(claims, path), textMatch(value)),
});

/** Attributes that have a fixed name in `when`. The fields of `from` and `to` are the same under other names. */
export const ATTRIBUTES = {
  'source.ip': { test: ofAddress(({ sourceAddress }) => sourceAddress) },
  'remote.ip': { test: ofAddress(({ remoteAddress }) => remoteAddress) },
  'source.namespace': { test: ofIdentity(namespaceMatch) },
  'source.serviceAccount': { test: ofIdentity((value, { namespace }) => serviceAccountMatch(value, namespace)) },
  'source.trustDomain': {
    test: ofIdentity((value, { trustDomains }) => anyOf(domainsFor(value, trustDomains).map(trustDomainMatch))),
  },
  'source.principal': {
    test: ofIdentity((value, { trustDomains }) => anyOf(withAliases(value, trustDomains).map(principalMatch))),
  },
  'destination.ip': { test: ofAddress(({ destinationAddress }) => destinationAddress) },
  'destination.port': { test: portTest },
  'connection.sni': { test: (value) => textTest(({ sni }) => sni, textMatch(value)) },
  'request.auth.principal': { isHttp: true, test: requestPrincipalTest },
  'request.auth.audiences': ofClaim(['aud']),
  'request.auth.presenter': ofClaim(['azp']),
} satisfies Record<string, Attribute>;

/** Attributes of `to`, which no `when` can ask about. */
export const OPERATION = {
  hosts: { isHttp: true, test: (value) => textTest(({ host }) => host, hostMatch(value)) },
  methods: { isHttp: true, test: (value) => textTest(({ method }) => method, headerMatch(value)) },
  paths: { isHttp: true, test: (value) => textTest(({ path }) => path, pathMatch(value)) },
} satisfies Record<string, Attribute>;

/** The attribute of a `when`; undefined if there is none of this name. */
export function attributeOf(key: string): Attribute | undefined {
  if (Object.hasOwn(ATTRIBUTES, key)) return ATTRIBUTES[key as keyof typeof ATTRIBUTES];
  if (key.startsWith('request.headers')) return headerAttribute(key);
  if (key.startsWith('request.auth.claims')) return claimAttribute(key);
  return key.startsWith('experimental.envoy.filters.')
    ? metadataAttribute(key.slice('experimental.'.length))
    : undefined;
}

function textTest(read: (seen: Seen) => string, matches: TextMatch): Test {
  return (seen) => matches(read(seen));
}

function portTest(value: string): Test | undefined {
  const port = Number(value);
  if (!/^[0-9]+$/.test(value) || port > 65_535) return undefined;
  return ({ destinationPort }) => destinationPort === port;
}

/** The name, in lower case, of the header that a key of `when` asks about; undefined if it asks about none. */
export function headerOf(key: string): string | undefined {
  return /^request\.headers\[(.*)\]$/.exec(key)?.[1]?.toLowerCase();
}

/** The path, within the claims, of what a key of `when` asks about; undefined if it asks about none. */
export function claimOf(key: string): readonly string[] | undefined {
  if (key === 'request.auth.audiences') return ['aud'];
  if (key === 'request.auth.presenter') return ['azp'];
  // `[a][b]` is b in a; where brackets do not pair up like that, all between the outer ones is one name.
  const whole = /^request\.auth\.claims\[(.*)\]$/.exec(key)?.[1];
  const isNested = /^request\.auth\.claims(\[[^[\]]*\])+$/.test(key);
  return whole === undefined ? undefined : isNested ? whole.split('][') : [whole];
}

function headerAttribute(key: string): Attribute {
  const name = headerOf(key);
  if (name === undefined) return { test: () => undefined };
  return {
    isHttp: true,
    test: (value) => {
      const matches = headerMatch(value);
      return (seen) => headerValues(seen, name).some(matches);
    },
  };
}

/** The values of a header, those of pseudo-headers included. */
function headerValues({ headers, host, method, target }: Seen, name: string): readonly string[] {
  if (name === 'host' || name === ':authority') return [host];
  if (name === ':method') return [method];
  return name === ':path' ? [target] : (headers[name] ?? []);
}

function claimAttribute(key: string): Attribute {
  const path = claimOf(key);
  return path ? ofClaim(path) : { test: () => undefined };
}

/** `<filter>[<key>]`; a value `[x]` asks for a list with x, `x` for that text. */
function metadataAttribute(path: string): Attribute {
  const [, filter = '', key] = /^([^[]*)\[(.*?)\]?$/.exec(path) ?? [];
  return {
    test: (value) => {
      if (key === undefined) return undefined;
      const isList = value.startsWith('[') && value.endsWith(']');
      const matches = textMatch(isList ? value.replace(/^[[\]]+|[[\]]+$/g, '') : value);
      const test = ofJson(({ metadata }) => metadata[filter]?.[key], matches);
      return (seen) => Array.isArray(seen.metadata[filter]?.[key]) === isList && test(seen);
    },
  };
}

/** `<issuer>/<subject>`, cut at the last slash. */
function requestPrincipalTest(pattern: string): Test {
  const [issuer, subject] = requestPrincipalMatches(pattern);
  return ({ claims }) => isText(claims?.['iss'], issuer) && isText(claims?.['sub'], subject);
}

/** Only one end of the whole can be open: at the other end, a `*` is itself. */
function requestPrincipalMatches(pattern: string): readonly [issuer: TextMatch, subject: TextMatch] {
  const any = textMatch('*');
  const exactly =
    (text: string): TextMatch =>
    (other) =>
      other === text;
  const slash = pattern.lastIndexOf('/');
  const hasOpenStart = pattern.startsWith('*');
  const hasOpenEnd = pattern.endsWith('*');
  if (slash < 0) {
    if (hasOpenStart) return [any, textMatch(pattern)];
    return hasOpenEnd ? [textMatch(pattern), any] : [exactly(pattern), exactly('')];
  }
  const issuer = pattern.slice(0, slash);
  const subject = pattern.slice(slash + 1);
  if (hasOpenStart) return [textMatch(issuer), exactly(subject)];
  return [exactly(issuer), hasOpenEnd ? textMatch(subject) : exactly(subject)];
}

const isText = (value: unknown, matches: TextMatch): boolean => typeof value === 'string' && matches(value);

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? (inner as Record<string, unknown>)[key]
        : undefined,
    value,
  );
}
