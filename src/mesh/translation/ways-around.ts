import { type CallGraph, callGraph } from '../call-graph.js';
import { isDryRun } from '../findings/authorization.js';
import { type Labels, type PolicyObject, asRecord, asRecords, selects } from '../policy-object.js';
import { type CallerIdentity, mayMatch } from '../waypoint-identity.js';
import {
  type AmbientForm,
  type AmbientForms,
  type FormsScope,
  asksForWaypoint,
  isAllowing,
  isMeant,
  isTranslatable,
} from './ambient-forms.js';
import { guardOf, waypointOnly } from './pod-policies.js';
import { actionOf } from './unsaid.js';
import { type PodGroup, isOfPods } from './selection.js';

/** A pod template or a pod, and the account that it runs under. */
export interface AccountedPods extends PodGroup {
  readonly account: string;
}

/** Pods that take calls of the waypoint only, once they are ambient, and who may call them past it today. */
export interface Closed extends ClosedTo {
  readonly pods: AccountedPods;
  /** Names of the layer 7 policies for which they are closed. */
  readonly policies: readonly string[];
}

/** Who may call pods past the waypoint. */
interface ClosedTo {
  /** Whether a caller may be let in today, whatever it asks for; undefined: one without certificate. */
  readonly mayBeCalledBy: (caller: CallerIdentity | undefined) => boolean;
  /** Whether such a caller may be refused then, for it calls past the waypoint. */
  readonly mayRefuse: (caller: CallerIdentity | undefined) => boolean;
}

/** The pods for whose policies only the waypoint can answer. */
export function closedPods(
  { forms }: AmbientForms,
  policies: readonly PolicyObject[],
  pods: readonly AccountedPods[],
  scope: FormsScope,
): Closed[] {
  const applying = authorizing(policies, scope);
  return pods.flatMap((group) => {
    const closing = forms.filter(({ isLayer7, policy }) => isLayer7 && choosesPods(policy, group.labels));
    if (closing.length === 0) return [];
    const own = applying.filter((policy) => choosesPods(policy, group.labels));
    const names = closing.map(({ policy }) => `${policy.kind} ${policy.metadata.name}`);
    return [{ pods: group, policies: names, ...closedTo(closing, own, scope) }];
  });
}

/**
 * Other namespaces that cannot migrate first either: what only a waypoint can protect there may be called by pods of this one, which still
 * have sidecars. A policy there counts for all pods of its namespace, whichever it chooses.
 *
 * @param others   namespaces whose pods with sidecars may call this one
 * @param callers  pods of this namespace
 */
export function namespacesClosedTo(
  callers: readonly AccountedPods[],
  others: readonly string[],
  policies: readonly PolicyObject[],
  scope: FormsScope,
): string[] {
  const accounts = [...new Set(callers.map(({ account }) => account))];
  const only = waypointOnly(scope.waypoint, scope.mesh.trustDomain);
  const byNamespace = new Map<string, PolicyObject[]>();
  for (const policy of policies.filter(isTranslatable)) {
    const home = policy.metadata.namespace ?? '';
    byNamespace.set(home, [...(byNamespace.get(home) ?? []), policy]);
  }
  return others.filter((namespace) => {
    const there = { ...scope, namespace };
    const near = [...new Set([namespace, scope.rootNamespace])].flatMap((home) => byNamespace.get(home) ?? []);
    const closing = near.filter((policy) => isMeant(policy, there) && asksForWaypoint(policy, there));
    const guarded = closing.map((policy) => ({
      guard: isAllowing(policy) ? undefined : guardOf(policy, only, namespace),
    }));
    const { mayRefuse } = closedTo(guarded, authorizing(near, there), there);
    return accounts.some((account) => mayRefuse({ namespace: scope.namespace, account }));
  });
}

/** AuthorizationPolicies that decide about pods of the namespace. */
function authorizing(policies: readonly PolicyObject[], scope: FormsScope): PolicyObject[] {
  return policies.filter(
    (policy) => policy.kind === 'AuthorizationPolicy' && isOfPods(policy, scope) && !isDryRun(policy),
  );
}

/**
 * @param closing  the guards of policies that only a waypoint can enforce
 * @param own      AuthorizationPolicies of the pods
 */
function closedTo(
  closing: readonly Pick<AmbientForm, 'guard'>[],
  own: readonly PolicyObject[],
  scope: FormsScope,
): ClosedTo {
  const { trustDomain } = scope.mesh;
  const denying = own.filter((policy) => actionOf(policy) === 'DENY').map(ofCallersAlone);
  const allowing = own.filter(isAllowing);
  const lettingIn = allowing.map(ofCallersAlone);
  const mayBeCalledBy: ClosedTo['mayBeCalledBy'] = (caller) =>
    !denying.some((policy) => mayMatch(policy, caller, trustDomain) === 'yes') &&
    (allowing.length === 0 || allowing.some((policy) => mayMatch(policy, caller, trustDomain) !== 'no'));
  const isLetIn = (caller: CallerIdentity | undefined): boolean =>
    lettingIn.some((policy) => mayMatch(policy, caller, trustDomain) === 'yes');
  // Without a guard it is an ALLOW, of which ztunnel leaves out the rules that ask for more than the caller.
  const mayRefuse: ClosedTo['mayRefuse'] = (caller) =>
    mayBeCalledBy(caller) &&
    closing.some(({ guard }) =>
      guard === undefined ? !isLetIn(caller) : mayMatch(guard, caller, trustDomain) !== 'no',
    );
  return { mayBeCalledBy, mayRefuse };
}

/**
 * In which order pods lose their sidecars, so that nobody calls with one whoever is closed.
 *
 * @param workloads  those of the namespace that are restarted
 */
export function closedGraph(
  closed: readonly Closed[],
  workloads: readonly Pick<AccountedPods, 'name' | 'account'>[],
  namespace: string,
): CallGraph {
  const names = new Set(workloads.map(({ name }) => name));
  const callers = closed
    .filter(({ pods }) => names.has(pods.name))
    .map(({ pods, mayBeCalledBy }) => {
      const others = workloads.filter(({ name }) => name !== pods.name);
      const calling = others.filter(({ account }) => mayBeCalledBy({ namespace, account }));
      return [pods.name, calling.map(({ name }) => name)] as const;
    });
  return callGraph(new Map(callers));
}

/** With those of its rules that ask for nothing but the caller. */
function ofCallersAlone(policy: PolicyObject): PolicyObject {
  const rules = asRecords(asRecord(policy.spec)['rules']).filter(
    ({ to, when }) => to === undefined && when === undefined,
  );
  return { ...policy, spec: { ...asRecord(policy.spec), rules } };
}

/** Whether pods with such labels take calls of the waypoint only, once they are ambient. */
export function isClosed(forms: readonly AmbientForm[], labels: Labels): boolean {
  return forms.some(({ isLayer7, policy }) => isLayer7 && choosesPods(policy, labels));
}

function choosesPods({ spec }: PolicyObject, labels: Labels): boolean {
  return selects(asRecord(asRecord(asRecord(spec)['selector'])['matchLabels']), labels);
}
