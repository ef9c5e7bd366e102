import { GATEWAY, type Gateway } from '../src/api/gateway-api.js';
import { findCondition } from '../src/kube/conditions.js';
import type { Cluster } from '../test/support/cluster.js';
import { yaml } from '../test/support/fixtures.js';
import { allBound, applications, gateways, mostWrites, refusedWrites } from '../test/support/many-waypoints.js';
import { startCluster } from '../test/support/start-cluster.js';

/*
 * How long a Gateway of class `istio` takes until its Service is bound, alone and with 199 others, and how often the operator
 * writes to any one object meanwhile. Beside it, in the same run, how long istiod takes for its own class, until Programmed.
 * The bars: bound within 5 s on the real control plane; each object applied once, each status written at most twice.
 *
 * On the sandbox, where time is simulated and only the writes are of interest; with `controlplane` on the real control plane.
 */

const ROUNDS = 5;
const NAMESPACES = 10;
const GATEWAYS = 20;
const BAR_S = 5;
const PATIENCE_MS = 600_000;

/** The most writes that one object may take. Of a Gateway: its finalizer and its address. */
const LIMITS: Record<string, number> = { 'patch gateways': 2, 'patch gateways/status': 2 };

async function main(kind: Cluster['kind']): Promise<number> {
  const cluster = await startCluster({ kind });
  try {
    await cluster.operator.start();
    const slowest = kind === 'controlplane' ? await oneByOne(cluster) : 0;
    const before = cluster.audit().length;
    const names = Array.from({ length: NAMESPACES }, (_, index) => `many-${index}`);
    const many = await ours(cluster, names, GATEWAYS);
    const isTooOften = report(cluster, names, before);
    if (kind === 'controlplane') {
      const beside = names.map((name) => `${name}-beside`);
      console.log(`${NAMESPACES * GATEWAYS} Gateways: ${compared(many, await istiods(cluster, beside, GATEWAYS))}`);
    }
    return isTooOften || slowest > BAR_S ? 1 : 0;
  } finally {
    await cluster.stop();
  }
}

/** Seconds that the slowest of some Gateways takes, one after the other. */
async function oneByOne(cluster: Cluster): Promise<number> {
  const seconds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    seconds.push(await ours(cluster, [`ours-${round}`], 1));
    console.log(`round ${round + 1}: ${compared(seconds.at(-1)!, await istiods(cluster, [`istiods-${round}`], 1))}`);
  }
  const slowest = Math.max(...seconds);
  console.log(`one Gateway: ${slowest.toFixed(1)} s at most (bar: ${BAR_S} s)`);
  return slowest;
}

const compared = (ours: number, istiods: number): string =>
  `class istio bound in ${ours.toFixed(2)} s, class istio-waypoint programmed in ${istiods.toFixed(2)} s, ratio ${(ours / istiods).toFixed(1)}`;

/** Prints what was written; whether anything was written too often. */
function report(cluster: Cluster, names: readonly string[], since: number): boolean {
  const entries = cluster.audit().slice(since);
  const most: Record<string, number> = {};
  const refused: Record<string, number> = {};
  for (const name of names) {
    for (const [what, count] of Object.entries(mostWrites(entries, name)))
      most[what] = Math.max(most[what] ?? 0, count);
    for (const [what, count] of Object.entries(refusedWrites(entries, name)))
      refused[what] = (refused[what] ?? 0) + count;
  }
  for (const [what, count] of Object.entries(most)) console.log(`${what}: ${count} (bar: ${LIMITS[what] ?? 1})`);
  console.log(`refused, because somebody was faster: ${JSON.stringify(refused)}`);
  return Object.entries(most).some(([what, count]) => count > (LIMITS[what] ?? 1));
}

/** Seconds until `count` Gateways in each of the namespaces serve, and their Services are bound. */
async function ours(cluster: Cluster, names: readonly string[], count: number): Promise<number> {
  for (const name of names) await cluster.apply(yaml(...applications(name, count)));
  for (const name of names) await cluster.podsReady(name, count);
  return timed(cluster, async () => {
    await cluster.apply(yaml(...names.flatMap((name) => gateways(name, count))));
    for (const name of names) await allBound(cluster, name, { timeoutMs: PATIENCE_MS });
  });
}

/** Seconds until istiod has programmed as many Gateways of its own class. */
async function istiods(cluster: Cluster, names: readonly string[], count: number): Promise<number> {
  const theirs = (name: string): Gateway[] =>
    (gateways(name, count) as Gateway[]).map((gateway) => ({
      ...gateway,
      spec: { ...gateway.spec, gatewayClassName: 'istio-waypoint' },
    }));
  for (const name of names) await cluster.apply(yaml(...applications(name, count)));
  for (const name of names) await cluster.podsReady(name, count);
  return timed(cluster, async () => {
    await cluster.apply(yaml(...names.flatMap(theirs)));
    for (const name of names)
      await cluster.until(`the waypoints of ${name}`, () => allProgrammed(cluster, name), { timeoutMs: PATIENCE_MS });
  });
}

async function allProgrammed(cluster: Cluster, namespace: string): Promise<true | undefined> {
  const { items } = await cluster.client.list<Gateway>(GATEWAY, { namespace });
  return items.every(({ status }) => findCondition(status?.conditions, 'Programmed')?.status === 'True') || undefined;
}

/** Seconds that `work` takes, by the time of the cluster. */
async function timed(cluster: Cluster, work: () => Promise<void>): Promise<number> {
  const startedAt = cluster.time.now();
  await work();
  return (cluster.time.now() - startedAt) / 1_000;
}

process.exitCode = await main(process.argv[2] === 'controlplane' ? 'controlplane' : 'sandbox');
