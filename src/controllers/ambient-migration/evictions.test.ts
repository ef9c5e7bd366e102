import { describe, expect, it } from 'vitest';
import { NOW_MS, migration, observed, pod, workload } from '../../../test/support/observed.js';
import { LABEL } from '../../api/labels.js';
import { decide } from './decide.js';
import type { Budget, DryRuns, EvictionDryRun, Observed } from './observed.js';
import { snapshotData } from './plan.js';
import type { PodView } from './pods.js';
import { type Aim, type WorkloadState, assess } from './restarts.js';
import type { Snapshot } from './snapshot.js';
import type { RestartGoal, Workload } from './workloads.js';

const MINUTE_MS = 60_000;
const MARKED = { goal: 'ambient', generation: 1, attempt: 1, migration: 'aaaaaaaa' } as const;

const aim = (goal: RestartGoal = 'ambient', overrides: Partial<Aim> = {}): Aim => ({
  goal,
  generation: 1,
  migration: 'aaaaaaaa',
  nowMs: NOW_MS,
  clockStartMs: NOW_MS,
  progressDeadlineMs: 10 * MINUTE_MS,
  isInjected: () => true,
  isTemplateDue: () => false,
  ...overrides,
});

const old = (ordinal: number, more: Partial<PodView> = {}): PodView => pod({ name: `db-${ordinal}`, ...more });
const fresh = (ordinal: number, more: Partial<PodView> = {}): PodView =>
  old(ordinal, { mode: 'ambient', hbone: false, restartMark: 'ambient.1.1.aaaaaaaa', ...more });

/** A StatefulSet of three with OnDelete, whose template is marked for ambient mode. */
const db = (pods: readonly PodView[], more: Partial<Workload> = {}): Workload =>
  workload({
    kind: 'StatefulSet',
    name: 'db',
    replicas: 3,
    onDelete: { outdated: 0 },
    maxUnavailable: 1,
    restartMark: MARKED,
    finished: pods.filter(({ ready }) => ready).length >= 3,
    pods,
    ...more,
  });

const told = (state: WorkloadState): string =>
  `${state.kind}${state.kind === 'evict' ? ` ${state.pod.name}` : ''}${'message' in state ? `: ${state.message}` : ''}`;

