import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../../test/controlplane/ambient/random.js';
import { GoMissingError } from '../../test/controlplane/build.js';
import { cacheDir, repositoryRoot } from '../../test/controlplane/paths.js';
import { openArena, type Arena } from './arena.js';
import { buildContestants, CONTESTANTS, type Contestant, versions } from './contestants.js';
import { costLines, machineLines, medians, medianTable, ratioLines, rawCsv, type Run } from './report.js';
import { measure, type Workload } from './run.js';

/*
 * `make bench`: our runtime beside an operator written by hand on `@kubernetes/client-node`, and beside controller-runtime, on one
 * kube-apiserver with one etcd, one after the other, each in a process of its own. Linux only: it reads /proc.
 */

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '2000' },
    edits: { type: 'string', default: '200' },
    rate: { type: 'string', default: '50' },
    idle: { type: 'string', default: '5' },
    repetitions: { type: 'string', default: '6' },
    only: { type: 'string', default: CONTESTANTS.join(',') },
    profile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const usage = `make bench ARGS="--objects 2000 --edits 200 --rate 50 --idle 5 --repetitions 6 --only ${CONTESTANTS.join(',')} --profile"
  --edits and --rate: specs changed, and how many in a second; --idle: seconds, each time; --profile: CPU profiles of the programs on Node`;

const results = join(repositoryRoot, 'bench', 'results');

async function main(): Promise<void> {
  if (values.help) {
    console.log(usage);
    return;
  }
  if (process.platform !== 'linux') throw new UsageError('make bench needs Linux: it reads /proc');
  const workload: Workload = {
    objects: positive('objects'),
    edits: positive('edits'),
    editsPerSecond: positive('rate'),
    idleSeconds: positive('idle'),
  };
  if (workload.edits > workload.objects) throw new UsageError('--edits: at most one per object');
  const names = values.only.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !CONTESTANTS.some((known) => known === name));
  if (unknown !== undefined) throw new UsageError(`--only: ${unknown} is none of ${CONTESTANTS.join(', ')}`);

  const dir = join(cacheDir, '..', 'bench');
  mkdirSync(dir, { recursive: true });
  const nodeArgs = values.profile ? ['--cpu-prof', '--cpu-prof-dir', results] : [];
  const contestants = await buildContestants(names, { dir, nodeArgs, log });
  const arena = await open(join(dir, 'server'));
  if (!arena) return;
  try {
    await describe(arena, workload);
    const runs = await play(contestants, arena, workload, dir);
    show(runs);
  } finally {
    await arena.stop();
  }
}

class UsageError extends Error {}

const log = (line: string): void => console.log(line);

function positive(name: 'objects' | 'edits' | 'rate' | 'idle' | 'repetitions'): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`--${name}: a whole number from 1 on, not ${values[name]}`);
  return value;
}

/** Undefined if there is nothing to build it with. */
async function open(dir: string): Promise<Arena | undefined> {
  try {
    return await openArena(dir, log);
  } catch (error) {
    if (!(error instanceof GoMissingError)) throw error;
    log(`nothing is measured: ${error.message}, or set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver`);
    return undefined;
  }
}

async function describe({ version }: Arena, { objects, edits, editsPerSecond, idleSeconds }: Workload): Promise<void> {
  const [{ model = 'unknown' } = {}] = cpus();
  log(
    `machine: ${cpus().length} cores (${model}), ${Math.round(totalmem() / 2 ** 30)} GiB; server and contestants share them`,
  );
  const all = { 'kube-apiserver': version, ...(await versions()) };
  log(
    `versions: ${Object.entries(all)
      .map(([name, of]) => `${name} ${of}`)
      .join(', ')}`,
  );
  log(`work: ${objects} objects, 2 writes each; ${edits} edits at ${editsPerSecond}/s; ${idleSeconds} s idle`);
}

/**
 * The first round is thrown away. Every other round is played backwards: the machine grows slower or faster all the time, and what ran
 * before leaves its traces in the server, so nobody may always be the earlier one.
 */
async function play(contestants: Contestant[], arena: Arena, workload: Workload, dir: string): Promise<Run[]> {
  const runs: Run[] = [];
  const random = new Random(1);
  for (let repetition = 0; repetition <= positive('repetitions'); repetition += 1) {
    for (const contestant of repetition % 2 === 0 ? contestants : contestants.toReversed()) {
      const idleSeconds = repetition === 0 ? 1 : workload.idleSeconds;
      const measured = await measure(contestant, arena, { ...workload, idleSeconds }, dir, random);
      const { wallSeconds, objectsPerSecond, cpuMsPerObject, p99Ms } = measured;
      const round = repetition === 0 ? 'warm-up' : `repetition ${repetition}`;
      log(
        `${round}: ${contestant.name}: ${wallSeconds.toFixed(1)} s, ${objectsPerSecond.toFixed(0)} objects/s, ` +
          `${cpuMsPerObject.toFixed(2)} ms CPU per object, p99 ${p99Ms.toFixed(1)} ms`,
      );
      if (repetition > 0) runs.push({ contestant: contestant.name, repetition, measured });
    }
  }
  return runs;
}

function show(runs: readonly Run[]): void {
  const all = medians(runs);
  log(`\nmedians of ${positive('repetitions')} repetitions\n`);
  log(`${medianTable(all)}\n`);
  for (const line of [...ratioLines(runs), '', ...costLines(all), '', ...machineLines(all, cpus().length)]) log(line);
  mkdirSync(results, { recursive: true });
  const file = join(results, `peers-${new Date().toISOString().replaceAll(':', '').slice(0, 17)}Z.csv`);
  writeFileSync(file, rawCsv(runs));
  log(`\nall runs: ${relative(process.cwd(), file)}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
});
