import type { Observed } from './observed.js';
import { RECHECK } from './pod-refusal.js';
import { budgetsOf } from './preflight.js';
import type { Eviction } from './restarts.js';
import type { EvictAction, RestartAction, Verdict } from './verdict.js';
import { type Workload, workloadName } from './workloads.js';

/** What the budgets over a workload say against a restart of it; undefined: nothing. */
export function budgetRefusal(observed: Observed, workload: Workload): Verdict | undefined {
  const name = workloadName(workload);
  const budgets = budgetsOf(observed, workload);
  if (workload.onDelete && budgets.length > 1) {
    const names = budgets.map((budget) => budget.name).join(' and ');
    const message = `${name} is under PodDisruptionBudgets ${names}, and the API server evicts no such pod: leave one of them`;
    return { kind: 'stalled', reason: 'RolloutBlocked', message };
  }
  const exhausted = budgets.find((budget) => budget.disruptionsAllowed <= 0);
  if (!exhausted) return undefined;
  const message = `${name} waits for PodDisruptionBudget ${exhausted.name} to allow a disruption`;
  return { kind: 'wait', reason: 'BudgetExhausted', message };
}

/**
 * What the budgets say against the next eviction of a workload. A budget follows its pods a moment later, so that it is blamed only
 * once no pod has moved for a while; and a workload half-way is no more left to it than to a pod that does not come up.
 */
export function heldByBudget(observed: Observed, { workload, eviction }: EvictAction): Verdict | undefined {
  // Whether a pod that is not ready may go depends on more than the number: that is asked of the API server.
  const refusal = eviction.pod.ready ? budgetRefusal(observed, workload) : undefined;
  return refusal?.kind === 'wait' ? heldSince(observed, workload, eviction, refusal.message) : refusal;
}

function heldSince({ nowMs }: Observed, workload: Workload, eviction: Eviction, message: string): Verdict {
  const { toldAtMs, deadlineAtMs, underWay } = eviction;
  if (nowMs >= deadlineAtMs) return { kind: 'stalled', reason: 'ProgressDeadlineExceeded', message };
  if (nowMs < toldAtMs) {
    const soon = `${workloadName(workload)}: ${underWay}`;
    return { kind: 'wait', reason: 'RolloutInProgress', message: soon, recheckMs: toldAtMs - nowMs };
  }
  // Not every change of a budget's mind is an event here.
  return {
    kind: 'wait',
    reason: 'BudgetExhausted',
    message,
    recheckMs: Math.min(deadlineAtMs - nowMs, RECHECK.budgetMs),
  };
}

/** What a dry run says against it, if it is an eviction; undefined if nothing does. */
export function evictionRefusal(observed: Observed, action: RestartAction | EvictAction): Verdict | undefined {
  if (action.type === 'restart') return undefined;
  const { workload, eviction } = action;
  const name = workloadName(workload);
  const { pod } = eviction;
  const answer = observed.dryRuns?.evictions?.get(pod.uid);
  switch (answer?.kind) {
    case 'accepted':
      return undefined;
    case 'budget': {
      const message = `${name} waits for its budget to let pod ${pod.name} go: ${answer.message}`;
      return heldSince(observed, workload, eviction, message);
    }
    case 'refused':
      return {
        kind: 'stalled',
        reason: 'RolloutBlocked',
        message: `pod ${pod.name} of ${name} cannot be evicted: ${answer.message}`,
        recheckMs: RECHECK.refusedMs,
      };
    case 'gone':
    case undefined:
      return {
        kind: 'wait',
        reason: 'RolloutInProgress',
        message: `${name}: pod ${pod.name} is another by now`,
        recheckMs: RECHECK.admissionLagMs,
      };
  }
}
