import { expect, test } from 'vitest';
import { FakeClock, settle } from '../../../../test/support/fake-clock.js';
import type { ClusterView, Commit } from '../storage/cluster-view.js';
import type { ApiObject } from '../object.js';
import type { Draft } from './plugin.js';
import { serviceAccount } from './service-account.js';

/** A cluster without accounts, until one is added. */
function emptyCluster(): ClusterView & { add(name: string): void } {
  const accounts = new Map<string, ApiObject>();
  const listeners = new Set<(commit: Commit) => void>();
  return {
    get: (_resource, { name }) => accounts.get(name),
    list: () => [...accounts.values()],
    onCommit: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    add(name) {
      const object = { metadata: { name, namespace: 'shop' } } as ApiObject;
      accounts.set(name, object);
      for (const listener of listeners)
        listener({ type: 'ADDED', storageKey: '/serviceaccounts', revision: 1, object });
    },
  };
}

function newPod(spec: object = {}): Draft {
  const object = { metadata: { name: 'web', namespace: 'shop' }, spec: { containers: [{ name: 'main' }], ...spec } };
  const resource = { group: '', plural: 'pods' };
  return { operation: 'CREATE', resource, subresource: '', namespace: 'shop', name: 'web', object } as unknown as Draft;
}

test('a pod waits a moment for the default account of a new namespace', async () => {
  const [cluster, clock, draft] = [emptyCluster(), new FakeClock(), newPod()];
  const admitted = serviceAccount(cluster, clock, () => 'abcde').mutate!(draft);
  await settle();
  expect(draft.object!['spec']).not.toHaveProperty('volumes');
  cluster.add('default');
  await admitted;
  expect(draft.object!['spec']).toMatchObject({ volumes: [{ name: 'kube-api-access-abcde' }] });
  expect(clock.pending).toBe(0);
});

test('it does not wait for ever, and not for other accounts', async () => {
  const [cluster, clock] = [emptyCluster(), new FakeClock()];
  const plugin = serviceAccount(cluster, clock, () => 'abcde');
  const waiting = expect(plugin.mutate!(newPod())).rejects.toThrow('error looking up service account shop/default');
  await clock.advance(1_500);
  await waiting;
  await expect(plugin.mutate!(newPod({ serviceAccountName: 'other' }))).rejects.toThrow(
    'serviceaccount "other" not found',
  );
});
