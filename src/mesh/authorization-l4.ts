import { ANNOTATION } from '../api/labels.js';
import { parseBlock } from './ambient-index/ip-address.js';
import { type PolicyObject, asRecord, asRecords, asStrings } from './policy-object.js';

const L4_OPERATION = new Set(['ports', 'notPorts']);
const IDENTITY_SOURCE = new Set([
  'principals',
  'notPrincipals',
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
]);
const ADDRESS_SOURCE = new Set(['ipBlocks', 'notIpBlocks']);
const IDENTITY_WHEN = new Set(['source.principal', 'source.namespace']);
const ADDRESS_WHEN = new Set(['source.ip', 'destination.ip', 'destination.port']);
const TRUST_DOMAIN_SOURCE = new Set(['principals', 'notPrincipals']);
const DEFAULT_TRUST_DOMAIN = 'cluster.local';

/** The trust domains of the mesh: sidecars rewrite principals by them, ztunnel does not. */
export interface TrustDomains {
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
}

/**
 * The first field of an AuthorizationPolicy that ztunnel would not read exactly as a sidecar does, as a path such as
 * `spec.rules[0].to[0].operation.methods`; undefined if there is none.
 *
 * @see istio/istio `pilot/pkg/serviceregistry/ambient/authorization.go`: unsupported attributes are dropped, with their
 *      rule (ALLOW) or from it (DENY); a clause that is left empty never matches
 */
export function findUnsupportedField(policy: PolicyObject, trust: TrustDomains): string | undefined {
  const spec = asRecord(policy.spec);
  if (policy.metadata.annotations?.[ANNOTATION.dryRun] !== undefined)
    return `metadata.annotations[${ANNOTATION.dryRun}]`;
  for (const field of Object.keys(spec)) {
    if (!['selector', 'action', 'rules'].includes(field)) return `spec.${field}`;
  }
  if (!['ALLOW', 'DENY', undefined].includes(spec['action'] as string | undefined)) return 'spec.action';
  for (const [index, rule] of asRecords(spec['rules']).entries()) {
    const found = unsupportedInRule(rule, trust);
    if (found !== undefined) return `spec.rules[${index}].${found}`;
  }
  return undefined;
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

function unsupportedInRule(rule: Readonly<Record<string, unknown>>, trust: TrustDomains): string | undefined {
  for (const field of Object.keys(rule)) {
    if (!['from', 'to', 'when'].includes(field)) return field;
  }
  const from = asRecords(rule['from']).map((entry, index) => unsupportedSource(entry, index, trust));
  const to = asRecords(rule['to']).map(unsupportedOperation);
  const when = asRecords(rule['when']).map((entry, index) => unsupportedCondition(entry, index, trust));
  return [...from, ...to, ...when].find((path) => path !== undefined);
}

function unsupportedSource(
  entry: Readonly<Record<string, unknown>>,
  index: number,
  trust: TrustDomains,
): string | undefined {
  const source = asRecord(entry['source']);
  const path = `from[${index}].source`;
  // An empty entry means "any" to a sidecar, and nothing at all to ztunnel.
  if (Object.keys(source).length === 0) return path;
  for (const [field, values] of Object.entries(source)) {
    if (!IDENTITY_SOURCE.has(field) && !ADDRESS_SOURCE.has(field)) return `${path}.${field}`;
    if (TRUST_DOMAIN_SOURCE.has(field) && rewritesTrustDomains(trust)) return `${path}.${field}`;
    if (ADDRESS_SOURCE.has(field) && !asStrings(values).every(isBlock)) return `${path}.${field}`;
  }
  return undefined;
}

function unsupportedOperation(entry: Readonly<Record<string, unknown>>, index: number): string | undefined {
  const operation = asRecord(entry['operation']);
  const path = `to[${index}].operation`;
  if (Object.keys(operation).length === 0) return path;
  for (const [field, values] of Object.entries(operation)) {
    if (!L4_OPERATION.has(field) || !asStrings(values).every(isPort)) return `${path}.${field}`;
  }
  return undefined;
}

function unsupportedCondition(
  entry: Readonly<Record<string, unknown>>,
  index: number,
  trust: TrustDomains,
): string | undefined {
  const key = String(entry['key']);
  const path = `when[${index}].key`;
  if (!IDENTITY_WHEN.has(key) && !ADDRESS_WHEN.has(key)) return path;
  if (key === 'source.principal' && rewritesTrustDomains(trust)) return path;
  const values = [...asStrings(entry['values']), ...asStrings(entry['notValues'])];
  const parses = key === 'destination.port' ? isPort : ADDRESS_WHEN.has(key) ? isBlock : () => true;
  return values.length > 0 && values.every(parses) ? undefined : path;
}

/** `cluster.local` in a principal stands for the mesh's own trust domain at a sidecar, and for itself at ztunnel. */
function rewritesTrustDomains(trust: TrustDomains): boolean {
  return trust.trustDomain !== DEFAULT_TRUST_DOMAIN || trust.trustDomainAliases.length > 0;
}

/** Ports and addresses that do not parse are silently dropped by istiod, which can empty a clause. */
function isPort(value: string): boolean {
  return /^[0-9]{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535;
}

const isBlock = (value: string): boolean => parseBlock(value) !== undefined;
