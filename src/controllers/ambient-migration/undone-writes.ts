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
  bind: true,
  'close-snapshot': true,
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
    case 'bind':
      return `${action.kind}/${action.object.metadata.name}`;
    case 'close-snapshot':
      return `ControllerRevision/${action.name}`;
    default:
      return `${action.manifest.kind}/${action.manifest.metadata.name}`;
  }
}

/** What dry runs of the writes show: admission that would undo them, so that they would be repeated for ever. */
export function undoneVerdict(observed: Observed, actions: readonly Action[]): Verdict | undefined {
  for (const action of actions.filter(isTried)) {
    const target = targetOf(action, observed);
    const fields = observed.dryRuns?.undone?.get(target);
    if (!fields?.length) continue;
    const message = `${target}: an admission webhook or policy takes off or changes ${fields.join(', ')}; exempt what Sidestep writes from it`;
    return { kind: 'stalled', reason: 'FieldReverted', message, recheckMs: RECHECK.refusedMs };
  }
  return undefined;
}

/**
 * Acts once dry runs of this pass have shown that admission leaves all of it as it is written. Of what others have tried, be it of the same
 * pass, nothing follows.
 *
 * @param istiod  whether they are to show as well that istiod is alive
 */
export function triedVerdict(observed: Observed, verdict: Verdict, { istiod = false } = {}): Verdict {
  if (verdict.kind !== 'act') return verdict;
  const { actions, reason, message } = verdict;
  const { undone, istiod: answer = 'not-asked' } = observed.dryRuns ?? {};
  const writes = actions.filter(isTried).filter((write) => undone?.has(targetOf(write, observed)) !== true);
  if (writes.length > 0 || (istiod && answer === 'not-asked')) {
    return { kind: 'dry-run', request: { pods: [], istiod, writes }, reason, message };
  }
  return undoneVerdict(observed, actions) ?? verdict;
}
