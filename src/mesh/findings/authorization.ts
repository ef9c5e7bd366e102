import { ANNOTATION } from '../../api/labels.js';
import { parseBlock } from '../ambient-index/ip-address.js';
import type { Finding, FindingCode } from '../findings.js';
import { type PolicyObject, asRecord, asRecords, asStrings } from '../policy-object.js';
import type { MeshSettings } from '../mesh-settings.js';
import { type PolicyScope, finding, notUnderstood, unreadSelector } from './scope.js';

const L4_OPERATION = new Set(['ports', 'notPorts']);
const HTTP_OPERATION = new Set(['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths']);
const IDENTITY_SOURCE = new Set([
  'principals',
  'notPrincipals',
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
]);
const ADDRESS_SOURCE = new Set(['ipBlocks', 'notIpBlocks']);
const HTTP_SOURCE = new Set(['requestPrincipals', 'notRequestPrincipals', 'remoteIpBlocks', 'notRemoteIpBlocks']);
const NAMESPACES = new Set(['namespaces', 'notNamespaces']);
const TRUST_DOMAINS = new Set(['trustDomains', 'notTrustDomains']);
const IDENTITY_WHEN = new Set(['source.principal', 'source.namespace']);
const ADDRESS_WHEN = new Set(['source.ip', 'destination.ip', 'destination.port']);
const REWRITTEN_SOURCE = new Set(['principals', 'notPrincipals']);
/** Where a condition has values. */
const LISTS = ['values', 'notValues'];
const DEFAULT_TRUST_DOMAIN = 'cluster.local';

/** The trust domains of the mesh: sidecars rewrite principals by them, ztunnel does not. */
type TrustDomains = Pick<MeshSettings, 'trustDomain' | 'trustDomainAliases'>;

type Fields = Readonly<Record<string, unknown>>;

/** Why ztunnel does not read a field as a sidecar does. */
type Reason =
  /** Only a proxy for HTTP sees it: istiod leaves it out. */
  | 'http'
  /** Left out, and not even reported. */
  | 'trust-domains'
  /** The same field, with another meaning. */
  | 'other-meaning'
  /** Unknown here. */
  | 'unknown';

/** A field of a rule that ztunnel does not read exactly as a sidecar does. */
interface Difference {
  /** Path in the rule. */
  readonly path: string;
  readonly reason: Reason;
  /** Nothing that ztunnel reads is beside it in the entry: what is left of the entry never matches. */
  readonly alone: boolean;
}

/**
 * What ztunnel would make of an AuthorizationPolicy that applies to pods by its selector, or to all of them; nothing if it reads
 * the policy exactly as a sidecar does.
 *
 * @see istio/istio `pilot/pkg/serviceregistry/ambient/authorization.go`: unsupported attributes are dropped, with their
 *      rule (ALLOW) or from it (DENY); a clause that is left empty never matches
 */
