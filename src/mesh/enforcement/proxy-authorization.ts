import { parseAddress } from '../ambient-index/ip-address.js';
import { isDryRun } from '../findings/authorization.js';
import { asRecord, asRecords, type PolicyObject, stringAt } from '../policy-object.js';
import type { Seen, Test } from './attributes.js';
import { identityOf } from './identity.js';
import { normalizedPath, withoutQuery } from './path.js';
import type { Headers, ProxyRequest, ProxySettings } from './request.js';
import { type Clauses, type Reading, readRule, testOf } from './rule.js';
import { tokenCheck } from './token.js';

/** What a proxy decides, and why. */
export type ProxyDecision = (
  | { readonly allowed: true; readonly by: 'NoPolicy' }
  | { readonly allowed: true; readonly by: 'Allow'; readonly policy: PolicyObject; readonly rule: number }
  | {
      readonly allowed: false;
      /** `Custom`: the provider of the policy cannot be asked, so that what it should be asked about is refused. */
      readonly by: 'Custom' | 'Deny';
      readonly policy: PolicyObject;
      readonly rule: number;
    }
  | { readonly allowed: false; readonly by: 'NoAllow'; readonly policies: readonly PolicyObject[] }
  | { readonly allowed: false; readonly by: 'Token'; readonly status: 401 | 403 }
) & {
  /** The provider of CUSTOM policies that is asked first, and can refuse what is allowed here. */
  readonly asks?: string;
};

/** Policies of a proxy, ready to decide. */
export interface ProxyAuthorization {
  decide(request: ProxyRequest): ProxyDecision;
}

/** A rule that a proxy gets. */
export interface ProxyRule {
  readonly policy: PolicyObject;
  /** Its place among the rules of the policy. */
  readonly rule: number;
  readonly clauses: Clauses;
  readonly test: Test;
}

/** What a proxy goes by, for HTTP or for connections on which it speaks none. */
export interface ProxyRules {
  /** Of CUSTOM: they refuse, where they should ask. */
  readonly refuse: readonly ProxyRule[];
  /** Of CUSTOM: they ask a provider, which can refuse. */
  readonly ask: readonly ProxyRule[];
  /** Name of that provider. */
  readonly provider: string;
  readonly deny: readonly ProxyRule[];
  readonly allow: readonly ProxyRule[];
  /** Those of ALLOW, be they without rules: where there is one, what no rule allows is refused. */
  readonly allowPolicies: readonly PolicyObject[];
}

const NOTHING_SEEN = { method: '', host: '', target: '', path: '', headers: {}, claims: undefined };

/**
 * What a sidecar or a waypoint decides about a request, or a connection. To decide about many, see {@link proxyAuthorization}.
 *
 * @param policies  AuthorizationPolicies and RequestAuthentications that apply to the proxy, and for a waypoint to the Service
 */
export function decideAtProxy(
  policies: readonly PolicyObject[],
  request: ProxyRequest,
  settings: ProxySettings,
): ProxyDecision {
  return proxyAuthorization(policies, settings).decide(request);
}

/**
 * The decisions of a proxy that istiod configures with these policies: CUSTOM, then tokens, then DENY, then ALLOW. AUDIT decides
 * nothing. CUSTOM comes before tokens are looked at, so it never sees a claim.
 *
 * @param policies  AuthorizationPolicies and RequestAuthentications that apply to the proxy, and for a waypoint to the Service
 * @see istio/istio pilot/pkg/security/authz/builder/builder.go
 */
export function proxyAuthorization(policies: readonly PolicyObject[], settings: ProxySettings): ProxyAuthorization {
  let [http, tcp]: (ProxyRules | undefined)[] = [];
  const authenticate = tokenCheck(policies.filter(({ kind }) => kind === 'RequestAuthentication'));

  return {
    decide(request) {
      const rules = request.http
        ? (http ??= proxyRules(policies, settings, true))
        : (tcp ??= proxyRules(policies, settings, false));
      const path = request.http ? normalizedPath(request.http.path, settings.pathNormalization) : '';
      const headers = joined(request.http?.headers ?? {});
      const before = seenOf(request, { claims: undefined, headers, path });
      const refuses = rules.refuse.find(({ test }) => test(before));
      if (refuses) return { allowed: false, by: 'Custom', policy: refuses.policy, rule: refuses.rule };
      const authentication = request.http && authenticate({ ...request.http, headers }, path);
      const decision: ProxyDecision = authentication?.isRefused
        ? { allowed: false, by: 'Token', status: authentication.status }
        : decideByRules(rules, authentication ? seenOf(request, authentication) : before);
      return rules.ask.some(({ test }) => test(before)) ? { ...decision, asks: rules.provider } : decision;
    },
  };
}

