import { parseAddress } from '../ambient-index/ip-address.js';
import { isDryRun } from '../findings/authorization.js';
import { asRecord, asRecords, type PolicyObject, stringAt } from '../policy-object.js';
import type { Seen, Test } from './attributes.js';
import { identityOf } from './identity.js';
import { normalizedPath, withoutQuery } from './path.js';
import type { Headers, ProxyRequest, ProxySettings } from './request.js';
import { ruleTest } from './rule.js';
import { type Authentication, tokenCheck } from './token.js';

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

interface Rule {
  readonly policy: PolicyObject;
  readonly rule: number;
  readonly test: Test;
}

/** The policies of one action, and those of their rules that the proxy gets. */
interface Action {
  readonly policies: readonly PolicyObject[];
  readonly http: readonly Rule[];
  readonly tcp: readonly Rule[];
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
  const authorization = policies.filter(({ kind }) => kind === 'AuthorizationPolicy');
  const trustDomains = [settings.trustDomain, ...(settings.trustDomainAliases ?? [])];
  const custom = customOf(authorization, trustDomains, settings);
  const deny = actionOf('DENY', authorization.filter(isEnforced), trustDomains);
  const allow = actionOf('ALLOW', authorization.filter(isEnforced), trustDomains);
  const authenticate = tokenCheck(policies.filter(({ kind }) => kind === 'RequestAuthentication'));

  return {
    decide(request) {
      const { http } = request;
      const path = http ? normalizedPath(http.path, settings.pathNormalization) : '';
      const headers = joined(http?.headers ?? {});
      const before = seenOf(request, { isRefused: false, claims: undefined, headers, path });
      const { refuses, asks } = custom(before, http !== undefined);
      if (refuses) return { allowed: false, by: 'Custom', policy: refuses.policy, rule: refuses.rule };
      const authentication = http && authenticate({ ...http, headers }, path);
      const decision: ProxyDecision = authentication?.isRefused
        ? { allowed: false, by: 'Token', status: authentication.status }
        : decideByRules(deny, allow, authentication ? seenOf(request, authentication) : before, http !== undefined);
      return asks === undefined ? decision : { ...decision, asks };
    },
  };
}

function decideByRules(deny: Action, allow: Action, seen: Seen, isHttp: boolean): ProxyDecision {
  const firstOf = (action: Action): Rule | undefined =>
    (isHttp ? action.http : action.tcp).find(({ test }) => test(seen));
  const denied = firstOf(deny);
  if (denied) return { allowed: false, by: 'Deny', policy: denied.policy, rule: denied.rule };
  if (allow.policies.length === 0) return { allowed: true, by: 'NoPolicy' };
  const allowed = firstOf(allow);
  return allowed
    ? { allowed: true, by: 'Allow', policy: allowed.policy, rule: allowed.rule }
    : { allowed: false, by: 'NoAllow', policies: allow.policies };
}

const isEnforced = (policy: PolicyObject): boolean => !isDryRun(policy);

/** The policies of an action. A policy without rules never matches. */
function actionOf(name: string, policies: readonly PolicyObject[], trustDomains: readonly string[]): Action {
  const ofAction = policies.filter(({ spec }) => (asRecord(spec)['action'] ?? 'ALLOW') === name);
  const rulesFor = (isHttp: boolean): Rule[] =>
    ofAction.flatMap((policy) =>
      asRecords(asRecord(policy.spec)['rules']).flatMap((fields, rule) => {
        const namespace = policy.metadata.namespace ?? '';
        const test = ruleTest(fields, { namespace, trustDomains, isAllow: name === 'ALLOW', isHttp });
        return test ? [{ policy, rule, test }] : [];
      }),
    );
  return { policies: ofAction, http: rulesFor(true), tcp: rulesFor(false) };
}

/** What CUSTOM policies do about what they match: refuse it, or ask a provider. */
function customOf(
  policies: readonly PolicyObject[],
  trustDomains: readonly string[],
  { authorizationProviders = {} }: ProxySettings,
): (seen: Seen, isHttp: boolean) => { refuses?: Rule; asks?: string } {
  const { http, tcp, policies: ofAction } = actionOf('CUSTOM', policies, trustDomains);
  const [name = '', ...others] = new Set(ofAction.map(providerOf));
  // A proxy asks one provider at most: with policies of two, none is asked.
  const provider = others.length === 0 ? authorizationProviders[name] : undefined;
  const isReal = ({ policy }: Rule): boolean => !isDryRun(policy);
  return (seen, isHttp) => {
    if (provider === 'http' && !isHttp) return {};
    const matching = (isHttp ? http : tcp).filter(({ test }) => test(seen));
    // By a slip of istiod's, a dry run refuses where it would ask.
    const refuses = matching.find((rule) => isReal(rule) === (provider === undefined));
    const isAsked = provider !== undefined && matching.some(isReal);
    return { ...(refuses && { refuses }), ...(isAsked && { asks: name }) };
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

function seenOf(
  { source, remoteAddress, destination, sni, http, metadata }: ProxyRequest,
  { claims, headers, path }: Extract<Authentication, { isRefused: false }>,
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
