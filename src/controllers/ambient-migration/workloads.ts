import type { WORKLOAD_KINDS } from '../../api/ambient-migration.js';
import { ANNOTATION } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { DaemonSet, Deployment, PodTemplate, StatefulSet } from '../../kube/types.js';
import { type Rollout, daemonSetRollout, deploymentRollout, statefulSetRollout } from '../../mesh/rollout.js';
import type { Attempt } from './attempts.js';
import { type PodView, timeOf } from './pods.js';
import { type TemplateEnrolment, readTemplateEnrolment } from './template-enrolment.js';

/** One of {@link WORKLOAD_KINDS}; a `Rollout` is that of Argo. */
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

/** A top-level controller and its pods, as plain data. */
export interface Workload {
  readonly kind: WorkloadKind;
  readonly name: string;
  readonly replicas: number;
  readonly template: PodTemplate;
  /** Names of a StatefulSet's volume claim templates: its pods have a volume for each. */
  readonly volumeClaims: readonly string[];
  /** Every pod of the workload that is alive, of any revision. */
  readonly pods: readonly PodView[];
  /** Those that are being deleted, until their grace period is over. */
  readonly draining: readonly PodView[];
  /** The controller of the kind has seen the current template. */
  readonly observed: boolean;
  /**
   * The last rollout is over: its generation is observed, and every pod is of the current revision and available. Of a workload with
   * OnDelete, whose pods may be of older revisions for ever: every pod is there and available.
   */
  readonly finished: boolean;
  /** What its controller says about a rollout that is not finished, if it says anything. */
  readonly progress: string | undefined;
  /** Mark of our last restart, from the workload's own annotations; undefined if we never restarted it. */
  readonly restartMark: RestartMark | undefined;
  /** When that was; 0 if nobody knows any more. Milliseconds since the epoch. */
  readonly restartedAtMs: number;
  /** The mark in the pod template, which its pods carry. */
  readonly templateMark: string | undefined;
  /** Somebody has set back what our last restart changed: the pod template, or of a Rollout `spec.restartAt`. */
  readonly reverted: boolean;
  /** What a migration has set on the pod template; undefined: nothing. */
  readonly enrolment: TemplateEnrolment | undefined;
  /** How many pods a rollout may take away before their replacements are ready; 0 for a surge rollout. */
  readonly maxUnavailable: number;
  readonly obstacle: RolloutObstacle | undefined;
  /** The update strategy is OnDelete: a changed template replaces no pod, so that its pods are evicted. Undefined: it is another. */
  readonly onDelete: OnDelete | undefined;
  /** The rollout may leave no pod that serves; of a DaemonSet, none on a node. */
  readonly outage: boolean;
  /** The rollout ends every pod before it starts the first new one. */
  readonly recreates: boolean;
}

/** Why a changed template would not replace every pod. */
export type RolloutObstacle = NonNullable<Rollout['obstacle']> | 'NoTemplate';

/** What the update strategy OnDelete means for a workload. */
export interface OnDelete {
  /** Pods for which changes of the template wait: they were made from an older one. */
  readonly outdated: number;
}

/** What a restart is for: pods that speak HBONE, pods without sidecar, pods with sidecar. */
export type RestartGoal = 'tunnel' | 'ambient' | 'sidecar';

/**
 * Our mark, `<goal>.<generation>.<attempt>.<migration>`; older versions left the last part out. In a pod template it starts the
 * rollout, and tells the pods that it made from those of before. On the workload it bounds the number of restarts to two per goal
 * and spec, also across crashes, and where somebody sets the pod template back.
 */
export interface RestartMark extends Attempt {
  readonly goal: RestartGoal;
}

/** Text of a mark, the value of the annotation. */
export function formatRestartMark({ goal, generation, attempt, migration }: RestartMark): string {
  return `${goal}.${generation}.${attempt}${migration === undefined ? '' : `.${migration}`}`;
}

/** Reads a mark; undefined for anything that we did not write. */
export function parseRestartMark(text: string | undefined): RestartMark | undefined {
  const match = /^(tunnel|ambient|sidecar)\.(\d+)\.(\d+)(?:\.([\w-]*))?$/.exec(text ?? '');
  if (!match) return undefined;
  const [, goal, generation, attempt, migration] = match;
  return { goal: goal as RestartGoal, generation: Number(generation), attempt: Number(attempt), migration };
}

/** Whether the pod was made after our last restart of its workload (or there was none): only such a pod's mode can be wrong. */
export function isCurrent(pod: PodView, { kind, templateMark, restartedAtMs, reverted }: Workload): boolean {
  // The pods of a Rollout keep their template; its controller goes by the time as well.
  if (kind === 'Rollout') return reverted || pod.createdAtMs >= restartedAtMs;
  return pod.restartMark === templateMark;
}

