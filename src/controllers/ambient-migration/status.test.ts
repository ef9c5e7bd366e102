import { describe, expect, it } from 'vitest';
import { NOW_MS, migration, observed, pod, workload } from '../../../test/support/observed.js';
import { policyObject } from '../../../test/support/policies.js';
import { AmbientMigrationStatusSchema, MAX_FINDING_MESSAGE } from '../../api/ambient-migration.js';
import { LABEL } from '../../api/labels.js';
import { findCondition } from '../../kube/conditions.js';
import { FINDINGS, type FindingCode } from '../../mesh/findings.js';
import { decide } from './decide.js';
import { findingsByCode } from './finding-report.js';
import type { Observed } from './observed.js';
import { snapshotData } from './plan.js';
import { statusOf } from './status.js';
import type { Workload } from './workloads.js';

const snapshot = {
  name: 'sidestep-before',
  createdAt: '2026-11-21T09:30:00Z',
  data: snapshotData(observed()),
  restored: false,
};
const labels = { [LABEL.injection]: 'disabled', [LABEL.dataplaneMode]: 'ambient' };
const ambient = workload({ pods: [pod({ mode: 'ambient', hbone: false })] });
const late = new Date(NOW_MS - 3_600_000).toISOString();

const template = (annotations: Record<string, string>): Workload['template'] => ({
  metadata: { labels: { app: 'web' }, annotations },
  spec: { containers: [{ name: 'app' }] },
});

function report(given: Observed, pass: { isNew?: boolean; failure?: string } = {}): ReturnType<typeof statusOf> {
  const status = statusOf(given, decide(given), { isNew: pass.isNew ?? false, failure: pass.failure });
  // Whatever is reported must be what the CRD allows.
  expect(AmbientMigrationStatusSchema.parse(status)).toEqual(status);
  return status;
}

function summary(status: ReturnType<typeof statusOf>): string[] {
  return ['Ready', 'Reconciling', 'Stalled'].map((type) => {
    const condition = findCondition(status.conditions ?? [], type);
    return `${type}=${condition?.status ?? ''} ${condition?.reason ?? ''}`;
  });
}

