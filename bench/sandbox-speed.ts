import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import type { Cluster } from '../test/support/cluster.js';
import { deployment, namespace, statefulSet, yaml } from '../test/support/fixtures.js';
import { startCluster } from '../test/support/start-cluster.js';

/*
 * How much faster migrations are end to end on the sandbox than on the real control plane, in one run: the suite of
 * end-to-end tests from the same file (the bar: five times), and one namespace there and back on a cluster that runs already.
 */

const ROUNDS = 3;
const DEPLOYMENTS = 4;
const BAR = 5;

async function main(): Promise<number> {
  if (spawnSync('make', ['build']).status !== 0) throw new Error('make build failed: the operator would be an old one');
  const suite = { sandbox: suiteSeconds('e2e'), controlplane: suiteSeconds('controlplane') };
  const ratio = suite.controlplane / suite.sandbox;
  console.log(`end-to-end suite: ${compared(suite.controlplane, suite.sandbox)} (bar: ${BAR})`);
  const one = { sandbox: median(await measure('sandbox')), controlplane: median(await measure('controlplane')) };
  console.log(
    `${DEPLOYMENTS} Deployments of 2 and a StatefulSet of 2, there and back: ${compared(one.controlplane, one.sandbox)}`,
  );
  return ratio >= BAR ? 0 : 1;
}

const compared = (real: number, sandbox: number): string =>
  `real ${real.toFixed(2)} s, sandbox ${sandbox.toFixed(2)} s, ${(real / sandbox).toFixed(1)} times as fast`;

/** Seconds that the end-to-end suite takes in a Vitest project, the start of the cluster included. */
function suiteSeconds(project: string): number {
  const startedAt = performance.now();
  const { status, stdout } = spawnSync('npx', ['vitest', 'run', '--project', project, 'test/e2e/e2e'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the suite failed in project ${project}:\n${stdout}`);
  return secondsSince(startedAt);
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
