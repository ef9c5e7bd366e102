/**
 * `make test-controlplane`: the tests on the real control plane. Those that share one run beside the others, and report when they have
 * ended. What failed runs once more, on a control plane of its own: real controllers run beside each other, on a machine that may be
 * busy with something else. What failed at first and then passed is named; what fails twice has failed. Arguments: the files to run
 * (all).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Count, RESULTS_FILE, type Results, summary } from '../support/reporter.js';
import { LIMIT_VARIABLE } from '../support/time-limit.js';

const dir = mkdtempSync(join(tmpdir(), 'sidestep-results-'));
try {
  process.exitCode = await main();
} finally {
  rmSync(dir, { recursive: true });
}

async function main(): Promise<number> {
  const first = await run('first', process.argv.slice(2), { limit: process.env[LIMIT_VARIABLE] });
  const broken = first.files.filter(({ count }) => count.failed > 0);
  if (broken.length === 0) return end(first.count);
  const again = broken.flatMap((file) => (standsAlone(file) ? file.failed : [`${file.file} (all of it)`]));
  console.log(`\nOnce more, for it failed:\n${again.map(indented).join('\n')}\n`);
  const second = await run(
    'second',
    broken.map(({ file }) => file),
    // Whatever the time: what is skipped has not been mended.
    { limit: '', names: broken.every(standsAlone) ? broken.flatMap(({ failed }) => failed) : undefined },
  );
  const stillFailed = new Set(second.files.flatMap(({ failed }) => failed));
  const unsteady = broken.flatMap(({ failed }) => failed).filter((name) => !stillFailed.has(name));
  if (unsteady.length > 0) console.log(`\nFailed at first, and passed then:\n${unsteady.map(indented).join('\n')}\n`);
  const before = broken.reduce((sum, { count }) => sum + count.failed, 0);
  const mended = Math.max(0, before - second.count.failed);
  const failed = first.count.failed - before + second.count.failed;
  return end({ passed: first.count.passed + mended, failed, skipped: first.count.skipped });
}

/** Prints the last line; returns the exit code. */
function end(count: Count): number {
  console.log(summary(count));
  return count.failed === 0 ? 0 : 1;
}

/** Whether what failed can run without the rest: no hook failed, and nothing that looks at what all the others did. */
function standsAlone({ count, failed }: Results['files'][number]): boolean {
  return failed.length === count.failed && !failed.some((name) => name.startsWith('accounting > '));
}

interface RunOptions {
  /** Of the tests to run; all without it. */
  readonly names?: readonly string[] | undefined;
  /** Of {@link LIMIT_VARIABLE}. */
  readonly limit: string | undefined;
}

/** @throws {Error} it was ended before it had any results, or ran none of the tests */
async function run(name: string, files: readonly string[], options: RunOptions): Promise<Results> {
  const [shared, own] = await Promise.all([
    runProject('conformance', name, files, { ...options, reportAtEnd: true }),
    runProject('controlplane', name, files, options),
  ]);
  const results = {
    count: {
      passed: shared.count.passed + own.count.passed,
      failed: shared.count.failed + own.count.failed,
      skipped: shared.count.skipped + own.count.skipped,
    },
    files: [...shared.files, ...own.files],
  };
  const { names, limit } = options;
  const ran = results.count.passed + results.count.failed;
  if (names && ran < names.length) throw new Error(`not all ran: ${names.join(', ')}`);
  if (ran === 0 && !limit) throw new Error(`no test in ${files.join(', ')}`);
  return results;
}

async function runProject(
  project: string,
  name: string,
  files: readonly string[],
  { names, limit = '', reportAtEnd = false }: RunOptions & { readonly reportAtEnd?: boolean },
): Promise<Results> {
  const results = join(dir, `${name}-${project}`);
  const only = names ? ['-t', `^(${names.map(patternOf).join('|')})$`] : [];
  const vitest = spawn('npx', ['vitest', 'run', '--passWithNoTests', '--project', project, ...files, ...only], {
    stdio: ['ignore', reportAtEnd ? 'pipe' : 'inherit', 'inherit'],
    env: { ...process.env, [RESULTS_FILE]: results, [LIMIT_VARIABLE]: limit },
  });
  const report = vitest.stdout ? text(vitest.stdout) : Promise.resolve('');
  const [, signal] = (await once(vitest, 'close')) as [number | null, NodeJS.Signals | null];
  process.stdout.write(await report);
  if (signal !== null) throw new Error(`the tests were ended by ${signal}`);
  return JSON.parse(readFileSync(results, 'utf8')) as Results;
}

/** Vitest compares with the names of suites and test, a space between two. */
function patternOf(fullName: string): string {
  return fullName.replaceAll(' > ', ' ').replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function indented(line: string): string {
  return `  ${line}`;
}
