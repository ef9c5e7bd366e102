/** Bounds of an exponential backoff, in milliseconds. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * From 50 ms to one minute. The cap is far below client-go's 1000 s: after an outage of the API server nothing but
 * the backoff wakes a failed key, so the cap is what the recovery of the last object takes.
 */
export const DEFAULT_BACKOFF: Backoff = { baseMs: 50, maxMs: 60_000 };

/**
 * How long to wait before the next try: `baseMs` doubled per failure up to `maxMs`, of which a random half is taken off,
 * so keys that failed together do not come back together.
 *
 * @param failures  consecutive failures, >= 1
 * @param random    a number in [0, 1)
 * @returns         milliseconds in (delay / 2, delay]
 * @see AWS Architecture Blog, "Exponential Backoff And Jitter" ("equal jitter")
 */
export function backoffMs(failures: number, backoff: Backoff, random: number): number {
  // 2 ** 1024 is Infinity and Math.min still right; no need to bound the exponent.
  const delayMs = Math.min(backoff.maxMs, backoff.baseMs * 2 ** (failures - 1));
  return delayMs - (delayMs / 2) * random;
}
