import { type RunnerTask, type RunnerTestSuite, TestRunner } from 'vitest';

/** Environment variable with the moment, in seconds since the epoch, from which on no test begins; without it each does. */
export const LIMIT_VARIABLE = 'SIDESTEP_BEGIN_UNTIL';

/**
 * Vitest's runner, which from a moment on skips what has not begun: files and suites with their hooks, and tests. So a run ends in time on
 * a machine that turns out to be slow, and its last line says how many tests it left out.
 */
export default class TimeLimitedRunner extends TestRunner {
  override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
    skipIfLate(suite);
    await super.onBeforeRunSuite(suite);
  }

  override async onBeforeRunTask(test: RunnerTask): Promise<void> {
    skipIfLate(test);
    await super.onBeforeRunTask(test);
  }
}

function skipIfLate(task: RunnerTask): void {
  const limit = process.env[LIMIT_VARIABLE] ?? '';
  if (limit !== '' && Date.now() >= Number(limit) * 1_000) task.mode = 'skip';
}
