import { writeFileSync } from 'node:fs';
import {
  DefaultReporter,
  type SerializedError,
  type TestCase,
  type TestModule,
  type TestRunEndReason,
  type TestSuite,
} from 'vitest/node';

/** What became of a run. */
export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** What became of a run, as it is written to the file that {@link RESULTS_FILE} names. */
export interface Results {
  readonly count: Count;
  readonly files: readonly { readonly file: string; readonly count: Count; readonly failed: readonly string[] }[];
}

/** The environment variable that names a file for {@link Results}. */
export const RESULTS_FILE = 'SIDESTEP_TEST_RESULTS';

/** Vitest's own report, and as the last line one that programs can read: `12 passed, 0 failed`. */
export default class CountingReporter extends DefaultReporter {
  override onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    super.onTestRunEnd(modules, errors, reason);
    const results = { count: count(modules, errors.length, reason), files: modules.map(resultsOf) };
    const file = process.env[RESULTS_FILE];
    if (file !== undefined) writeFileSync(file, JSON.stringify(results satisfies Results));
    this.log(summary(results.count));
  }
}

function resultsOf(module: TestModule): Results['files'][number] {
  const failed = [...module.children.allTests('failed')].map(({ fullName }) => fullName);
  return { file: module.moduleId, count: count([module], 0, 'passed'), failed };
}

/**
 * Counts tests. What fails outside of any test (a file that cannot be loaded, a hook, an unhandled rejection) counts as a
 * failure as well: a line without failures must mean that all is well.
 */
export function count(modules: readonly TestModule[], unhandledErrors: number, reason: TestRunEndReason): Count {
  const tests = modules
    .flatMap((module) => [...module.children.allTests()])
    .map((test: TestCase) => test.result().state);
  const containers: (TestModule | TestSuite)[] = modules.flatMap((module) => [module, ...module.children.allSuites()]);
  const broken = containers.filter((container) => container.errors().length > 0).length;
  const failed = tests.filter((state) => state === 'failed').length + broken + unhandledErrors;
  return {
    passed: tests.filter((state) => state === 'passed').length,
    failed: reason === 'passed' ? failed : Math.max(1, failed),
    skipped: tests.filter((state) => state === 'skipped' || state === 'pending').length,
  };
}

/** `N passed, N failed`, and `, N skipped` only if there are any. */
export function summary({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
