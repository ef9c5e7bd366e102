import * as z from 'zod';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { Namespace } from '../../kube/types.js';
import type { FieldChange } from '../../kube/patch.js';
import { type Asker, type Attempt, attemptsOf } from './attempts.js';
import { wouldInject } from './injection.js';
import type { Observed } from './observed.js';
import { templateLabels } from './workloads.js';

/** Writes of namespace labels for one spec: one, and one more if somebody reverts it (design 5.3). */
export const MAX_LABEL_ATTEMPTS = 2;

/** What a migration sets on a namespace. */
const ENROLLED: Readonly<Record<string, string>> = { [LABEL.dataplaneMode]: 'ambient', [LABEL.injection]: 'disabled' };

/** What labels of ours have replaced; `null`: there was none. A label that is missing here is not ours. */
type Replaced = Readonly<Record<string, string | null>>;

const MarkSchema = z.object({
  generation: z.int(),
  attempt: z.int(),
  migration: z.string().exactOptional(),
  before: z.record(z.string(), z.string().nullable()).exactOptional(),
});

/**
 * Our mark on a Namespace, as JSON in its annotation: it is there from the patch that enrols the namespace to the one that
 * takes it out again, tells our labels from other people's, and bounds how often a reverted label is set again.
 */
export interface EnrolmentMark extends Attempt {
  /**
   * What a rollback brings back: the snapshot may be much older than the labels. Of a label that somebody has reverted to another
   * value it is that, which the next attempt replaces. Absent from marks of older versions: then the snapshot says it.
   */
  readonly before?: Replaced;
}

/** Reads the mark; undefined if the namespace carries none of ours. */
export function enrolmentMark(namespace: Namespace): EnrolmentMark | undefined {
  const text = namespace.metadata.annotations?.[OWN_ANNOTATION.enrolled] ?? '';
  // Older versions wrote `<generation>.<attempt>`.
  const old = /^(\d+)\.(\d+)$/.exec(text);
  if (old) return { generation: Number(old[1]), attempt: Number(old[2]) };
  try {
    return MarkSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether ztunnel is meant to capture the namespace's pods. */
export function isEnrolledNamespace(namespace: Namespace): boolean {
  return namespace.metadata.labels?.[LABEL.dataplaneMode] === 'ambient';
}

/** Whether pods are ambient, or come up so: by the namespace, or by templates of their own. */
export function hasAmbientPods({ namespace, workloads }: Observed): boolean {
  return isEnrolledNamespace(namespace) || workloads.some(({ enrolment }) => enrolment !== undefined);
}

/** The mark that goes with changes of labels, and remembers what they replace. */
export function nextMark(observed: Observed, asker: Asker, changes: readonly FieldChange[]): EnrolmentMark {
  const { namespace } = observed;
  const last = enrolmentMark(namespace);
  const live = namespace.metadata.labels ?? {};
  const known = replacedBefore(observed);
  const replaced = changes
    .map(({ path }) => path.at(-1) ?? '')
    // Going back, it is our own value that is replaced.
    .filter((key) => key in ENROLLED && live[key] !== ENROLLED[key])
    // Whoever only takes our label off says nothing about what comes back.
    .filter((key) => live[key] !== undefined || known[key] === undefined)
    .map((key) => [key, live[key] ?? null] as const);
  return {
    ...asker,
    attempt: attemptsOf(last, asker) + 1,
    before: { ...known, ...Object.fromEntries(replaced) },
  };
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

/** The label changes that let the injector inject again, as before; empty if nothing of ours is in the way. */
export function restoreInjectionChanges(observed: Observed): FieldChange[] {
  return restoreChanges(observed, LABEL.injection);
}

/** The labels of the namespace by which pods get their sidecars on the way back. */
export function injectionBefore(observed: Observed): Readonly<Record<string, string>> {
  const { [LABEL.injection]: live, ...rest } = observed.namespace.metadata.labels ?? {};
  const before = replacedBefore(observed)[LABEL.injection];
  const injection = restoreInjectionChanges(observed).length > 0 ? (before ?? undefined) : live;
  return injection === undefined ? rest : { ...rest, [LABEL.injection]: injection };
}

/** The last changes of a rollback: the data-plane label as before, and our mark gone. */
export function leaveChanges(observed: Observed): FieldChange[] {
  if (enrolmentMark(observed.namespace) === undefined) return [];
  const removeMark: FieldChange = { path: ['metadata', 'annotations', OWN_ANNOTATION.enrolled], value: undefined };
  return [...restoreChanges(observed, LABEL.dataplaneMode), removeMark];
}

/** The change that leaves our mark. */
export function markChange(mark: EnrolmentMark): FieldChange {
  return { path: ['metadata', 'annotations', OWN_ANNOTATION.enrolled], value: JSON.stringify(mark) };
}

/** Only the value that we set can be ours: any other was set by a person meanwhile, and stays. */
function restoreChanges(observed: Observed, key: string): FieldChange[] {
  const before = replacedBefore(observed)[key];
  const isOurs = before !== undefined && observed.namespace.metadata.labels?.[key] === ENROLLED[key];
  return isOurs ? [label(key, before ?? undefined)] : [];
}

function replacedBefore({ namespace, snapshot }: Observed): Replaced {
  const mark = enrolmentMark(namespace);
  if (!mark) return {};
  if (mark.before) return mark.before;
  const before = snapshot?.data.namespace.labels ?? {};
  const others = Object.keys(ENROLLED).filter((key) => before[key] !== ENROLLED[key]);
  return Object.fromEntries(others.map((key) => [key, before[key] ?? null]));
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
