import { ANNOTATION } from '../api/labels.js';
import type { Finding, FindingCode } from './findings.js';
import { targetsOf, type IntendedWaypoint } from './waypoint-needs.js';
import { type PolicyObject, asRecord, asRecords, asStrings, objectName, stringAt } from './policy-object.js';

/** `unknown`: it depends on more than who calls, such as an address. */
export type Match = Known | 'unknown';
type Known = 'yes' | 'no';

type Fields = Readonly<Record<string, unknown>>;

/** A ServiceAccount that pods run under. */
export interface CallerIdentity {
  readonly namespace: string;
  readonly account: string;
}

/** Whom pods take for the caller. Empty texts: nobody whom they know. */
interface Identity extends CallerIdentity {
  /** As policies write it: `cluster.local/ns/shop/sa/waypoint`. */
  readonly principal: string;
}

/** The principal of a waypoint, as policies write it. */
export function principalOf({ namespace, account }: IntendedWaypoint, trustDomain: string): string {
  return `${trustDomain}/ns/${namespace}/sa/${account}`;
}

/**
 * What the pods' own AuthorizationPolicies make of requests that come through a waypoint: they see its identity, and no longer
 * that of the caller. Pure.
 *
 * @param policies   AuthorizationPolicies that apply to the namespace's pods by selector, or to all of them
 * @param objects    every object: copies of those policies for the waypoint are looked for here
 * @param namespace  the namespace that is to use the waypoint
 * @see istio/istio issue 57315
 */
export function identityFindings(
  policies: readonly PolicyObject[],
  objects: readonly PolicyObject[],
  { waypoint, trustDomain, namespace }: { waypoint: IntendedWaypoint; trustDomain: string; namespace: string },
): Finding[] {
  const { name, namespace: home, account } = waypoint;
  const identity: Identity = { principal: principalOf(waypoint, trustDomain), namespace: home, account };
  return policies.filter(decidesByCaller).flatMap((policy) => {
    const found = (code: FindingCode, message: string): Finding => {
      const text = `AuthorizationPolicy ${policy.metadata.name} ${message}`;
      return { code, object: objectName(policy, namespace), message: text };
    };
    const rules = rulesByCaller(policy);
    const matches = rules.map((rule) => matchOf(rule, identity, policy.metadata.namespace ?? ''));
    const refusal = refusalOf(policy, rules, matches);
    // Who is refused along with the waypoint gets nowhere: it is those that it lets pass whom nobody looks at any more.
    const isOpen = matches.some((match) => match !== (refusing(policy) === undefined ? 'no' : 'yes'));
    return [
      ...(refusal === undefined ? [] : [found('SST2005', `${refusal} the waypoint: ${identity.principal}`)]),
      ...(isOpen && !hasCopy(policy, objects, waypoint, identity)
        ? [found('SST2006', `decides by the caller, whom only the waypoint ${name} can tell`)]
        : []),
    ];
  });
}

const rulesOf = (policy: PolicyObject): readonly Fields[] => asRecords(asRecord(policy.spec)['rules']);
/** What it does about what it matches, where that is not to let it in. */
const REFUSALS: Readonly<Record<string, string>> = { DENY: 'denies', CUSTOM: 'asks its provider about' };
const refusing = (policy: PolicyObject): string | undefined => REFUSALS[actionOf(policy)];

function decidesByCaller(policy: PolicyObject): boolean {
  return rulesByCaller(policy).some((rule) => rule['from'] !== undefined || hasCondition(rule));
}

/** Rules that may be otherwise for the waypoint than for those who come through it. What allows is looked at as a whole. */
const rulesByCaller = (policy: PolicyObject): readonly Fields[] =>
  refusing(policy) === undefined ? rulesOf(policy) : rulesOf(policy).filter(isByCaller);

/** Who a token is for is no question of the caller: a rule that refuses by tokens refuses whoever brings them. */
function isByCaller(rule: Fields): boolean {
  const sources = asRecords(rule['from']).map(({ source }) => Object.keys(asRecord(source)));
  return sources.some((fields) => fields.some((field) => !OF_TOKENS.has(field))) || hasCondition(rule);
}

const OF_TOKENS = new Set(['requestPrincipals', 'notRequestPrincipals']);
const hasCondition = (rule: Fields): boolean => asRecords(rule['when']).some(({ key }) => isAboutCaller(String(key)));
const isAboutCaller = (key: string): boolean => key.startsWith('source.') || key === 'remote.ip';

/**
 * Whether an AuthorizationPolicy may have a rule for a caller, whatever the request is.
 *
 * @param caller  undefined: one who shows no certificate
 */
export function mayMatch(policy: PolicyObject, caller: CallerIdentity | undefined, trustDomain: string): Match {
  const identity = caller
    ? { ...caller, principal: `${trustDomain}/ns/${caller.namespace}/sa/${caller.account}` }
    : { principal: '', namespace: '', account: '' };
  return any(rulesOf(policy).map((rule) => matchOf(rule, identity, policy.metadata.namespace ?? '')));
}

