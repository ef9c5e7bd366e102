import { type IpBytes, parseAddress, parsePrefix } from '../ambient-index/ip-address.js';
import type { LocalMatch, LocalPolicy, ServiceAccountMatch, StringMatch } from '../ztunnel-config.js';
import { isInside } from './address.js';

/** A connection as the ztunnel of its destination sees it. Addresses are IP addresses. */
export interface Connection {
  readonly source: {
    /** Who the caller's certificate says it is, such as `cluster.local/ns/shop/sa/web`; none if the caller sends plaintext. */
    readonly principal?: string;
    readonly address: string;
  };
  /** The pod, and its own port. */
  readonly destination: { readonly address: string; readonly port: number };
}

/** What ztunnel decides, and why. */
export type ZtunnelDecision =
  | { readonly allowed: true; readonly by: 'NoPolicy' }
  | { readonly allowed: true; readonly by: 'Allow'; readonly policy: LocalPolicy }
  | { readonly allowed: false; readonly by: 'Deny'; readonly policy: LocalPolicy }
  | { readonly allowed: false; readonly by: 'NoAllow'; readonly policies: readonly LocalPolicy[] };

/**
 * What ztunnel decides about a connection.
 *
 * @param policies  those that apply to the destination: of the mesh, of its namespace, and by its selector
 * @see istio/ztunnel src/state.rs, assert_rbac, and src/rbac.rs
 */
export function decideAtZtunnel(policies: readonly LocalPolicy[], connection: Connection): ZtunnelDecision {
  const enforced = policies.filter(({ dryRun }) => !dryRun);
  const seen = seenOf(connection);
  const deny = enforced.find((policy) => policy.action === 'Deny' && matches(policy, seen));
  if (deny) return { allowed: false, by: 'Deny', policy: deny };
  const allows = enforced.filter(({ action }) => action === 'Allow');
  if (allows.length === 0) return { allowed: true, by: 'NoPolicy' };
  const allow = allows.find((policy) => matches(policy, seen));
  return allow ? { allowed: true, by: 'Allow', policy: allow } : { allowed: false, by: 'NoAllow', policies: allows };
}

interface Seen {
  /** Empty of a caller who sends plaintext. */
  readonly principal: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly sourceAddress: IpBytes | undefined;
  readonly destinationAddress: IpBytes | undefined;
  readonly destinationPort: number;
}

function seenOf({ source, destination }: Connection): Seen {
  const [, namespace = '', serviceAccount = ''] =
    /^[^/]*\/ns\/([^/]*)\/sa\/([^/]*)$/.exec(source.principal ?? '') ?? [];
  return {
    principal: source.principal ?? '',
    namespace,
    serviceAccount,
    sourceAddress: parseAddress(source.address),
    destinationAddress: parseAddress(destination.address),
    destinationPort: destination.port,
  };
}

/** Any rule, all its clauses. A policy without rules never matches, and a rule without clauses always does. */
function matches({ rules }: LocalPolicy, seen: Seen): boolean {
  return rules.some((clauses) => clauses.every((clause) => clauseMatches(clause, seen)));
}

/** Any match, or nothing to match. */
function clauseMatches(clause: readonly LocalMatch[], seen: Seen): boolean {
  return clause.length === 0 || clause.some((match) => Object.keys(match).length > 0 && matchHolds(match, seen));
}

function matchHolds(match: LocalMatch, seen: Seen): boolean {
  const isOf =
    (text: string) =>
    (pattern: StringMatch): boolean =>
      text !== '' && textMatches(pattern, text);
  const isAccount = ({ namespace, serviceAccount }: ServiceAccountMatch): boolean =>
    seen.principal !== '' && namespace === seen.namespace && serviceAccount === seen.serviceAccount;
  const isIn = (address: IpBytes | undefined) => (block: string) => isInside(address, parsePrefix(block));
  const isPort = (port: number): boolean => port === seen.destinationPort;
  return (
    holds(match.principals, match.notPrincipals, isOf(seen.principal)) &&
    holds(match.namespaces, match.notNamespaces, isOf(seen.namespace)) &&
    holds(match.serviceAccounts, match.notServiceAccounts, isAccount) &&
    holds(match.sourceIps, match.notSourceIps, isIn(seen.sourceAddress)) &&
    holds(match.destinationIps, match.notDestinationIps, isIn(seen.destinationAddress)) &&
    holds(match.destinationPorts, match.notDestinationPorts, isPort)
  );
}

/** One of the values, if there are any, and none of the others. */
function holds<T>(values: readonly T[] = [], notValues: readonly T[] = [], is: (value: T) => boolean): boolean {
  return (values.length === 0 || values.some(is)) && !notValues.some(is);
}

function textMatches(pattern: StringMatch, text: string): boolean {
  if ('Exact' in pattern) return text === pattern.Exact;
  if ('Prefix' in pattern) return text.startsWith(pattern.Prefix);
  return 'Suffix' in pattern ? text.endsWith(pattern.Suffix) : true;
}
