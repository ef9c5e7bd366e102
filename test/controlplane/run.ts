/**
 * `make test-controlplane`: the tests on the real control plane. A file in which something failed runs once more, on a control plane
 * of its own: real controllers run beside each other, on a machine that may be busy with something else. What failed at first and
 * then passed is named; what fails twice has failed. Arguments: the files to run (all).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Count, RESULTS_FILE, type Results, summary } from '../support/reporter.js';

const dir = mkdtempSync(join(tmpdir(), 'sidestep-results-'));
try {
  process.exitCode = main();
} finally {
  rmSync(dir, { recursive: true });
}

function main(): number {
  const first = run('first', process.argv.slice(2));
  const broken = first.files.filter(({ count }) => count.failed > 0);
  if (broken.length === 0) return first.count.failed === 0 ? 0 : 1;
  console.log(`\nOnce more, for something failed in it:\n${broken.map(({ file }) => indented(file)).join('\n')}\n`);
  const second = run(
    'second',
    broken.map(({ file }) => file),
  );
  const stillFailed = new Set(second.files.flatMap(({ failed }) => failed));
  const unsteady = broken.flatMap(({ failed }) => failed).filter((name) => !stillFailed.has(name));
  if (unsteady.length > 0) console.log(`\nFailed at first, and passed then:\n${unsteady.map(indented).join('\n')}\n`);
  const total = [first.count, second.count].reduce(plus);
  const replaced = broken.map(({ count }) => count).reduce(plus);
  const left = { passed: total.passed - replaced.passed, failed: total.failed - replaced.failed };
  console.log(summary({ ...left, skipped: total.skipped - replaced.skipped }));
  return left.failed === 0 ? 0 : 1;
}

/** @throws {Error} it was ended before it had any results */
function run(name: string, files: readonly string[]): Results {
  const results = join(dir, name);
  const projects = ['--project', 'conformance', '--project', 'controlplane'];
  const env = { ...process.env, [RESULTS_FILE]: results };
  const { signal, error } = spawnSync('npx', ['vitest', 'run', ...projects, ...files], { stdio: 'inherit', env });
  if (error) throw error;
  if (signal !== null) throw new Error(`the tests were ended by ${signal}`);
  return JSON.parse(readFileSync(results, 'utf8')) as Results;
}

function indented(line: string): string {
  return `  ${line}`;
}

function plus(a: Count, b: Count): Count {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}
