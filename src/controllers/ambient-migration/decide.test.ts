import { describe, expect, it } from 'vitest';
import { NOW_MS, mesh, migration, observed, pod, tried, workload } from '../../../test/support/observed.js';
import { LABEL } from '../../api/labels.js';
import { decide } from './decide.js';
import type { DryRuns, Observed, PodDryRun } from './observed.js';
import type { PodView } from './pods.js';
import { snapshotData } from './plan.js';
import type { Snapshot } from './snapshot.js';
import type { Workload } from './workloads.js';

const alive: DryRuns = {
  pods: new Map([['Deployment/web', { kind: 'created', sidecar: true }]]),
  istiod: 'alive',
  undone: tried(),
};
const notInjected: DryRuns = {
  pods: new Map([['Deployment/web', { kind: 'created', sidecar: false }]]),
  istiod: 'alive',
};
const snapshot: Snapshot = {
  name: 'sidestep-before',
  createdAt: '2026-11-21T09:30:00Z',
  data: snapshotData(observed()),
  restored: false,
};
const enrolledLabels = { [LABEL.injection]: 'disabled', [LABEL.dataplaneMode]: 'ambient' };
const asker = { generation: 1, migration: '0c1f2e3d' };
const before = { [LABEL.dataplaneMode]: null, [LABEL.injection]: 'enabled' };
const marked = (attempt: number): Record<string, string> => {
  return { 'sidestep.dev/enrolled': JSON.stringify({ ...asker, attempt, before }) };
};
const mark = marked(1);
const back = migration({ dataplaneMode: 'Sidecar' });
const ambientPods = [pod({ mode: 'ambient', hbone: false })];
const drainingPod = (more: Partial<PodView>): PodView =>
  pod({ mode: 'ambient', live: false, counts: false, drainsUntilMs: NOW_MS + 20_000, ...more });

const ambientLabels = { app: 'web', [LABEL.dataplaneMode]: 'ambient', [LABEL.inject]: 'false' };
const labelled = (more: Partial<PodView> = {}): PodView =>
  drainingPod({ name: 'labelled', labels: ambientLabels, dataplaneMode: 'ambient', ...more });
const ofJob = { kind: 'Job', name: 'nightly' };
/** A person has labelled its template, before the migration. */
const ambientByItself = workload({
  name: 'by-itself',
  template: { metadata: { labels: ambientLabels }, spec: { containers: [] } },
  pods: [pod({ name: 'by-itself-1', mode: 'ambient', labels: ambientLabels, dataplaneMode: 'ambient' })],
  draining: [labelled()],
});

function verdictOf(given: Observed): string {
  const { current, verdict } = decide(given);
  return `${current ?? '-'} ${verdict.kind} ${verdict.reason}`;
}