/** `Kind/name`. */
export function workloadName(workload: { kind: string; name: string }): string {
  return `${workload.kind}/${workload.name}`;
}

/** Labels of a workload's pod template. */
export function templateLabels(workload: Workload): Readonly<Record<string, string>> {
  return workload.template.metadata?.labels ?? {};
}

/** Order of restarts forward: by kind, then by name. Back is the reverse. */
export function compareWorkloads(a: { kind: string; name: string }, b: { kind: string; name: string }): number {
  return workloadName(a) < workloadName(b) ? -1 : 1;
}

/** View of a Deployment; its pods are those of all its ReplicaSets. */
export function deploymentView(deployment: Deployment, pods: readonly PodView[]): Workload {
  const { spec, status } = deployment;
  const rollout = deploymentRollout(spec);
  const updated = status?.updatedReplicas ?? 0;
  return {
    ...common('Deployment', deployment, pods, rollout),
    finished:
      isObserved(deployment) &&
      updated >= rollout.replicas &&
      (status?.replicas ?? 0) <= updated &&
      (status?.availableReplicas ?? 0) >= updated,
    onDelete: undefined,
  };
}

/**
 * View of a StatefulSet. With OnDelete its `currentRevision` never becomes its `updateRevision`, whatever happens to its pods.
 *
 * @see kubernetes/kubernetes pkg/controller/statefulset/stateful_set_utils.go (completeRollingUpdate)
 */
export function statefulSetView(statefulSet: StatefulSet, pods: readonly PodView[]): Workload {
  const { spec, status } = statefulSet;
  const rollout = statefulSetRollout(spec);
  const { replicas, isOnDelete } = rollout;
  const revised = isOnDelete
    ? (status?.availableReplicas ?? 0) === replicas && areReady(pods, replicas)
    : status?.currentRevision === status?.updateRevision;
  return {
    ...common('StatefulSet', statefulSet, pods, rollout),
    finished:
      isObserved(statefulSet) &&
      revised &&
      (status?.replicas ?? 0) === replicas &&
      (status?.readyReplicas ?? 0) === replicas,
    onDelete: isOnDelete ? { outdated: Math.max(0, replicas - (status?.updatedReplicas ?? 0)) } : undefined,
  };
}

/** View of a DaemonSet. */
export function daemonSetView(daemonSet: DaemonSet, pods: readonly PodView[]): Workload {
  const { spec, status } = daemonSet;
  const desired = status?.desiredNumberScheduled ?? 0;
  const rollout = daemonSetRollout(spec, desired);
  const updated = status?.updatedNumberScheduled ?? 0;
  return {
    ...common('DaemonSet', daemonSet, pods, rollout),
    finished:
      isObserved(daemonSet) &&
      (rollout.isOnDelete ? areReady(pods, desired) : updated >= desired) &&
      (status?.numberAvailable ?? 0) >= desired,
    onDelete: rollout.isOnDelete ? { outdated: Math.max(0, desired - updated) } : undefined,
  };
}

function common(
  kind: WorkloadKind,
  object: Deployment | StatefulSet | DaemonSet,
  pods: readonly PodView[],
  { replicas, maxUnavailable, obstacle, outage, recreates }: Rollout,
): Omit<Workload, 'finished' | 'onDelete'> {
  const annotations = object.spec.template.metadata?.annotations;
  const templateMark = annotations?.[OWN_ANNOTATION.restart];
  const asked = parseRestartMark(object.metadata.annotations?.[OWN_ANNOTATION.restart]);
  return {
    kind,
    name: object.metadata.name,
    replicas,
    template: object.spec.template,
    volumeClaims:
      'volumeClaimTemplates' in object.spec
        ? (object.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name)
        : [],
    pods: pods.filter((pod) => pod.live),
    draining: pods.filter((pod) => pod.drainsUntilMs !== undefined),
    observed: isObserved(object),
    progress: undefined,
    restartMark: asked ?? parseRestartMark(templateMark),
    restartedAtMs: timeOf(annotations?.[ANNOTATION.restartedAt]),
    templateMark,
    reverted: asked !== undefined && formatRestartMark(asked) !== templateMark,
    enrolment: readTemplateEnrolment(object.metadata.annotations),
    maxUnavailable,
    obstacle,
    outage,
    recreates,
  };
}

function isObserved(object: Deployment | StatefulSet | DaemonSet): boolean {
  return (object.status?.observedGeneration ?? 0) >= (object.metadata.generation ?? 0);
}

/** Pods that go are none of them: the status of their controller may not have seen yet what was evicted. */
function areReady(pods: readonly PodView[], wanted: number): boolean {
  return pods.filter(({ live, ready }) => live && ready).length >= wanted;
}
