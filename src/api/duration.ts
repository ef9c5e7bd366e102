import type * as z from 'zod';
import { celMatches, text, withRules } from './schema.js';

const PATTERN = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;
const PART = /([0-9]{1,5})(h|ms|m|s)/g;
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/**
 * A duration as the Gateway API writes it: up to four numbers with a unit, such as `30s`, `10m` or `1h30m`.
 *
 * @see kubernetes-sigs/gateway-api GEP-2257
 */
export function duration(): z.ZodString {
  return text(PATTERN, 'must be a duration such as 30s, 10m or 1h30m (units: h, m, s, ms)', 32);
}

/**
 * A duration that is not shorter than another one.
 *
 * @param minimum  itself a duration, such as `5s`
 * @param why      what a shorter one would do
 */
export function durationAtLeast(minimum: string, why: string): z.ZodString {
  const minimumMs = parseDuration(minimum);
  return withRules(duration(), {
    // A text that is no duration has its own message; without the guard this rule would fail as well, with an unclear one.
    cel: `!${celMatches(PATTERN)} || duration(self) >= duration('${minimum}')`,
    holds: (value) => !PATTERN.test(value) || parseDuration(value) >= minimumMs,
    message: `must be at least ${minimum}: ${why}`,
  });
}

/**
 * Length of a duration in milliseconds.
 *
 * @throws {RangeError} if the text is no duration in the form of GEP-2257
 */
export function parseDuration(duration: string): number {
  if (!PATTERN.test(duration))
    throw new RangeError(`not a duration such as 30s, 10m or 1h30m: ${JSON.stringify(duration)}`);
  return [...duration.matchAll(PART)].reduce(
    (sumMs, [, count, unit]) => sumMs + Number(count) * (UNIT_MS[unit ?? ''] ?? 0),
    0,
  );
}