describe('a workload with OnDelete', () => {
  const unmarked = { restartMark: undefined, templateMark: undefined };
  const unready = { ready: false };

  it.each<[string, Workload, Aim, string]>([
    ['is marked first', db([old(0), old(1), old(2)], unmarked), aim(), 'restart: pod db-0 still has a sidecar'],
    [
      'has its highest pod evicted then',
      db([old(9), old(10), old(8)]),
      aim(),
      'evict db-10: evicting pod db-10, which still has a sidecar (3 of 3 pods are still to be evicted)',
    ],
    [
      'has no second pod evicted while one is away',
      db([old(0), old(1)]),
      aim(),
      'rolling: 2 of 3 pods are still to be evicted',
    ],
    [
      'nor while one comes up',
      db([old(0), old(1), fresh(2, unready)]),
      aim(),
      'rolling: 2 of 3 pods are still to be evicted',
    ],
    [
      'nor before the controller has seen the mark',
      db([old(0), old(1), old(2)], { observed: false }),
      aim(),
      'rolling: 3 of 3 pods are still to be evicted',
    ],
    [
      'has the next pod evicted when all are ready',
      db([old(0), old(1), fresh(2)]),
      aim(),
      'evict db-1: evicting pod db-1, which still has a sidecar (2 of 3 pods are still to be evicted)',
    ],
    [
      'has the pod evicted that is not ready itself, if all others are',
      db([old(0, unready), old(1), old(2)]),
      aim(),
      'evict db-0: evicting pod db-0, which still has a sidecar (3 of 3 pods are still to be evicted)',
    ],
    [
      'has nobody evicted while two are not ready',
      db([old(0, unready), old(1, unready), old(2)]),
      aim(),
      'rolling: 3 of 3 pods are still to be evicted',
    ],
    ['waits for the last pod', db([fresh(0, unready), fresh(1), fresh(2)]), aim(), 'rolling: its rollout is under way'],
    ['waits for the last pod that is away', db([fresh(1), fresh(2)]), aim(), 'rolling: its rollout is under way'],
    ['is done', db([fresh(0), fresh(1), fresh(2)]), aim(), 'done'],
    [
      'is marked anew if a pod that came after the mark is wrong',
      db([old(0), old(1), old(2, { restartMark: 'ambient.1.1.aaaaaaaa' })]),
      aim(),
      'restart: pod db-0 still has a sidecar',
    ],
    [
      'goes on after a change of the spec without another mark',
      db([old(0), old(1), fresh(2)]),
      aim('ambient', { generation: 5 }),
      'evict db-1: evicting pod db-1, which still has a sidecar (2 of 3 pods are still to be evicted)',
    ],
    [
      'is marked for the way back, whatever mark its pods have',
      db([old(0), old(1), fresh(2, { restartMark: undefined })]),
      aim('sidecar', { generation: 2 }),
      'restart: pod db-2 has no sidecar',
    ],
    [
      'leaves alone on the way back who was never evicted',
      db([old(0), old(1), fresh(2)], { templateMark: 'sidecar.2.1' }),
      aim('sidecar', { generation: 2 }),
      'evict db-2: evicting pod db-2, which has no sidecar (1 of 3 pods are still to be evicted)',
    ],
    [
      'has pods evicted at once on the way back that are not ready',
      db([fresh(0, unready), fresh(1, unready)], { templateMark: 'sidecar.2.1' }),
      aim('sidecar', { generation: 2 }),
      'evict db-1: evicting pod db-1, which has no sidecar (2 of 3 pods are still to be evicted)',
    ],
    [
      'is brought to HBONE in the same way',
      db([old(0), old(1), old(2, { hbone: false })], { templateMark: 'tunnel.1.1' }),
      aim('tunnel'),
      'evict db-2: evicting pod db-2, which has a sidecar that does not speak HBONE (1 of 3 pods are still to be evicted)',
    ],
    [
      'names the pod that does not come up',
      db([old(0), old(1), fresh(2, { ...unready, problem: 'CrashLoopBackOff' })]),
      aim('ambient', { clockStartMs: NOW_MS - MINUTE_MS }),
      'rolling: pod db-2 is not ready (CrashLoopBackOff); 2 of 3 pods are still to be evicted',
    ],
    [
      'is stuck after the deadline',
      db([old(0), old(1), fresh(2, unready)]),
      aim('ambient', { clockStartMs: NOW_MS - 11 * MINUTE_MS }),
      'stuck: pod db-2 is not ready; 2 of 3 pods are still to be evicted',
    ],
    [
      'is stuck where somebody sets the template back after each mark, and no pod is evicted for that',
      db([old(0), old(1), fresh(2)], {
        restartMark: { ...MARKED, attempt: 2 },
        templateMark: undefined,
        reverted: true,
      }),
      aim(),
      'stuck: somebody sets the pod template back after each restart',
    ],
    [
      'has nobody evicted while the template lacks the mark: the next pod could not be told from this one',
      db([old(0, { ...unready, restartMark: 'ambient.1.1.aaaaaaaa' }), fresh(1), fresh(2)], {
        templateMark: undefined,
      }),
      aim(),
      'rolling: its rollout is under way',
    ],
    [
      'of another strategy is no business of ours',
      db([old(0), old(1), old(2)], { onDelete: undefined, finished: false }),
      aim(),
      'rolling: its rollout is under way',
    ],
  ])('%s', (_, given, judgedBy, expected) => {
    expect(told(assess(given, judgedBy))).toBe(expected);
  });

  it('has the pods of a DaemonSet evicted by name', () => {
    const pods = ['agent-b', 'agent-a'].map((name) => pod({ name }));
    const agent = db(pods, { kind: 'DaemonSet', name: 'agent', replicas: 2, finished: true });
    expect(told(assess(agent, aim()))).toMatch(/^evict agent-a/);
  });
});

