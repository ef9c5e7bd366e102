/**
 * What a reconcile that did not fail asks for. There is one constructor per meaning; a failure is thrown.
 */
export type Result =
  | { readonly kind: 'awaitChange' }
  | { readonly kind: 'requeueAfter'; readonly delayMs: number; readonly reason: string };

const AWAIT_CHANGE: Result = Object.freeze({ kind: 'awaitChange' });

/**
 * Nothing left to do until something that is watched changes: the work is done, or what is missing will send an event.
 */
export function awaitChange(): Result {
  return AWAIT_CHANGE;
}

/**
 * Run again later, because time passes and no event will tell us (a soak, a poll of something that is not watched).
 * An event in between runs the key at once and replaces this wait by the result of that run.
 *
 * @param delayMs  milliseconds from the end of this run, >= 0
 * @param reason   constant text for the log: what is waited for
 * @throws {RangeError} delayMs is negative, NaN or infinite
 */
export function requeueAfter(delayMs: number, reason: string): Result {
  if (!Number.isFinite(delayMs) || delayMs < 0)
    throw new RangeError(`requeueAfter: delayMs must be a number >= 0, not ${delayMs}`);
  return { kind: 'requeueAfter', delayMs, reason };
}
