import { describe, expect, it } from 'vitest';
import { NOW_MS, migration, observed, pod, workload } from '../../../test/support/observed.js';
import { policyObject } from '../../../test/support/policies.js';
import { AmbientMigrationStatusSchema, MAX_FINDINGS } from '../../api/ambient-migration.js';
import { LABEL } from '../../api/labels.js';
import { findCondition } from '../../kube/conditions.js';
import { decide } from './decide.js';
import type { Observed } from './observed.js';
import { snapshotData } from './plan.js';
import { statusOf } from './status.js';

const snapshot = {
  name: 'sidestep-before',
  createdAt: '2026-11-21T09:30:00Z',
  data: snapshotData(observed()),
  restored: false,
};
const labels = { [LABEL.injection]: 'disabled', [LABEL.dataplaneMode]: 'ambient' };
const ambient = workload({ pods: [pod({ mode: 'ambient', hbone: false })] });
const late = new Date(NOW_MS - 3_600_000).toISOString();

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

  it('is not Ready in the pass that first sees a spec, whatever the cluster looks like', () => {
    const status = report(observed({ snapshot, labels, workloads: [ambient] }), { isNew: true });
    expect(summary(status)).toEqual([
      'Ready=False SpecChanged',
      'Reconciling=True SpecChanged',
      'Stalled=False Progressing',
    ]);
    expect(status.observedGeneration).toBe(1);
  });

  it('lists what blocks before anything else, where not all findings fit', () => {
    const policies = Array.from({ length: MAX_FINDINGS }, (_, index) =>
      policyObject('ServiceEntry', { exportTo: ['.'] }, { name: `entry-${index}`, namespace: 'other' }),
    );
    const given = observed({ policies, workloads: [workload({ obstacle: 'Paused' })] });
    const listed = report(given).plan?.findings ?? [];
    expect(listed).toHaveLength(MAX_FINDINGS);
    expect(listed.slice(0, 2).map(({ code }) => code)).toEqual(['SST4006', 'SST3022']);
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
