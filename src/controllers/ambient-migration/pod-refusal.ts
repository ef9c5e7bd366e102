import type { Observed } from './observed.js';
import { aimFor, transitionMs } from './situation.js';
import type { Verdict } from './verdict.js';
import { type RestartGoal, type Workload, workloadName } from './workloads.js';

/** How soon to look again where no event will tell, in milliseconds. */
export const RECHECK = { admissionLagMs: 300, injectorMs: 3_000, budgetMs: 10_000, refusedMs: 15_000 } as const;

/** Longer than any lag of admission that was seen, in milliseconds. */
const LAG_MS = 20_000;

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
  const { nowMs, clockStartMs, progressDeadlineMs } = aimFor(observed, goal);
  const labelledAtMs = goal === 'ambient' ? transitionMs(observed, 'Enrolled', 'True') : clockStartMs;
  const sinceMs = labelledAtMs === 0 ? 0 : nowMs - labelledAtMs;
  // The API server's view of namespace labels lags for moments; what lasts longer is something else.
  if (sinceMs >= progressDeadlineMs) return { kind: 'stalled', reason, message, recheckMs: RECHECK.refusedMs };
  const recheckMs = sinceMs < LAG_MS ? RECHECK.admissionLagMs : RECHECK.injectorMs;
  return { kind: 'wait', reason, message, recheckMs };
}
