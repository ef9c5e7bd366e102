import type { Reason } from '../../api/conditions.js';
import { findCondition } from '../../kube/conditions.js';
import { parseDuration } from '../../api/ambient-migration.js';
import type { Asker } from './attempts.js';
import { wouldInject } from './injection.js';
import type { Observed } from './observed.js';
import type { Aim } from './restarts.js';
import { isEnrolledByTemplate, labelsBefore } from './template-enrolment.js';
import { isPerWorkload } from './translation.js';
import type { Verdict } from './verdict.js';
import { type RestartGoal, type Workload, templateLabels } from './workloads.js';

/** Which way the namespace goes. */
export type Direction = 'forward' | 'back';

/** `dataplaneMode: Sidecar` goes back to the state before. */
export function directionOf(observed: Observed): Direction {
  return observed.spec.dataplaneMode === 'Sidecar' ? 'back' : 'forward';
}

/** `metadata.generation` of the AmbientMigration. */
export function generationOf(observed: Observed): number {
  return observed.migration.metadata.generation ?? 0;
}

/** Whose attempts are counted in this pass; eight digits of the uid tell the AmbientMigrations of a namespace apart. */
export function askerOf(observed: Observed): Asker {
  return { generation: generationOf(observed), migration: (observed.migration.metadata.uid ?? '').slice(0, 8) };
}

/** What workloads are judged by in this pass. */
export function aimFor(observed: Observed, goal: RestartGoal): Aim {
  const namespaceLabels = observed.namespace.metadata.labels ?? {};
  const injects = (labels: Readonly<Record<string, string>>): boolean =>
    wouldInject(observed.mesh.injectors, namespaceLabels, labels);
  return {
    goal,
    ...askerOf(observed),
    nowMs: observed.nowMs,
    clockStartMs: Math.max(unpausedAtMs(observed), transitionMs(observed, 'Reconciling', 'True')),
    // Clocks stop while the migration is paused.
    progressDeadlineMs: observed.spec.paused ? Infinity : parseDuration(observed.spec.rollout.progressDeadline),
    isInjected: (pod, workload) =>
      injects(pod.labels) ||
      // Made from a template that a migration had enrolled.
      (workload !== undefined && isEnrolledByTemplate(pod.labels) && injects(restored(workload))),
    isTemplateDue: (workload) => {
      if (goal === 'sidecar') return workload.enrolment !== undefined;
      return goal === 'ambient' && isPerWorkload(observed) && !isOnHost(workload) && injects(templateLabels(workload));
    },
  };
}

const restored = (workload: Workload): Readonly<Record<string, string>> =>
  labelsBefore(templateLabels(workload), workload.enrolment);

const isOnHost = ({ template }: Workload): boolean => template.spec.hostNetwork === true;

/** When the migration was last released from a pause; 0 if it never was. Clocks stop while it is paused. */
export function unpausedAtMs(observed: Observed): number {
  return transitionMs(observed, 'Paused', 'False');
}

/**
 * How long one of our own conditions has had a status, the one thing that is read back from status (design 5): lost
 * status only restarts the clocks. 0 if the condition does not have that status.
 */
export function transitionMs(observed: Observed, type: string, status: 'True' | 'False'): number {
  const condition = findCondition(observed.migration.status?.conditions ?? [], type);
  return condition?.status === status ? Date.parse(condition.lastTransitionTime) : 0;
}

/**
 * A wait that ends: after `spec.rollout.progressDeadline` a person has to look. The clock starts when the migration began to
 * wait, and goes on once it has run out.
 *
 * @param sinceMs  when what is awaited was asked for, milliseconds since the epoch; the clock starts no earlier
 */
export function waitVerdict(observed: Observed, sinceMs: number, reason: Reason, message: string): Verdict {
  if (observed.spec.paused) return { kind: 'wait', reason, message };
  const stalled = findCondition(observed.migration.status?.conditions ?? [], 'Stalled');
  const isOver = stalled?.status === 'True' && stalled.reason === 'ProgressDeadlineExceeded';
  const beganMs = transitionMs(observed, 'Reconciling', 'True') || (isOver ? 0 : observed.nowMs);
  const startMs = Math.max(sinceMs, unpausedAtMs(observed), beganMs);
  const recheckMs = startMs + parseDuration(observed.spec.rollout.progressDeadline) - observed.nowMs;
  return recheckMs > 0
    ? { kind: 'wait', reason, message, recheckMs }
    : { kind: 'stalled', reason: 'ProgressDeadlineExceeded', message };
}
