import type { Manifest } from '../../../cdk8s/objects.js';
import { ambientPolicy } from '../../../cdk8s/policies.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { Finding } from '../../mesh/findings.js';
import { isSubset } from '../../kube/subset.js';
import {
  type Translating,
  nameFindings,
  refusalFindings,
  translationFindings,
} from '../../mesh/findings/translation.js';
import { callerDemands } from '../../mesh/policies.js';
import { type PolicyObject, asRecord, objectName, selects } from '../../mesh/policy-object.js';
import { closedGraph, closedPods, namespacesClosedTo } from '../../mesh/translation/ways-around.js';
import { loosened, tightGuard } from '../../mesh/translation/pod-policies.js';
import { isWaypoint } from '../../mesh/waypoint-gateway.js';
import { perVersion } from '../../runtime/per-version.js';
import { injectionBefore } from './enrolment.js';
import { formsOf, formsScope, mayTranslate, podGroups } from './forms.js';
import { wouldInject } from './injection.js';
import type { Observed } from './observed.js';
import { unsaidRoutes, wantedRoutes } from './route-forms.js';
import { policyScope, wantedWaypoint } from './scope.js';
import { contentHash } from './snapshot.js';
import { workloadName } from './workloads.js';

/** What Sidestep does about the policies of the namespace; undefined: nothing, for no waypoint is wanted, or people do it. Pure. */
export const translationOf: (observed: Observed) => Translating | undefined = perVersion((observed: Observed) =>
  mayTranslate(observed) && wantedWaypoint(observed) ? translate(observed) : undefined,
);

function translate(observed: Observed): Translating {
  const forms = formsOf(observed);
  const namespace = observed.namespace.metadata.name;
  const groups = podGroups(observed);
  const scope = formsScope(observed);
  const closed = closedPods(forms, observed.policies, groups, scope);
  const names = new Set(observed.workloads.map(workloadName));
  return {
    namespace,
    forms,
    closed,
    graph: closedGraph(
      closed,
      groups.filter(({ name }) => names.has(name)),
      namespace,
    ),
    sidecarsElsewhere: observed.sidecarAccounts,
    waitingForIt: (others) => namespacesClosedTo(groups, others, observed.policies, scope),
    isPlaintextTaken: !callerDemands(observed.policies, policyScope(observed)).strict,
  };
}

/** Whether workloads are enrolled one by one, by labels of their templates: the guards of policies choose pods by these. */
export function isPerWorkload(observed: Observed): boolean {
  const { enrolment } = observed.spec.rollout;
  return enrolment === 'Workload' || (enrolment === 'Auto' && isGuarded(observed));
}

/** Findings about the translation. */
export function translatingFindings(observed: Observed): Finding[] {
  const translating = translationOf(observed);
  const namespace = observed.namespace.metadata.name;
  const wanted = wantedPolicies(observed, 'loose');
  return [
    ...(translating ? translationFindings(translating) : []),
    ...nameFindings(wanted, observed.policies, namespace, saysTheSame),
  ];
}

/** Findings about whom it refuses, and about the way of enrolment that it asks for: they matter before the first change. */
export function callerFindings(observed: Observed): Finding[] {
  const translating = translationOf(observed);
  const object = `Namespace/${observed.namespace.metadata.name}`;
  const isTogether = observed.spec.rollout.enrolment === 'Namespace' && isGuarded(observed);
  const message = 'policies ask for guards, and spec.rollout.enrolment is Namespace';
  const rollouts = isPerWorkload(observed) ? observed.workloads.filter(({ kind }) => kind === 'Rollout') : [];
  return [
    ...(translating ? refusalFindings(translating) : []),
    ...(isTogether ? [{ code: 'SST2038' as const, object, message }] : []),
    ...rollouts.map(workloadName).map((name): Finding => {
      return { code: 'SST2039', object: name, message: `${name} is a Rollout of Argo` };
    }),
  ];
}

/** Whether pods have to be told from others by a label, so that a guard closes them. */
function isGuarded(observed: Observed): boolean {
  return translationOf(observed)?.forms.forms.some(({ isLayer7, objects }) => isLayer7 && objects.length > 0) === true;
}

/** How guards choose pods: `loose`, those that are enrolled by their template; `tight`, every pod of the policy. */
export type Grip = 'loose' | 'tight';

