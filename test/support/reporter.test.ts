import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestModule, type TestRunEndReason, startVitest } from 'vitest/node';
import { type Count, count, summary } from './reporter.js';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

describe('the last line of a run', () => {
  let folder = '';

  beforeEach(() => {
    // In the repository, so that the file finds vitest.
    folder = mkdtempSync(join(REPOSITORY, 'node_modules', '.reporter-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const countOf = async (source: string): Promise<Count | undefined> => {
    writeFileSync(join(folder, 'a.test.js'), `import { it, describe, beforeAll } from 'vitest';\n${source}`);
    let result: Count | undefined;
    const reporter = {
      onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: TestRunEndReason): void {
        result = count(modules, errors.length, reason);
      },
    };
    // A failing run sets the exit code of the process, which is that of the outer run.
    const code = process.exitCode;
    const run = await startVitest('test', [], {
      root: folder,
      config: false,
      watch: false,
      reporters: [reporter],
      include: ['*.test.js'],
      exclude: [],
    });
    await run.close();
    process.exitCode = code;
    return result;
  };

  it('counts tests by their end', async () => {
    // Text of a file that is run apart: the reporter has to count what is skipped.
    expect(
      await countOf(`it('a', () => {}); it('b', () => { throw 1 }); it.skip('c', () => {}); it.todo('d')`),
    ).toEqual({ passed: 1, failed: 1, skipped: 2 });
  });

  it('counts a file that cannot be loaded', async () => {
    expect(await countOf(`import './missing.js'; it('a', () => {})`)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a hook that fails, and what it kept from running', async () => {
    expect(await countOf(`describe('s', () => { beforeAll(() => { throw 1 }); it('a', () => {}) })`)).toEqual({
      passed: 0,
      failed: 1,
      skipped: 1,
    });
  });

  it('is short', () => {
    expect(summary({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed');
    expect(summary({ passed: 12, failed: 1, skipped: 3 })).toBe('12 passed, 1 failed, 3 skipped');
  });
});
