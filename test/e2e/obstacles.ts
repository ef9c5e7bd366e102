import { expect, it } from 'vitest';
import { applyYaml } from '../../scripts/apply-yaml.js';
import type { AmbientMigration } from '../../src/api/ambient-migration.js';
import { findCondition } from '../../src/kube/conditions.js';
import { changesIn } from '../support/changes.js';
import type { Cluster } from '../support/cluster.js';
import { budget, deployment, job, namespace, statefulSet, yaml } from '../support/fixtures.js';
import { namespaceState } from '../support/namespace-state.js';

/** Findings but the information about what is freed, which every namespace has. */
export const matters = ({ status }: AmbientMigration): readonly object[] =>
  (status?.plan?.findings ?? []).filter(({ code }) => code !== 'SST4027');

/** What stops a migration before its first change, what holds it, and the way back from a pod that does not start. */
export function obstacles(cluster: () => Cluster): void {
  it('stalls on a pod that never becomes ready without its sidecar, says which and why, and rolls back from there', async () => {
    const name = 'stuck';
    await cluster().apply(
      yaml(
        namespace(name),
        deployment(name, 'a'),
        deployment(name, 'b', { replicas: 2, annotations: { 'sidestep.dev/test': 'crash-without-sidecar' } }),
      ),
    );
    await cluster().podsReady(name, 3);
    const before = await namespaceState(cluster().client, name);
    await cluster().migrate(name, { rollout: { progressDeadline: '5s' } });
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'ProgressDeadlineExceeded' });
    const bad = (await cluster().pods(name)).find((pod) =>
      pod.status?.containerStatuses?.some(({ state }) => state?.waiting),
    );
    expect(stalled.status?.nextAction).toContain(
      `Deployment/b: pod ${bad?.metadata.name ?? ''} is not ready (CrashLoopBackOff`,
    );
    expect(stalled.status?.nextAction).toMatch(/dataplaneMode: Sidecar to roll back/);
    expect(stalled.status?.workloads).toMatchObject({
      total: 2,
      failed: 1,
      progress: '1/2',
      notDone: [{ kind: 'Deployment', name: 'b', state: 'Failed' }],
    });

    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    await cluster().podsReady(name, 3);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
  });

  it('stops before the first change on what ztunnel would not enforce, and goes on once that is acknowledged', async () => {
    const name = 'blocked';
    await cluster().apply(
      yaml(namespace(name), deployment(name, 'web'), {
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: { name: 'only-get', namespace: name },
        spec: { rules: [{ to: [{ operation: { methods: ['GET'] } }] }] },
      }),
    );
    await cluster().podsReady(name, 1);
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    expect(matters(stalled)).toMatchObject([
      { code: 'SST2007', verdict: 'BLOCK', object: 'AuthorizationPolicy/only-get', acknowledged: false },
    ]);
    expect(stalled.status?.nextAction).toMatch(
      /AuthorizationPolicy only-get, field spec\.rules\[0\]\.to\[0\]\.operation\.methods/,
    );
    expect(changesIn(cluster(), name)).toEqual([]);

    await cluster().migrate(name, {
      acknowledge: [{ code: 'SST2007', object: 'AuthorizationPolicy/only-get', reason: 'checked' }],
    });
    await cluster().ready(name, 'Migrated');
  });

  it('keeps an L4 policy and STRICT mTLS without a word', async () => {
    const name = 'understood';
    await cluster().apply(
      yaml(
        namespace(name),
        deployment(name, 'web'),
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'PeerAuthentication',
          metadata: { name: 'strict', namespace: name },
          spec: { mtls: { mode: 'STRICT' } },
        },
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'AuthorizationPolicy',
          metadata: { name: 'l4', namespace: name },
          spec: {
            selector: { matchLabels: { app: 'web' } },
            rules: [
              {
                from: [{ source: { principals: ['cluster.local/ns/a/sa/b'] } }],
                to: [{ operation: { ports: ['80'] } }],
              },
            ],
          },
        },
      ),
    );
    await cluster().podsReady(name, 1);
    await cluster().migrate(name);
    const migrated = await cluster().ready(name, 'Migrated');
    expect(matters(migrated)).toEqual([]);
    expect(migrated.status?.plan?.findings.find(({ code }) => code === 'SST4027')?.message).toBe(
      '1 sidecar requests 100m of CPU and 128Mi of memory, which becomes free',
    );
  });

  it('names each workload that it cannot roll out, before the first change', async () => {
    const name = 'unservable';
    await cluster().apply(
      yaml(
        namespace(name),
        deployment(name, 'paused'),
        statefulSet(name, 'by-hand', { updateStrategy: { type: 'OnDelete' } }),
        statefulSet(name, 'parted', {
          replicas: 2,
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
        }),
        statefulSet(name, 'guarded', { replicas: 2 }),
        budget(name, 'guarded', 2),
        deployment(name, 'excluded', { annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': '9000' } }),
        deployment(name, 'out', { labels: { 'istio.io/dataplane-mode': 'none' } }),
        {
          apiVersion: 'autoscaling/v2',
          kind: 'HorizontalPodAutoscaler',
          metadata: { name: 'by-sidecar', namespace: name },
          spec: {
            scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'out' },
            maxReplicas: 2,
            metrics: [
              {
                type: 'ContainerResource',
                containerResource: {
                  name: 'cpu',
                  container: 'istio-proxy',
                  target: { type: 'Utilization', averageUtilization: 80 },
                },
              },
            ],
          },
        },
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'bare', namespace: name },
          spec: { containers: [{ name: 'app', image: 'x' }] },
        },
      ),
    );
    await cluster().podsReady(name, 9);
    await cluster().kubectl('rollout', 'pause', 'deployment/paused', '-n', name);
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    const blocks = (stalled.status?.plan?.findings ?? [])
      .filter(({ verdict }) => verdict === 'BLOCK')
      .map(({ code, object }) => `${code} ${object}`);
    expect(blocks).toEqual([
      'SST4003 Pod/bare',
      'SST4004 StatefulSet/by-hand',
      'SST4005 StatefulSet/parted',
      'SST4006 Deployment/paused',
      'SST4007 StatefulSet/guarded',
      'SST4008 Deployment/out',
      'SST4009 Deployment/excluded',
      'SST4022 HorizontalPodAutoscaler/by-sidecar',
    ]);
    expect(changesIn(cluster(), name)).toEqual([]);
  });

  it('stops where a GitOps tool owns the very label that it must change', async () => {
    const name = 'from-git';
    const annotations = { 'argocd.argoproj.io/tracking-id': `apps:/Namespace:${name}/${name}` };
    const options = { client: cluster().client, fieldManager: 'argocd-controller', clock: cluster().time };
    const labels = { 'istio-injection': 'enabled' };
    const fromGit = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels, annotations } };
    await applyYaml(yaml(fromGit), options);
    await cluster().apply(yaml(deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    expect(matters(stalled)).toMatchObject([
      {
        code: 'SST4026',
        object: `Namespace/${name}`,
        message: `Argo CD owns metadata.labels[istio-injection] of namespace ${name}`,
      },
    ]);
    expect(changesIn(cluster(), name)).toEqual([]);

    await cluster().migrate(name, { acknowledge: [{ code: 'SST4026', reason: 'the tool ignores the label' }] });
    await cluster().ready(name, 'Migrated');
  });

  it('does not wait for Job pods, and says that they keep their sidecar', async () => {
    const name = 'jobs';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web'), job(name, 'batch')));
    await cluster().podsReady(name, 2);
    await cluster().migrate(name);
    const migrated = await cluster().ready(name, 'Migrated');
    expect(findCondition(migrated.status?.conditions ?? [], 'WorkloadsMigrated')?.message).toMatch(
      /1 Job pods keep their sidecar/,
    );
  });

  it('waits for approval of the plan, and keeps to it', async () => {
    const name = 'approval';
    await cluster().apply(yaml(namespace(name), deployment(name, 'web')));
    await cluster().podsReady(name, 1);
    await cluster().migrate(name, { approval: 'Manual' });
    const waiting = await cluster().condition(name, 'Approved', { status: 'False', reason: 'AwaitingApproval' });
    const hash = waiting.status?.plan?.hash ?? '';
    expect(waiting.status?.nextAction).toBe(`You: set spec.approvedPlan to ${hash}.`);
    await cluster().time.sleep(1_000);
    expect(changesIn(cluster(), name)).toEqual([]);
    await cluster().migrate(name, { approval: 'Manual', approvedPlan: hash });
    await cluster().ready(name, 'Migrated');
  });
}
