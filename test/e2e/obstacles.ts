import { expect, it } from 'vitest';
import { applyYaml } from '../../scripts/apply-yaml.js';
import type { AmbientMigration } from '../../src/api/ambient-migration.js';
import { findCondition } from '../../src/kube/conditions.js';
import { CONFIG_MAP, POD } from '../../src/kube/types.js';
import { changesIn } from '../support/changes.js';
import type { Cluster } from '../support/cluster.js';
import { budget, daemonSet, deployment, job, namespace, statefulSet, yaml } from '../support/fixtures.js';
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
        deployment(name, 'all-at-once', { replicas: 2, strategy: { type: 'Recreate' } }),
        daemonSet(name, 'agent', { updateStrategy: { type: 'OnDelete' } }),
        statefulSet(name, 'by-hand', { updateStrategy: { type: 'OnDelete' } }),
        budget(name, 'by-hand', 0),
        { ...budget(name, 'by-hand', 0), metadata: { name: 'another', namespace: name } },
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
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'somebody', namespace: name } },
      ),
    );
    const { metadata } = await cluster().client.get(CONFIG_MAP, { namespace: name, name: 'somebody' });
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'somebody', uid: metadata.uid, controller: true };
    await cluster().apply(
      yaml({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'foreign', namespace: name, ownerReferences: [owner] },
        spec: { containers: [{ name: 'app', image: 'x' }] },
      }),
    );
    await cluster().podsReady(name, 14);
    await cluster().kubectl('rollout', 'pause', 'deployment/paused', '-n', name);
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    const blocks = (stalled.status?.plan?.findings ?? [])
      .filter(({ verdict }) => verdict === 'BLOCK')
      .map(({ code, object }) => `${code} ${object}`);
    expect(blocks).toEqual([
      'SST4003 Pod/bare',
      'SST4003 Pod/foreign',
      'SST4005 StatefulSet/parted',
      'SST4006 Deployment/paused',
      'SST4007 StatefulSet/by-hand',
      'SST4007 StatefulSet/guarded',
      'SST4008 Deployment/out',
      'SST4009 Deployment/excluded',
      'SST4022 HorizontalPodAutoscaler/by-sidecar',
    ]);
    expect(stalled.status?.plan?.findings).toContainEqual(
      expect.objectContaining({ code: 'SST4030', object: 'Deployment/all-at-once', verdict: 'WARN' }),
    );
    expect(matters(stalled)).toContainEqual(
      expect.objectContaining({ object: 'Pod/foreign', message: 'pod foreign is owned by ConfigMap/somebody' }),
    );
    expect(changesIn(cluster(), name)).toEqual([]);
  });

  it('tells what quotas and limits would refuse without sidecars, as the API server does', async () => {
    const name = 'limited';
    const limitRange = (...limits: object[]): object => {
      return { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'bounds', namespace: name }, spec: { limits } };
    };
    const defaults = { type: 'Container', defaultRequest: { cpu: '20m' } };
    await cluster().apply(
      yaml(namespace(name), limitRange({ type: 'Pod', min: { cpu: '50m' } }, defaults), deployment(name, 'web'), {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'team', namespace: name },
        spec: { hard: { 'requests.cpu': '350m', 'count/configmaps': '10' } },
      }),
    );
    await cluster().podsReady(name, 1);
    const waypoint = { provision: 'Always' } as const;
    await cluster().migrate(name, { waypoint });
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    expect(matters(stalled).map((one) => (one as { message: string }).message)).toEqual([
      'LimitRange/bounds would refuse pods without sidecar: Deployment/web, field spec.limits[0].min.cpu: 50m, but they request 20m',
      'ResourceQuota/team counts sidecars: field spec.hard[requests.cpu], 100m of 350m',
      'ResourceQuota/team has no room for waypoint waypoint: field spec.hard[requests.cpu], 300m of the 230m that are left',
    ]);
    const bare = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'bare', namespace: name, labels: { 'sidecar.istio.io/inject': 'false' } },
      spec: { containers: [{ name: 'app', image: 'x' }] },
    };
    await expect(cluster().client.create(POD, bare, { dryRun: true, fieldManager: 'test' })).rejects.toThrow(
      /minimum cpu usage per Pod is 50m, but request is 20m/,
    );

    await cluster().apply(yaml(limitRange(defaults)));
    await cluster().migrate(name, { waypoint: { ...waypoint, replicas: { min: 1, max: 1 } } });
    await cluster().ready(name, 'Migrated');
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
