import type { TextMatch } from './text-match.js';
import { quoted } from './text-match.js';

/** `cluster.local` in a policy stands for the trust domains of the mesh, whatever they are. */
const ANY_LOCAL_DOMAIN = 'cluster.local';
const SCHEME = 'spiffe://';

/*
 * Matches of a caller's identity, `spiffe://<trust domain>/ns/<namespace>/sa/<account>`, as istiod generates them for Envoy.
 * Source: istio/istio pilot/pkg/security/authz/model/generator.go
 */

/** The identity of a principal of a policy or of a request. */
export function identityOf(principal: string): string {
  return `${SCHEME}${principal}`;
}

/** `principals`, `source.principal`. A principal with a trust domain of the mesh stands for all of them: {@link withAliases}. */
export function principalMatch(pattern: string): TextMatch {
  if (pattern === '*') return (identity) => identity !== '';
  if (pattern.startsWith('*')) {
    const end = pattern.slice(1);
    return (identity) => identity.startsWith(SCHEME) && identity.slice(SCHEME.length).endsWith(end);
  }
  const whole = identityOf(pattern);
  if (!pattern.endsWith('*')) return (identity) => identity === whole;
  const start = whole.slice(0, -1);
  return (identity) => identity.startsWith(start);
}

/** `namespaces`, `source.namespace`: each `*`, wherever it is, stands for any text, slashes included. */
export function namespaceMatch(pattern: string): TextMatch {
  return regexMatch(`.*/ns/${pattern.split('*').map(quoted).join('.*')}/.*`);
}

/** `serviceAccounts`, `source.serviceAccount`: `<namespace>/<account>`, or an account of the policy's namespace. */
export function serviceAccountMatch(value: string, policyNamespace: string): TextMatch {
  const slash = value.indexOf('/');
  const namespace = slash < 0 ? policyNamespace : value.slice(0, slash);
  const account = value.slice(slash + 1);
  return regexMatch(`${SCHEME}.+/ns/${quoted(namespace)}/(.+/|)sa/${quoted(account)}(/.+)?`);
}

/** `trustDomains`, `source.trustDomain`: `*` any, else at most one `*` for any text without a slash. */
export function trustDomainMatch(pattern: string): TextMatch {
  const [start = '', ...rest] = pattern.split('*');
  if (pattern === '*') return (identity) => identity.startsWith(SCHEME);
  if (rest.length === 0) return (identity) => identity.startsWith(`${SCHEME}${pattern}/`);
  return regexMatch(`${SCHEME}${quoted(start)}[^/]*${quoted(rest.join('*'))}/.*`);
}

function regexMatch(pattern: string): TextMatch {
  const regex = new RegExp(`^(?:${pattern})$`);
  return (text) => regex.test(text);
}

/**
 * The principals that istiod puts in the place of one: with each trust domain of the mesh if it names one of them, or
 * `cluster.local`. Others, and those that are not of the form `<domain>/ns/<namespace>/sa/<account>`, stay as they are.
 *
 * @param domains  the trust domain of the mesh and its aliases
 * @see istio/istio pilot/pkg/security/trustdomain/bundle.go, ReplaceTrustDomainAliases
 */
export function withAliases(principal: string, domains: readonly string[]): readonly string[] {
  const [domain, ...rest] = principal.split('/') as [string, ...string[]];
  const isOfTheMesh = domain === ANY_LOCAL_DOMAIN || domains.some((one) => overlap(domain, one));
  if (rest.length !== 4 || domain === '*' || !isOfTheMesh) return [principal];
  return domains.map((one) => (endsLike(one, domain) ? principal : [one, ...rest].join('/')));
}

/** The trust domains that istiod puts in the place of one: all of the mesh if it is one of them. */
export function domainsFor(domain: string, domains: readonly string[]): readonly string[] {
  return domains.includes(domain) ? domains : [domain];
}

/** Whether two names are the same where each may be a pattern for the other. */
function overlap(a: string, b: string): boolean {
  return a === b || startsLike(a, b) || startsLike(b, a) || endsLike(a, b) || endsLike(b, a);
}

const startsLike = (text: string, pattern: string): boolean =>
  pattern.endsWith('*') && text.startsWith(pattern.slice(0, -1));
const endsLike = (text: string, pattern: string): boolean => pattern.startsWith('*') && text.endsWith(pattern.slice(1));
