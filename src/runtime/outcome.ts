import { ApiError, isConflict } from '../kube/errors.js';
import { DeadlineExceededError, TerminalError } from './errors.js';
import type { Result } from './result.js';

/** How a run ended: the result it returned, or the class of what it threw. `Controller` has one branch for each. */
export type Outcome =
  | Result
  /** Somebody else wrote first; the next run sees their version. */
  | { readonly kind: 'conflict'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown; readonly retryAfterMs: number }
  | { readonly kind: 'terminal'; readonly error: unknown }
  /** TypeError and the like: retried, for the next state may not trigger it, but counted apart. */
  | { readonly kind: 'bug'; readonly error: unknown }
  | { readonly kind: 'timedOut'; readonly error: unknown }
  /** Aborted by shutdown or a lost Lease; nobody will work on the key in this process again. */
  | { readonly kind: 'stopped' };

/**
 * The class of a thrown value. Errors thrown together (AggregateError) are terminal only if all are, for the others
 * still want their retry.
 *
 * @param signal  of the run: an error after its abort is a consequence of the abort
 */
export function outcomeOfError(error: unknown, signal: AbortSignal): Outcome {
  const errors = flatten(error);
  if (errors.every((each) => each instanceof TerminalError)) return { kind: 'terminal', error };
  if (signal.reason instanceof DeadlineExceededError) return { kind: 'timedOut', error };
  if (signal.aborted) return { kind: 'stopped' };
  if (errors.some(isBug)) return { kind: 'bug', error };
  if (errors.every(isConflict)) return { kind: 'conflict', error };
  return { kind: 'failed', error, retryAfterMs: Math.max(0, ...errors.map(retryAfterMsOf)) };
}

function flatten(error: unknown): unknown[] {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors.flatMap(flatten) : [error];
}

function isBug(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  return (
    error instanceof TypeError ||
    error instanceof ReferenceError ||
    error instanceof RangeError ||
    error instanceof SyntaxError
  );
}

function retryAfterMsOf(error: unknown): number {
  return error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
}