describe('the status', () => {
  it('is Ready, and neither Reconciling nor Stalled, when everything is done', () => {
    const status = report(observed({ snapshot, labels, workloads: [ambient] }));
    expect(summary(status)).toEqual(['Ready=True Migrated', 'Reconciling=False Migrated', 'Stalled=False Progressing']);
    expect(status).toMatchObject({
      phase: 'Ambient',
      nextAction: 'Nothing to do.',
      workloads: { total: 1, ambient: 1, progress: '1/1', notDone: [] },
      startedAt: snapshot.createdAt,
    });
    expect(status.completedAt).toBe(new Date(NOW_MS).toISOString().replace('.000', ''));
  });

  it('is one that the API server takes, however many workloads are rolled out', () => {
    const workloads = Array.from({ length: 1_000 }, (_, i) =>
      workload({
        name: `web-${i}`,
        finished: false,
        pods: [pod({ name: `web-${i}-1`, mode: 'ambient', ready: false, progressAtMs: NOW_MS - 60_000 })],
      }),
    );
    const status = report(observed({ snapshot, labels, workloads }));
    expect(findCondition(status.conditions ?? [], 'Ready')).toMatchObject({
      reason: 'RolloutInProgress',
      message: expect.stringMatching(/^Deployment\/web-0: .*…$/) as string,
    });
  });

  it('is not Ready in the pass that first sees a spec, whatever the cluster looks like', () => {
    const status = report(observed({ snapshot, labels, workloads: [ambient] }), { isNew: true });
    expect(summary(status)).toEqual([
      'Ready=False SpecChanged',
      'Reconciling=True SpecChanged',
      'Stalled=False Progressing',
    ]);
    expect(status.observedGeneration).toBe(1);
  });

  it('tells findings by code, worst first, with their number and one that is not accepted', () => {
    const entries = Array.from({ length: 300 }, (_, index) =>
      policyObject('ServiceEntry', { exportTo: ['.'] }, { name: `entry-${index}`, namespace: 'other' }),
    );
    const workloads = ['api', 'db', 'web'].map((name) => workload({ name, obstacle: 'Paused' }));
    const excluding = workload({
      name: 'excluding',
      template: template({ 'traffic.sidecar.istio.io/excludeInboundPorts': '9000' }),
    });
    const acknowledge = [{ code: 'SST4009', reason: 'nobody calls it' }];
    const given = observed({
      policies: entries,
      workloads: [...workloads, excluding],
      migration: migration({ acknowledge }),
    });
    const { plan } = report(given);
    expect(plan?.findingSummary).toBe('4 BLOCK, 300 WARN');
    expect(plan?.findings.map(({ code, count, object, acknowledged }) => [code, count, object, acknowledged])).toEqual([
      ['SST4006', 3, 'Deployment/api', false],
      ['SST4009', 1, 'Deployment/excluding', true],
      ['SST3022', 300, 'ServiceEntry/other/entry-0', false],
    ]);
  });

  it('shows of several findings of a code the first that is not accepted', () => {
    const templates = ['api', 'db', 'web'].map((name) =>
      workload({ name, template: template({ 'traffic.sidecar.istio.io/excludeInboundPorts': '9000' }) }),
    );
    const found = (...objects: string[]): unknown => {
      const acknowledge = objects.map((object) => ({ code: 'SST4009', object, reason: 'nobody calls it' }));
      const [first] =
        report(observed({ workloads: templates, migration: migration({ acknowledge }) })).plan?.findings ?? [];
      return [first?.object, first?.count, first?.acknowledged];
    };
    expect(found()).toEqual(['Deployment/api', 3, false]);
    expect(found('Deployment/api', 'Deployment/web')).toEqual(['Deployment/db', 3, false]);
    expect(found('Deployment/api', 'Deployment/db', 'Deployment/web')).toEqual(['Deployment/api', 3, true]);
  });

  it('has room for every code', () => {
    const codes = Object.keys(FINDINGS) as FindingCode[];
    const findings = findingsByCode(
      codes.map((code) => ({ code, object: 'Deployment/web', message: 'x' })),
      [],
    );
    const plan = { hash: '', steps: [], findings };
    expect(AmbientMigrationStatusSchema.parse({ plan }).plan?.findings).toHaveLength(codes.length);
  });

  it('cuts the message of a finding between two characters', () => {
    const message = '😀'.repeat(2 * MAX_FINDING_MESSAGE);
    const [first] = findingsByCode([{ code: 'SST4012', object: 'Deployment/web', message }], []);
    expect(first?.message).toMatch(/^😀+…$/u);
    expect([...(first?.message ?? '')]).toHaveLength(MAX_FINDING_MESSAGE);
  });

  it('keeps what the steps said until they have looked at the new spec', () => {
    const said = {
      type: 'Enrolled',
      status: 'True',
      reason: 'LabelsSet',
      message: '',
      lastTransitionTime: late,
      observedGeneration: 0,
    };
    const status = report(observed({ migration: migration({}, { conditions: [said] }) }), { isNew: true });
    expect(findCondition(status.conditions ?? [], 'Enrolled')).toEqual(said);
  });

  it('begins its clock anew with each spec, however long the one before took', () => {
    const reconciling = {
      type: 'Reconciling',
      status: 'True',
      reason: 'AwaitingApproval',
      message: '',
      lastTransitionTime: late,
      observedGeneration: 0,
    };
    const given = observed({ migration: migration({}, { conditions: [reconciling] }) });
    const sinceOf = (isNew: boolean): string | undefined =>
      findCondition(report(given, { isNew }).conditions ?? [], 'Reconciling')?.lastTransitionTime;
    expect(sinceOf(false)).toBe(late);
    expect(Date.parse(sinceOf(true) ?? '')).toBe(NOW_MS);
  });

  it('is Stalled, and not Reconciling, when a person has to act, and says what to do', () => {
    const status = report(observed({ workloads: [workload({ obstacle: 'Partition' })] }));
    expect(summary(status)).toEqual([
      'Ready=False BlockedByFindings',
      'Reconciling=False BlockedByFindings',
      'Stalled=True BlockedByFindings',
    ]);
    expect(status.phase).toBe('Stalled');
    expect(status.nextAction).toBe(
      'You: fix, or acknowledge in spec.acknowledge: SST4005 Deployment/web has a rollingUpdate.partition above 0 (cannot be acknowledged).',
    );
    expect(status.plan).toMatchObject({
      findingSummary: '1 BLOCK',
      findings: [
        { code: 'SST4005', fix: 'Set spec.updateStrategy.rollingUpdate.partition to 0.', acknowledged: false },
      ],
    });
  });

  it('shows an error of the pass, and goes on Reconciling', () => {
    const status = report(observed({ snapshot, labels }), { failure: 'ApiError: 422' });
    expect(summary(status).slice(0, 2)).toEqual(['Ready=False ReconcileFailed', 'Reconciling=True ReconcileFailed']);
    expect(findCondition(status.conditions ?? [], 'Ready')?.message).toBe('ApiError: 422');
  });

  it('says of a superseded one only that it is superseded, and by which', () => {
    const status = report(observed({ supersededBy: 'older' }));
    expect(status).toMatchObject({
      phase: 'Superseded',
      nextAction: expect.stringContaining('AmbientMigration older') as string,
    });
    expect(status).not.toHaveProperty('plan');
    expect(status.conditions?.map(({ type }) => type)).toEqual(['Ready', 'Reconciling', 'Stalled', 'Paused']);
  });

  it('keeps the time of a condition while its status stays, and moves it when the status does', () => {
    const conditions = [
      { type: 'Ready', status: 'False', reason: 'Paused', message: '', lastTransitionTime: late },
      { type: 'Enrolled', status: 'False', reason: 'LabelsMissing', message: '', lastTransitionTime: late },
    ];
    const status = report(
      observed({ snapshot, labels, migration: migration({}, { observedGeneration: 1, conditions }) }),
    );
    expect(findCondition(status.conditions ?? [], 'Ready')?.lastTransitionTime).toBe(late);
    expect(findCondition(status.conditions ?? [], 'Enrolled')?.lastTransitionTime).not.toBe(late);
  });

  it('reports the same twice, so that a second pass writes nothing', () => {
    const given = observed({ snapshot, labels });
    const first = report(given);
    const second = report({ ...given, nowMs: NOW_MS + 60_000, migration: migration({}, first) });
    expect(second).toEqual(first);
  });

  it('advises, on the way back, what frees a StatefulSet', () => {
    const sick = workload({
      kind: 'StatefulSet',
      name: 'db',
      finished: false,
      pods: [pod({ name: 'db-2', ready: false })],
    });
    const restored = { [LABEL.injection]: 'enabled', [LABEL.dataplaneMode]: 'ambient' };
    const back = migration({ dataplaneMode: 'Sidecar' });
    const given = observed({ migration: back, snapshot, labels: restored, workloads: [sick] });
    expect(report(given).nextAction).toBe(
      'You: mend StatefulSet/db: pod db-2 is not ready; neither a StatefulSet nor a Rollout of Argo replaces a pod that never got ready: delete that pod.',
    );
  });

  it('tells, once all is back, that no labels are left', () => {
    const given = observed({
      migration: migration({ dataplaneMode: 'Sidecar' }),
      lastSnapshot: { ...snapshot, restored: true },
    });
    expect(findCondition(report(given).conditions ?? [], 'Enrolled')).toMatchObject({
      status: 'False',
      reason: 'RolledBack',
      message: 'the namespace is as it was before',
    });
  });

  it('tells, going back, how much of the migration is still there', () => {
    const given = observed({
      migration: migration({ dataplaneMode: 'Sidecar' }),
      snapshot,
      labels,
      annotations: { 'sidestep.dev/enrolled': '1.1' },
      workloads: [ambient],
    });
    const status = report(given);
    expect(status.phase).toBe('RollingBack');
    expect(findCondition(status.conditions ?? [], 'Enrolled')).toMatchObject({
      status: 'True',
      message: 'the labels stay until every workload has its sidecar',
    });
    expect(status.plan?.steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'Snapshot Pending',
      'Waypoint Pending',
      'Policies Pending',
      'Bind Pending',
      'Enrol Pending',
      'Workloads Current',
      'Tighten Done',
    ]);
  });
});