describe('the next eviction', () => {
  const snapshot: Snapshot = {
    name: 'sidestep-before',
    createdAt: '2026-11-21T09:30:00Z',
    data: snapshotData(observed()),
    restored: false,
  };
  const three = [old(0), old(1), old(2)];
  const budget: Budget = {
    name: 'db',
    selects: () => true,
    disruptionsAllowed: 1,
    desiredHealthy: 2,
    expectedPods: 3,
  };
  const answers = (eviction: EvictionDryRun, sidecar = false): DryRuns => ({
    pods: new Map(['db', 'kv', 'web'].map((name) => [`StatefulSet/${name}`, { kind: 'created', sidecar }])),
    istiod: 'alive',
    evictions: new Map(three.map(({ uid }) => [uid, eviction])),
  });
  const accepted = answers({ kind: 'accepted' });
  const given = (more: Parameters<typeof observed>[0]): Observed =>
    observed({
      snapshot,
      labels: { [LABEL.injection]: 'disabled', [LABEL.dataplaneMode]: 'ambient' },
      workloads: [db(three)],
      budgets: [budget],
      ...more,
    });
  const verdictOf = (more: Parameters<typeof observed>[0]): string => {
    const { verdict } = decide(given(more));
    return `${verdict.kind} ${verdict.reason}: ${verdict.message}`;
  };
  const evicts = 'evicting pod db-2, which still has a sidecar (3 of 3 pods are still to be evicted)';
  const exhausted = { ...budget, disruptionsAllowed: 0 };
  /** No pod has moved for so long. */
  const still = (ms: number): Workload[] => [db(three.map((one) => ({ ...one, progressAtMs: NOW_MS - ms })))];
  const waits = 'StatefulSet/db waits for PodDisruptionBudget db to allow a disruption';
  const refused = answers({ kind: 'budget', message: 'The disruption budget db needs 3 healthy pods' });

  it.each<[string, Parameters<typeof observed>[0], string]>([
    ['is tried first', {}, `dry-run Restarting: StatefulSet/db: ${evicts}`],
    ['is made', { dryRuns: accepted }, `act Restarting: StatefulSet/db: ${evicts}`],
    [
      'waits for the injector',
      { dryRuns: answers({ kind: 'accepted' }, true) },
      'wait InjectorStillInjects: a new pod of StatefulSet/db would still get a sidecar',
    ],
    [
      'waits for istiod',
      { dryRuns: { ...accepted, istiod: 'down' } },
      'wait ControlPlaneDown: istiod does not answer; nothing is restarted until it does',
    ],
    [
      'stands still while the migration is paused',
      { dryRuns: accepted, migration: migration({ paused: true }) },
      `wait Paused: spec.paused holds: StatefulSet/db: ${evicts}`,
    ],
    [
      'waits without a word for a budget that follows its pods a moment later',
      { budgets: [exhausted], workloads: still(5_000) },
      'wait RolloutInProgress: StatefulSet/db: 3 of 3 pods are still to be evicted',
    ],
    ['waits for a budget', { budgets: [exhausted], workloads: still(MINUTE_MS) }, `wait BudgetExhausted: ${waits}`],
    [
      'is left to a person after the deadline',
      { budgets: [exhausted], workloads: still(11 * MINUTE_MS) },
      `stalled ProgressDeadlineExceeded: ${waits}`,
    ],
    [
      'waits for a budget whose status lags, by what the API server says',
      { dryRuns: refused, workloads: still(MINUTE_MS) },
      'wait BudgetExhausted: StatefulSet/db waits for its budget to let pod db-2 go: The disruption budget db needs 3 healthy pods',
    ],
    [
      'looks again at a pod that is another by now',
      { dryRuns: answers({ kind: 'gone' }) },
      'wait RolloutInProgress: StatefulSet/db: pod db-2 is another by now',
    ],
    [
      'is left to a person where a webhook denies it',
      { dryRuns: answers({ kind: 'refused', message: 'not now' }) },
      'stalled RolloutBlocked: pod db-2 of StatefulSet/db cannot be evicted: not now',
    ],
    [
      'is left to a person where two budgets select the pod',
      { budgets: [budget, { ...budget, name: 'all' }], dryRuns: accepted },
      'stalled RolloutBlocked: StatefulSet/db is under PodDisruptionBudgets db and all, and the API server evicts no such pod: leave one of them',
    ],
    [
      'asks the API server alone where the pod is not ready: a budget may let such a pod go',
      { budgets: [exhausted], dryRuns: accepted, workloads: [db([old(0), old(1), old(2, { ready: false })])] },
      `act Restarting: StatefulSet/db: ${evicts}`,
    ],
  ])('%s', (_, more, expected) => {
    const ago = new Date(NOW_MS - 60 * MINUTE_MS).toISOString();
    const since = { type: 'Reconciling', status: 'True', reason: '', message: '', lastTransitionTime: ago };
    const status = { observedGeneration: 1, conditions: [since] };
    const paused = more?.migration?.spec?.paused === true;
    expect(verdictOf({ ...more, migration: migration({ paused }, status) })).toBe(expected);
  });

  it.each([
    ['budget', refused],
    ['gone', answers({ kind: 'gone' })],
  ])('is no hot loop where the answer is "%s": there is a time to look again', (_, dryRuns) => {
    const { verdict } = decide(given({ dryRuns, workloads: still(MINUTE_MS) }));
    expect(verdict).toMatchObject({ kind: 'wait', recheckMs: expect.any(Number) as number });
    expect((verdict as { recheckMs: number }).recheckMs).toBeGreaterThanOrEqual(300);
  });

  it('is made for no more workloads at once than maxConcurrent, and who is half-way comes before who has not begun', () => {
    const kv = db([pod({ name: 'kv-0' })], { name: 'kv', replicas: 1, finished: true });
    const web = db([pod({ name: 'web-0' })], { name: 'web', restartMark: undefined, templateMark: undefined });
    const dryRuns = {
      ...accepted,
      evictions: new Map([...three, ...kv.pods].map(({ uid }) => [uid, { kind: 'accepted' } as const])),
    };
    const actions = (maxConcurrent: number, workloads: Workload[]): string[] => {
      const { verdict } = decide(
        given({ workloads, dryRuns, budgets: [], migration: migration({ rollout: { maxConcurrent } }) }),
      );
      if (verdict.kind !== 'act') return [];
      return verdict.actions.map((one) => ('workload' in one ? `${one.type} ${one.workload.name}` : one.type));
    };
    const finishedWeb = { ...web, finished: true };
    expect(actions(1, [finishedWeb, db(three), kv])).toEqual(['evict db']);
    expect(actions(2, [finishedWeb, db(three), kv])).toEqual(['evict db', 'evict kv']);
    expect(actions(3, [finishedWeb, db(three), kv])).toEqual(['evict db', 'evict kv', 'restart web']);
    const rolling = db([old(0, { progressAtMs: NOW_MS }), old(1)]);
    expect(actions(1, [finishedWeb, rolling, kv])).toEqual([]);
    expect(actions(2, [finishedWeb, rolling, kv])).toEqual(['evict kv']);
  });

  it('of one workload goes on while a budget refuses that of another', () => {
    const kv = db([pod({ name: 'kv-0' })], { name: 'kv', replicas: 1, finished: true });
    const [uid = ''] = kv.pods.map((one) => one.uid);
    const evictions = new Map([...(refused.evictions ?? []), [uid, { kind: 'accepted' } as const]]);
    const { verdict } = decide(
      given({
        workloads: [db(three), kv],
        dryRuns: { ...refused, evictions },
        budgets: [],
        migration: migration({ rollout: { maxConcurrent: 2 } }),
      }),
    );
    expect(verdict).toMatchObject({ kind: 'act', actions: [{ type: 'evict', workload: { name: 'kv' } }] });
  });
});
