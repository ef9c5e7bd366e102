import { describe, expect, it } from 'vitest';

import { apiErrorFromStatus, parseRetryAfter } from './answer.js';

const now = Date.UTC(2026, 0, 1);

describe('Retry-After', () => {
  it.each([
    [undefined, undefined],
    ['soon', undefined],
    ['0', 0],
    [' 20 ', 20_000],
    ['86400', 60_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Fri, 02 Jan 2026 00:00:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ])('of %j is %j ms, never more than a minute', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });

  it.each([
    [10, 10_000],
    [86_400, 60_000],
    [-1, 0],
  ])('of %i s in a Status is %i ms', (retryAfterSeconds, expected) => {
    const error = apiErrorFromStatus('list pods', { code: 429, details: { retryAfterSeconds } });
    expect(error.retryAfterMs).toBe(expected);
  });
});
