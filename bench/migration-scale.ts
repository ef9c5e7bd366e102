import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AMBIENT_MIGRATION } from '../src/api/ambient-migration.js';
import { findCondition } from '../src/kube/conditions.js';
import { repositoryRoot } from '../test/controlplane/paths.js';
import type { Cluster } from '../test/support/cluster.js';
import { yaml } from '../test/support/fixtures.js';
import { type Load, type RequestCounts, loadOf, requestsAbout, total } from '../test/support/migration-load.js';
import { OperatorProcess } from '../test/support/operator.js';
import { startCluster } from '../test/support/start-cluster.js';
import { cpuMs, peakMemoryMb } from './peers/machine.js';
import { table } from './peers/statistics.js';

/*
 * Many workloads at once, to ambient mode and back: 20 namespaces with 200 pods, and one namespace with 50 workloads. Prints how long
 * it took, the CPU time and memory of the operator, and its requests. The operator is the bundle (`make build`) in a process of
 * its own, a new one for each form; Linux only, for it reads /proc. The bar: the template of each workload is written once on each way.
 *
 * Options: `--forms 20x5x2,1x50x2`, namespaces x workloads of each x pods of each; `--cluster sandbox`, default is the real control
 * plane; `--profile` leaves a CPU profile of each operator in bench/results.
 */

const { values } = parseArgs({
  options: {
    forms: { type: 'string', default: '20x5x2,1x50x2' },
    cluster: { type: 'string', default: 'controlplane' },
    profile: { type: 'boolean', default: false },
  },
});

interface Form extends Load {
  readonly title: string;
  readonly namespaces: readonly string[];
}

/** What one way of one form took. */
interface Measured {
  readonly form: Form;
  readonly way: Way;
  readonly seconds: number;
  readonly cpuMs: number;
  /** Since the start of the operator. */
  readonly peakMb: number;
  readonly requests: RequestCounts;
  /** Runs of all controllers. */
  readonly passes: number;
}

const WAYS = [
  { name: 'to ambient', dataplaneMode: 'Ambient', reason: 'Migrated' },
  { name: 'back', dataplaneMode: 'Sidecar', reason: 'RolledBack' },
] as const;
type Way = (typeof WAYS)[number];

/** All namespaces of a form must be there by then, ms. */
const PATIENCE_MS = 1_800_000;

/** What follows from the last change is written by then, ms: views of ztunnel come 10 s after each other. */
const SETTLE_MS = 12_000;

async function main(): Promise<number> {
  const forms = values.forms.split(',').map(formOf);
  const kind = values.cluster === 'sandbox' ? 'sandbox' : 'controlplane';
  const profile = ['--cpu-prof', '--cpu-prof-dir', join(repositoryRoot, 'bench', 'results')];
  const cluster = await startCluster({ kind, realTime: true, operatorArgs: values.profile ? profile : [] });
  try {
    const measured: Measured[] = [];
    for (const form of forms) measured.push(...(await measure(cluster, form)));
    return report(measured);
  } finally {
    await cluster.stop();
  }
}

function formOf(text: string, index: number): Form {
  const [namespaces, workloads, replicas] = text.split('x').map(Number);
  if (!namespaces || !workloads || !replicas) throw new Error(`--forms: ${text} is not such as 20x5x2`);
  return {
    title: `${namespaces} namespaces, ${namespaces * workloads} workloads, ${namespaces * workloads * replicas} pods`,
    namespaces: Array.from({ length: namespaces }, (_, number) => `scale-${index}-${number}`),
    workloads,
    replicas,
  };
}

async function measure(cluster: Cluster, form: Form): Promise<Measured[]> {
  const { operator } = cluster;
  if (!(operator instanceof OperatorProcess)) throw new Error('the operator is no process of its own');
  for (const name of form.namespaces) await cluster.apply(loadOf(name, form));
  for (const name of form.namespaces)
    await cluster.podsReady(name, form.workloads * form.replicas, { timeoutMs: PATIENCE_MS });
  await operator.kill('SIGTERM');
  await operator.start();
  const measured: Measured[] = [];
  for (const way of WAYS) measured.push(await measureWay(cluster, operator.pid ?? 0, form, way));
  await operator.kill('SIGTERM');
  return measured;
}

