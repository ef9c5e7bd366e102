import { INSTRUMENTER_CONSTANTS, type InstrumenterContext } from '@stryker-mutator/api/core';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
  determineHitLimitReached,
  DryRunStatus,
  TestStatus,
  toMutantRunResult,
  type DryRunResult,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
  type TestRunnerCapabilities,
} from '@stryker-mutator/api/test-runner';
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { declaredBy, type DeclaredTest, type Suite } from './vitest.js';

const context = ((globalThis as Record<string, unknown>)[INSTRUMENTER_CONSTANTS.NAMESPACE] ??=
  {}) as InstrumenterContext;

/** Where tests of `src/mesh` are. */
const FOLDERS = ['src/mesh', 'src/controllers', 'src/cli', 'cdk8s', 'test/support/routes'];

/**
 * Tests of other things, that take long or need more of Vitest; and two of the proof, whose many cases would take the time that a mutant
 * has from tests of one thing each.
 */
const LEFT_OUT = [
  'cdk8s/install.test.ts',
  'cdk8s/findings-config-map.test.ts',
  'cdk8s/ztunnel-config.test.ts',
  'cli/cli.test.ts',
  'cli/manifest-fields.test.ts',
  'ambient-migration/hand-over.test.ts',
  'proof/exhaustive.test.ts',
  'proof/solve-pairs.test.ts',
];

/** A mutant that tests of so many milliseconds do not notice, the quickest first, survives. */
const BUDGET_MS = 2000;

/**
 * Runs the unit tests of `src/mesh` in the process of Stryker's worker: files are imported once, and a mutant costs the tests that reach it,
 * some milliseconds, where Vitest starts a worker for each (0.6 s; there are some 20,000 mutants).
 *
 * Whether a test fails must not depend on the mutants before it, which may have left something in a cache: a test that fails must pass again
 * with the mutant off. If it does not, the run is rejected: Stryker then tries that mutant again in a new process.
 */
class InProcess implements TestRunner {
  /** What each test took the last time, in milliseconds. */
  readonly #spent = new Map<string, number>();
  #tests: Promise<ReadonlyMap<string, DeclaredTest>> | undefined;

  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: true };
  }

  async dryRun(): Promise<DryRunResult> {
    const tests = await this.#load();
    const results: TestResult[] = [];
    for (const id of tests.keys()) {
      context.currentTestId = id;
      results.push(await resultOf(id, tests));
      delete context.currentTestId;
    }
    return {
      status: DryRunStatus.Complete,
      tests: results,
      mutantCoverage: context.mutantCoverage ?? { static: {}, perTest: {} },
    };
  }

  async mutantRun({ activeMutant, hitLimit, testFilter = [] }: MutantRunOptions): Promise<MutantRunResult> {
    const tests = await this.#load();
    context.activeMutant = activeMutant.id;
    context.hitCount = 0;
    if (hitLimit !== undefined) context.hitLimit = hitLimit;
    const results: TestResult[] = [];
    let left = BUDGET_MS;
    for (const id of this.#quickestFirst(testFilter)) {
      const result = await resultOf(id, tests);
      // The first time is the measure: what is slow comes last from then on.
      if (this.#spent.has(id)) left -= result.timeSpentMs;
      this.#spent.set(id, result.timeSpentMs);
      results.push(result);
      if (result.status === TestStatus.Failed || left < 0) break;
    }
    const limit = determineHitLimitReached(context.hitCount, hitLimit);
    delete context.activeMutant;
    delete context.hitCount;
    delete context.hitLimit;
    const last = results.at(-1);
    if (last?.status === TestStatus.Failed && (await resultOf(last.id, tests)).status === TestStatus.Failed)
      throw new Error(`${last.name} fails without the mutant, too: an earlier one has left something behind`);
    return toMutantRunResult(limit ?? { status: DryRunStatus.Complete, tests: results });
  }

  #quickestFirst(ids: readonly string[]): readonly string[] {
    return ids.toSorted((a, b) => (this.#spent.get(a) ?? 0) - (this.#spent.get(b) ?? 0));
  }

  #load(): Promise<ReadonlyMap<string, DeclaredTest>> {
    return (this.#tests ??= allTests());
  }
}

/** The runner as Stryker's configuration names it: `testRunner: "in-process"`. */
export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'in-process', InProcess)];

async function allTests(): Promise<ReadonlyMap<string, DeclaredTest>> {
  const tests = new Map<string, DeclaredTest>();
  for (const folder of FOLDERS) {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    for (const file of names.filter((name) => name.endsWith('.test.ts')).map((name) => `${folder}/${name}`)) {
      if (LEFT_OUT.some((end) => file.endsWith(end))) continue;
      const declared = await declaredBy(pathToFileURL(resolve(file)).href);
      for (const [at, test] of declared.entries()) tests.set(`${file}#${at}`, test);
    }
  }
  return tests;
}

async function resultOf(id: string, tests: ReadonlyMap<string, DeclaredTest>): Promise<TestResult> {
  const test = tests.get(id);
  if (test === undefined) throw new Error(`there is no test ${id}`);
  const from = performance.now();
  const suites = enclosing(test.suite);
  let failure: string | undefined;
  try {
    for (const { before } of suites) for (const hook of before) await hook();
    await test.body();
  } catch (error) {
    failure = String(error);
  }
  try {
    for (const { after } of suites.toReversed()) for (const hook of after) await hook();
  } catch (error) {
    failure ??= String(error);
  }
  const common = {
    id,
    name: [...suites.map(({ name }) => name), test.name].join(' '),
    timeSpentMs: performance.now() - from,
  };
  return failure === undefined
    ? { ...common, status: TestStatus.Success }
    : { ...common, status: TestStatus.Failed, failureMessage: failure };
}

function enclosing(suite: Suite): readonly Suite[] {
  return suite.parent === undefined ? [suite] : [...enclosing(suite.parent), suite];
}
