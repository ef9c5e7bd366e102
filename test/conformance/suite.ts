import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, type ExpectStatic, inject, test } from 'vitest';
import { startSandbox } from '../../src/sandbox/sandbox.js';
import { differences } from './differences.js';
import { Server } from './server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Kubeconfig of a running real control plane; empty: a sandbox is started for each file. */
    kubeconfig: string;
  }
}

/**
 * Registers a case of an area, named by the behaviour that it checks. Cases that run at the same time compare with the
 * `expect` that they are given.
 */
export type Case = (behaviour: string, check: (server: Server, expect: ExpectStatic) => Promise<void>) => void;

/**
 * One area of the conformance suite; each file holds one. On the sandbox a case that `differences.ts` lists must fail: once
 * it passes, the list is wrong, and so the test fails.
 *
 * @param options.concurrent  runs several cases at a time: for those that mostly wait, and share nothing
 */
export function conformance(
  area: string,
  cases: (test: Case) => void,
  { concurrent = false }: { concurrent?: boolean } = {},
): void {
  const kubeconfig = inject('kubeconfig');
  const listed = kubeconfig === '' ? (differences[area] ?? {}) : {};
  let server: Server;
  let stop = (): Promise<void> => Promise.resolve();

  describe(area, { concurrent }, () => {
    beforeAll(async () => {
      if (kubeconfig !== '') {
        server = new Server(kubeconfig);
        return;
      }
      const dir = mkdtempSync(join(tmpdir(), 'sidestep-conformance-'));
      const sandbox = await startSandbox({ dir });
      server = new Server(sandbox.kubeconfig);
      stop = async () => {
        await sandbox.stop();
        rmSync(dir, { recursive: true, force: true });
      };
    });
    afterAll(async () => {
      server?.close();
      await stop();
    });

    const gone = new Set(Object.keys(listed));
    cases((behaviour, check) => {
      gone.delete(behaviour);
      const run = listed[behaviour] === undefined ? test : test.fails;
      run(behaviour, ({ expect }) => check(server, expect));
    });
    test('every listed difference has a case', ({ expect }) => expect([...gone]).toEqual([]));
  });
}

/**
 * The same, for cases that wait for the server to take notice of a kind or a policy that each has of its own. The real one takes
 * a second or two, and so several wait at a time; the sandbox has nothing to wait for.
 */
export function independently(area: string, cases: (test: Case) => void): void {
  conformance(area, cases, { concurrent: inject('kubeconfig') !== '' });
}