export function authorizationFindings(policy: PolicyObject, scope: PolicyScope): Finding[] {
  const spec = asRecord(policy.spec);
  const action = spec['action'] ?? 'ALLOW';
  const found = (code: FindingCode, fields: string | readonly string[], text: string): Finding =>
    finding(code, policy, fields, text, scope);
  if (action === 'CUSTOM')
    return [found('SST2010', 'spec.action', 'CUSTOM: ztunnel asks nobody, and lets requests in')];
  if (action === 'AUDIT') return [found('SST2011', 'spec.action', 'AUDIT: ztunnel marks no requests for the audit')];
  if (action !== 'ALLOW' && action !== 'DENY') return [notUnderstood(policy, 'spec.action', scope)];
  if (isDryRun(policy)) {
    const field = `metadata.annotations[${ANNOTATION.dryRun}]`;
    return [found('SST2014', field, 'a dry run, which decides nothing and which ztunnel does not log')];
  }
  const rules = asRecords(spec['rules']).map((rule, index) => differencesOf(rule, `spec.rules[${index}]`, scope.mesh));
  const paths = (differences: readonly Difference[]): string[] => differences.map(({ path }) => path);
  const because = (reason: Reason): string[] => paths(rules.flat().filter((one) => one.reason === reason));
  const about = (code: FindingCode, fields: readonly string[], text: string): Finding[] =>
    fields.length > 0 ? [found(code, fields, text)] : [];
  const unknown = [
    ...Object.keys(spec).flatMap((field) => (['selector', 'action', 'rules'].includes(field) ? [] : [`spec.${field}`])),
    ...unreadSelector(spec),
    ...(Array.isArray(spec['rules'] ?? []) ? [] : ['spec.rules']),
    ...because('unknown'),
  ];
  return [
    ...(action === 'ALLOW' ? about('SST2007', because('http'), REFUSED) : denials(rules, about)),
    ...about('SST2012', because('trust-domains'), 'ztunnel ignores trust domains'),
    ...about('SST2013', because('other-meaning'), 'ztunnel reads it in another way than a sidecar'),
    ...(unknown.length > 0 ? [notUnderstood(policy, unknown, scope)] : []),
  ];
}

const REFUSED = 'ztunnel cannot see it and leaves the rule out: what the rule allows is refused';
const LET_IN = 'ztunnel cannot see it, and nothing is left to match: what the rule denies is let in';
const DENIED_WHOLLY = 'ztunnel cannot see it and denies whatever matches the rest of the rule';

function denials(
  rules: readonly (readonly Difference[])[],
  about: (code: FindingCode, fields: readonly string[], text: string) => Finding[],
): Finding[] {
  const fails = (rule: readonly Difference[]): boolean => rule.some(({ alone }) => alone);
  const paths = (of: readonly (readonly Difference[])[]): string[] =>
    of.flat().flatMap(({ path, reason }) => (reason === 'http' ? [path] : []));
  return [
    ...about('SST2008', paths(rules.filter(fails)), LET_IN),
    ...about('SST2009', paths(rules.filter((rule) => !fails(rule))), DENIED_WHOLLY),
  ];
}

/** Whether a rule decides by who the caller is, which a caller without mTLS cannot show. */
export function usesIdentity(policy: PolicyObject): boolean {
  return asRecords(asRecord(policy.spec)['rules']).some(
    (rule) =>
      asRecords(rule['from']).some((from) =>
        Object.keys(asRecord(from['source'])).some((field) => IDENTITY_SOURCE.has(field)),
      ) || asRecords(rule['when']).some((when) => IDENTITY_WHEN.has(String(when['key']))),
  );
}

/** Whether an AuthorizationPolicy decides nothing; Istio takes what Go takes for true. */
export function isDryRun({ metadata }: PolicyObject): boolean {
  return ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(metadata.annotations?.[ANNOTATION.dryRun] ?? '');
}

function differencesOf(rule: Fields, path: string, trust: TrustDomains): Difference[] {
  const unknown = Object.keys(rule).filter((field) => !['from', 'to', 'when'].includes(field));
  return [
    ...asRecords(rule['from']).flatMap((entry, index) =>
      inSource(asRecord(entry['source']), `from[${index}].source`, trust),
    ),
    ...asRecords(rule['to']).flatMap((entry, index) =>
      inOperation(asRecord(entry['operation']), `to[${index}].operation`),
    ),
    ...asRecords(rule['when']).flatMap((entry, index) => inCondition(entry, `when[${index}].key`, trust)),
    ...unknown.map((field): Difference => ({ path: field, reason: 'unknown', alone: false })),
  ].map((difference) => ({ ...difference, path: `${path}.${difference.path}` }));
}

function inSource(source: Fields, path: string, trust: TrustDomains): Difference[] {
  return inEntry(source, path, (field, values) => {
    if (HTTP_SOURCE.has(field)) return 'http';
    if (TRUST_DOMAINS.has(field)) return 'trust-domains';
    if (REWRITTEN_SOURCE.has(field) && rewritesTrustDomains(values, trust)) return 'other-meaning';
    if (NAMESPACES.has(field) && !values.every(isReadAlike)) return 'other-meaning';
    if (ADDRESS_SOURCE.has(field)) return values.every(isBlock) ? undefined : 'other-meaning';
    return IDENTITY_SOURCE.has(field) ? undefined : 'unknown';
  });
}

