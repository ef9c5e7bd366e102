import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../controlplane/paths.js';
import { countOfRun } from './inner-run.js';
import type { Count } from './reporter.js';
import { LIMIT_VARIABLE } from './time-limit.js';

describe('a time limit', () => {
  const runner = join(repositoryRoot, 'test', 'support', 'time-limit.ts');
  const later = String(Math.floor(Date.now() / 1_000) + 3_600);

  const countUntil = (limit: string, source: string): Promise<Count | undefined> =>
    countOfRun(source, { runner, env: { [LIMIT_VARIABLE]: limit } });

  it('that is not over, or not there, changes nothing', async () => {
    const source = `it('a', () => {}); it('b', () => { throw 1 })`;
    for (const limit of ['', later])
      expect(await countUntil(limit, source)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  });

  it('that is over skips what has not begun, hooks included', async () => {
    const source = `beforeAll(() => { throw 1 }); describe('s', () => { it('a', () => {}); it('b', () => {}) })`;
    expect(await countUntil('1', source)).toEqual({ passed: 0, failed: 0, skipped: 2 });
  });

  it('lets a test end that has begun, and skips the next', async () => {
    const wait = `await new Promise((resolve) => setTimeout(resolve, 50))`;
    const source = `it('a', async () => { process.env.${LIMIT_VARIABLE} = '1'; ${wait} }); it('b', () => { throw 1 })`;
    expect(await countUntil(later, source)).toEqual({ passed: 1, failed: 0, skipped: 1 });
  });
});
