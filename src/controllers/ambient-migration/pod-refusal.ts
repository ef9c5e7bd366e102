import type { Observed, PodDryRun } from './observed.js';
import { isRoomMadeFirst } from './quota-room.js';
import { aimFor, transitionMs } from './situation.js';
import { isPerWorkload } from './translation.js';
import type { Verdict } from './verdict.js';
import { type RestartGoal, type Workload, workloadName } from './workloads.js';

/** How soon to look again where no event will tell, in milliseconds. */
export const RECHECK = { admissionLagMs: 300, injectorMs: 3_000, budgetMs: 10_000, refusedMs: 15_000 } as const;

/** Longer than any lag of admission that was seen, in milliseconds. */
const LAG_MS = 20_000;

/** A webhook that is called and does not answer is an internal error of the API server that names it. */
export const UNANSWERED = /failed calling webhook/;

/** Whether nobody has looked at the pod: a webhook was called, and did not answer. */
export function isUnanswered(answer: PodDryRun | undefined): boolean {
  return answer !== undefined && answer.kind !== 'created' && UNANSWERED.test(answer.message);
}

/** What a dry run says against restarting the workload now; undefined if nothing does. */
export function refusalOf(observed: Observed, workload: Workload, goal: RestartGoal): Verdict | undefined {
  const name = workloadName(workload);
  const answer = observed.dryRuns?.pods.get(name);
  switch (answer?.kind) {
    case undefined:
      return {
        kind: 'wait',
        reason: 'Restarting',
        message: `${name} waits for a dry run`,
        recheckMs: RECHECK.admissionLagMs,
      };
    case 'injector-down':
      return {
        kind: 'wait',
        reason: 'InjectorDown',
        message: `the sidecar injector does not answer: ${answer.message}`,
        recheckMs: RECHECK.injectorMs,
      };
    case 'refused':
      if (isRoomMadeFirst(observed, workload, goal, answer.message)) return unseenVerdict(observed, name, goal);
      return {
        kind: 'stalled',
        reason: 'PodRefused',
        message: `a new pod of ${name} would be refused: ${answer.message}`,
        recheckMs: RECHECK.refusedMs,
      };
    case 'created':
      break;
  }
  const wanted = goal !== 'ambient';
  if (answer.sidecar === wanted) return undefined;
  const message = wanted
    ? `a new pod of ${name} would get no sidecar`
    : `a new pod of ${name} would still get a sidecar`;
  const reason = wanted ? 'InjectorNotInjecting' : 'InjectorStillInjects';
  const { progressDeadlineMs } = aimFor(observed, goal);
  const sinceMs = labelledForMs(observed, goal);
  // The API server's view of namespace labels lags for moments; what lasts longer is something else.
  if (sinceMs >= progressDeadlineMs) return { kind: 'stalled', reason, message, recheckMs: RECHECK.refusedMs };
  const recheckMs = sinceMs < LAG_MS ? RECHECK.admissionLagMs : RECHECK.injectorMs;
  return { kind: 'wait', reason, message, recheckMs };
}

/** A full quota keeps what the injector does from being seen: then the labels decide, once admission has them for certain. */
function unseenVerdict(observed: Observed, name: string, goal: RestartGoal): Verdict | undefined {
  const recheckMs = LAG_MS - labelledForMs(observed, goal);
  if (goal === 'tunnel' || recheckMs <= 0) return undefined;
  const reason = goal === 'ambient' ? 'InjectorStillInjects' : 'InjectorNotInjecting';
  const message = `a quota has no room for one pod of ${name} more, to show what the injector does; it is restarted when the labels are known everywhere`;
  return { kind: 'wait', reason, message, recheckMs };
}

/** How long the injector could have known the labels of the namespace, in milliseconds. */
function labelledForMs(observed: Observed, goal: RestartGoal): number {
  const { nowMs, clockStartMs } = aimFor(observed, goal);
  // What a template says is known at once.
  const isByNamespace = goal === 'ambient' && !isPerWorkload(observed);
  const labelledAtMs = isByNamespace ? transitionMs(observed, 'Enrolled', 'True') : clockStartMs;
  return labelledAtMs === 0 ? 0 : nowMs - labelledAtMs;
}
