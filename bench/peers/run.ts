import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import equal from 'fast-deep-equal';
import { CONFIG_MAP } from '../../src/kube/types.js';
import type { Random } from '../../test/controlplane/ambient/random.js';
import { Watchdog } from '../../test/controlplane/watchdog.js';
import type { Arena } from './arena.js';
import type { Contestant } from './contestants.js';
import { connectionsOpened, cpuMs, machineCpuMs, peakMemoryMb } from './machine.js';
import { Observer } from './observer.js';
import { percentile } from './statistics.js';
import { configMapOf, NAMESPACE, newWidget, WIDGET } from './widgets.js';

/** How much a run does. */
export interface Workload {
  /** Widgets that there are before the contestant starts. */
  objects: number;
  /** Widgets whose spec is then changed once, in random order. */
  edits: number;
  /** Changes in a second, whether or not the contestant keeps up. */
  editsPerSecond: number;
  /** How long the contestant then has nothing to do, s. */
  idleSeconds: number;
}

/** What was measured of one run; CPU is of the time until all statuses were to be seen, from the start of the process on. */
export type Measured = Record<(typeof MEASURES)[number], number>;

/** Names of what is measured, with their units. */
export const MEASURES = [
  'wallSeconds',
  'objectsPerSecond',
  'cpuMsPerObject',
  'serverCpuMsPerObject',
  'apiServerCpuSeconds',
  'etcdCpuSeconds',
  'driverCpuSeconds',
  'othersCpuSeconds',
  'busyCores',
  'peakMemoryMb',
  'writesPerObject',
  'connections',
  'p50Ms',
  'p99Ms',
  'maxMs',
  'writesPerEdit',
  'editsBehindMs',
  'idleRequestsPerMinute',
  'idleCpuMsPerMinute',
] as const;

/** What is under way at the beginning of an idle time may end, ms. */
const SETTLE_MS = 2_000;

/** A contestant must have done its work by then, ms. */
const TIMEOUT_MS = 600_000;

const CREATORS = 16;

/**
 * Has one contestant do the whole workload, in a process of its own.
 *
 * @throws {Error} it ended, did not do its work in time, or did something else; its log is in `dir`
 */
export async function measure(
  contestant: Contestant,
  arena: Arena,
  workload: Workload,
  dir: string,
  random: Random,
): Promise<Measured> {
  await arena.clear();
  const { resourceVersion } = await arena.client.list(WIDGET, { namespace: NAMESPACE });
  const observer = new Observer(arena.client, resourceVersion);
  await createWidgets(arena, workload.objects);
  const log = join(dir, `${contestant.name.replaceAll(' ', '-')}.log`);
  const writesBefore = (await arena.counted()).writes;
  const before = usage(arena);
  const child = start(contestant, arena, log);
  const failed = failure(child, log);
  const within = <T>(work: Promise<T>): Promise<T> => Promise.race([work, failed]);
  try {
    const pid = child.pid ?? 0;
    await within(observer.until(workload.objects));
    const contestantMs = cpuMs(pid);
    const after = usage(arena);
    const writes = (await arena.counted()).writes - writesBefore;
    const edited = await within(edit(arena, observer, workload, random));
    await check(arena, workload.objects);
    const idle = await within(idleTime(arena, pid, workload.idleSeconds));
    const last = Math.max(...observer.timesMs.slice(0, workload.objects));
    const first = Math.min(...observer.timesMs);
    const wallMs = last - before.atMs;
    const apiServerMs = after.apiServerMs - before.apiServerMs;
    const etcdMs = after.etcdMs - before.etcdMs;
    const driverMs = after.driverMs - before.driverMs;
    const machineMs = after.machineMs - before.machineMs;
    return {
      wallSeconds: wallMs / 1_000,
      objectsPerSecond: ((workload.objects - 1) / (last - first)) * 1_000,
      cpuMsPerObject: contestantMs / workload.objects,
      serverCpuMsPerObject: (apiServerMs + etcdMs + driverMs) / workload.objects,
      apiServerCpuSeconds: apiServerMs / 1_000,
      etcdCpuSeconds: etcdMs / 1_000,
      driverCpuSeconds: driverMs / 1_000,
      othersCpuSeconds: (machineMs - apiServerMs - etcdMs - driverMs - contestantMs) / 1_000,
      busyCores: machineMs / wallMs,
      peakMemoryMb: peakMemoryMb(pid),
      writesPerObject: writes / workload.objects,
      connections: after.connections - before.connections,
      ...edited,
      ...idle,
    };
  } finally {
    await observer.stop();
    await end(child);
  }
}

async function createWidgets({ client }: Arena, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => nameOf(index)).values();
  const create = async (): Promise<void> => {
    for (const name of names) await client.create(WIDGET, newWidget(name), { fieldManager: 'driver' });
  };
  await Promise.all(Array.from({ length: CREATORS }, create));
}

const nameOf = (index: number): string => `widget-${index}`;

