import { ANNOTATION } from '../../api/labels.js';
import { asRecord, asRecords, asStrings, type Labels, type PolicyObject } from '../policy-object.js';
import type { LocalMatch, LocalPolicy, ServiceAccountMatch, StringMatch } from '../ztunnel-config.js';
import { formatPrefix, parseBlock } from './ip-address.js';
import type { IndexSettings } from './objects.js';

/** A policy, and which workloads of its namespace (of all, in the root namespace) it is attached to. */
export interface SelectedPolicy {
  readonly policy: LocalPolicy;
  /** None if it is attached to no workload: it applies by its scope, or not at all. */
  readonly selector: Labels | undefined;
}

/** What only a proxy for HTTP can see. `trustDomains` is missing: istiod neither converts nor notices it. */
const HTTP_OPERATION = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'];
const HTTP_SOURCE = ['requestPrincipals', 'notRequestPrincipals', 'remoteIpBlocks', 'notRemoteIpBlocks'];

type Fields = Readonly<Record<string, unknown>>;
type Clause = readonly LocalMatch[];

/**
 * What ztunnel gets of an AuthorizationPolicy: undefined if nothing, as for a waypoint's, CUSTOM and AUDIT, and a dry run
 * that istiod does not send.
 *
 * A rule with anything of HTTP is left out of ALLOW. Of DENY it stays without that, and if this leaves a clause whose matches
 * are all empty, it never matches: ztunnel fails open.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/authorization.go
 */
export function authorizationOf(object: PolicyObject, settings: IndexSettings): SelectedPolicy | undefined {
  const { name, namespace = '', annotations } = object.metadata;
  const spec = asRecord(object.spec);
  const dryRun = ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(annotations?.[ANNOTATION.dryRun] ?? '');
  const action = actionOf(spec['action']);
  const isTargeted = asRecords(spec['targetRefs']).length > 0 || Object.keys(asRecord(spec['targetRef'])).length > 0;
  if (!action || isTargeted || (dryRun && settings.dryRunPolicies !== true)) return undefined;
  const matchLabels = asRecord(spec['selector'])['matchLabels'];
  return {
    policy: {
      name,
      namespace,
      scope: hasSelector(spec) ? 'WorkloadSelector' : namespace === settings.rootNamespace ? 'Global' : 'Namespace',
      action,
      rules: asRecords(spec['rules']).flatMap((rule) => clausesOf(rule, action, namespace)),
      dryRun,
    },
    selector: matchLabels === undefined ? undefined : (asRecord(matchLabels) as Labels),
  };
}

/** Whether a policy has a selector, if only an empty one. */
export function hasSelector(spec: Fields): boolean {
  return spec['selector'] !== undefined && spec['selector'] !== null;
}

function actionOf(action: unknown): LocalPolicy['action'] | undefined {
  if (action === undefined || action === 'ALLOW') return 'Allow';
  return action === 'DENY' ? 'Deny' : undefined;
}

/** The clauses of a rule, in a list; an empty list if the rule is left out. */
function clausesOf(rule: Fields, action: LocalPolicy['action'], namespace: string): readonly (readonly Clause[])[] {
  const to = asRecords(rule['to']).map((entry) => asRecord(entry['operation']));
  const from = asRecords(rule['from']).map((entry) => asRecord(entry['source']));
  const when = asRecords(rule['when']);
  const conditions = when.map(conditionMatch);
  const isHttp =
    to.some((operation) => hasValues(operation, HTTP_OPERATION)) ||
    from.some((source) => hasValues(source, HTTP_SOURCE)) ||
    conditions.includes(undefined);
  if (isHttp && action === 'Allow') return [];
  return [
    [
      ...(to.length > 0 ? [to.map(operationMatch)] : []),
      ...(from.length > 0 ? [from.map((source) => sourceMatch(source, namespace))] : []),
      ...conditions.map((match) => [match ?? {}]),
    ],
  ];
}

const hasValues = (record: Fields, fields: readonly string[]): boolean =>
  fields.some((field) => asStrings(record[field]).length > 0);

function operationMatch(operation: Fields): LocalMatch {
  return filled({
    destinationPorts: ports(operation['ports']),
    notDestinationPorts: ports(operation['notPorts']),
  });
}

function sourceMatch(source: Fields, namespace: string): LocalMatch {
  return filled({
    sourceIps: blocks(source['ipBlocks']),
    notSourceIps: blocks(source['notIpBlocks']),
    namespaces: strings(source['namespaces']),
    notNamespaces: strings(source['notNamespaces']),
    serviceAccounts: accounts(source['serviceAccounts'], namespace),
    notServiceAccounts: accounts(source['notServiceAccounts'], namespace),
    principals: strings(source['principals']),
    notPrincipals: strings(source['notPrincipals']),
  });
}

/** The match of a condition; undefined if ztunnel cannot see what it is about. */
function conditionMatch({ key, values, notValues }: Fields): LocalMatch | undefined {
  switch (key) {
    case 'source.namespace':
      return filled({ namespaces: strings(values), notNamespaces: strings(notValues) });
    case 'source.principal':
      return filled({ principals: strings(values), notPrincipals: strings(notValues) });
    case 'source.ip':
      return filled({ sourceIps: blocks(values), notSourceIps: blocks(notValues) });
    case 'destination.ip':
      return filled({ destinationIps: blocks(values), notDestinationIps: blocks(notValues) });
    case 'destination.port':
      return filled({ destinationPorts: ports(values), notDestinationPorts: ports(notValues) });
    default:
      return undefined;
  }
}

/** A match without the fields that have no values: they would not narrow it. */
function filled(match: LocalMatch): LocalMatch {
  return Object.fromEntries(Object.entries(match).filter(([, values]) => (values as readonly unknown[]).length > 0));
}

function strings(values: unknown): StringMatch[] {
  return asStrings(values).map((value) => {
    if (value === '*') return { Presence: [] };
    if (value.startsWith('*')) return { Suffix: value.slice(1) };
    return value.endsWith('*') ? { Prefix: value.slice(0, -1) } : { Exact: value };
  });
}

/** `namespace/name`, or the name of an account of the policy's namespace. */
function accounts(values: unknown, namespace: string): ServiceAccountMatch[] {
  return asStrings(values).map((value) => {
    const slash = value.indexOf('/');
    if (slash < 0) return { namespace, serviceAccount: value };
    return { namespace: value.slice(0, slash), serviceAccount: value.slice(slash + 1) };
  });
}

/** What is no port is silently dropped. */
function ports(values: unknown): number[] {
  return asStrings(values).flatMap((value) =>
    /^[0-9]+$/.test(value) && Number(value) <= 65_535 ? [Number(value)] : [],
  );
}

/** What is no address is silently dropped. */
function blocks(values: unknown): string[] {
  return asStrings(values).flatMap((value) => {
    const prefix = parseBlock(value);
    return prefix ? [formatPrefix(prefix)] : [];
  });
}
