import { expect, it } from 'vitest';
import { STATEFUL_SET, type Pod } from '../../src/kube/types.js';
import { type AuditEntry, OPERATOR_USER, invariantBreaches, isDryRun } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { budget, daemonSet, namespace, statefulSet, yaml } from '../support/fixtures.js';
import { listedFindings } from '../support/listed-findings.js';
import { containersOf, namespaceState } from '../support/namespace-state.js';

const updateStrategy = { type: 'OnDelete' };

/** Workloads whose update strategy is OnDelete: their pods are evicted. */
export function onDelete(cluster: () => Cluster): void {
  it('evicts the pods of workloads with OnDelete one at a time, under a budget, there and back', async () => {
    const name = 'on-delete';
    const db = (annotations: Record<string, string>): object =>
      statefulSet(name, 'db', { replicas: 3, updateStrategy, annotations });
    await cluster().apply(
      yaml(namespace(name), db({}), budget(name, 'db', 2), daemonSet(name, 'agent', { updateStrategy })),
    );
    await cluster().podsReady(name, 5);
    await cluster().apply(yaml(db({ team: 'payments' })));
    await cluster().until('the controller has seen the change that waits', async () => {
      const { status } = await cluster().client.get(STATEFUL_SET, { namespace: name, name: 'db' });
      return status?.updateRevision !== status?.currentRevision || undefined;
    });
    const before = await namespaceState(cluster().client, name);

    await cluster().migrate(name);
    const migrated = await cluster().ready(name, 'Migrated');
    expect(await listedFindings(cluster(), name)).toContainEqual(
      expect.objectContaining({
        code: 'SST4004',
        verdict: 'WARN',
        message: 'StatefulSet/db has updateStrategy OnDelete, and changes of its template wait for 3 of its pods',
      }),
    );
    expect(migrated.status?.workloads).toMatchObject({ total: 2, ambient: 2, progress: '2/2' });
    for (const pod of await cluster().podsReady(name, 5)) {
      expect(containersOf(pod)).toEqual(['app']);
      if (pod.metadata.name.startsWith('db')) expect(pod.metadata.annotations?.['team']).toBe('payments');
    }
    expect(await cluster().eventNote(name, 'PodEvicted')).toMatch(
      /^\w+\/(db|agent): evicting pod (db|agent)-\w+, which still has a sidecar \(\d of [23] pods are still to be evicted\)$/,
    );
    const there = evictionsIn(cluster(), name);
    expect(there.map(({ pod }) => pod.replace(/^agent-.*/, 'agent'))).toEqual([
      'agent',
      'agent',
      'db-2',
      'db-1',
      'db-0',
    ]);

    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    await cluster().podsReady(name, 5);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
    const all = evictionsIn(cluster(), name);
    expect(all.slice(5).map(({ pod }) => pod.replace(/^agent-.*/, 'agent'))).toEqual([
      'db-2',
      'db-1',
      'db-0',
      'agent',
      'agent',
    ]);
    expect(all.filter(({ others }) => others < 1)).toEqual([]);
    expect(all.filter(({ pod, others }) => pod.startsWith('db') && others < 2)).toEqual([]);
    expect(invariantBreaches(cluster().audit(), name)).toEqual([]);
  });

  it('goes back from a pod that does not start without its sidecar, and leaves alone who was not evicted', async () => {
    const name = 'on-delete-stuck';
    const annotations = { 'sidestep.dev/test': 'crash-without-sidecar' };
    await cluster().apply(
      yaml(
        namespace(name),
        statefulSet(name, 'db', { replicas: 3, updateStrategy, annotations }),
        budget(name, 'db', 2),
      ),
    );
    const pods = await cluster().podsReady(name, 3);
    const before = await namespaceState(cluster().client, name);
    await cluster().migrate(name, { rollout: { progressDeadline: '5s' } });
    // On a busy machine the deadline may have passed before the new pod is there, and then another pod is named for a while.
    await cluster().until('stalled on the new pod', async () => {
      const { status } = await cluster().condition(name, 'Stalled', { reason: 'ProgressDeadlineExceeded' });
      const message =
        /StatefulSet\/db: pod db-2 is not ready \(CrashLoopBackOff.*\); 2 of 3 pods are still to be evicted/;
      return message.exec(status?.nextAction ?? '') ?? undefined;
    });

    await cluster().migrate(name, { dataplaneMode: 'Sidecar' });
    await cluster().ready(name, 'RolledBack');
    const back = await cluster().podsReady(name, 3);
    expect(await namespaceState(cluster().client, name)).toEqual(before);
    expect(evictionsIn(cluster(), name).map(({ pod }) => pod)).toEqual(['db-2', 'db-2']);
    const uidOf = (among: readonly Pod[], pod: string): string | undefined =>
      among.find(({ metadata }) => metadata.name === pod)?.metadata.uid;
    for (const pod of ['db-0', 'db-1']) expect(uidOf(back, pod)).toBe(uidOf(pods, pod));
  });
}

/** An eviction that the API server has carried out. */
export function isEviction({ objectRef, responseStatus }: AuditEntry): boolean {
  return objectRef?.resource === 'pods' && objectRef.subresource === 'eviction' && responseStatus?.code === 201;
}

/**
 * The operator's evictions in a namespace in their order, from the audit log; `others`: how many more pods of the workload were ready
 * at that moment.
 */
export function evictionsIn(cluster: Cluster, name: string): { pod: string; others: number }[] {
  const ready = new Map<string, string | undefined>();
  const gone = new Set<string | undefined>();
  /** By uid: answers of parallel requests overtake each other in the log. */
  const newest = new Map<string | undefined, number>();
  const evictions: { pod: string; others: number }[] = [];
  for (const entry of cluster.audit()) {
    const { objectRef, responseObject, user } = entry;
    if (objectRef?.resource !== 'pods' || objectRef.namespace !== name || isDryRun(entry)) continue;
    if (isEviction(entry) && user.username === OPERATOR_USER) {
      const pod = objectRef.name ?? '';
      gone.add(ready.get(pod));
      ready.delete(pod);
      evictions.push({ pod, others: [...ready.keys()].filter((other) => appOf(other) === appOf(pod)).length });
    } else if ((responseObject as Pod | undefined)?.kind === 'Pod') {
      const { metadata, status } = responseObject as Pod;
      const version = Number(metadata.resourceVersion);
      if (version < (newest.get(metadata.uid) ?? 0)) continue;
      newest.set(metadata.uid, version);
      const isReady = status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
      if (isReady && !metadata.deletionTimestamp && !gone.has(metadata.uid)) ready.set(metadata.name, metadata.uid);
      else if (ready.get(metadata.name) === metadata.uid) ready.delete(metadata.name);
    }
  }
  return evictions;
}

/** Pods are named after their workload. */
const appOf = (pod: string): string => pod.slice(0, pod.lastIndexOf('-'));
