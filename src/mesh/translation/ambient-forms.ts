import type { FindingCode } from '../findings.js';
import { authorizationFindings, isDryRun } from '../findings/authorization.js';
import type { PolicyScope } from '../findings/scope.js';
import { type PolicyObject, asRecord, asRecords, objectName } from '../policy-object.js';
import { identityFindings } from '../waypoint-identity.js';
import type { IntendedWaypoint } from '../waypoint-needs.js';
import { type Difference, type TranslationScope, isOfPods } from './selection.js';
import { admissionOf, guardOf, waypointOnly } from './pod-policies.js';
import { waypointCopies } from './waypoint-copies.js';

/** What a policy of pods needs beside it, so that in ambient mode it means what it means at sidecars. */
export interface AmbientForm {
  readonly policy: PolicyObject;
  /** Only a waypoint can enforce it: ztunnel does not see what it asks for. */
  readonly isLayer7: boolean;
  /** In order: for the waypoint, to let the waypoint in, to keep all others out. Each in the migrated namespace. */
  readonly objects: readonly PolicyObject[];
  /** The one of them that keeps others away from ambient pods; undefined if ztunnel does so by the policy itself. */
  readonly guard: PolicyObject | undefined;
}

/** A policy of which no such form is known. */
export interface Untranslated {
  readonly policy: PolicyObject;
  /** Why not, one clause each. */
  readonly reasons: readonly string[];
}

/** The ambient forms of the policies of a namespace. */
export interface AmbientForms {
  readonly forms: readonly AmbientForm[];
  readonly untranslated: readonly Untranslated[];
}

/** A namespace, and the waypoint that it is to use. */
export interface FormsScope extends TranslationScope {
  readonly waypoint: IntendedWaypoint;
  readonly mesh: PolicyScope['mesh'];
}

/** What ztunnel would make of a policy, where a copy at the waypoint makes up for it. */
const MADE_UP_FOR = new Set<FindingCode>(['SST2007', 'SST2008']);

/** What such a copy does not decide, and ztunnel refuses. */
const REFUSED: readonly Difference['reason'][] = ['Unreached'];

/**
 * What has to be beside the policies of a namespace before its pods lose their sidecars. Pure.
 *
 * A policy that is not touched itself has three kinds of company. Copies say the same at the waypoint. An ALLOW that does not know the
 * waypoint has another beside it that lets it in: ALLOW policies add up. Where ztunnel would let past what the policy refuses, a guard
 * refuses everybody but the waypoint at ambient pods. What pods with sidecars do with their callers stays as it is.
 *
 * @see istio-ambient facts 4.6, 5.2, 5.3, 5.6
 */
export function ambientForms(policies: readonly PolicyObject[], scope: FormsScope): AmbientForms {
  const results = policies.filter((policy) => isDeciding(policy, scope)).map((policy) => formOf(policy, scope));
  const forms = results.flatMap((result) => ('objects' in result ? [result] : []));
  const untranslated = results.flatMap((result) => ('reasons' in result ? [result] : []));
  return { forms, untranslated };
}

/** Whether the policy decides who may call pods of the namespace. */
function isDeciding(policy: PolicyObject, scope: FormsScope): boolean {
  if (!isOfPods(policy, scope) || isDryRun(policy)) return false;
  return policy.kind === 'RequestAuthentication' || policy.kind === 'AuthorizationPolicy';
}

function formOf(policy: PolicyObject, scope: FormsScope): AmbientForm | Untranslated {
  const translated = waypointCopies(policy, scope);
  const { copies = [], differences = [] } = translated ?? {};
  const reasons = [
    ...differences.filter(({ reason }) => !REFUSED.includes(reason)).map(({ at, message }) => `${at} ${message}`),
    ...unsaid(policy, scope),
  ];
  if (reasons.length > 0) return { policy, reasons };
  const isLayer7 = policy.kind === 'RequestAuthentication' || ztunnelCodes(policy, scope).length > 0;
  const isAllow = actionOf(policy) === 'ALLOW' && policy.kind === 'AuthorizationPolicy';
  const others = waypointOnly(scope.waypoint, scope.mesh.trustDomain);
  const admits = isAllow && (isLayer7 || refusesWaypoint(policy, scope));
  const guard = isLayer7 && !isAllow ? guardOf(policy, others, scope.namespace) : undefined;
  return {
    policy,
    isLayer7,
    objects: [...copies, ...(admits ? [admissionOf(policy, others, scope.namespace)] : []), ...(guard ? [guard] : [])],
    guard,
  };
}

/** What the form would not say of a policy, besides what its copies do not. */
function unsaid(policy: PolicyObject, scope: FormsScope): string[] {
  if (policy.kind === 'RequestAuthentication') return [];
  const name = objectName(policy, scope.namespace);
  const codes = ztunnelCodes(policy, scope).filter((code) => !MADE_UP_FOR.has(code));
  if (codes.length > 0) return [`${name} raises ${codes.join(', ')}`];
  if (actionOf(policy) !== 'DENY') return [];
  return [
    ...(refusesWaypoint(policy, scope) ? ['it denies the waypoint, too'] : []),
    // The waypoint keeps the token to itself, and sidecars behind it would take the request for one without.
    ...(asksForTokens(policy) ? ['it denies by tokens, which pods behind the waypoint do not get'] : []),
  ];
}

function ztunnelCodes(policy: PolicyObject, scope: FormsScope): FindingCode[] {
  if (policy.kind !== 'AuthorizationPolicy') return [];
  return authorizationFindings(policy, { ...scope, workloadLabels: [], probes: [] }).map(({ code }) => code);
}

function refusesWaypoint(policy: PolicyObject, { waypoint, mesh: { trustDomain }, namespace }: FormsScope): boolean {
  return identityFindings([policy], [], { waypoint, trustDomain, namespace }).some(({ code }) => code === 'SST2005');
}

function asksForTokens(policy: PolicyObject): boolean {
  return asRecords(asRecord(policy.spec)['rules']).some(
    ({ from, when }) =>
      asRecords(from).some(({ source }) =>
        Object.keys(asRecord(source)).some((key) => /requestPrincipals$/i.test(key)),
      ) || asRecords(when).some(({ key }) => String(key).startsWith('request.auth.')),
  );
}

const actionOf = ({ spec }: PolicyObject): unknown => asRecord(spec)['action'] ?? 'ALLOW';
