import type { Manifest } from '../../../cdk8s/objects.js';
import { LABEL } from '../../api/labels.js';
import { isSubset } from '../../kube/subset.js';
import type { KubeObject } from '../../kube/resource.js';
import type { PolicyObject } from '../../mesh/policy-object.js';
import { isHeldByMigration } from '../../mesh/waypoint-holders.js';
import { namesWaypoint } from '../../mesh/waypoint-needs.js';
import { listed } from '../listed.js';
import { drainVerdict, drainingIn } from './draining.js';
import { hasAmbientPods } from './enrolment.js';
import { wantedWaypoint } from './scope.js';
import { acceptanceOf, describeAcceptance, nameOfPolicy } from './acceptance.js';
import type { Observed } from './observed.js';
import { hasOwnLists } from './policy-act.js';
import { leavingVerdict, removableNow, routeProblem, settlingVerdict, writableNow } from './route-forms.js';
import { waitVerdict } from './situation.js';
import {
  type Grip,
  isSamePolicy,
  saysTheSame,
  tightGuardsOf,
  translationOf,
  unwantedPolicies,
  wantedPolicies,
} from './translation.js';
import { triedVerdict } from './undone-writes.js';
import { type Action, type Verdict, done } from './verdict.js';

/** What istiod says of a policy for a Service that is not bound yet. */
const NOT_BOUND = 'AncestorNotBound';

/** The step Policies, forward: what ambient mode needs beside the policies is there, and istiod takes it. */
export function policiesTranslated(observed: Observed): Verdict {
  const { translation } = observed.spec.policies;
  if (!translationOf(observed)) {
    const why = translation === 'Manual' ? 'spec.policies.translation is Manual' : 'no policy needs a waypoint';
    return done('NotNeeded', why);
  }
  const former = formerWaypoint(observed);
  if (former !== undefined) {
    const message = `policies written for Gateway ${former} protect ambient pods, and spec.waypoint names another: set it back, or go to dataplaneMode Sidecar first`;
    return { kind: 'stalled', reason: 'WaypointChanged', message };
  }
  const writes = missingInAnyGrip(observed);
  const unwanted = unwantedPolicies(observed);
  const actions = [
    ...writableNow(writes, observed),
    ...removals(removableNow(unwanted, observed), 'nothing asks for it any more'),
  ];
  if (actions[0]) {
    return triedVerdict(observed, { kind: 'act', actions, reason: 'PoliciesMissing', message: actions[0].note });
  }
  if (writes.length > 0) return settlingVerdict(writes, observed);
  const wanted = wantedPolicies(observed, 'loose');
  const awaited = acceptanceVerdict(observed, wanted);
  if (awaited) return awaited;
  const leaving = leavingVerdict(unwanted, observed);
  if (leaving) return leaving;
  if (wanted.length === 0) return done('NotNeeded', 'no policy or route needs anything beside it');
  return done('PoliciesTranslated', `${wanted.length} objects beside the policies and routes of the namespace`);
}

/** A waypoint that is named for the migration still, and is not the one that is wanted: what is written for it must not change before that. */
function formerWaypoint(observed: Observed): string | undefined {
  const waypoint = wantedWaypoint(observed);
  if (!waypoint || observed.translated.length === 0 || !hasAmbientPods(observed)) return undefined;
  const {
    namespace,
    waypoint: { services, accounts },
  } = observed;
  const held = [namespace, ...services, ...accounts].find(
    (object) => isHeldByMigration(object) && !namesWaypoint(object, waypoint),
  );
  return held?.metadata.labels?.[LABEL.useWaypoint];
}

/** The step Policies, back: what a migration has written is gone. */
export function policiesRemoved(observed: Observed): Verdict {
  const actions = removals(removableNow(observed.translated, observed), 'every workload has its sidecar');
  if (actions[0]) return { kind: 'act', actions, reason: 'PoliciesLeaving', message: actions[0].note };
  return leavingVerdict(observed.translated, observed) ?? done('RolledBack', 'no policy or route of ours is left');
}

/** The step Tighten, forward: guards choose every pod of their policies, also those that come without the label. */
export function guardsTight(observed: Observed): Verdict {
  if (translationOf(observed)?.forms.forms.some(({ guard }) => guard !== undefined) !== true)
    return done('NotNeeded', 'no policy has a guard');
  const actions = missing(observed, 'tight');
  if (actions[0] === undefined) return done('Guarded', 'only the waypoint reaches what it protects');
  if (hasSidecars(observed))
    return done('HeldByPods', 'guards choose pods by the labels of their templates while pods with sidecars are left');
  const draining = drainingIn(observed, 'sidecar');
  if (draining.length > 0) return drainVerdict(observed, draining, 'guards choose every pod');
  return triedVerdict(observed, { kind: 'act', actions, reason: 'GuardsLoose', message: actions[0].note });
}

