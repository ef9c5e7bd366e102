import { describe, expect, it } from 'vitest';
import { type CoveringBudget, type RolledOut, rolloutFindings } from './rollout.js';

const workload = (more: Partial<RolledOut> = {}): RolledOut => ({
  name: 'Deployment/web',
  replicas: 2,
  maxUnavailable: 0,
  outage: false,
  recreates: false,
  obstacle: undefined,
  onDelete: undefined,
  ...more,
});
const budget = (desiredHealthy: number): CoveringBudget => ({ name: 'pdb', expectedPods: 2, desiredHealthy });

describe('what the restart of a workload meets', () => {
  it.each<[string, string | undefined, Partial<RolledOut>, CoveringBudget[]?]>([
    ['SST4004 has updateStrategy OnDelete', 'spec.updateStrategy.type', { onDelete: { outdated: 0 } }],
    [
      'SST4004 has updateStrategy OnDelete, and changes of its template wait for 1 of its pods',
      'spec.updateStrategy.type',
      { onDelete: { outdated: 1 } },
    ],
    [
      'SST4005 has a rollingUpdate.partition above 0',
      'spec.updateStrategy.rollingUpdate.partition',
      { obstacle: 'Partition' },
    ],
    ['SST4006 is paused', 'spec.paused', { obstacle: 'Paused' }],
    [
      'SST4031 takes its pod template from an object that is missing or no Deployment',
      'spec.workloadRef',
      { obstacle: 'NoTemplate' },
    ],
    [
      'SST4007 takes 1 of 2 pods away, and PodDisruptionBudget pdb wants 2',
      undefined,
      { maxUnavailable: 1 },
      [budget(2)],
    ],
    ['SST4030 ends all 2 pods before it starts new ones', 'spec.strategy.type', { recreates: true, outage: true }],
    ['SST4011 is restarted without a second pod that serves meanwhile', undefined, { outage: true }],
  ])('%s', (text, path, more, budgets = []) => {
    const [code = '', ...words] = text.split(' ');
    const message = `Deployment/web ${words.join(' ')}`;
    const expected = { code, object: 'Deployment/web', message, ...(path !== undefined && { path }) };
    expect(rolloutFindings(workload(more), budgets)).toEqual([expected]);
  });

  it('is said for each budget, and of several whose pods nobody can evict', () => {
    const evicted = workload({ onDelete: { outdated: 0 }, maxUnavailable: 1 });
    expect(rolloutFindings(evicted, [budget(1), budget(2)]).map(({ message }) => message)).toEqual([
      'Deployment/web has updateStrategy OnDelete',
      'Deployment/web is under 2 PodDisruptionBudgets, and the API server evicts no such pod',
      'Deployment/web takes 1 of 2 pods away, and PodDisruptionBudget pdb wants 2',
    ]);
  });

  it('breaks a budget that counts no pods yet', () => {
    const early = { ...budget(2), expectedPods: 0 };
    expect(rolloutFindings(workload({ maxUnavailable: 1 }), [early]).map(({ message }) => message)).toEqual([
      'Deployment/web takes 1 of 2 pods away, and PodDisruptionBudget pdb wants 2',
    ]);
  });

  it.each<[string, Partial<RolledOut>, CoveringBudget[]?]>([
    ['it keeps a budget', { maxUnavailable: 1 }, [budget(1)]],
    ['it keeps a budget that counts no pods yet', { maxUnavailable: 1 }, [{ ...budget(1), expectedPods: 0 }]],
    ['a budget that counts no pods yet wants none', { maxUnavailable: 1 }, [{ ...budget(0), expectedPods: 0 }]],
    ['several budgets cover what is not evicted', { maxUnavailable: 1 }, [budget(1), budget(1)]],
    ['it has no pods to end', { replicas: 0, recreates: true }],
    ['it has no pods to miss', { replicas: 0, outage: true }],
  ])('is nothing where %s', (_, more, budgets = []) => {
    expect(rolloutFindings(workload(more), budgets)).toEqual([]);
  });
});