describe('forward', () => {
  it.each<[string, Observed, string]>([
    ['asks the injector and istiod before the first change', observed(), 'Preflight dry-run ClusterNotReady'],
    ['writes the snapshot before anything else', observed({ dryRuns: alive }), 'Snapshot act SnapshotMissing'],
    ['asks istiod again before the labels', observed({ snapshot }), 'Enrol dry-run LabelsMissing'],
    ['labels the namespace', observed({ snapshot, dryRuns: alive }), 'Enrol act LabelsMissing'],
    [
      'takes no dry run of anything else for one of the labels',
      observed({ snapshot, dryRuns: { ...alive, undone: new Map([['Gateway/waypoint', []]]) } }),
      'Enrol dry-run LabelsMissing',
    ],
    [
      'takes no dry run of the labels for an answer of istiod',
      observed({ snapshot, dryRuns: { ...alive, istiod: 'not-asked' } }),
      'Enrol dry-run LabelsMissing',
    ],
    [
      'does not label while istiod is down',
      observed({ snapshot, dryRuns: { ...alive, istiod: 'down' } }),
      'Enrol wait ControlPlaneDown',
    ],
    [
      'makes a dry run before a restart',
      observed({ snapshot, labels: enrolledLabels }),
      'Workloads dry-run Restarting',
    ],
    [
      'restarts when the injector stays away',
      observed({ snapshot, labels: enrolledLabels, dryRuns: notInjected }),
      'Workloads act Restarting',
    ],
    [
      'waits while the injector still injects',
      observed({ snapshot, labels: enrolledLabels, dryRuns: alive }),
      'Workloads wait InjectorStillInjects',
    ],
    [
      'does not restart while istiod is down',
      observed({ snapshot, labels: enrolledLabels, dryRuns: { ...notInjected, istiod: 'down' } }),
      'Workloads wait ControlPlaneDown',
    ],
    [
      'is done when every pod is ambient',
      observed({ snapshot, labels: enrolledLabels, workloads: [workload({ pods: ambientPods })] }),
      '- done Migrated',
    ],
    [
      'restarts sidecars without HBONE first',
      observed({ snapshot, workloads: [workload({ pods: [pod({ hbone: false })] })], dryRuns: alive }),
      'Tunnel act Restarting',
    ],
    [
      'changes nothing in a namespace that is ambient already',
      observed({ labels: { [LABEL.dataplaneMode]: 'ambient' }, workloads: [workload({ pods: ambientPods })] }),
      '- done Migrated',
    ],
    [
      'holds while ztunnel is not ready',
      observed({ snapshot, labels: enrolledLabels, mesh: mesh({ nodesWithoutZtunnel: ['node-1'] }) }),
      'Workloads wait Held',
    ],
    [
      'waits before the first change while the cluster is not fit',
      observed({ mesh: mesh({ ambientAccepted: false }) }),
      'Preflight wait ClusterNotReady',
    ],
    [
      'waits while the injector is dead',
      observed({
        dryRuns: { pods: new Map([['Deployment/web', { kind: 'injector-down', message: 'x' }]]), istiod: 'alive' },
      }),
      'Preflight wait ClusterNotReady',
    ],
    ['holds when paused', observed({ snapshot, migration: migration({ paused: true }) }), 'Enrol wait Paused'],
    [
      'waits for approval',
      observed({ dryRuns: alive, migration: migration({ approval: 'Manual' }) }),
      'Approval wait AwaitingApproval',
    ],
    [
      'stalls on a blocker, before any dry run',
      observed({ workloads: [workload({ obstacle: 'Partition' })] }),
      'Preflight stalled BlockedByFindings',
    ],
    [
      'stalls on a policy that appears in mid-migration',
      observed({
        snapshot,
        labels: enrolledLabels,
        policies: [{ kind: 'EnvoyFilter', metadata: { name: 'x', namespace: 'shop' } }],
      }),
      'Plan stalled BlockedByFindings',
    ],
    [
      'names a workload that a hand has paused meanwhile',
      observed({ snapshot, labels: enrolledLabels, workloads: [workload({ obstacle: 'Paused' })] }),
      'Workloads stalled RolloutBlocked',
    ],
    [
      'names a workload that a hand has partitioned meanwhile',
      observed({ snapshot, labels: enrolledLabels, workloads: [workload({ obstacle: 'Partition' })] }),
      'Workloads stalled RolloutBlocked',
    ],
    [
      'does not label where admission would take that off again',
      observed({ snapshot, dryRuns: { ...alive, undone: new Map([['Namespace/shop', ['metadata.annotations.x']]]) } }),
      'Enrol stalled FieldReverted',
    ],
    [
      'does not restart where admission would take that off again',
      observed({
        snapshot,
        labels: enrolledLabels,
        dryRuns: { ...notInjected, undone: new Map([['Deployment/web', ['spec.x']]]) },
      }),
      'Workloads stalled FieldReverted',
    ],
    [
      'stops when somebody has set the pod template back twice',
      observed({
        snapshot,
        labels: enrolledLabels,
        dryRuns: notInjected,
        workloads: [
          workload({
            reverted: true,
            restartMark: { ...asker, goal: 'ambient', attempt: 2 },
            templateMark: undefined,
          }),
        ],
      }),
      'Workloads stalled FieldReverted',
    ],
    [
      'names a Rollout whose pod template is gone meanwhile',
      observed({
        snapshot,
        labels: enrolledLabels,
        workloads: [workload({ kind: 'Rollout', obstacle: 'NoTemplate' })],
      }),
      'Workloads stalled RolloutBlocked',
    ],
    [
      'stops when somebody has reverted the labels twice',
      observed({ snapshot, annotations: marked(2), dryRuns: alive }),
      'Enrol stalled FieldReverted',
    ],
  ])('%s', (_, given, expected) => {
    expect(verdictOf(given)).toBe(expected);
  });

  it('asks before the first change of a pod with its sidecar and of one without, of each workload that is injected', () => {
    const outside = workload({
      name: 'outside',
      template: { metadata: { labels: { [LABEL.inject]: 'false' } }, spec: { containers: [] } },
      pods: [],
    });
    const { verdict } = decide(observed({ workloads: [workload(), outside] }));
    const web = [{ name: 'web' }];
    expect(verdict).toMatchObject({ kind: 'dry-run', request: { pods: web, withoutSidecar: web, istiod: true } });
  });

  it('refuses to take a half-migrated state for the state before', () => {
    const given = observed({ labels: enrolledLabels, annotations: mark });
    expect(verdictOf(given)).toBe('- stalled SnapshotMissing');
    // Whoever does as he is told can migrate again.
    expect(decide(given).verdict.message).toMatch(
      /remove the label .*-mode and the annotation sidestep.dev\/enrolled$/,
    );
  });

  it('tells a lag of admission from an injector that does not give way', () => {
    const since = (minutes: number): object => ({
      observedGeneration: 1,
      conditions: [
        {
          type: 'Enrolled',
          status: 'True',
          reason: 'LabelsSet',
          message: '',
          lastTransitionTime: new Date(NOW_MS - minutes * 60_000).toISOString(),
        },
      ],
    });
    const given = (minutes: number): Observed =>
      observed({ snapshot, labels: enrolledLabels, dryRuns: alive, migration: migration({}, since(minutes)) });
    expect(decide(given(0)).verdict).toMatchObject({ kind: 'wait', recheckMs: 300 });
    expect(decide(given(1)).verdict).toMatchObject({ kind: 'wait', recheckMs: 3_000 });
    expect(decide(given(10)).verdict).toMatchObject({ kind: 'stalled', reason: 'InjectorStillInjects' });
  });

  it('stops every clock while it is paused', () => {
    const sick = workload({ finished: false, pods: [pod({ mode: 'ambient', ready: false })] });
    const given = { snapshot, labels: enrolledLabels, workloads: [sick], migration: migration({ paused: true }) };
    expect(decide(observed(given)).verdict).toEqual({
      kind: 'wait',
      reason: 'RolloutInProgress',
      message: 'Deployment/web: pod web-1 is not ready',
    });
    const soaking = migration({ paused: true, rollout: { soak: '5m' } });
    const migrated = { snapshot, labels: enrolledLabels, workloads: [workload({ pods: ambientPods })] };
    expect(verdictOf(observed({ ...migrated, migration: soaking }))).toBe('Verify wait Paused');
  });

  it('labels with one patch: ambient, injection off, our mark; the revision label stays', () => {
    const { verdict } = decide(observed({ snapshot, labels: { [LABEL.revision]: 'default' }, dryRuns: alive }));
    const value = JSON.stringify({
      ...asker,
      attempt: 1,
      before: { [LABEL.dataplaneMode]: null, [LABEL.injection]: null },
    });
    expect(verdict).toMatchObject({
      actions: [
        {
          type: 'label-namespace',
          changes: [
            { path: ['metadata', 'labels', LABEL.dataplaneMode], value: 'ambient' },
            { path: ['metadata', 'labels', LABEL.injection], value: 'disabled' },
            { path: ['metadata', 'annotations', 'sidestep.dev/enrolled'], value },
          ],
        },
      ],
    });
  });

  it('restarts no more workloads at once than maxConcurrent, in order of kind and name', () => {
    const workloads = ['a', 'b', 'c'].map((name) => workload({ name }));
    const dryRuns: DryRuns = {
      pods: new Map(workloads.map(({ name }) => [`Deployment/${name}`, { kind: 'created', sidecar: false }])),
      istiod: 'alive',
    };
    const restartMark = { goal: 'ambient', generation: 1, attempt: 1 } as const;
    const names = (maxConcurrent: number, rolling: boolean): string[] => {
      const first = workload({ name: 'a', ...(rolling && { finished: false, restartedAtMs: NOW_MS, restartMark }) });
      const { verdict } = decide(
        observed({
          snapshot,
          labels: enrolledLabels,
          workloads: [first, ...workloads.slice(1)],
          dryRuns,
          migration: migration({ rollout: { maxConcurrent } }),
        }),
      );
      return verdict.kind === 'act'
        ? verdict.actions.flatMap((action) => (action.type === 'restart' ? [action.workload.name] : []))
        : [];
    };
    expect(names(1, false)).toEqual(['a']);
    expect(names(2, false)).toEqual(['a', 'b']);
    expect(names(2, true)).toEqual(['b']);
    expect(names(1, true)).toEqual([]);
  });

  it('watches for the soak, from the moment the workloads were migrated', () => {
    const status = (minutes: number): object => ({
      observedGeneration: 1,
      conditions: [
        {
          type: 'WorkloadsMigrated',
          status: 'True',
          reason: 'AllAmbient',
          message: '',
          lastTransitionTime: new Date(NOW_MS - minutes * 60_000).toISOString(),
        },
      ],
    });
    const given = (minutes: number): Observed =>
      observed({
        snapshot,
        labels: enrolledLabels,
        workloads: [workload({ pods: ambientPods })],
        migration: migration({ rollout: { soak: '5m' } }, status(minutes)),
      });
    expect(decide(given(2)).verdict).toMatchObject({ kind: 'wait', reason: 'Soaking', recheckMs: 180_000 });
    expect(verdictOf(given(5))).toBe('- done Migrated');
  });
});

