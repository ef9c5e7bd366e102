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

/** Vitest's own report, and as the last line one that programs can read: `12 passed, 0 failed`. */
export default class CountingReporter extends DefaultReporter {
  override onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    super.onTestRunEnd(modules, errors, reason);
    this.log(summary(count(modules, errors.length, reason)));
  }
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
