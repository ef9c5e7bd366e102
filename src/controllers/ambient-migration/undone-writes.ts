import type { Observed } from './observed.js';
import { RECHECK } from './pod-refusal.js';
import type { Action, TriedAction, Verdict } from './verdict.js';
import { workloadName } from './workloads.js';

const TRIED: Readonly<Record<TriedAction['type'], true>> = {
  'label-namespace': true,
  restart: true,
  'create-gateway': true,
  'apply-gateway': true,
  'size-gateway': true,
  'apply-policy': true,
};

/** Whether a dry run shows what admission makes of it. */
export function isTried(action: Action): action is TriedAction {
  return action.type in TRIED;
}

/** Name of what an action writes to, as the answers of dry runs have it. */
export function targetOf(action: TriedAction, observed: Observed): string {
  switch (action.type) {
    case 'label-namespace':
      return `Namespace/${observed.namespace.metadata.name}`;
    case 'restart':
      return workloadName(action.workload);
    case 'size-gateway':
      return `Gateway/${action.name}`;
    default:
      return `${action.manifest.kind}/${action.manifest.metadata.name}`;
  }
}

/** What dry runs of the writes show: admission that would undo them, so that they would be repeated for ever. */
export function undoneVerdict(observed: Observed, actions: readonly Action[]): Verdict | undefined {
  for (const action of actions.filter(isTried)) {
    const target = targetOf(action, observed);
    const fields = observed.dryRuns?.undone?.get(target);
    if (!fields) continue;
    const message = `${target}: an admission webhook or policy takes off or changes ${fields.join(', ')}; exempt what Sidestep writes from it`;
    return { kind: 'stalled', reason: 'FieldReverted', message, recheckMs: RECHECK.refusedMs };
  }
  return undefined;
}

/** Acts once dry runs have shown that admission leaves all of it as it is written. */
export function triedVerdict(observed: Observed, verdict: Extract<Verdict, { kind: 'act' }>): Verdict {
  const { actions, reason, message } = verdict;
  const writes = actions.filter(isTried);
  if (writes.length === 0) return verdict;
  if (!observed.dryRuns) return { kind: 'dry-run', request: { pods: [], istiod: false, writes }, reason, message };
  return undoneVerdict(observed, writes) ?? verdict;
}