const rollback = {
  migration: back,
  snapshot,
  labels: enrolledLabels,
  annotations: mark,
  workloads: [workload({ pods: ambientPods })],
};
const left = { ...rollback, labels: { [LABEL.injection]: 'enabled' }, annotations: {}, workloads: [workload()] };
const restored = { ...rollback, labels: { [LABEL.injection]: 'enabled', [LABEL.dataplaneMode]: 'ambient' } };

describe('back', () => {
  it.each<[string, Observed, string]>([
    ['tries to restore injection first', observed(rollback), 'Workloads dry-run LabelsMissing'],
    ['restores it', observed({ ...rollback, dryRuns: alive }), 'Workloads act LabelsMissing'],
    [
      'does not restore it where admission would take the mark off that tells our labels from others',
      observed({ ...rollback, dryRuns: { ...alive, undone: tried({ 'Namespace/shop': ['metadata.annotations.x'] }) } }),
      'Workloads stalled FieldReverted',
    ],
    ['then asks the injector', observed(restored), 'Workloads dry-run Restarting'],
    [
      'waits for an injector that is down',
      observed({
        ...restored,
        dryRuns: { pods: new Map([['Deployment/web', { kind: 'injector-down', message: 'x' }]]), istiod: 'not-asked' },
      }),
      'Workloads wait InjectorDown',
    ],
    [
      'waits for an injector whose view lags',
      observed({ ...restored, dryRuns: notInjected }),
      'Workloads wait InjectorNotInjecting',
    ],
    ['restarts what the injector will inject', observed({ ...restored, dryRuns: alive }), 'Workloads act Restarting'],
    [
      'asks the injector once more before the data-plane label goes',
      observed({ ...restored, workloads: [workload()] }),
      'Enrol dry-run LabelsMissing',
    ],
    [
      'takes the data-plane label away last',
      observed({ ...restored, workloads: [workload()], dryRuns: alive }),
      'Enrol act LabelsMissing',
    ],
    [
      'keeps the data-plane label while a new pod would get no sidecar',
      observed({ ...restored, workloads: [workload()], dryRuns: notInjected }),
      'Enrol wait InjectorNotInjecting',
    ],
    [
      'restarts a workload whose pods are not ready: that may be why',
      observed({
        ...restored,
        dryRuns: alive,
        workloads: [workload({ finished: false, pods: [pod({ mode: 'ambient', ready: false })] })],
      }),
      'Workloads act Restarting',
    ],
    [
      'is not held up by a budget that a sick pod has used up',
      observed({
        ...restored,
        dryRuns: alive,
        budgets: [{ name: 'web', selects: () => true, disruptionsAllowed: 0, desiredHealthy: 1, expectedPods: 2 }],
        workloads: [workload({ maxUnavailable: 1, pods: [pod({ mode: 'ambient', ready: false })] })],
      }),
      'Workloads act Restarting',
    ],
    [
      'is not held up by a workload that is stuck on its own',
      observed({
        ...restored,
        dryRuns: alive,
        workloads: [
          workload({ pods: ambientPods }),
          workload({ name: 'sick', finished: false, pods: [pod({ ready: false })] }),
        ],
      }),
      'Workloads act Restarting',
    ],
    ['tries to close the snapshot when label and mark are gone', observed(left), 'Snapshot dry-run SnapshotKept'],
    ['closes it', observed({ ...left, dryRuns: alive }), 'Snapshot act SnapshotKept'],
    [
      'does not close it where admission would open it again',
      observed({
        ...left,
        dryRuns: { ...alive, undone: tried({ 'ControllerRevision/sidestep-before': ['metadata.annotations.x'] }) },
      }),
      'Snapshot stalled FieldReverted',
    ],
    [
      'is done when the snapshot is closed',
      observed({ migration: back, lastSnapshot: { ...snapshot, restored: true } }),
      '- done RolledBack',
    ],
    [
      'is not held by ill health',
      observed({ ...restored, dryRuns: alive, mesh: mesh({ nodesWithoutZtunnel: ['node-1'] }) }),
      'Workloads act Restarting',
    ],
    [
      'keeps the label, but not Ready, for an enrolled Job pod',
      observed({ ...restored, workloads: [workload()], jobPods: ambientPods }),
      '- done RolledBack',
    ],
    [
      'refuses to strand pods if a hand has switched injection off',
      observed({ ...restored, labels: { ...enrolledLabels, [LABEL.injection]: 'off' } }),
      'Workloads stalled InjectionNotRestored',
    ],
    [
      'waits for a pod that drains in ambient mode before it leaves that',
      observed({ ...restored, workloads: [workload()], draining: [drainingPod({})] }),
      'Enrol wait RolloutInProgress',
    ],
    [
      'waits for one that is ambient by labels of ours, which have gone from its template',
      observed({ ...restored, workloads: [workload({ draining: [labelled()] })], draining: [labelled()] }),
      'Enrol wait RolloutInProgress',
    ],
    [
      'waits for one whose workload has gone: nobody knows whose labels they were',
      observed({ ...restored, workloads: [workload()], draining: [labelled()] }),
      'Enrol wait RolloutInProgress',
    ],
    [
      'does not wait for one whose template says by itself that it is ambient',
      observed({ ...restored, workloads: [workload(), ambientByItself], draining: ambientByItself.draining }),
      'Enrol dry-run LabelsMissing',
    ],
    [
      'does not wait for one of a Job that says so by itself',
      observed({ ...restored, workloads: [workload()], draining: [labelled({ owner: ofJob })] }),
      'Enrol dry-run LabelsMissing',
    ],
    [
      'waits for one of a Job that is ambient by the namespace',
      observed({ ...restored, workloads: [workload()], draining: [drainingPod({ owner: ofJob })] }),
      'Enrol wait RolloutInProgress',
    ],
    [
      'does not wait for one of a gateway, nor for one with a sidecar',
      observed({
        ...restored,
        workloads: [workload()],
        draining: [drainingPod({ gateway: true }), drainingPod({ mode: 'sidecar' })],
      }),
      'Enrol dry-run LabelsMissing',
    ],
    ['has nothing to do where nothing was done', observed({ migration: back }), '- done NothingToRollBack'],
    [
      'says so, too, if only templates are enrolled yet',
      observed({ migration: back, workloads: [workload({ enrolment: { [LABEL.dataplaneMode]: null } })] }),
      '- stalled SnapshotMissing',
    ],
    ['says so if the snapshot is gone', observed({ ...rollback, snapshot: undefined }), '- stalled SnapshotMissing'],
  ])('%s', (_, given, expected) => {
    expect(verdictOf(given)).toBe(expected);
  });
});

