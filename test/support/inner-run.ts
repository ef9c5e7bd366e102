import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type InlineConfig, type TestModule, type TestRunEndReason, startVitest } from 'vitest/node';
import { repositoryRoot } from '../controlplane/paths.js';
import { type Count, count } from './reporter.js';

/**
 * Runs tests within a test, with Vitest's defaults.
 *
 * @param source  of a file of tests, JavaScript; what it calls of Vitest is imported
 * @param config  what is not to be as by default
 * @returns what the reporter counts; undefined: the run never ended
 */
export async function countOfRun(source: string, config: InlineConfig = {}): Promise<Count | undefined> {
  // In the repository, so that the file finds Vitest.
  const folder = mkdtempSync(join(repositoryRoot, 'node_modules', '.inner-run-'));
  writeFileSync(join(folder, 'a.test.js'), `import { it, describe, beforeAll } from 'vitest';\n${source}`);
  let result: Count | undefined;
  const reporter = {
    onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: TestRunEndReason): void {
      result = count(modules, errors.length, reason);
    },
  };
  // A failing run sets the exit code of the process, which is that of the outer run.
  const code = process.exitCode;
  const ours = { root: folder, config: false as const, watch: false, reporters: [reporter] };
  try {
    const run = await startVitest('test', [], { ...config, ...ours, include: ['*.test.js'], exclude: [] });
    await run.close();
  } finally {
    rmSync(folder, { recursive: true });
    process.exitCode = code;
  }
  return result;
}