function decideByRules({ deny, allow, allowPolicies }: ProxyRules, seen: Seen): ProxyDecision {
  const denied = deny.find(({ test }) => test(seen));
  if (denied) return { allowed: false, by: 'Deny', policy: denied.policy, rule: denied.rule };
  if (allowPolicies.length === 0) return { allowed: true, by: 'NoPolicy' };
  const allowed = allow.find(({ test }) => test(seen));
  return allowed
    ? { allowed: true, by: 'Allow', policy: allowed.policy, rule: allowed.rule }
    : { allowed: false, by: 'NoAllow', policies: allowPolicies };
}

/**
 * The rules that istiod hands to a proxy.
 *
 * @param policies  AuthorizationPolicies that apply to the proxy; others are left out
 */
export function proxyRules(policies: readonly PolicyObject[], settings: ProxySettings, isHttp: boolean): ProxyRules {
  const trustDomains = [settings.trustDomain, ...(settings.trustDomainAliases ?? [])];
  const of = (action: string, isDryRunToo = false): PolicyObject[] =>
    policies.filter(
      (policy) =>
        policy.kind === 'AuthorizationPolicy' &&
        (asRecord(policy.spec)['action'] ?? 'ALLOW') === action &&
        (isDryRunToo || !isDryRun(policy)),
    );
  const rulesOf = (action: string, chosen: readonly PolicyObject[]): ProxyRule[] =>
    chosen.flatMap((policy) => rulesOfPolicy(policy, { trustDomains, isAllow: action === 'ALLOW', isHttp }));
  const allowPolicies = of('ALLOW');
  const custom = of('CUSTOM', true);
  return {
    ...customRules(rulesOf('CUSTOM', custom), custom, settings, isHttp),
    deny: rulesOf('DENY', of('DENY')),
    allow: rulesOf('ALLOW', allowPolicies),
    allowPolicies,
  };
}

/** Those of a policy. One without rules never matches. */
function rulesOfPolicy(policy: PolicyObject, reading: Omit<Reading, 'namespace'>): ProxyRule[] {
  return asRecords(asRecord(policy.spec)['rules']).flatMap((fields, rule) => {
    const clauses = readRule(fields, { ...reading, namespace: policy.metadata.namespace ?? '' });
    return clauses ? [{ policy, rule, clauses, test: testOf(clauses) }] : [];
  });
}

/** What CUSTOM policies do about what they match: refuse it, or ask a provider. */
function customRules(
  rules: readonly ProxyRule[],
  policies: readonly PolicyObject[],
  { authorizationProviders = {} }: ProxySettings,
  isHttp: boolean,
): Pick<ProxyRules, 'refuse' | 'ask' | 'provider'> {
  const [name = '', ...others] = new Set(policies.map(providerOf));
  // A proxy asks one provider at most: with policies of two, none is asked.
  const provider = others.length === 0 ? authorizationProviders[name] : undefined;
  if (provider === 'http' && !isHttp) return { refuse: [], ask: [], provider: name };
  const isReal = ({ policy }: ProxyRule): boolean => !isDryRun(policy);
  return {
    // By a slip of istiod's, a dry run refuses where it would ask.
    refuse: rules.filter((rule) => isReal(rule) === (provider === undefined)),
    ask: provider === undefined ? [] : rules.filter(isReal),
    provider: name,
  };
}

/** `authorization` is one of the headers of which Envoy makes one value at once; of others, each value is looked at. */
function joined(headers: Headers): Headers {
  const { authorization } = headers;
  return authorization && authorization.length > 1 ? { ...headers, authorization: [authorization.join(',')] } : headers;
}

function providerOf({ spec }: PolicyObject): string {
  return stringAt(asRecord(asRecord(spec)['provider']), 'name') ?? '';
}

/** What is seen of a connection alone. */
export function seenOfConnection(connection: Omit<ProxyRequest, 'http'>): Seen {
  return seenOf(connection, NOTHING_SEEN);
}

function seenOf(
  { source, remoteAddress, destination, sni, http, metadata }: ProxyRequest,
  { claims, headers, path }: Pick<Seen, 'claims' | 'headers' | 'path'>,
): Seen {
  const sourceAddress = parseAddress(source.address);
  return {
    identity: source.principal === undefined ? undefined : identityOf(source.principal),
    sourceAddress,
    remoteAddress: remoteAddress === undefined ? sourceAddress : parseAddress(remoteAddress),
    destinationAddress: parseAddress(destination.address),
    destinationPort: destination.port,
    sni: sni ?? '',
    metadata: metadata ?? {},
    ...(http
      ? { method: http.method, host: http.host, target: path, path: withoutQuery(path), headers, claims }
      : NOTHING_SEEN),
  };
}