describe('back, with a workload that cannot go', () => {
  const ambient = (name: string, labels: object = {}): Workload =>
    workload({
      name,
      pods: [pod({ name: `${name}-1`, mode: 'ambient', hbone: false, restartMark: undefined })],
      template: { metadata: { labels: { app: name, ...labels } }, spec: { containers: [] } },
    });
  const refused = { kind: 'refused', message: 'quota' } as const;
  const created = { kind: 'created', sidecar: true } as const;
  const three = { ...restored, workloads: [ambient('a'), ambient('b'), ambient('c')] };
  const decided = (given: Observed): object => {
    const { verdict } = decide(given);
    const names = (all: readonly { name: string }[]): string => all.map(({ name }) => name).join(' ');
    if (verdict.kind === 'dry-run') return { asks: names(verdict.request.pods) };
    if (verdict.kind !== 'act') return { [verdict.kind]: verdict.reason };
    return { acts: names(verdict.actions.flatMap((action) => ('workload' in action ? [action.workload] : []))) };
  };
  const answered = (answers: Readonly<Record<string, PodDryRun>>): Observed => {
    const pods = new Map(Object.entries(answers).map(([name, answer]) => [`Deployment/${name}`, answer] as const));
    return observed({ ...three, dryRuns: { pods, istiod: 'not-asked' } });
  };

  it('asks about the next, and takes that', () => {
    expect(decided(observed(three))).toEqual({ asks: 'c' });
    expect(decided(answered({ c: refused }))).toEqual({ asks: 'b' });
    expect(decided(answered({ c: refused, b: created }))).toEqual({ acts: 'b' });
    expect(decided(answered({ c: refused, b: refused, a: refused }))).toEqual({ stalled: 'PodRefused' });
  });

  it('asks nobody else while the injector is silent', () => {
    expect(decided(answered({ c: { kind: 'injector-down', message: '' } }))).toEqual({ wait: 'InjectorDown' });
  });

  it('asks about nobody else where a webhook does not answer: each would take its time', () => {
    const message = 'Internal error occurred: failed calling webhook "policies.example"';
    expect(decided(answered({ c: { kind: 'refused', message } }))).toEqual({ stalled: 'PodRefused' });
  });

  it('leaves out one that injection would not reach, and names it at the end', () => {
    const optedOut = { ...ambient('c', { [LABEL.inject]: 'false' }) };
    const data = snapshotData(observed({ workloads: [workload({ name: 'b' }), workload({ name: 'c' })] }));
    const before = { ...snapshot, data };
    const with2 = (b: Workload): Observed => observed({ ...restored, snapshot: before, workloads: [b, optedOut] });
    expect(decided(with2(ambient('b')))).toEqual({ asks: 'b' });
    expect(decided(with2(workload({ name: 'b' })))).toEqual({ stalled: 'InjectionNotRestored' });
  });
});

