import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { findCondition } from '../../kube/conditions.js';
import type { Service } from '../../kube/types.js';
import type { PolicyObject } from '../../mesh/policy-object.js';
import { isDryRun } from '../../mesh/findings/authorization.js';
import { isHeldByMigration } from '../../mesh/waypoint-holders.js';
import { waypointNeed } from '../../mesh/waypoint-needs.js';
import { acceptanceOf, describeAcceptance, nameOfPolicy } from './acceptance.js';
import { isAskedBy } from './attempts.js';
import { bindingMark, changeFor, intendedServices, refusalChange, targetsOf } from './binding.js';
import { MAX_LABEL_ATTEMPTS, enrolmentMark, hasAmbientPods } from './enrolment.js';
import { labelsOf } from './field-owners.js';
import { type Pending, leftBehind } from './hand-over.js';
import type { Observed } from './observed.js';
import type { Waypoint } from './intended-waypoint.js';
import { isChosen, wantedWaypoint } from './scope.js';
import { askerOf, transitionMs, waitVerdict } from './situation.js';
import { contentHash } from './snapshot.js';
import { triedVerdict } from './undone-writes.js';
import { type Action, type Verdict, done } from './verdict.js';
import { leftovers, notNeeded } from './waypoint-step.js';

/** How long istiod may take after it has bound the last Service until its word about a policy counts, in milliseconds. */
const POLICY_GRACE_MS = 10_000;

/** How many objects a pass binds or lets go, with four requests for each: a pass has its deadline, and the next one goes on. */
const MAX_AT_ONCE = 50;

/** istiod's condition on a Service that names a waypoint. */
const BOUND = 'istio.io/WaypointBound';

/** @see istio/istio pilot/pkg/model/service.go, the message of that condition */
const INGRESS_TOO = 'Ingress traffic will traverse the waypoint';

/** The step Bind, forward: what is meant to names the waypoint, and istiod has bound every Service and attached every policy. */
export function waypointBound(observed: Observed): Verdict {
  const waypoint = wantedWaypoint(observed);
  const pending = pendingChanges(observed, waypoint);
  if (waypoint) {
    const setting = pending.filter(isSetting);
    if (setting.length > 0) return bindVerdict(observed, waypoint, setting);
    const awaited = awaitedVerdict(observed, waypoint);
    if (awaited) return awaited;
    const left = hasAmbientPods(observed) ? leftBehind(observed, waypoint, pending) : [];
    if (left.length > 0) return leftVerdict(left, waypoint);
  }
  if (pending.length > 0) return changeVerdict(observed, pending, 'letting go what is not meant to use a waypoint');
  const { actions } = leftovers(observed, waypoint);
  if (actions[0]) {
    return triedVerdict(observed, { kind: 'act', actions, reason: 'WaypointLeaving', message: actions[0].note });
  }
  if (!waypoint) return done('NotNeeded', notNeeded(observed));
  const { name, namespace } = waypoint;
  const count = intendedServices(observed, waypoint).length;
  const isClosed = waypoint.scope === 'Namespace' && isChosen(observed.namespace, waypoint);
  const label = observed.namespace.metadata.labels?.[LABEL.useWaypoint];
  const why = isClosed ? `: the namespace is labelled ${LABEL.useWaypoint}=${label}` : '';
  return done('WaypointBound', `${count} Services use Gateway ${namespace}/${name}${why}`);
}

/** Whether the object is to name the waypoint, and not merely to let go of one. */
function isSetting({ target, change }: Pending): boolean {
  const isNamer = target.labels[LABEL.useWaypoint] !== undefined;
  const isChanging = Object.keys(change.labels).length > 0 || change.isJoining;
  return (isNamer && isChanging) || Object.values(change.labels).some((value) => value !== undefined);
}