/** The step Tighten, back: pods that come up with a sidecar take calls of everybody again. */
export function guardsLoose(observed: Observed): Verdict {
  // Whatever the spec says of policies by now: these are there.
  const tight = tightGuardsOf(observed);
  const actions = tight.filter(({ holders }) => holders.length === 0).map(({ loose }) => applying(loose));
  if (actions[0])
    return triedVerdict(observed, { kind: 'act', actions, reason: 'GuardsLoose', message: actions[0].note });
  const holders = [...new Set(tight.flatMap((one) => one.holders))];
  // Their restart is a step that comes later on the way back.
  if (holders.length > 0) return done('HeldByPods', `guards choose all pods until ${listed(holders)} have sidecars`);
  return done('RolledBack', 'guards choose pods by the labels of their templates');
}

/** Whether the step has anything to write. */
export function isTranslationMissing(observed: Observed): boolean {
  return missingInAnyGrip(observed).length > 0;
}

/** Either grip of a guard will do, but a tight one not while pods with sidecars are left, unless ambient pods would be open without it. */
function missingInAnyGrip(observed: Observed): ApplyPolicy[] {
  const loose = missing(observed, 'loose');
  const isAnyLeft = hasSidecars(observed) || drainingIn(observed, 'sidecar').length > 0;
  const held = tightGuardsOf(observed).filter(({ holders }) => holders.length > 0);
  const kept = new Set(held.map((one) => nameOfPolicy(one.loose)));
  const tight = new Set(missing(observed, 'tight').map(({ manifest }) => nameOfPolicy(manifest)));
  return loose.filter(({ manifest }) => {
    const name = nameOfPolicy(manifest);
    return tight.has(name) || (isAnyLeft && !kept.has(name));
  });
}

type ApplyPolicy = Extract<Action, { type: 'apply-policy' }>;

/** What brings the policies of ours to what they should be. */
function missing(observed: Observed, grip: Grip): ApplyPolicy[] {
  return wantedPolicies(observed, grip)
    .filter(
      (wanted) =>
        !observed.translated.some((live) => isSubset(wanted, live, { ownLists: hasOwnLists(wanted.kind) })) &&
        !isWrittenBySomebody(wanted, observed),
    )
    .map(applying);
}

const applying = (manifest: Manifest): ApplyPolicy => {
  return { type: 'apply-policy', manifest, note: `writing ${nameOfPolicy(manifest)}` };
};

/** What a person has written as we would is as good, and stays theirs. */
function isWrittenBySomebody(wanted: Manifest, { policies }: Observed): boolean {
  return policies.some((policy) => isSamePolicy(wanted, policy) && saysTheSame(wanted, policy));
}

function removals(policies: readonly PolicyObject[], why: string): Extract<Action, { type: 'delete-policy' }>[] {
  return policies.map((policy) => ({
    type: 'delete-policy',
    object: policy as unknown as KubeObject,
    note: `deleting ${nameOfPolicy(policy)}: ${why}`,
  }));
}

/** What istiod has still to say of copies for the waypoint, and of routes. */
function acceptanceVerdict(observed: Observed, wanted: readonly Manifest[]): Verdict | undefined {
  const names = new Set(wanted.map(nameOfPolicy));
  const open = observed.translated.flatMap((object) => {
    const problem = names.has(nameOfPolicy(object)) ? problemOf(object) : undefined;
    return problem === undefined ? [] : [{ object, problem }];
  });
  if (open.length === 0) return undefined;
  const message = open.map(({ object, problem }) => `${nameOfPolicy(object)}: ${problem}`).join('; ');
  const sinceMs = Math.max(...open.map(({ object }) => Date.parse(object.metadata.creationTimestamp ?? '') || 0));
  return waitVerdict(observed, sinceMs, 'AwaitingIstiod', message);
}

function problemOf(object: PolicyObject): string | undefined {
  if (object.kind === 'HTTPRoute') return routeProblem(object);
  const isCopy = (object.spec as { targetRefs?: unknown } | undefined)?.targetRefs !== undefined;
  if (object.kind !== 'AuthorizationPolicy' || !isCopy) return undefined;
  const condition = acceptanceOf(object);
  const isTaken = condition?.['status'] === 'True' || condition?.['reason'] === NOT_BOUND;
  return isTaken ? undefined : describeAcceptance(object);
}

function hasSidecars({ workloads, jobPods, strayPods }: Observed): boolean {
  return [...workloads.flatMap(({ pods }) => pods), ...jobPods, ...strayPods].some(({ mode }) => mode === 'sidecar');
}
