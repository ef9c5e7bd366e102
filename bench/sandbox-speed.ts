import { performance } from 'node:perf_hooks';
import type { Cluster } from '../test/support/cluster.js';
import { deployment, namespace, statefulSet, yaml } from '../test/support/fixtures.js';
import { startCluster } from '../test/support/start-cluster.js';

/*
 * How long a migration takes end to end on the sandbox and on the real control plane, in one run: the same namespaces, there
 * and back, from the first apply to the last check. The bar: the sandbox is at least five times as fast.
 */

const ROUNDS = 3;
const DEPLOYMENTS = 4;
const BAR = 5;

async function main(): Promise<number> {
  const seconds = { sandbox: await measure('sandbox'), controlplane: await measure('controlplane') };
  const ratio = median(seconds.controlplane) / median(seconds.sandbox);
  console.log(
    `${DEPLOYMENTS} Deployments of 2 and a StatefulSet of 2, there and back: real ${median(seconds.controlplane).toFixed(2)} s, sandbox ${median(seconds.sandbox).toFixed(2)} s, ${ratio.toFixed(1)} times as fast (bar: ${BAR})`,
  );
  return ratio >= BAR ? 0 : 1;
}

/** Seconds of each round. */
async function measure(kind: Cluster['kind']): Promise<number[]> {
  const startedAt = performance.now();
  const cluster = await startCluster({ kind });
  console.log(`${kind}: started in ${secondsSince(startedAt).toFixed(2)} s`);
  try {
    await cluster.operator.start();
    const seconds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const roundAt = performance.now();
      await thereAndBack(cluster, `round-${round}`);
      seconds.push(secondsSince(roundAt));
      console.log(`${kind}: round ${round + 1} in ${seconds.at(-1)?.toFixed(2)} s`);
    }
    return seconds;
  } finally {
    await cluster.stop();
  }
}

async function thereAndBack(cluster: Cluster, name: string): Promise<void> {
  const deployments = Array.from({ length: DEPLOYMENTS }, (_, index) =>
    deployment(name, `web-${index}`, { replicas: 2 }),
  );
  const pods = DEPLOYMENTS * 2 + 2;
  await cluster.apply(yaml(namespace(name), ...deployments, statefulSet(name, 'db', { replicas: 2 })));
  await cluster.podsReady(name, pods);
  await cluster.migrate(name);
  await cluster.ready(name, 'Migrated', { timeoutMs: 120_000 });
  await cluster.podsReady(name, pods);
  await cluster.migrate(name, { dataplaneMode: 'Sidecar' });
  await cluster.ready(name, 'RolledBack', { timeoutMs: 120_000 });
  await cluster.podsReady(name, pods);
}

const secondsSince = (startedAt: number): number => (performance.now() - startedAt) / 1_000;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

process.exitCode = await main();