/** Every policy and route that is to be there, complete. */
export function wantedPolicies(observed: Observed, grip: Grip): Manifest[] {
  const translating = translationOf(observed);
  if (!translating) return [];
  const policies = translating.forms.forms.flatMap(({ policy, objects, guard }) =>
    objects.map((object) =>
      ambientPolicy(
        object === guard && grip === 'tight' ? tightGuard(object, policy, hasGateways(observed)) : object,
        objectName(policy, observed.namespace.metadata.name),
      ),
    ),
  );
  return [...policies, ...wantedRoutes(observed)].map(marked);
}

/** Whether the namespace has gateways that are no waypoints. */
function hasGateways({ workloads, strayPods, waypoint: { gateways } }: Observed): boolean {
  const waypoints = new Set(gateways.filter(isWaypoint).map(({ metadata }) => metadata.name));
  const pods = [...workloads.flatMap((workload) => workload.pods), ...strayPods];
  return (
    waypoints.size < gateways.length ||
    pods.some(({ gateway, labels }) => gateway && !waypoints.has(labels[LABEL.gatewayName] ?? ''))
  );
}

/** With a hash of its content: a selector of fewer labels chooses more pods, and is part of the other. */
function marked(policy: Manifest): Manifest {
  const { metadata } = policy;
  const annotations = { ...metadata.annotations, [OWN_ANNOTATION.contentHash]: contentHash(policy) };
  return { ...policy, metadata: { ...metadata, annotations } };
}

/** A guard that is there and tight. */
export interface TightGuard {
  /** As it has to be for pods to come up with a sidecar. */
  readonly loose: Manifest;
  /** Pods that a loose one would leave unguarded, and that are to have a sidecar: until then it refuses rather than lets in. */
  readonly holders: readonly string[];
  /** Whether it chooses pods with these labels. */
  readonly chooses: (labels: Readonly<Record<string, string>>) => boolean;
}

/** Guards that are there and tight. */
export function tightGuardsOf(observed: Observed): TightGuard[] {
  return observed.translated.flatMap((policy) => {
    const loose = loosened(policy);
    if (!loose) return [];
    const source = policy.metadata.annotations?.[OWN_ANNOTATION.translatedFrom] ?? '';
    const selector = asRecord(asRecord(asRecord(policy.spec)['selector'])['matchLabels']);
    const chooses: TightGuard['chooses'] = (labels) => selects(selector, labels);
    return [{ loose: marked(ambientPolicy(loose, source)), holders: holdersOf(chooses, observed), chooses }];
  });
}

/**
 * Ambient pods of a guard without the label of an enrolled template, as of a workload that is younger than the migration. Those that
 * nobody restarts hold nothing: they would do so for ever.
 */
function holdersOf(chooses: TightGuard['chooses'], observed: Observed): string[] {
  const labelsBefore = injectionBefore(observed);
  return observed.workloads
    .flatMap(({ pods }) => pods)
    .filter(
      ({ counts, mode, labels }) =>
        counts &&
        mode === 'ambient' &&
        labels[LABEL.dataplaneMode] !== 'ambient' &&
        chooses(labels) &&
        wouldInject(observed.mesh.injectors, labelsBefore, labels),
    )
    .map(({ name }) => name);
}

/** Policies of ours that nothing asks for any more. What is there for a policy that has no form today stays. */
export function unwantedPolicies(observed: Observed): PolicyObject[] {
  const translating = translationOf(observed);
  if (!translating) return [];
  const wanted = wantedPolicies(observed, 'loose');
  const untranslated = new Set([
    ...translating.forms.untranslated.map(({ policy }) => objectName(policy, translating.namespace)),
    ...unsaidRoutes(observed),
  ]);
  return observed.translated.filter(
    (policy) =>
      !wanted.some((one) => isSamePolicy(one, policy)) &&
      !untranslated.has(policy.metadata.annotations?.[OWN_ANNOTATION.translatedFrom] ?? ''),
  );
}

/** Whether a person has written what we would: a policy that says more, such as a further selector, means something else. */
export const saysTheSame = (ours: Manifest, theirs: PolicyObject): boolean =>
  isSubset(ours['spec'], theirs.spec) && isSubset(theirs.spec, ours['spec']);

/** Whether they have the same name. */
export const isSamePolicy = (a: Manifest, b: PolicyObject): boolean =>
  a.kind === b.kind && a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace;