async function measureWay(cluster: Cluster, pid: number, form: Form, way: Way): Promise<Measured> {
  const { dataplaneMode } = way;
  const passesBefore = await passesOf(cluster);
  const before = { entries: cluster.audit().length, cpuMs: cpuMs(pid), atMs: cluster.time.now() };
  const migrations = form.namespaces.map((name) => ({
    apiVersion: 'sidestep.dev/v1alpha1',
    kind: 'AmbientMigration',
    metadata: { name, namespace: name },
    spec: { dataplaneMode },
  }));
  await cluster.apply(yaml(...migrations));
  await cluster.until(`${form.title} ${way.name}`, () => areReady(cluster, form, way), { timeoutMs: PATIENCE_MS });
  const seconds = (cluster.time.now() - before.atMs) / 1_000;
  await cluster.time.sleep(SETTLE_MS);
  const measured = {
    form,
    way,
    seconds,
    cpuMs: cpuMs(pid) - before.cpuMs,
    peakMb: peakMemoryMb(pid),
    requests: requestsAbout(cluster.audit().slice(before.entries), (name) => form.namespaces.includes(name)),
    passes: (await passesOf(cluster)) - passesBefore,
  };
  console.log(`${form.title}, ${way.name}: ${seconds.toFixed(1)} s`);
  return measured;
}

async function passesOf({ operator }: Cluster): Promise<number> {
  const counts = (await operator.metrics()).matchAll(/^controller_runtime_reconcile_total\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function areReady(cluster: Cluster, { namespaces }: Form, { reason }: Way): Promise<true | undefined> {
  const { items } = await cluster.client.list(AMBIENT_MIGRATION);
  const ready = items.filter(({ metadata, status }) => {
    const condition = findCondition(status?.conditions ?? [], 'Ready');
    const isCurrent = condition?.observedGeneration === metadata.generation;
    return isCurrent && condition?.reason === reason && namespaces.includes(metadata.namespace ?? '');
  });
  if (ready.length === namespaces.length) return true;
  throw new Error(`${ready.length} of ${namespaces.length} are ready`);
}

/** Prints everything; 1 if a template was written too often or not at all. */
function report(measured: readonly Measured[]): number {
  const rows = measured.map(({ form, way, seconds, cpuMs: cpu, peakMb, requests, passes }) => {
    const workloads = form.namespaces.length * form.workloads;
    const each = (count: number | undefined): string => ((count ?? 0) / workloads).toFixed(2);
    return [
      `${form.title}, ${way.name}`,
      seconds.toFixed(1),
      (cpu / 1_000).toFixed(2),
      (cpu / workloads).toFixed(1),
      peakMb.toFixed(0),
      String(passes),
      String(total(requests)),
      each(total(requests)),
      each(requests['patch deployments']),
      each(requests['patch ambientmigrations/status']),
      each(requests['create events']),
    ];
  });
  const titles = [
    '',
    's',
    'CPU s',
    'CPU ms/workload',
    'peak MB',
    'passes',
    'requests',
    '/workload',
    'patches/workload',
  ];
  console.log(`\n${table([[...titles, 'statuses/workload', 'Events/workload'], ...rows])}\n`);
  const sorts = [...new Set(measured.flatMap(({ requests }) => Object.keys(requests)))].sort();
  const counts = sorts.map((sort) => [sort, ...measured.map(({ requests }) => String(requests[sort] ?? 0))]);
  console.log(
    table([['requests', ...measured.map(({ form, way }) => `${form.namespaces.length}: ${way.name}`)], ...counts]),
  );
  const isMet = measured.every(
    ({ form, requests }) => requests['patch deployments'] === form.namespaces.length * form.workloads,
  );
  console.log(`\nthe template of each workload is written once on each way: ${isMet ? 'yes' : 'NO'}`);
  return isMet ? 0 : 1;
}

process.exitCode = await main();
