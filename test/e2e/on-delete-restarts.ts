import { expect, it } from 'vitest';
import type { JsonPatchOperation } from '../../src/kube/client.js';
import { findCondition } from '../../src/kube/conditions.js';
import { POD } from '../../src/kube/types.js';
import { OPERATOR_USER, isDryRun } from '../support/audit.js';
import type { Cluster } from '../support/cluster.js';
import { budget, namespace, statefulSet, yaml } from '../support/fixtures.js';
import { InProcessOperator } from '../support/in-process-operator.js';
import { containersOf, namespaceState } from '../support/namespace-state.js';
import { expectQuiet, killAfter, restartOperator, wrote } from './crashes.js';
import { evictionsIn, isEviction } from './on-delete.js';

const updateStrategy = { type: 'OnDelete' };

/** Evictions of pods with OnDelete, which another operator goes on with. */
export function onDeleteRestarts(cluster: () => Cluster): void {
  it('waits half-way for a budget, says so, and asks no more than now and then', async () => {
    const name = 'on-delete-budget';
    await cluster().apply(
      yaml(namespace(name), statefulSet(name, 'db', { replicas: 3, updateStrategy }), budget(name, 'db', 2)),
    );
    await cluster().podsReady(name, 3);
    await killAfter(cluster(), name, isEviction, () => cluster().migrate(name));
    await cluster().apply(yaml(budget(name, 'db', 3)));
    await cluster().podsReady(name, 3);
    // Until it is dead, a process may have evicted one more.
    const before = evictionsIn(cluster(), name);
    expect([1, 2]).toContain(before.length);
    await restartOperator(cluster());
    const waiting = await cluster().condition(name, 'WorkloadsMigrated', { reason: 'BudgetExhausted' });
    const { message } = findCondition(waiting.status?.conditions ?? [], 'WorkloadsMigrated') ?? {};
    expect(message).toBe('StatefulSet/db waits for PodDisruptionBudget db to allow a disruption');
    const sinceThen = cluster().audit().length;
    await cluster().time.sleep(25_000);
    const asked = cluster()
      .audit()
      .slice(sinceThen)
      .filter(({ user, objectRef }) => user.username === OPERATOR_USER && objectRef?.namespace === name);
    expect(asked.length).toBeLessThan(5);
    expect(evictionsIn(cluster(), name)).toEqual(before);

    await cluster().apply(yaml(budget(name, 'db', 2)));
    await cluster().ready(name, 'Migrated');
    expect(evictionsIn(cluster(), name)).toHaveLength(3);
  });

  it('evicts nobody beside a pod that a hand has deleted, and that a view which lags seconds behind still shows', async ({
    skip,
  }) => {
    const name = 'on-delete-lag';
    const { operator } = cluster();
    if (!(operator instanceof InProcessOperator)) return skip('the operator is a process of its own here');
    await cluster().apply(
      yaml(namespace(name), statefulSet(name, 'db', { replicas: 3, updateStrategy }), budget(name, 'db', 1)),
    );
    await cluster().podsReady(name, 3);
    const finalizers = (value: string[]): JsonPatchOperation[] => [{ op: 'add', path: '/metadata/finalizers', value }];
    const held = { namespace: name, name: 'db-0' };
    await cluster().client.jsonPatch(POD, held, finalizers(['test/hold']), { fieldManager: 'test' });
    await operator.kill('SIGTERM');
    operator.watchLagMs = 5_000;
    await restartOperator(cluster());
    let deleted: Promise<void> | undefined;
    const disarm = operator.intercept(({ subresource, namespace: where }) => {
      if (subresource === 'eviction' && where === name) deleted ??= cluster().client.delete(POD, held);
      return undefined;
    });
    await cluster().migrate(name);
    await cluster().until('the hand', () => Promise.resolve(deleted && true));
    await cluster().time.sleep(20_000);
    expect(evictionsIn(cluster(), name)).toEqual([]);
    await cluster().client.jsonPatch(POD, held, finalizers([]), { fieldManager: 'test' });
    await cluster().ready(name, 'Migrated', { timeoutMs: 240_000 });
    disarm();
    await deleted;
    operator.watchLagMs = 0;
    await operator.kill('SIGTERM');
    await restartOperator(cluster());
    const tried = cluster()
      .audit()
      .filter((entry) => entry.objectRef?.namespace === name && isEviction(entry) && isDryRun(entry));
    // The old view asks for the same once a second.
    expect(tried.length).toBeLessThan(3 * 8);
    const evictions = evictionsIn(cluster(), name);
    expect(evictions.map(({ pod }) => pod)).toEqual(['db-2', 'db-1']);
    expect(evictions.filter(({ others }) => others < 2)).toEqual([]);
  });

  it.each([
    ['marked the template', 'on-delete-crash-mark', wrote('statefulsets')],
    ['evicted the first pod', 'on-delete-crash-evict', isEviction],
  ] as const)(
    'goes on where it was when the operator is killed that has %s, there and back',
    async (_, name, moment) => {
      await cluster().apply(
        yaml(namespace(name), statefulSet(name, 'db', { replicas: 3, updateStrategy }), budget(name, 'db', 2)),
      );
      await cluster().podsReady(name, 3);
      const before = await namespaceState(cluster().client, name);
      await killAfter(cluster(), name, moment, () => cluster().migrate(name));
      await restartOperator(cluster());
      await cluster().ready(name, 'Migrated');
      for (const pod of await cluster().podsReady(name, 3)) expect(containersOf(pod)).toEqual(['app']);
      expect(evictionsIn(cluster(), name).map(({ pod }) => pod)).toEqual(['db-2', 'db-1', 'db-0']);

      await killAfter(cluster(), name, moment, () => cluster().migrate(name, { dataplaneMode: 'Sidecar' }));
      await restartOperator(cluster());
      await cluster().ready(name, 'RolledBack');
      await cluster().podsReady(name, 3);
      expect(await namespaceState(cluster().client, name)).toEqual(before);
      const all = evictionsIn(cluster(), name);
      expect(all.slice(3).map(({ pod }) => pod)).toEqual(['db-2', 'db-1', 'db-0']);
      expect(all.filter(({ others }) => others < 2)).toEqual([]);
      await expectQuiet(cluster(), name);
    },
  );
}