function inOperation(operation: Fields, path: string): Difference[] {
  return inEntry(operation, path, (field, values) => {
    if (HTTP_OPERATION.has(field)) return 'http';
    if (!L4_OPERATION.has(field)) return 'unknown';
    return values.every(isPort) ? undefined : 'other-meaning';
  });
}

function inEntry(
  entry: Fields,
  path: string,
  reasonOf: (field: string, values: readonly string[]) => Reason | undefined,
): Difference[] {
  const fields = Object.entries(entry).map(([field, values]) => ({
    field,
    reason: reasonOf(field, asStrings(values)),
  }));
  // An empty entry means "any" to a sidecar, and nothing at all to ztunnel.
  if (fields.length === 0) return [{ path, reason: 'other-meaning', alone: true }];
  const alone = fields.every(({ reason }) => reason === 'http' || reason === 'trust-domains');
  return fields.flatMap(({ field, reason }) => (reason ? [{ path: `${path}.${field}`, reason, alone }] : []));
}

function inCondition(entry: Fields, path: string, trust: TrustDomains): Difference[] {
  const key = String(entry['key']);
  if (!IDENTITY_WHEN.has(key) && !ADDRESS_WHEN.has(key)) return [{ path, reason: 'http', alone: true }];
  const values = [...asStrings(entry['values']), ...asStrings(entry['notValues'])];
  const parses = PARSED[key] ?? (ADDRESS_WHEN.has(key) ? isBlock : () => true);
  const isRewritten =
    key === 'source.principal' && LISTS.some((list) => rewritesTrustDomains(asStrings(entry[list]), trust));
  const isSame = values.length > 0 && values.every(parses) && !isRewritten;
  return isSame ? [] : [{ path, reason: 'other-meaning', alone: false }];
}

/**
 * Whether a sidecar takes principals for others than are listed: it puts each domain of the mesh in the place of one of them, and
 * `cluster.local` stands for them. A pattern in the place of the domain may do so.
 *
 * @see istio/istio pilot/pkg/security/trustdomain/bundle.go, ReplaceTrustDomainAliases
 */
function rewritesTrustDomains(
  principals: readonly string[],
  { trustDomain, trustDomainAliases }: TrustDomains,
): boolean {
  const domains = [trustDomain, ...trustDomainAliases];
  return principals.some((principal) => {
    const [domain = '', ...rest] = principal.split('/');
    if (domain === '*') return false;
    if (domain.includes('*')) return domains.some((one) => one !== DEFAULT_TRUST_DOMAIN);
    if (!domains.includes(domain)) return domain === DEFAULT_TRUST_DOMAIN;
    return !domains.every((one) => principals.includes([one, ...rest].join('/')));
  });
}

/** Ports and addresses that do not parse are silently dropped by istiod, which can empty a clause. */
function isPort(value: string): boolean {
  return /^[0-9]{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535;
}

const isBlock = (value: string): boolean => parseBlock(value) !== undefined;

/**
 * Whether a sidecar takes a namespace as ztunnel does: it makes a regular expression of it, which is to be found in the whole principal,
 * so that a `*` may stand in the middle, and `*a` finds the `sa` behind any namespace.
 *
 * @see istio/istio pilot/pkg/security/authz/model/generator.go, srcNamespaceGenerator
 */
function isReadAlike(namespace: string): boolean {
  return !/.\*./.test(namespace) && namespace !== '*a' && namespace !== '*sa';
}

/** What values of conditions have to be. */
const PARSED: Readonly<Record<string, (value: string) => boolean>> = {
  'destination.port': isPort,
  'source.namespace': isReadAlike,
};