/** What the policy does to the waypoint that it should not; undefined if it lets it pass as it lets its callers pass. */
function refusalOf(policy: PolicyObject, rules: readonly Fields[], matches: readonly Match[]): string | undefined {
  if (refusing(policy) !== undefined) return matches.some((match) => match !== 'no') ? refusing(policy) : undefined;
  const admitting = rules.filter((_, index) => matches[index] === 'yes');
  const isCovered = (rule: Fields): boolean =>
    admitting.some(({ to, when }) => when === undefined && (to === undefined || isSame(to, rule['to'])));
  const refused = rules.some((rule, index) => matches[index] !== 'yes' && !isCovered(rule));
  return refused ? 'does not allow' : undefined;
}

/** Whether the caller of a rule may be the waypoint; what it says of destination and request is left out. */
function matchOf(rule: Fields, identity: Identity, policyNamespace: string): Match {
  const sources = asRecords(rule['from']).map(({ source }) => asRecord(source));
  const source = any(sources.map((fields) => sourceMatch(fields, identity, policyNamespace)));
  const conditions = asRecords(rule['when']).map((condition) => conditionMatch(condition, identity));
  return all([sources.length === 0 ? 'yes' : source, ...conditions]);
}

function sourceMatch(source: Fields, identity: Identity, policyNamespace: string): Match {
  return all(
    Object.entries(source).map(([field, values]): Match => {
      const listed = asStrings(values);
      switch (field) {
        case 'principals':
          return matchAny(listed, identity.principal);
        case 'notPrincipals':
          return not(matchAny(listed, identity.principal));
        case 'namespaces':
          return matchAny(listed, identity.namespace);
        case 'notNamespaces':
          return not(matchAny(listed, identity.namespace));
        case 'serviceAccounts':
          return matchAny(qualified(listed, policyNamespace), `${identity.namespace}/${identity.account}`);
        case 'notServiceAccounts':
          return not(matchAny(qualified(listed, policyNamespace), `${identity.namespace}/${identity.account}`));
        default:
          return 'unknown';
      }
    }),
  );
}

function conditionMatch({ key, values, notValues }: Fields, identity: Identity): Match {
  const own = { 'source.principal': identity.principal, 'source.namespace': identity.namespace }[String(key)];
  if (own === undefined) return isAboutCaller(String(key)) ? 'unknown' : 'yes';
  return all([
    ...(values === undefined ? [] : [matchAny(asStrings(values), own)]),
    ...(notValues === undefined ? [] : [not(matchAny(asStrings(notValues), own))]),
  ]);
}

/** `name` alone is an account of the policy's namespace. */
const qualified = (accounts: readonly string[], namespace: string): string[] =>
  accounts.map((account) => (account.includes('/') ? account : `${namespace}/${account}`));

/** Istio's patterns: a star alone, at the start or at the end. */
function matchAny(patterns: readonly string[], value: string): Known {
  // A star alone asks for somebody.
  if (value === '') return 'no';
  const matches = patterns.some((pattern) => {
    if (pattern.startsWith('*')) return value.endsWith(pattern.slice(1));
    return pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern;
  });
  return matches ? 'yes' : 'no';
}

const not = (match: Known): Known => (match === 'yes' ? 'no' : 'yes');
const all = (matches: readonly Match[]): Match =>
  matches.includes('no') ? 'no' : matches.includes('unknown') ? 'unknown' : 'yes';
const any = (matches: readonly Match[]): Match =>
  matches.includes('yes') ? 'yes' : matches.includes('unknown') ? 'unknown' : 'no';

/**
 * Whether the waypoint enforces the very same rules. Only for policies of all pods: what a selector selects and what Services
 * have need not be the same pods. Nor with ports: a pod sees its own, a waypoint that of the Service.
 */
function hasCopy(
  policy: PolicyObject,
  objects: readonly PolicyObject[],
  waypoint: IntendedWaypoint,
  identity: Identity,
): boolean {
  const { namespace } = policy.metadata;
  if (namespace !== waypoint.namespace || asRecord(policy.spec)['selector'] !== undefined) return false;
  const rules = JSON.stringify(callersOnly(policy, identity));
  if (/orts"|destination\.port/.test(rules)) return false;
  return objects.some(
    (other) =>
      other.kind === 'AuthorizationPolicy' &&
      other.metadata.namespace === namespace &&
      actionOf(other) === actionOf(policy) &&
      other.metadata.annotations?.[ANNOTATION.dryRun] === undefined &&
      targetsOf(other).some(({ kind, name }) => kind === 'Gateway' && name === waypoint.name) &&
      JSON.stringify(callersOnly(other, identity)) === rules,
  );
}

const actionOf = ({ spec }: PolicyObject): string => stringAt(asRecord(spec), 'action') ?? 'ALLOW';

/** The rules without the waypoint itself, for which a copy has no use. */
function callersOnly(policy: PolicyObject, { principal }: Identity): unknown[] {
  return rulesOf(policy).flatMap((rule) => {
    if (rule['from'] === undefined) return [rule];
    const from = asRecords(rule['from']).flatMap(({ source }) => {
      const { principals, ...rest } = asRecord(source);
      const others = asStrings(principals).filter((one) => one !== principal);
      if (principals === undefined) return [{ source: rest }];
      return others.length === 0 ? [] : [{ source: { principals: others, ...rest } }];
    });
    return from.length === 0 ? [] : [{ ...rule, from }];
  });
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
