import { createHash } from 'node:crypto';

/** Milliseconds: always the same, or somewhere between two. */
export type DelayRange = number | readonly [least: number, most: number];

/** A number from a range that depends on `seed` and on what the delay is for, and on nothing else. */
export function seededDelay(range: DelayRange, seed: number, what: string): number {
  if (typeof range === 'number') return range;
  const [least, most] = range;
  return least + Math.round(seededFraction(seed, what) * (most - least));
}

/** From 0 to 1, depending on `seed` and `what` only. */
export function seededFraction(seed: number, what: string): number {
  return createHash('sha256').update(`${seed}/${what}`).digest().readUInt32BE() / 2 ** 32;
}