function leftVerdict(left: readonly Service[], { scope, namespace, name, own }: Waypoint): Verdict {
  const names = left.map(({ metadata }) => metadata.name).join(', ');
  const labels = `${LABEL.useWaypoint}=${name}${own ? '' : ` and ${LABEL.useWaypointNamespace}=${namespace}`}`;
  const hint = scope === 'ServiceAccount' ? 'give all pods of each one account, ' : '';
  const message =
    `the scope ${scope} does not reach Services ${names}, whose traffic would go around Gateway ${namespace}/${name}: ${hint}` +
    `label each ${labels} (or none) without our annotation ${OWN_ANNOTATION.waypointLabels}, or set spec.waypoint.scope back`;
  return { kind: 'stalled', reason: 'ScopeChanged', message };
}

/** The step Bind, back: no label of ours names a waypoint. */
export function waypointUnbound(observed: Observed): Verdict {
  const pending = pendingChanges(observed, undefined);
  return pending.length > 0
    ? changeVerdict(observed, pending, 'letting go what uses the waypoint')
    : done('RolledBack', 'the labels are those of before');
}

/** Whether the step has labels to set. */
export function isBindingMissing(observed: Observed, waypoint: Waypoint): boolean {
  return pendingChanges(observed, waypoint).length > 0;
}

/** Whether a Service is bound to the waypoint, by istiod's word. */
export function isBoundTo(service: Service, { namespace, name }: Waypoint): boolean {
  const condition = findCondition(service.status?.conditions, BOUND);
  return condition?.status === 'True' && condition.message.split(/[\s.]+/).includes(`${namespace}/${name}`);
}

function pendingChanges(observed: Observed, waypoint: Waypoint | undefined): Pending[] {
  const asker = askerOf(observed);
  return targetsOf(observed, waypoint).flatMap((target) => {
    const change = changeFor(target, asker);
    return change ? [{ target, change }] : [];
  });
}

function bindVerdict(observed: Observed, { namespace, name }: Waypoint, setting: readonly Pending[]): Verdict {
  const refused = stateOf(attachedPolicies(observed), observed);
  const asker = askerOf(observed);
  const isRefused = ({ target: { object } }: Pending): boolean => {
    const mark = bindingMark(object);
    return mark?.refused === refused && isAskedBy(mark, asker);
  };
  if (setting.some(isRefused)) {
    const message = `istiod did not attach ${namesOf(attachedPolicies(observed))} to the waypoint; mend or remove what is refused`;
    return { kind: 'stalled', reason: 'PolicyNotAccepted', message };
  }
  const exhausted = setting.filter(
    ({ change }) => change.isReverted && (change.mark?.attempt ?? 0) > MAX_LABEL_ATTEMPTS,
  );
  if (exhausted.length > 0) {
    const managers = observed.managers ? ` (${observed.managers})` : '';
    const message = `somebody takes waypoint labels off ${exhausted.map(nameOf).join(', ')}${managers}; commit ${LABEL.useWaypoint}: ${name} there`;
    return { kind: 'stalled', reason: 'FieldReverted', message, reverted: labelsOf(observed) };
  }
  return changeVerdict(observed, setting, `binding ${setting.map(nameOf).join(', ')} to Gateway ${namespace}/${name}`);
}

function changeVerdict(observed: Observed, pending: readonly Pending[], note: string): Verdict {
  const actions = pending.slice(0, MAX_AT_ONCE).map(({ target: { kind, object }, change }): Action => ({
    type: 'bind',
    kind,
    object,
    change,
    note,
  }));
  return triedVerdict(observed, { kind: 'act', actions, reason: 'BindingMissing', message: note });
}

/** What istiod has still to say; undefined if it has bound and attached everything. */
function awaitedVerdict(observed: Observed, waypoint: Waypoint): Verdict | undefined {
  const services = intendedServices(observed, waypoint);
  const sinceMs = transitionMs(observed, 'WaypointReady', 'True');
  const { unsettled, accounts } = observed.waypoint;
  const followAccounts = waypoint.scope === 'ServiceAccount' || accounts.some(isHeldByMigration);
  if (followAccounts && unsettled.length > 0) {
    return waitVerdict(observed, sinceMs, 'BindingMissing', `Services of the accounts: ${unsettled.join(', ')}`);
  }
  const awaited = services.filter((service) => !isSettled(service, waypoint));
  if (awaited.length > 0) {
    const names = awaited.map(({ metadata }) => `Service ${metadata.name}: ${boundMessage(awaited[0])}`);
    // One that has come meanwhile has its own time.
    const comeMs = Math.max(...awaited.map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '') || 0));
    return waitVerdict(observed, Math.max(sinceMs, comeMs), 'AwaitingIstiod', names.slice(0, 5).join(', '));
  }
  return policyVerdict(observed, services, sinceMs);
}

