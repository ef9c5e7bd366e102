import { describe, expect, it } from 'vitest';
import { NOW_MS, migration, observed, workload } from '../../../test/support/observed.js';
import type { DryRuns, Observed, PodDryRun } from './observed.js';
import { snapshotData } from './plan.js';
import { RecentDryRuns } from './recent-dry-runs.js';
import { workloadName } from './workloads.js';

const app = (image: string) => ({ metadata: { labels: {} }, spec: { containers: [{ name: 'app', image }] } });
const a = workload({ name: 'a', template: app('1') });
const b = workload({ name: 'b', template: app('1') });
const seen = (generation = 1, workloads = [a, b], more: Partial<Observed> = {}): Observed => {
  const asked = migration();
  return observed({ migration: { ...asked, metadata: { ...asked.metadata, generation } }, workloads, ...more });
};
const answers = (withoutSidecar: Record<string, PodDryRun>): DryRuns => {
  const pods = [a, b].map((one) => [workloadName(one), { kind: 'created', sidecar: true }] as const);
  return { pods: new Map(pods), withoutSidecar: new Map(Object.entries(withoutSidecar)), istiod: 'alive' };
};
const admitted = { kind: 'created', sidecar: false } as const;
const refused = { kind: 'refused', message: 'a pod must have a sidecar' } as const;
/** Of which workloads a pod without sidecar is asked for. */
const asked = (recent: RecentDryRuns, given: Observed): string[] => {
  const request = { pods: given.workloads, withoutSidecar: given.workloads, istiod: true };
  return (recent.unanswered(request, given).withoutSidecar ?? []).map(({ name }) => name);
};

describe('a pod without sidecar', () => {
  it('is asked for until it is admitted, once for each spec and each pod template', () => {
    const recent = new RecentDryRuns();
    expect(asked(recent, seen())).toEqual(['a', 'b']);
    recent.keep(seen(), answers({ 'Deployment/a': admitted, 'Deployment/b': refused }));
    expect(asked(recent, seen())).toEqual(['b']);
    recent.keep(seen(), answers({ 'Deployment/b': admitted }));
    expect(asked(recent, seen(1, [structuredClone(a), b]))).toEqual([]);
    expect(asked(recent, seen(1, [{ ...a, template: app('2') }, b]))).toEqual(['a']);
    expect(asked(recent, seen(2))).toEqual(['a', 'b']);
  });

  it('is asked for again with another spec, and after the migration', () => {
    const recent = new RecentDryRuns();
    recent.keep(seen(), answers({ 'Deployment/a': admitted, 'Deployment/b': admitted }));
    recent.keep(seen(2), answers({ 'Deployment/a': admitted }));
    expect(asked(recent, seen(2))).toEqual(['b']);
    const snapshot = { name: 'sidestep-before', createdAt: '', restored: false, data: snapshotData(seen()) };
    recent.keep(seen(2, [a, b], { snapshot }), answers({}));
    expect(asked(recent, seen(2))).toEqual(['a', 'b']);
  });

  it('is left out where a step does not ask for it', () => {
    expect(new RecentDryRuns().unanswered({ pods: [a], istiod: false }, seen())).toEqual({ pods: [a], istiod: false });
  });
});

describe('a refusal of pods without sidecar', () => {
  it('stands for a moment, and no pass meanwhile asks again', () => {
    const recent = new RecentDryRuns();
    recent.keep(seen(), answers({ 'Deployment/a': refused }));
    const soon = recent.waitOf(seen(1, [a, b], { nowMs: NOW_MS + 1_000 }));
    expect(soon?.decision.verdict).toMatchObject({ kind: 'stalled', reason: 'BlockedByFindings', recheckMs: 4_000 });
    expect(soon?.decision.plan.findings.map(({ code, object }) => `${code} ${object}`)).toEqual([
      'SST4038 Deployment/a',
    ]);
    expect(recent.waitOf(seen(1, [a, b], { nowMs: NOW_MS + 5_000 }))).toBeUndefined();
  });

  it('does not change what is to be approved', () => {
    const recent = new RecentDryRuns();
    recent.keep(seen(), answers({ 'Deployment/a': refused }));
    const hash = recent.waitOf(seen())?.decision.plan.hash;
    recent.keep(seen(), answers({ 'Deployment/a': admitted }));
    const manual = migration({ approval: 'Manual' });
    const approval = recent.waitOf(seen(1, [a, b], { migration: manual, spec: observed({ migration: manual }).spec }));
    expect(approval?.decision.verdict).toMatchObject({ reason: 'AwaitingApproval' });
    expect(approval?.decision.plan.hash).toBe(hash);
  });
});
