import { expect, it } from 'vitest';
import { ARGO_ROLLOUT, type ArgoRollout } from '../../src/kube/argo-rollouts.js';
import { findCondition } from '../../src/kube/conditions.js';
import { POD, POD_DISRUPTION_BUDGET, REPLICA_SET } from '../../src/kube/types.js';
import { CANARY_PAUSED, ROLLOUT_DEFINITION, argoController } from '../support/argo-controller.js';
import { changesOf } from '../support/audit.js';
import { changesIn } from '../support/changes.js';
import type { Cluster } from '../support/cluster.js';
import { argoRollout, budget, cronJob, deployment, endingJob, job, namespace, yaml } from '../support/fixtures.js';
import { containersOf, namespaceState } from '../support/namespace-state.js';
import { onDelete } from './on-delete.js';

/** Workloads that are not rolled out as a Deployment is: Rollouts of Argo, OnDelete, Jobs and CronJobs. */
export function rolloutKinds(cluster: () => Cluster): void {
  onDelete(cluster);

  it('restarts Rollouts of Argo, a kind that came after the operator, once and without an update, there and back', async () => {
    const name = 'argo';
    await rolloutsServed(cluster());
    await cluster().apply(
      yaml(
        namespace(name),
        argoRollout(name, 'web', { replicas: 3 }),
        budget(name, 'web', 2),
        deployment(name, 'base', { replicas: 0 }),
        argoRollout(name, 'referring', { workloadRef: 'base' }),
      ),
    );
    const argo = argoController(cluster(), name);
    await cluster().podsReady(name, 4);
    const before = await namespaceState(cluster().client, name);
    const templates = await templatesOf(cluster(), name);

    await cluster().migrate(name);
    const migrated = await cluster().ready(name, 'Migrated');
    expect(migrated.status?.workloads).toMatchObject({ total: 3, ambient: 2, progress: '3/3' });
    for (const pod of await cluster().podsReady(name, 4)) expect(containersOf(pod)).toEqual(['app']);
    expect(restartsIn(cluster(), name)).toEqual(['referring ambient.1.1', 'web ambient.1.1']);

    // Else it leaves its turn to the next.
    await cluster().until('the budget of web allows its restart', async () => {
      const { status } = await cluster().client.get(POD_DISRUPTION_BUDGET, { namespace: name, name: 'web' });
      return status?.disruptionsAllowed === 1 || undefined;
    });
    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    await cluster().podsReady(name, 4);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
    expect(restartsIn(cluster(), name).slice(2)).toEqual(['web sidecar.2.1', 'referring sidecar.2.1']);
    expect(await templatesOf(cluster(), name)).toEqual(templates);
    await argo.stop();
  });

  it('does not restart a Rollout of Argo in the middle of a canary, says so, and goes on when that is over', async () => {
    const name = 'canary';
    await rolloutsServed(cluster());
    const web = (annotations: Record<string, string>): string =>
      yaml(argoRollout(name, 'web', { replicas: 2, annotations }));
    await cluster().apply(yaml(namespace(name)));
    await cluster().apply(web({ [CANARY_PAUSED]: 'true' }));
    const argo = argoController(cluster(), name);
    await cluster().podsReady(name, 2);
    await cluster().until('the canary is paused', async () => {
      const { status } = await cluster().client.get(ARGO_ROLLOUT, { namespace: name, name: 'web' });
      return status?.phase === 'Paused' || undefined;
    });
    await cluster().migrate(name);
    const message = 'Rollout/web: its rollout is not finished (Paused: CanaryPauseStep)';
    const waiting = await cluster().until('the condition says what is waited for', async () => {
      const migration = await cluster().migration(name);
      const condition = findCondition(migration.status?.conditions ?? [], 'WorkloadsMigrated');
      return condition?.reason === 'RolloutInProgress' && condition.message === message ? migration : undefined;
    });
    expect(waiting.status?.plan?.findings).toContainEqual(
      expect.objectContaining({
        code: 'SST4013',
        message: `Rollout/web has a rollout that is not finished (Paused: CanaryPauseStep)`,
      }),
    );
    expect(restartsIn(cluster(), name)).toEqual([]);

    await cluster().apply(web({}));
    await cluster().ready(name, 'Migrated');
    for (const pod of await cluster().podsReady(name, 2)) expect(containersOf(pod)).toEqual(['app']);
    await argo.stop();
  });

  it('names a Rollout of Argo that somebody has paused, and one without a pod template', async () => {
    const name = 'argo-obstacles';
    await rolloutsServed(cluster());
    const paused = argoRollout(name, 'paused') as ArgoRollout;
    await cluster().apply(
      yaml(
        namespace(name),
        { ...paused, spec: { ...paused.spec, paused: true } },
        deployment(name, 'base', { replicas: 0 }),
        argoRollout(name, 'orphan', { workloadRef: 'nobody' }),
      ),
    );
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    const blocks = (stalled.status?.plan?.findings ?? []).filter(({ verdict }) => verdict === 'BLOCK');
    expect(blocks.map(({ code, object }) => `${code} ${object}`)).toEqual([
      'SST4006 Rollout/paused',
      'SST4031 Rollout/orphan',
    ]);
    expect(changesIn(cluster(), name)).toEqual([]);
    // Without their controller these never become healthy, and that would be told after ten minutes, whoever counts writes then.
    await cluster().kubectl('delete', 'ambientmigrations', '--all', '-n', name);
  });

  it('does not count a long history of Jobs, and names the Job that still runs, and the template of the next', async () => {
    const name = 'history';
    const annotations = { 'traffic.sidecar.istio.io/excludeInboundPorts': '9000' };
    await cluster().apply(
      yaml(
        namespace(name),
        deployment(name, 'web'),
        endingJob(name, 'past', 40),
        job(name, 'batch'),
        cronJob(name, 'nightly', { annotations }),
      ),
    );
    await cluster().until('the past is over', async () => {
      const { items } = await cluster().client.list(POD, { namespace: name });
      return items.filter(({ status }) => status?.phase === 'Succeeded').length === 40 || undefined;
    });
    await cluster().migrate(name);
    const stalled = await cluster().condition(name, 'Stalled', { status: 'True', reason: 'BlockedByFindings' });
    const found = (stalled.status?.plan?.findings ?? []).map(({ code, object }) => `${code} ${object}`);
    expect(found).toEqual(['SST4009 CronJob/nightly', `SST4027 Namespace/${name}`]);

    await cluster().migrate(name, { acknowledge: [{ code: 'SST4009', reason: 'nobody calls it' }] });
    const migrated = await cluster().ready(name, 'Migrated');
    expect(migrated.status?.workloads).toMatchObject({ total: 1, progress: '1/1', notDone: [] });
    expect(findCondition(migrated.status?.conditions ?? [], 'WorkloadsMigrated')?.message).toMatch(
      /^1 of 1 workloads; 1 Job pods keep their sidecar until they end: batch-\w+$/,
    );
    await cluster().kubectl('create', 'job', 'tonight', '--from=cronjob/nightly', '-n', name);
    const tonight = await cluster().until('the next Job runs', async () => {
      const pods = await cluster().pods(name);
      return pods.find(({ metadata, status }) => metadata.name.startsWith('tonight') && status?.phase === 'Running');
    });
    expect(containersOf(tonight)).toEqual(['app']);
    expect(tonight.metadata.annotations?.['ambient.istio.io/redirection']).toBe('enabled');
  });
}

async function rolloutsServed(cluster: Cluster): Promise<void> {
  await cluster.apply(yaml(ROLLOUT_DEFINITION));
  await cluster.until('Rollouts are served', async () => {
    await cluster.client.list(ARGO_ROLLOUT);
    return true;
  });
}

/** What the pods of each ReplicaSet are made from: an update would make another. */
async function templatesOf(cluster: Cluster, name: string): Promise<unknown> {
  const { items } = await cluster.client.list(REPLICA_SET, { namespace: name });
  return items.map(({ metadata, spec }) => [metadata.name, spec.template]);
}

/** The operator's writes to Rollouts, in their order: name and mark. */
function restartsIn(cluster: Cluster, name: string): string[] {
  return changesOf(cluster.audit())
    .filter(({ objectRef }) => objectRef?.namespace === name && objectRef.resource === 'rollouts')
    .map(({ objectRef, requestObject }) => {
      const [mark] = /(ambient|sidecar)\.\d+\.\d+/.exec(JSON.stringify(requestObject)) ?? [];
      return `${objectRef?.name ?? ''} ${mark ?? ''}`;
    });
}
