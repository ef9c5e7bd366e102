import { LABEL } from '../../api/labels.js';
import { type PolicyObject, asRecord, asRecords, asStrings } from '../policy-object.js';
import { principalOf } from '../waypoint-identity.js';
import { policyName } from './policy-name.js';
import type { IntendedWaypoint } from '../waypoint-needs.js';

/** Rules by which pods tell their waypoint from everybody else. */
export interface WaypointOnly {
  /** Match the waypoint. */
  readonly waypoint: readonly object[];
  /** Match all others, and who shows no certificate. */
  readonly others: readonly object[];
  /** Match who shows no certificate. */
  readonly strangers: readonly object[];
  /** Of the waypoint. */
  readonly principals: readonly string[];
}

/** The rules for a waypoint. */
export function waypointOnly(waypoint: IntendedWaypoint, trustDomain: string): WaypointOnly {
  const principals = [principalOf(waypoint, trustDomain)];
  return {
    waypoint: [{ from: [{ source: { principals } }] }],
    others: [{ from: [{ source: { notPrincipals: principals } }] }],
    strangers: [{ from: [{ source: { notPrincipals: ['*'] } }] }],
    principals,
  };
}

/** An ALLOW for the same pods as another, by which the waypoint reaches them: what it sends them it has looked at. */
export function admissionOf(policy: PolicyObject, { waypoint }: WaypointOnly, namespace: string): PolicyObject {
  const { selector } = asRecord(policy.spec);
  return beside(policy, 'admission', namespace, {
    ...(selector !== undefined && { selector }),
    action: 'ALLOW',
    rules: waypoint,
  });
}

/**
 * A DENY by which nobody whom a policy may refuse reaches ambient pods of it, but for the waypoint. It chooses them by a label of their
 * templates, so that it says nothing to pods with sidecars, which still enforce the policy themselves.
 */
export function guardOf(policy: PolicyObject, only: WaypointOnly, namespace: string): PolicyObject {
  return beside(policy, 'guard', namespace, {
    selector: ofEnrolledTemplates(asRecord(policy.spec)['selector']),
    action: 'DENY',
    rules: policy.kind === 'AuthorizationPolicy' ? ofCallers(policy, only) : only.others,
  });
}

/** What an AuthorizationPolicy asks of who calls. Who shows no certificate may be anybody: an old sidecar shows none to ambient pods. */
function ofCallers(policy: PolicyObject, { others, strangers, principals }: WaypointOnly): readonly object[] {
  const rules = asRecords(asRecord(policy.spec)['rules']).map(({ from }) =>
    asRecords(from).map(({ source }) => callersIn(asRecord(source))),
  );
  const isForAll = rules.some(
    (sources) => sources.length === 0 || sources.some((one) => Object.keys(one).length === 0),
  );
  if (isForAll) return others;
  const ofRules = rules.map((sources) => ({
    from: sources.map((source) => ({
      source: { ...source, notPrincipals: [...new Set([...asStrings(source['notPrincipals']), ...principals])] },
    })),
  }));
  return [...ofRules, ...strangers];
}

/** Fields of a source that say who calls. One of accounts does not go with the exception of a principal: it is left out. */
function callersIn(source: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(source).filter(([field]) => CALLERS.has(field)));
}

const CALLERS = new Set(['principals', 'notPrincipals', 'namespaces', 'notNamespaces']);

/** A tight guard as it was before; undefined for any other policy that a migration has written. */
export function loosened(policy: PolicyObject): PolicyObject | undefined {
  const { action, selector, targetRefs, ...spec } = asRecord(policy.spec);
  const isTight = asRecord(asRecord(selector)['matchLabels'])[LABEL.dataplaneMode] !== 'ambient';
  // Copies have targets, and what lets the waypoint in is an ALLOW.
  if (action !== 'DENY' || targetRefs !== undefined || !isTight) return undefined;
  const { annotations: _, ...metadata } = policy.metadata;
  return { ...policy, metadata, spec: { selector: ofEnrolledTemplates(selector), action, ...spec } };
}

function ofEnrolledTemplates(selector: unknown): object {
  const { matchLabels } = asRecord(selector);
  return { matchLabels: { ...asRecord(matchLabels), [LABEL.dataplaneMode]: 'ambient' } };
}

function beside(policy: PolicyObject, suffix: string, namespace: string, spec: object): PolicyObject {
  const { name, namespace: own = '' } = policy.metadata;
  const base = own === namespace ? name : `${own}-${name}`;
  const { apiVersion, kind } = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy' };
  const suffixed = policyName(base, policy.kind === kind ? suffix : `${policy.kind.toLowerCase()}-${suffix}`);
  return { apiVersion, kind, metadata: { name: suffixed, namespace }, spec };
}

/**
 * A guard once no pod of the namespace has a sidecar any more: it chooses all pods of its policy, also those whose templates come without
 * the label.
 *
 * @param policy       the one that it is for
 * @param hasGateways  there are gateways in the namespace: a guard without selector would refuse their callers, and stays as it is
 */
export function tightGuard(guard: PolicyObject, policy: PolicyObject, hasGateways: boolean): PolicyObject {
  const { selector } = asRecord(policy.spec);
  const isOfAll = Object.keys(asRecord(asRecord(selector)['matchLabels'])).length === 0;
  if (isOfAll && hasGateways) return guard;
  const { selector: _, ...spec } = asRecord(guard.spec);
  return { ...guard, spec: { ...(!isOfAll && { selector }), ...spec } };
}
