import { isDryRun } from '../findings/authorization.js';
import type { PolicyScope } from '../findings/scope.js';
import { type PolicyObject, objectName } from '../policy-object.js';
import type { IntendedWaypoint } from '../waypoint-needs.js';
import { isExtension, rivalsOf } from './extensions.js';
import { type Difference, type TranslationScope, isOfPods } from './selection.js';
import { admissionOf, guardOf, waypointOnly } from './pod-policies.js';
import { actionOf, refusesWaypoint, unsaid, ztunnelCodes } from './unsaid.js';
import { waypointCopies } from './waypoint-copies.js';

/** What a policy of pods needs beside it, so that in ambient mode it means what it means at sidecars. */
export interface AmbientForm {
  readonly policy: PolicyObject;
  /** Only a waypoint can enforce it: ztunnel does not see what it asks for. What only tells of requests decides nothing. */
  readonly isLayer7: boolean;
  /** In order: for the waypoint, to let the waypoint in, to keep all others out. Each in the migrated namespace. */
  readonly objects: readonly PolicyObject[];
  /** The one of them that keeps others away from ambient pods; undefined if ztunnel does so by the policy itself. */
  readonly guard: PolicyObject | undefined;
  /** What it does not keep all the same: somebody has to accept that. */
  readonly lost: readonly Lost[];
}

/** A part of what a policy means. */
export interface Lost {
  /** Path in the policy. */
  readonly at: string;
  /** One clause, no full stop. */
  readonly message: string;
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

/** What copies do not do, and need not: what ztunnel refuses; what nobody counts any more; what is told as lost. */
const ACCEPTED: Readonly<Record<string, readonly Difference['reason'][]>> = {
  AuthorizationPolicy: ['Unreached'],
  RequestAuthentication: ['Unreached'],
  WasmPlugin: ['Unreached', 'Outgoing'],
  TrafficExtension: ['Unreached', 'Outgoing'],
  Telemetry: ['Unreached', 'Headless', 'Routed'],
};

/** Nobody knows what the code of a filter looks at, or what a provider does with what it is told. */
const UNSEEN: readonly Lost[] = [
  { at: 'spec', message: 'at a waypoint it sees no certificate of the caller' },
  { at: 'spec', message: 'pods that still have sidecars run it once more, on the request as the waypoint sends it on' },
];
const UNTOLD: readonly Lost[] = [
  { at: 'spec.provider', message: 'a waypoint tells it of no certificate of the caller' },
  {
    at: 'spec.provider',
    message: 'pods that still have sidecars ask it once more, about the request as the waypoint sends it on',
  },
];

/**
 * What has to be beside the policies of a namespace before its pods lose their sidecars. Pure.
 *
 * A policy that is not touched itself has three kinds of company. Copies say the same at the waypoint. An ALLOW that does not know the
 * waypoint has another beside it that lets it in: ALLOW policies add up. Where ztunnel would let past what the policy refuses, or what
 * a filter of one's own may refuse, a guard refuses whom it may be about, but for the waypoint, at ambient pods. What pods with sidecars
 * do with their callers stays as it is.
 *
 * @see istio-ambient facts 4.6, 5.2, 5.3, 5.6
 */
export function ambientForms(policies: readonly PolicyObject[], scope: FormsScope): AmbientForms {
  const meant = policies.filter((policy) => isMeant(policy, scope));
  const results = meant.flatMap((policy) => formOf(policy, policies, scope) ?? []);
  const forms = results.flatMap((result) => ('objects' in result ? [result] : []));
  const untranslated = results.flatMap((result) => ('reasons' in result ? [result] : []));
  return { forms, untranslated };
}

/** Whether the policy says something of pods of the namespace that a waypoint could be told. */
export function isMeant(policy: PolicyObject, scope: FormsScope): boolean {
  return isTranslatable(policy) && isOfPods(policy, scope) && !isDryRun(policy);
}

/** Whether it is of a kind that a waypoint can be told. */
export const isTranslatable = ({ kind }: PolicyObject): boolean => kind in ACCEPTED;

/** Undefined: waypoints read the policy as it is. */
function formOf(
  policy: PolicyObject,
  policies: readonly PolicyObject[],
  scope: FormsScope,
): AmbientForm | Untranslated | undefined {
  const translated = waypointCopies(policy, scope);
  if (!translated) return undefined;
  const { copies, differences } = translated;
  // Where nothing counts in its place, a Telemetry is lost.
  const accepted = policy.kind === 'Telemetry' && copies.length === 0 ? [] : (ACCEPTED[policy.kind] ?? []);
  const reasons = [
    ...differences.filter(({ reason }) => !accepted.includes(reason)).map(({ at, message }) => `${at} ${message}`),
    ...rivalsOf(policy, policies, scope).map(
      (other) => `only their age says whether it runs before ${objectName(other, scope.namespace)}: give it a priority`,
    ),
    ...unsaid(policy, policies, scope),
  ];
  if (reasons.length > 0) return { policy, reasons };
  const isLayer7 = asksForWaypoint(policy, scope);
  const isAllow = isAllowing(policy);
  const others = waypointOnly(scope.waypoint, scope.mesh.trustDomain);
  const admits = isAllow && (isLayer7 || refusesWaypoint(policy, scope));
  const guard = isLayer7 && !isAllow ? guardOf(policy, others, scope.namespace) : undefined;
  return {
    policy,
    isLayer7,
    objects: [...copies, ...(admits ? [admissionOf(policy, others, scope.namespace)] : []), ...(guard ? [guard] : [])],
    guard,
    lost: lostOf(policy, differences),
  };
}

/** Whether only a waypoint can enforce a policy of pods. */
export function asksForWaypoint(policy: PolicyObject, scope: FormsScope): boolean {
  return policy.kind === 'RequestAuthentication' || isExtension(policy) || ztunnelCodes(policy, scope).length > 0;
}

/** Whether it is an AuthorizationPolicy that lets callers in. */
export const isAllowing = (policy: PolicyObject): boolean =>
  actionOf(policy) === 'ALLOW' && policy.kind === 'AuthorizationPolicy';

function lostOf(policy: PolicyObject, differences: readonly Difference[]): readonly Lost[] {
  if (isExtension(policy)) return [...UNSEEN, ...differences.filter(({ reason }) => reason === 'Outgoing')];
  return actionOf(policy) === 'CUSTOM' ? UNTOLD : [];
}