describe('forward again, after a rollback', () => {
  const again = observed({ lastSnapshot: { ...snapshot, restored: true }, dryRuns: alive });

  it('checks everything anew, and takes a snapshot of its own', () => {
    expect(verdictOf({ ...again, dryRuns: undefined })).toBe('Preflight dry-run ClusterNotReady');
    expect(decide(again).verdict).toMatchObject({ actions: [{ type: 'write-snapshot', name: 'sidestep-before-2' }] });
    const blocked = { ...again, workloads: [workload({ obstacle: 'Partition' })] } as const;
    expect(verdictOf(blocked)).toBe('Preflight stalled BlockedByFindings');
  });
});

describe('of a thousand Job pods', () => {
  const jobPods = (more: object): PodView[] =>
    Array.from({ length: 1_000 }, (_, i) =>
      pod({ name: `job-${i}`, owner: { kind: 'Job', name: `job-${i}` }, ...more }),
    );
  const migrated = { snapshot, labels: enrolledLabels, workloads: [workload({ pods: ambientPods })] };

  it('only a few are named', () => {
    const forward = decide(observed({ ...migrated, jobPods: jobPods({}) }));
    expect(forward.verdict).toMatchObject({ kind: 'done', reason: 'Migrated' });
    const workloads = forward.steps.find(({ step }) => step.name === 'Workloads');
    expect(workloads?.verdict?.message).toBe(
      '1 of 1 workloads; 1000 Job pods keep their sidecar until they end: job-0, job-1, job-2 and 997 more',
    );
    const labels = { [LABEL.injection]: 'enabled', [LABEL.dataplaneMode]: 'ambient' };
    const enrolledPods = jobPods({ mode: 'ambient', hbone: false });
    const rollback = { snapshot, labels, annotations: mark, migration: back, jobPods: enrolledPods };
    expect(decide(observed(rollback)).verdict.message.length).toBeLessThan(200);
    const outside = decide(observed({ jobPods: jobPods({ mode: 'none' }) }));
    expect(outside.verdict.message).toMatch(/; and 980 more$/);
  });
});

