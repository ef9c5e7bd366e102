/**
 * `make test-controlplane`: the tests on the real control plane. What failed runs once more, on a control plane of its own: real
 * controllers run beside each other, on a machine that may be busy with something else. What failed at first and then passed is
 * named; what fails twice has failed. Arguments: the files to run (all).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESULTS_FILE, type Results, summary } from '../support/reporter.js';
import { LIMIT_VARIABLE } from '../support/time-limit.js';

const dir = mkdtempSync(join(tmpdir(), 'sidestep-results-'));
try {
  process.exitCode = main();
} finally {
  rmSync(dir, { recursive: true });
}

function main(): number {
  const first = run('first', process.argv.slice(2), { limit: process.env[LIMIT_VARIABLE] });
  const broken = first.files.filter(({ count }) => count.failed > 0);
  if (broken.length === 0) return first.count.failed === 0 ? 0 : 1;
  const again = broken.flatMap((file) => (standsAlone(file) ? file.failed : [`${file.file} (all of it)`]));
  console.log(`\nOnce more, for it failed:\n${again.map(indented).join('\n')}\n`);
  const second = run(
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
  console.log(summary({ passed: first.count.passed + mended, failed, skipped: first.count.skipped }));
  return failed === 0 ? 0 : 1;
}

/** Whether what failed can run without the rest: no hook failed, and nothing that looks at what all the others did. */
function standsAlone({ count, failed }: Results['files'][number]): boolean {
  return failed.length === count.failed && !failed.some((name) => name.startsWith('accounting > '));
}

/**
 * @param options.names  of the tests to run (all)
 * @param options.limit  of {@link LIMIT_VARIABLE}
 * @throws {Error} it was ended before it had any results, or ran none of the tests
 */
function run(
  name: string,
  files: readonly string[],
  { names, limit = '' }: { names?: readonly string[] | undefined; limit: string | undefined },
): Results {
  const results = join(dir, name);
  const projects = ['--project', 'conformance', '--project', 'controlplane'];
  const only = names ? ['-t', `^(${names.map(patternOf).join('|')})$`] : [];
  const env = { ...process.env, [RESULTS_FILE]: results, [LIMIT_VARIABLE]: limit };
  const { signal, error } = spawnSync('npx', ['vitest', 'run', ...projects, ...files, ...only], {
    stdio: 'inherit',
    env,
  });
  if (error) throw error;
  if (signal !== null) throw new Error(`the tests were ended by ${signal}`);
  const read = JSON.parse(readFileSync(results, 'utf8')) as Results;
  if (names && read.count.passed + read.count.failed < names.length)
    throw new Error(`not all ran: ${names.join(', ')}`);
  return read;
}

/** Vitest compares with the names of suites and test, a space between two. */
function patternOf(fullName: string): string {
  return fullName.replaceAll(' > ', ' ').replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function indented(line: string): string {
  return `  ${line}`;
}
