import { performance } from 'node:perf_hooks';
import { DEPLOYMENT, NAMESPACE, STATEFUL_SET } from '../src/kube/types.js';
import type { Cluster } from '../test/support/cluster.js';
import { deployment, namespace, statefulSet, yaml } from '../test/support/fixtures.js';
import { startCluster } from '../test/support/start-cluster.js';

/*
 * How long a namespace takes to ambient mode, by Sidestep and by hand, on the same control plane in the same run. By hand is
 * the least a person can do: label the namespace, then `kubectl rollout restart` and `rollout status` for each workload,
 * in Sidestep's order, without a check. The bar: Sidestep takes no more than 3 s longer.
 */

const ROUNDS = 3;
const DEPLOYMENTS = 8;

async function main(): Promise<void> {
  const cluster = await startCluster({ kind: 'controlplane' });
  try {
    await cluster.operator.start();
    const rows: { byHand: number; sidestep: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const byHand = await timed(cluster, `hand-${round}`, restartByHand);
      const sidestep = await timed(cluster, `sidestep-${round}`, async (name) => {
        await cluster.migrate(name);
        await cluster.ready(name, 'Migrated', { timeoutMs: 120_000 });
      });
      rows.push({ byHand, sidestep });
      console.log(
        `round ${round + 1}: by hand ${byHand.toFixed(1)} s, Sidestep ${sidestep.toFixed(1)} s, difference ${(sidestep - byHand).toFixed(1)} s, ratio ${(sidestep / byHand).toFixed(2)}`,
      );
    }
    const worst = Math.max(...rows.map(({ byHand, sidestep }) => sidestep - byHand));
    console.log(
      `${DEPLOYMENTS} Deployments of 2 and a StatefulSet of 2: worst difference ${worst.toFixed(1)} s (bar: 3 s)`,
    );
  } finally {
    await cluster.stop();
  }

  async function restartByHand(name: string): Promise<void> {
    await cluster.kubectl(
      'label',
      'ns',
      name,
      'istio.io/dataplane-mode=ambient',
      'istio-injection=disabled',
      '--overwrite',
    );
    await cluster.client.get(NAMESPACE, { name });
    for (const type of [DEPLOYMENT, STATEFUL_SET]) {
      const { items } = await cluster.client.list(type, { namespace: name });
      for (const { metadata } of items) {
        const target = `${type.plural}/${metadata.name}`;
        await cluster.kubectl('rollout', 'restart', target, '-n', name);
        await cluster.kubectl('rollout', 'status', target, '-n', name);
      }
    }
  }
}

/** Seconds that `migrate` takes on a fresh namespace. */
async function timed(cluster: Cluster, name: string, migrate: (name: string) => Promise<void>): Promise<number> {
  const deployments = Array.from({ length: DEPLOYMENTS }, (_, index) =>
    deployment(name, `web-${index}`, { replicas: 2 }),
  );
  await cluster.apply(yaml(namespace(name), ...deployments, statefulSet(name, 'db', { replicas: 2 })));
  await cluster.podsReady(name, DEPLOYMENTS * 2 + 2);
  const startedAt = performance.now();
  await migrate(name);
  return (performance.now() - startedAt) / 1000;
}

await main();
