import { isBlocking } from '../../mesh/findings.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { listed } from '../listed.js';
import { enrolmentMark, isEnrolledNamespace } from './enrolment.js';
import type { Observed } from './observed.js';
import { type Plan, planOf } from './plan.js';
import { healthFindings } from './preflight.js';
import { type Direction, directionOf } from './situation.js';
import { STEPS, type Step } from './steps.js';
import { type Verdict, done } from './verdict.js';
import { workloadName } from './workloads.js';

/** What one pass concludes: where every step stands, which is current, and what to do. Pure data. */
export interface Decision {
  readonly direction: Direction;
  readonly plan: Plan;
  readonly steps: readonly StepReport[];
  /** Undefined: every step is complete, or none applies (`verdict` says why). */
  readonly current: string | undefined;
  /** The current step's verdict after holds and pause; `done` if nothing is left to do. */
  readonly verdict: Verdict;
}

/** A step and what it says about itself; undefined: not reached. */
export interface StepReport {
  readonly step: Step;
  readonly verdict: Verdict | undefined;
}

const RECHECK_HEALTH_MS = 10_000;

/**
 * Decides what to do from what was observed; pure, so that a second pass over the same cluster decides the same. Forward,
 * the current step is the first that is not done; back, the last that is not undone. No step counter is stored.
 */
export function decide(observed: Observed): Decision {
  const direction = directionOf(observed);
  const plan = planOf(observed);
  const idle = idleVerdict(observed, direction);
  if (idle)
    return {
      direction,
      plan,
      steps: STEPS.map((step) => ({ step, verdict: undefined })),
      current: undefined,
      verdict: idle,
    };
  const steps = direction === 'forward' ? walkForward(observed, plan) : walkBack(observed);
  const current = steps.find(({ verdict }) => verdict !== undefined && verdict.kind !== 'done');
  const verdict = current?.verdict ? restrain(observed, direction, current.verdict) : completed(direction, steps);
  return { direction, plan, steps, current: current?.step.name, verdict };
}

/** Forward, each step is asked only when all before it are done; later ones would speak of a state that is not there yet. */
function walkForward(observed: Observed, plan: Plan): StepReport[] {
  let open = true;
  return STEPS.map((step) => {
    if (!open) return { step, verdict: undefined };
    const verdict = step.forward(observed, plan);
    open = verdict.kind === 'done';
    return { step, verdict };
  });
}

function walkBack(observed: Observed): StepReport[] {
  let open = true;
  return STEPS.toReversed()
    .map((step) => {
      if (!open || !step.back) return { step, verdict: undefined };
      const verdict = step.back(observed);
      open = verdict.kind === 'done';
      return { step, verdict };
    })
    .toReversed();
}

/** Cases in which no step applies. */
function idleVerdict(observed: Observed, direction: Direction): Verdict | undefined {
  if (observed.supersededBy !== undefined) {
    return {
      kind: 'stalled',
      reason: 'Superseded',
      message:
        observed.supersededBy === ''
          ? "the older AmbientMigration has gone; change this one's spec to start it"
          : `AmbientMigration ${observed.supersededBy} is active in this namespace; delete it, then change this one's spec to start it`,
    };
  }
  if (observed.snapshotProblem !== undefined) {
    return { kind: 'stalled', reason: 'SnapshotUnreadable', message: observed.snapshotProblem };
  }
  if (observed.snapshot) return undefined;
  const isMarked = enrolmentMark(observed.namespace) !== undefined;
  // Their marks hold what they were before: forward nothing is lost.
  if (direction === 'forward' && !isMarked) return undefined;
  const enrolled = observed.lastSnapshot ? [] : enrolledByTemplate(observed);
  if (isMarked || enrolled.length > 0 || (isEnrolledNamespace(observed.namespace) && !observed.lastSnapshot)) {
    return { kind: 'stalled', reason: 'SnapshotMissing', message: adviceWithoutSnapshot(isMarked, enrolled) };
  }
  if (observed.lastSnapshot) return done('RolledBack', 'the namespace is as it was before');
  return done('NothingToRollBack', 'this namespace was never migrated by Sidestep');
}

/** A pause holds everything; ill health holds forward steps once something has been changed, and never the way back. */
function restrain(observed: Observed, direction: Direction, verdict: Verdict): Verdict {
  if (verdict.kind !== 'act' && verdict.kind !== 'dry-run') return verdict;
  if (observed.spec.paused) return { kind: 'wait', reason: 'Paused', message: `spec.paused holds: ${verdict.message}` };
  const ill = healthFindings(observed).filter((finding) => isBlocking(finding, []));
  if (direction === 'back' || !observed.snapshot || ill.length === 0) return verdict;
  const message = ill.map((finding) => `${finding.code} ${finding.message}`).join('; ');
  return { kind: 'wait', reason: 'Held', message, recheckMs: RECHECK_HEALTH_MS };
}

/** Workloads that are ambient by labels of ours in their templates, before the namespace is, or without it. */
function enrolledByTemplate({ workloads }: Observed): string[] {
  return workloads.filter(({ enrolment }) => enrolment !== undefined).map(workloadName);
}

/** What a person does for the namespace to be what it was; our marks on it would keep it from ever being migrated again. */
function adviceWithoutSnapshot(isMarked: boolean, enrolled: readonly string[]): string {
  const annotation = OWN_ANNOTATION.enrolledTemplate;
  const templates = `give the pod templates of ${listed(enrolled)} the labels back that their annotation ${annotation} holds, and remove it; `;
  const marks = isMarked ? ` and the annotation ${OWN_ANNOTATION.enrolled}` : '';
  return (
    `the namespace is ambient and has no snapshot: ${enrolled.length > 0 ? templates : ''}` +
    'set istio-injection=enabled (or istio.io/rev) yourself, restart its workloads, ' +
    `then remove the label ${LABEL.dataplaneMode}${marks}`
  );
}

function completed(direction: Direction, steps: readonly StepReport[]): Verdict {
  if (direction === 'forward') return done('Migrated', 'every workload is in ambient mode');
  const held = steps.find(({ verdict }) => verdict?.reason === 'HeldByPods')?.verdict;
  return done(
    'RolledBack',
    held ? `every workload has its sidecar; ${held.message}` : 'the namespace is as it was before',
  );
}