/** What has been used so far. */
function usage({
  server,
}: Arena): Record<'atMs' | 'apiServerMs' | 'etcdMs' | 'driverMs' | 'machineMs' | 'connections', number> {
  return {
    atMs: performance.now(),
    apiServerMs: cpuMs(server.pid('kube-apiserver')),
    etcdMs: cpuMs(server.pid('etcd')),
    driverMs: cpuMs(process.pid),
    machineMs: machineCpuMs(),
    connections: connectionsOpened(),
  };
}

function start({ command, args }: Contestant, { kubeconfig }: Arena, log: string): ChildProcess {
  const output = openSync(log, 'a');
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, KUBECONFIG: kubeconfig };
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  if (child.pid !== undefined) guard(child, child.pid);
  return child;
}

/** It must not outlive us. */
function guard(child: ChildProcess, pid: number): void {
  const watchdog = new Watchdog('bench');
  watchdog.add(pid);
  child.once('exit', () => {
    watchdog.remove(pid);
    void watchdog.stop();
  });
}

/** Rejects when the contestant ends, or does not do its work in time. */
function failure(child: ChildProcess, log: string): Promise<never> {
  const failed = new Promise<never>((_, reject) => {
    const fail = (what: string): void =>
      reject(new Error(`the contestant ${what}; the end of ${log}:\n${readFileSync(log, 'utf8').slice(-2_000)}`));
    const timer = setTimeout(() => fail(`did not do its work within ${TIMEOUT_MS / 1_000} s`), TIMEOUT_MS);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`ended with ${code ?? signal}`);
    });
  });
  // It ends in the end; nobody waits for that any more.
  failed.catch(() => {});
  return failed;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}

/** Changes specs at a steady pace. A latency begins when the API server has answered the change. */
async function edit(
  arena: Arena,
  observer: Observer,
  { objects, edits, editsPerSecond }: Workload,
  random: Random,
): Promise<Pick<Measured, 'p50Ms' | 'p99Ms' | 'maxMs' | 'writesPerEdit' | 'editsBehindMs'>> {
  await delay(SETTLE_MS);
  const before = await arena.counted();
  const names = sample(objects, edits, random).map(nameOf);
  const startMs = performance.now();
  let editsBehindMs = 0;
  const changes = names.map(async (name, index) => {
    const dueMs = startMs + (index * 1_000) / editsPerSecond;
    await delay(dueMs - performance.now());
    editsBehindMs = Math.max(editsBehindMs, performance.now() - dueMs);
    const operation = { op: 'replace' as const, path: '/spec/data/revision', value: String(index + 1) };
    const ref = { namespace: NAMESPACE, name };
    const { metadata } = await arena.client.jsonPatch(WIDGET, ref, [operation], { fieldManager: 'driver' });
    return { name, generation: metadata.generation ?? 0, atMs: performance.now() };
  });
  const written = await Promise.all(changes);
  await observer.until(objects + edits);
  const latencies = written.map(
    ({ name, generation, atMs }) => (observer.seenAtMs(name, generation) ?? Infinity) - atMs,
  );
  const after = await arena.counted();
  return {
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    maxMs: percentile(latencies, 100),
    // One of them was the driver's.
    writesPerEdit: (after.writes - before.writes) / edits - 1,
    editsBehindMs,
  };
}

/** Some of the numbers below `total`, each once, in random order. */
function sample(total: number, count: number, random: Random): number[] {
  const rest = Array.from({ length: total }, (_, index) => index);
  return Array.from({ length: count }, () => rest.splice(random.int(0, rest.length - 1), 1)[0] ?? 0);
}

/** Every ConfigMap is what its Widget asks for, and every status says so. @throws {Error} otherwise */
async function check({ client }: Arena, objects: number): Promise<void> {
  const widgets = await client.list(WIDGET, { namespace: NAMESPACE });
  const configMaps = await client.list(CONFIG_MAP, { namespace: NAMESPACE });
  const byName = new Map(configMaps.items.map((configMap) => [configMap.metadata.name, configMap]));
  for (const widget of widgets.items) {
    const { metadata, data } = configMapOf(widget);
    const found = byName.get(metadata.name);
    const isDone =
      widget.status?.observedGeneration === widget.metadata.generation &&
      equal(found?.data, data) &&
      equal(found?.metadata.ownerReferences, metadata.ownerReferences);
    if (!isDone) throw new Error(`the contestant has not reconciled Widget ${metadata.name}`);
  }
  if (widgets.items.length !== objects || byName.size !== objects)
    throw new Error(`${widgets.items.length} Widgets and ${byName.size} ConfigMaps, not ${objects}`);
}

async function idleTime(
  arena: Arena,
  pid: number,
  seconds: number,
): Promise<Pick<Measured, 'idleRequestsPerMinute' | 'idleCpuMsPerMinute'>> {
  await delay(SETTLE_MS);
  const [before, beforeMs] = [await arena.counted(), cpuMs(pid)];
  await delay(seconds * 1_000);
  const after = await arena.counted();
  const perMinute = seconds === 0 ? 0 : 60 / seconds;
  return {
    idleRequestsPerMinute: (after.requests - before.requests) * perMinute,
    idleCpuMsPerMinute: (cpuMs(pid) - beforeMs) * perMinute,
  };
}
