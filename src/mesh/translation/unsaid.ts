import { type JwtRule, jwtRules } from '../enforcement/token.js';
import type { FindingCode } from '../findings.js';
import { authorizationFindings } from '../findings/authorization.js';
import { type PolicyObject, asRecord, asRecords, asStrings, objectName, stringAt } from '../policy-object.js';
import { identityFindings, principalOf } from '../waypoint-identity.js';
import type { FormsScope } from './ambient-forms.js';
import { choosesCommonPods, isOfPods } from './selection.js';

type Fields = Readonly<Record<string, unknown>>;

/** What ztunnel would make of a policy, where a copy at the waypoint makes up for it. */
const MADE_UP_FOR = new Set<FindingCode>(['SST2007', 'SST2008', 'SST2010']);

/** Why nothing beside a policy makes up for what is found in it, where the finding itself does not say so. */
const NOT_MADE_UP_FOR: Partial<Record<FindingCode, string>> = {
  SST2009: 'nothing beside a DENY takes back what it denies',
  SST2011: 'it decides nothing, and so a copy for the waypoint is left to you',
};

/** What a guard leaves out of the words of a policy, and so is about more requests. */
const LEFT_OUT = new Set<FindingCode>(['SST2008', 'SST2009', 'SST2012']);

/**
 * What the ambient form of an AuthorizationPolicy would not say, besides what its copies do not; none for other kinds.
 *
 * A DENY is always the last word, and what a CUSTOM is about is asked in any case: none beside it can except the waypoint from it. So it
 * must let alone by itself what comes through the waypoint and was let past there, also at pods that still have sidecars.
 *
 * @param policies  every policy that decides about pods of the namespace
 */
export function unsaid(policy: PolicyObject, policies: readonly PolicyObject[], scope: FormsScope): string[] {
  if (policy.kind !== 'AuthorizationPolicy') return [];
  const name = objectName(policy, scope.namespace);
  // What a provider is asked about is refused by a guard, in the words of the policy: ztunnel has to read them as a sidecar does.
  const isCustom = actionOf(policy) === 'CUSTOM';
  const { provider: _, ...spec } = asRecord(policy.spec);
  const codes = isCustom
    ? ztunnelCodes({ ...policy, spec: { ...spec, action: 'DENY' } }, scope).filter((code) => !LEFT_OUT.has(code))
    : ztunnelCodes(policy, scope).filter((code) => !MADE_UP_FOR.has(code));
  if (codes.length > 0) return reasonsOf(codes, name);
  const action = actionOf(policy);
  if (action !== 'DENY' && action !== 'CUSTOM') return [];
  const principal = principalOf(scope.waypoint, scope.mesh.trustDomain);
  const what = action === 'DENY' ? 'it denies' : 'it asks its provider about';
  return [
    ...(refusesWaypoint(policy, scope)
      ? [`${what} the waypoint, too, which is all that pods see: except ${principal} from its rules (notPrincipals)`]
      : []),
    ...keepersOf(policy, policies, scope).map(
      (keeper) =>
        `${what} what comes without a token, and pods behind the waypoint get none: set forwardOriginalToken in ` +
        objectName(keeper, scope.namespace),
    ),
    ...otherProviders(policy, policies, scope).map(
      (other) =>
        `${objectName(other, scope.namespace)} has another provider, and what pods with two are asked about is refused`,
    ),
  ];
}

function reasonsOf(codes: readonly FindingCode[], name: string): string[] {
  const others = codes.filter((code) => NOT_MADE_UP_FOR[code] === undefined);
  return [
    ...codes.flatMap((code) => NOT_MADE_UP_FOR[code] ?? []),
    ...(others.length > 0 ? [`${name} raises ${others.join(', ')}`] : []),
  ];
}

/** Findings about what ztunnel would make of an AuthorizationPolicy; none for other kinds. */
export function ztunnelCodes(policy: PolicyObject, scope: FormsScope): FindingCode[] {
  if (policy.kind !== 'AuthorizationPolicy') return [];
  return authorizationFindings(policy, { ...scope, workloadLabels: [], probes: [] }).map(({ code }) => code);
}

/** Whether pods would refuse what comes through the waypoint. */
export function refusesWaypoint(policy: PolicyObject, scope: FormsScope): boolean {
  const { waypoint, mesh, namespace } = scope;
  const found = identityFindings([policy], [], { waypoint, trustDomain: mesh.trustDomain, namespace });
  return found.some(({ code }) => code === 'SST2005');
}

/** ALLOW, if nothing is said. */
export const actionOf = ({ spec }: PolicyObject): unknown => asRecord(spec)['action'] ?? 'ALLOW';

/** RequestAuthentications by whose copies the waypoint keeps to itself what the policy misses in a request. */
function keepersOf(policy: PolicyObject, policies: readonly PolicyObject[], scope: FormsScope): PolicyObject[] {
  return policies.filter(
    (other) =>
      other.kind === 'RequestAuthentication' &&
      isOfPods(other, scope) &&
      choosesCommonPods(policy, other, scope) &&
      jwtRules([other]).some((rule) => !rule.isForwarded && missesToken(policy, rule)),
  );
}

/** Whether a request may match because it has no token, or nothing that is made of one. */
function missesToken({ spec }: PolicyObject, rule: JwtRule): boolean {
  return asRecords(asRecord(spec)['rules']).some(
    ({ from, when }) =>
      asRecords(from).some(({ source }) => asStrings(asRecord(source)['notRequestPrincipals']).length > 0) ||
      asRecords(when).some((condition) => asStrings(condition['notValues']).length > 0 && isOfToken(condition, rule)),
  );
}

function isOfToken({ key }: Fields, { locations, payloadHeader, claimHeaders }: JwtRule): boolean {
  const text = String(key);
  const header = /^request\.(?:regex\.)?headers\[(.*)\]$/.exec(text)?.[1]?.toLowerCase();
  if (header === undefined) return text.startsWith('request.auth.');
  const places = locations.map((one) => ('header' in one ? one.header : 'cookie' in one ? 'cookie' : undefined));
  return [...places, payloadHeader, ...claimHeaders.map((one) => one.header)].includes(header);
}

/** CUSTOM policies of the same pods that name another provider, dry runs among them. */
function otherProviders(policy: PolicyObject, policies: readonly PolicyObject[], scope: FormsScope): PolicyObject[] {
  if (actionOf(policy) !== 'CUSTOM') return [];
  return policies.filter(
    (other) =>
      other.kind === 'AuthorizationPolicy' &&
      actionOf(other) === 'CUSTOM' &&
      isOfPods(other, scope) &&
      providerOf(other) !== providerOf(policy) &&
      choosesCommonPods(policy, other, scope),
  );
}

const providerOf = ({ spec }: PolicyObject): string => stringAt(asRecord(asRecord(spec)['provider']), 'name') ?? '';
