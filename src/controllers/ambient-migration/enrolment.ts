import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { Namespace } from '../../kube/types.js';
import type { FieldChange } from '../../kube/patch.js';
import { wouldInject } from './injection.js';
import type { Observed } from './observed.js';
import { templateLabels } from './workloads.js';

/** Writes of namespace labels for one spec generation: one, and one more if somebody reverts it (design 5.3). */
export const MAX_LABEL_ATTEMPTS = 2;

/**
 * Our mark on a Namespace, `<generation>.<attempt>`: it is there from the patch that enrols the namespace to the one that
 * takes it out again, tells our labels from other people's, and bounds how often a reverted label is set again.
 */
export interface EnrolmentMark {
  /** `metadata.generation` of the AmbientMigration that asked for the labels. */
  readonly generation: number;
  readonly attempt: number;
}

/** Reads the mark; undefined if the namespace carries none of ours. */
export function enrolmentMark(namespace: Namespace): EnrolmentMark | undefined {
  const match = /^(\d+)\.(\d+)$/.exec(namespace.metadata.annotations?.[OWN_ANNOTATION.enrolled] ?? '');
  return match ? { generation: Number(match[1]), attempt: Number(match[2]) } : undefined;
}

/** Whether ztunnel is meant to capture the namespace's pods. */
export function isEnrolledNamespace(namespace: Namespace): boolean {
  return namespace.metadata.labels?.[LABEL.dataplaneMode] === 'ambient';
}

/** Whether pods are ambient, or come up so: by the namespace, or by templates of their own. */
export function hasAmbientPods({ namespace, workloads }: Observed): boolean {
  return isEnrolledNamespace(namespace) || workloads.some(({ enrolment }) => enrolment !== undefined);
}

/** The mark for the next write of labels. */
export function nextMark(namespace: Namespace, generation: number): EnrolmentMark {
  const last = enrolmentMark(namespace);
  return { generation, attempt: last?.generation === generation ? last.attempt + 1 : 1 };
}

/**
 * The label changes that make the namespace ambient; empty if it is. `istio.io/rev` stays: `istio-injection=disabled` wins
 * over it, and Gateways of the namespace keep their revision.
 *
 * @see istio-ambient facts 2.3, proven on a real istiod
 */
export function enrolChanges(observed: Observed): FieldChange[] {
  const { namespace } = observed;
  const changes: FieldChange[] = [];
  if (!isEnrolledNamespace(namespace)) changes.push(label(LABEL.dataplaneMode, 'ambient'));
  if (injectsAnything(observed) && namespace.metadata.labels?.[LABEL.injection] !== 'disabled') {
    changes.push(label(LABEL.injection, 'disabled'));
  }
  return changes;
}

/** The label changes that let the injector inject again, as the snapshot holds them; empty if nothing of ours is in the way. */
export function restoreInjectionChanges(observed: Observed): FieldChange[] {
  const before = observed.snapshot?.data.namespace.labels[LABEL.injection];
  const live = observed.namespace.metadata.labels?.[LABEL.injection];
  // Only `disabled` can be ours: any other value was set by a person meanwhile, and stays.
  const ours = live === 'disabled' && enrolmentMark(observed.namespace) !== undefined;
  return ours && before !== 'disabled' ? [label(LABEL.injection, before)] : [];
}

/** The labels of the namespace by which pods get their sidecars on the way back. */
export function injectionBefore(observed: Observed): Readonly<Record<string, string>> {
  const { [LABEL.injection]: live, ...rest } = observed.namespace.metadata.labels ?? {};
  const isOurs = restoreInjectionChanges(observed).length > 0;
  const injection = isOurs ? observed.snapshot?.data.namespace.labels[LABEL.injection] : live;
  return injection === undefined ? rest : { ...rest, [LABEL.injection]: injection };
}

/** The last changes of a rollback: the data-plane label as the snapshot holds it, and our mark gone. */
export function leaveChanges(observed: Observed): FieldChange[] {
  if (enrolmentMark(observed.namespace) === undefined) return [];
  const before = observed.snapshot?.data.namespace.labels[LABEL.dataplaneMode];
  const live = observed.namespace.metadata.labels?.[LABEL.dataplaneMode];
  const removeMark: FieldChange = { path: ['metadata', 'annotations', OWN_ANNOTATION.enrolled], value: undefined };
  return live === 'ambient' && before !== 'ambient' ? [label(LABEL.dataplaneMode, before), removeMark] : [removeMark];
}

/** The change that leaves our mark. */
export function markChange(mark: EnrolmentMark): FieldChange {
  return { path: ['metadata', 'annotations', OWN_ANNOTATION.enrolled], value: `${mark.generation}.${mark.attempt}` };
}

/** A sidecar that is there, or would come, needs injection to be switched off; a namespace without any is left as it is. */
function injectsAnything(observed: Observed): boolean {
  const labels = observed.namespace.metadata.labels ?? {};
  const pods = [...observed.workloads.flatMap((workload) => workload.pods), ...observed.jobPods, ...observed.strayPods];
  return (
    pods.some((pod) => pod.mode === 'sidecar') ||
    [{}, ...observed.workloads.map(templateLabels)].some((podLabels) =>
      wouldInject(observed.mesh.injectors, labels, podLabels),
    )
  );
}

function label(key: string, value: string | undefined): FieldChange {
  return { path: ['metadata', 'labels', key], value };
}
