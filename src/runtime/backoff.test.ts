import { describe, expect, test } from 'vitest';
import { backoffMs } from './backoff.js';

const backoff = { baseMs: 100, maxMs: 5_000 };

describe('backoff', () => {
  test.each([
    { failures: 1, random: 0, delayMs: 100 },
    { failures: 1, random: 0.5, delayMs: 75 },
    { failures: 2, random: 0, delayMs: 200 },
    { failures: 5, random: 0, delayMs: 1_600 },
    { failures: 7, random: 0, delayMs: 5_000 },
    { failures: 7, random: 0.999_999, delayMs: 2_500 },
    { failures: 5_000, random: 0, delayMs: 5_000 },
  ])('failure $failures with jitter $random waits $delayMs ms', ({ failures, random, delayMs }) => {
    expect(Math.round(backoffMs(failures, backoff, random))).toBe(delayMs);
  });
});