describe('the plan', () => {
  it('keeps its hash while pods come and go, and once the snapshot exists', () => {
    const before = decide(observed()).plan.hash;
    expect(
      decide(observed({ workloads: [workload({ pods: [pod(), pod({ name: 'web-2', ready: false })] })] })).plan.hash,
    ).toBe(before);
    expect(
      decide(observed({ snapshot, labels: enrolledLabels, workloads: [workload({ pods: ambientPods })] })).plan.hash,
    ).toBe(before);
  });

  it('keeps its hash when an autoscaler changes the number of pods, and with it what a rollout takes away', () => {
    const scaled = (replicas: number, desiredHealthy: number): string => {
      const budget = {
        name: 'web',
        selects: () => true,
        disruptionsAllowed: 0,
        desiredHealthy,
        expectedPods: replicas,
      };
      const web = workload({ kind: 'StatefulSet', replicas, maxUnavailable: 1, outage: replicas === 1 });
      return decide(observed({ workloads: [web], budgets: [budget] })).plan.hash;
    };
    expect(scaled(1, 1)).toBe(scaled(2, 1));
  });

  it('has another hash for another set of workloads, policies or rollout settings', () => {
    const before = decide(observed()).plan.hash;
    expect(decide(observed({ workloads: [workload(), workload({ name: 'api' })] })).plan.hash).not.toBe(before);
    expect(
      decide(observed({ policies: [{ kind: 'EnvoyFilter', metadata: { name: 'x', namespace: 'shop' } }] })).plan.hash,
    ).not.toBe(before);
    expect(decide(observed({ migration: migration({ rollout: { maxConcurrent: 2 } }) })).plan.hash).not.toBe(before);
  });
});
