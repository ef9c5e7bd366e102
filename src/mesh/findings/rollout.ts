import type { Finding, FindingCode } from '../findings.js';
import type { Rollout } from '../rollout.js';

/** A workload that is restarted, and how. */
export interface RolledOut extends Pick<Rollout, 'replicas' | 'maxUnavailable' | 'outage' | 'recreates'> {
  /** `Kind/name`. */
  readonly name: string;
  readonly obstacle: Rollout['obstacle'] | 'NoTemplate';
  /** The update strategy is OnDelete: for how many pods changes of the template wait already. */
  readonly onDelete: { readonly outdated: number } | undefined;
}

/** A PodDisruptionBudget that covers its pods. */
export interface CoveringBudget {
  readonly name: string;
  readonly expectedPods: number;
  readonly desiredHealthy: number;
}

/**
 * What the restart of a workload meets: strategies that replace no pods, budgets that allow none to go, and outages. Each message
 * begins with the workload.
 *
 * @param budgets  that cover its pods, as far as the rollout takes pods away
 */
export function rolloutFindings(workload: RolledOut, budgets: readonly CoveringBudget[]): Finding[] {
  const { name: object, replicas, maxUnavailable, obstacle, onDelete, outage, recreates } = workload;
  const found: Finding[] = [];
  const add = (code: FindingCode, message: string, path?: string): void =>
    void found.push({ code, object, message: `${object} ${message}`, ...(path !== undefined && { path }) });
  if (onDelete)
    add('SST4004', `has updateStrategy OnDelete${describeOutdated(onDelete.outdated)}`, 'spec.updateStrategy.type');
  if (obstacle === 'Partition')
    add('SST4005', 'has a rollingUpdate.partition above 0', 'spec.updateStrategy.rollingUpdate.partition');
  if (obstacle === 'Paused') add('SST4006', 'is paused', 'spec.paused');
  if (obstacle === 'NoTemplate')
    add('SST4031', 'takes its pod template from an object that is missing or no Deployment', 'spec.workloadRef');
  if (onDelete && budgets.length > 1)
    add('SST4007', `is under ${budgets.length} PodDisruptionBudgets, and the API server evicts no such pod`);
  for (const { name, expectedPods, desiredHealthy } of budgets) {
    // The controller of budgets counts pods only some time after they came.
    const expected = Math.max(expectedPods, replicas);
    if (expected - maxUnavailable < desiredHealthy) {
      add(
        'SST4007',
        `takes ${maxUnavailable} of ${expected} pods away, and PodDisruptionBudget ${name} wants ${desiredHealthy}`,
      );
    }
  }
  if (recreates && replicas > 0)
    add('SST4030', `ends all ${replicas} pods before it starts new ones`, 'spec.strategy.type');
  else if (outage && replicas > 0) add('SST4011', 'is restarted without a second pod that serves meanwhile');
  return found;
}

const describeOutdated = (outdated: number): string =>
  outdated > 0 ? `, and changes of its template wait for ${outdated} of its pods` : '';
