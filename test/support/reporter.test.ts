import { describe, expect, it } from 'vitest';
import { countOfRun } from './inner-run.js';
import { summary } from './reporter.js';

describe('the last line of a run', () => {
  it('counts tests by their end', async () => {
    // Text of a file that is run apart: the reporter has to count what is skipped.
    expect(
      await countOfRun(`it('a', () => {}); it('b', () => { throw 1 }); it.skip('c', () => {}); it.todo('d')`),
    ).toEqual({ passed: 1, failed: 1, skipped: 2 });
  });

  it('counts a file that cannot be loaded', async () => {
    expect(await countOfRun(`import './missing.js'; it('a', () => {})`)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a hook that fails, and what it kept from running', async () => {
    expect(await countOfRun(`describe('s', () => { beforeAll(() => { throw 1 }); it('a', () => {}) })`)).toEqual({
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
