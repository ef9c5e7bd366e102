import {
  ASYMMETRIC_MATCHERS_OBJECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
  type ExpectStatic,
} from '@vitest/expect';
import * as chai from 'chai';
import { format } from 'node:util';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

/*
 * What tests import as `vitest` while mutants are tried: it declares tests, and `runner.ts` runs them, some many thousand times, in the
 * process that has imported them. As much of Vitest as tests of `src/mesh` use.
 */

type Body = () => unknown;

/** What encloses tests: a file or a `describe`. Each test runs by itself: what is to be done before all is done before each. */
export interface Suite {
  readonly name: string;
  readonly parent: Suite | undefined;
  readonly before: Body[];
  readonly after: Body[];
}

/** One test as its file declares it. */
export interface DeclaredTest {
  readonly name: string;
  readonly suite: Suite;
  readonly body: Body;
}

const tests: DeclaredTest[] = [];
let current = suiteOf('', undefined);

/** Imports one file, and returns the tests that it declares. */
export async function declaredBy(file: string): Promise<readonly DeclaredTest[]> {
  current = suiteOf(file, undefined);
  const first = tests.length;
  await import(file);
  return tests.slice(first);
}

/** Vitest's `expect`, as `@vitest/expect` makes it. */
export const expect = Object.assign((value: unknown, message?: string) => chai.expect(value, message), chai.expect, {
  unreachable: (message?: string): never => chai.assert.fail(message ?? 'unreachable'),
}) as unknown as ExpectStatic;
Object.assign(expect, (globalThis as unknown as Record<symbol, object>)[ASYMMETRIC_MATCHERS_OBJECT]);
setState({ assertionCalls: 0 }, expect);

export function describe(name: string, body: Body): void {
  const outer = current;
  current = suiteOf(name, outer);
  body();
  current = outer;
}

function declare(name: string, ...rest: readonly unknown[]): void {
  const body = rest.find((each): each is Body => typeof each === 'function');
  if (body !== undefined) tests.push({ name, suite: current, body });
}

const each =
  (rows: readonly unknown[]) =>
  (name: string, body: (...args: unknown[]) => unknown): void => {
    for (const row of rows) {
      const args = Array.isArray(row) ? (row as unknown[]) : [row];
      declare(format(name, ...args), () => body(...args));
    }
  };

export const it = Object.assign(declare, { each });
export const test = it;

const before = (body: Body): unknown => current.before.push(body);
const after = (body: Body): unknown => current.after.push(body);
export { before as beforeAll, before as beforeEach, after as afterAll, after as afterEach };

function suiteOf(name: string, parent: Suite | undefined): Suite {
  return { name, parent, before: [], after: [] };
}
