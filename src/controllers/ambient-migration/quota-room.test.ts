import { describe, expect, it } from 'vitest';
import { NOW_MS, migration, observed, pod, workload } from '../../../test/support/observed.js';
import { LABEL } from '../../api/labels.js';
import type { QuotaObject } from '../../mesh/findings/resource-quota.js';
import type { Observed } from './observed.js';
import { dryRunFindings, namespaceFindings } from './preflight.js';
import { isRoomMadeFirst } from './quota-room.js';
import { refusalOf } from './pod-refusal.js';
import type { RestartGoal, Workload } from './workloads.js';

const quota = (spec: object = {}): QuotaObject => ({
  kind: 'ResourceQuota',
  metadata: { name: 'team', namespace: 'shop' },
  spec: { hard: { pods: '3' }, ...spec },
});
const FULL = 'pods "x" is forbidden: exceeded quota: team, requested: pods=1, used: pods=3, limited: pods=3';
const cpu = (requested: string, used: string): string =>
  `exceeded quota: team, requested: pods=1,requests.cpu=${requested}, used: pods=3,requests.cpu=${used}, limited: pods=3,requests.cpu=600m`;
const withSidecar = pod({ sidecarRequests: { cpu: '100m' } });
const bare = pod({ mode: 'ambient' });
const db = (more: Partial<Workload> = {}): Workload =>
  workload({ kind: 'StatefulSet', name: 'db', maxUnavailable: 1, pods: [withSidecar], ...more });
const requesting = (amount: string): Pick<Workload, 'template'> => ({
  template: { spec: { containers: [{ name: 'app', resources: { requests: { cpu: amount } } }] } },
});
const priority = { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'Exists' }] } };
const critical = { spec: { containers: [], priorityClassName: 'critical' } };

describe('a restart makes the room that a quota lacks', () => {
  it.each<[string, boolean, RestartGoal, Workload, string, object?]>([
    ['of a StatefulSet', true, 'tunnel', db(), FULL],
    ['of a Deployment that recreates', true, 'ambient', workload({ recreates: true }), FULL],
    ['of a Deployment that may lack a pod meanwhile', true, 'ambient', workload({ maxUnavailable: 1 }), FULL],
    ['of a Deployment that may not', false, 'ambient', workload({ maxUnavailable: 0 }), FULL],
    ['that is more than full', false, 'ambient', db(), FULL.replace('used: pods=3', 'used: pods=4')],
    ['with pods that stay as large', true, 'tunnel', db(), cpu('200m', '600m')],
    ['with pods that become larger', true, 'sidecar', db({ pods: [bare], ...requesting('100m') }), cpu('200m', '500m')],
    ['too large', false, 'sidecar', db({ pods: [bare], ...requesting('100m') }), cpu('200m', '501m')],
    ['and nobody else refuses the pod', false, 'ambient', db(), 'denied: a pod must have a sidecar'],
    ['and says what it lacks', false, 'ambient', db(), 'failed quota: team: must specify limits.cpu'],
    ['that nobody knows', false, 'ambient', db(), FULL.replace('team', 'other')],
    [
      'of pods that request nothing, which those with sidecar are not',
      false,
      'ambient',
      db(),
      FULL,
      { scopes: ['BestEffort'] },
    ],
    [
      'of pods that request nothing, sidecars either',
      true,
      'ambient',
      db({ pods: [pod()] }),
      FULL,
      { scopes: ['BestEffort'] },
    ],
    [
      'of pods that request something, which those without sidecar are not',
      false,
      'sidecar',
      db({ pods: [bare] }),
      FULL,
      { scopes: ['NotBestEffort'] },
    ],
    ['of a priority that the pods have', true, 'ambient', db({ template: critical }), FULL, priority],
    ['of a priority that they do not have', false, 'ambient', db(), FULL, priority],
  ])('%s: %s', (_, expected, goal, given, message, spec) => {
    expect(isRoomMadeFirst(observed({ quotas: [quota(spec)] }), given, goal, message)).toBe(expected);
  });
});

describe('a full quota', () => {
  const seen = (given: Workload, more: Partial<Observed> & { labels?: Record<string, string> } = {}): Observed => {
    const answer = [`${given.kind}/${given.name}`, { kind: 'refused', message: FULL }] as const;
    const dryRuns = { pods: new Map([answer]), withoutSidecar: new Map([answer]), istiod: 'alive' } as const;
    return observed({ quotas: [quota()], workloads: [given], dryRuns, ...more });
  };
  const codes = (given: Observed): string[] =>
    [...dryRunFindings(given), ...namespaceFindings(given)]
      .map(({ code }) => code)
      .filter((code) => code !== 'SST4027');

  it('blocks no workload whose rollout makes room', () => {
    expect(codes(seen(db()))).toEqual([]);
    expect(codes(seen(workload()))).toEqual(['SST4012', 'SST4038']);
  });

  it('keeps a restart waiting until admission has the labels for certain, and no longer', () => {
    const labelled = (secondsAgo: number): Observed => {
      const lastTransitionTime = new Date(NOW_MS - secondsAgo * 1_000).toISOString();
      const condition = { type: 'Enrolled', status: 'True', reason: 'LabelsSet', message: '', lastTransitionTime };
      return seen(db(), {
        labels: { [LABEL.dataplaneMode]: 'ambient', [LABEL.injection]: 'disabled' },
        migration: migration({}, { observedGeneration: 1, conditions: [condition] }),
      });
    };
    expect(refusalOf(labelled(5), db(), 'ambient')).toMatchObject({ kind: 'wait', recheckMs: 15_000 });
    expect(refusalOf(labelled(20), db(), 'ambient')).toBeUndefined();
    expect(refusalOf(labelled(5), db(), 'tunnel')).toBeUndefined();
    expect(refusalOf(seen(workload()), workload(), 'ambient')).toMatchObject({ kind: 'stalled', reason: 'PodRefused' });
  });
});