/** The word `true` of a person counts as ours does; any other is their choice. */
function isSettled(service: Service, waypoint: Waypoint): boolean {
  const isIngressAsked = waypoint.needed && service.metadata.labels?.[LABEL.ingressUseWaypoint] === 'true';
  return isBoundTo(service, waypoint) && (!isIngressAsked || boundMessage(service).includes(INGRESS_TOO));
}

function boundMessage(service: Service | undefined): string {
  return findCondition(service?.status?.conditions, BOUND)?.message ?? `no condition ${BOUND}`;
}

function policyVerdict(observed: Observed, services: readonly Service[], sinceMs: number): Verdict | undefined {
  const policies = attachedPolicies(observed);
  const open = policies.filter((policy) => acceptanceOf(policy)?.['status'] !== 'True');
  if (open.length === 0) return undefined;
  const refused = open.filter((policy) => acceptanceOf(policy)?.['status'] === 'False');
  const message = open.map((policy) => `${nameOfPolicy(policy)}: ${describeAcceptance(policy)}`).join('; ');
  if (refused.length === 0) return waitVerdict(observed, sinceMs, 'AwaitingIstiod', message);
  const boundAtMs = Math.max(sinceMs, ...services.map(boundSinceMs));
  const recheckMs = boundAtMs + POLICY_GRACE_MS - observed.nowMs;
  if (recheckMs > 0) return { kind: 'wait', reason: 'AwaitingIstiod', message, recheckMs };
  // Labels that somebody else has declared, too, are his: of such a target only the mark has gone.
  const marked = targetsOf(observed, undefined).filter(
    ({ object }) => Object.keys(bindingMark(object)?.labels ?? {}).length > 0,
  );
  // Once pods are ambient the waypoint enforces all other policies: letting go would open what they close.
  if (marked.length === 0 || enrolmentMark(observed.namespace) || hasAmbientPods(observed)) {
    return { kind: 'stalled', reason: 'PolicyNotAccepted', message };
  }
  const actions = marked.slice(0, MAX_AT_ONCE).map(({ kind, object }): Action => {
    const change = refusalChange({ object }, stateOf(policies, observed), askerOf(observed));
    return { type: 'bind', kind, object, change, note: `letting go: ${message}` };
  });
  return triedVerdict(observed, { kind: 'act', actions, reason: 'PolicyNotAccepted', message });
}

/**
 * AuthorizationPolicies of the namespace that the waypoint is to enforce: istiod says of each whether it is attached, but for dry runs, which
 * decide nothing.
 */
function attachedPolicies(observed: Observed): PolicyObject[] {
  const waypoint = wantedWaypoint(observed);
  return [...observed.policies, ...observed.translated].filter(
    (policy) =>
      policy.kind === 'AuthorizationPolicy' &&
      !isDryRun(policy) &&
      waypoint !== undefined &&
      waypointNeed(policy, waypoint, observed.namespace.metadata.name) !== undefined,
  );
}

function boundSinceMs(service: Service): number {
  return Date.parse(findCondition(service.status?.conditions, BOUND)?.lastTransitionTime ?? '') || 0;
}

/** Changes with any of the policies, and with what they may target. */
function stateOf(policies: readonly PolicyObject[], { waypoint: { services } }: Observed): string {
  const targets = services.map(({ metadata }) => metadata.name).sort();
  return contentHash([policies.map(({ metadata, spec }) => [metadata.name, spec ?? null]), targets]);
}

const nameOf = ({ target: { kind, object } }: Pending): string => `${kind} ${object.metadata.name}`;
const namesOf = (policies: readonly PolicyObject[]): string => policies.map(nameOfPolicy).join(', ');
