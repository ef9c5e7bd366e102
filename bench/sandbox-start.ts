import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { startSandbox } from '../src/sandbox/sandbox.js';

/*
 * How long the sandbox takes to start in a process of its own, and the CPU of it: about forty test files start one each.
 * Loading the code is not counted. The bar: half of five starts take at most a second.
 */

const STARTS = 5;
const BAR_MS = 1_000;

/** One start, in milliseconds; `settledCpu` also counts what goes on for a second afterwards. */
interface Start {
  time: number;
  cpu: number;
  settledCpu: number;
}

function main(): number {
  const self = fileURLToPath(import.meta.url);
  const starts = Array.from({ length: STARTS }, (_, index) => {
    const output = execFileSync(process.execPath, [...process.execArgv, self, 'once'], { encoding: 'utf8' });
    const start = JSON.parse(output) as Start;
    console.log(`start ${index + 1}: ${shown(start)}`);
    return start;
  });
  const half = (part: keyof Start): number => median(starts.map((start) => start[part]));
  const typical = { time: half('time'), cpu: half('cpu'), settledCpu: half('settledCpu') };
  console.log(`median: ${shown(typical)} (bar: ${BAR_MS} ms)`);
  return typical.time <= BAR_MS ? 0 : 1;
}

async function once(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'sidestep-start-'));
  try {
    const startedAt = performance.now();
    const before = process.cpuUsage();
    const sandbox = await startSandbox({ dir });
    const time = performance.now() - startedAt;
    const cpu = cpuSince(before);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const start: Start = { time, cpu, settledCpu: cpuSince(before) };
    console.log(JSON.stringify(start));
    await sandbox.stop();
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const shown = ({ time, cpu, settledCpu }: Start): string =>
  `${time.toFixed(0)} ms, ${cpu.toFixed(0)} ms of CPU, ${settledCpu.toFixed(0)} ms with the second after it`;

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

if (process.argv[2] === 'once') await once();
else process.exitCode = main();
