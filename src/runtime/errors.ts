/**
 * A retry cannot help: the input contradicts itself, or belongs to someone else. The key is forgotten until
 * something it depends on changes.
 *
 * @see controller-runtime, reconcile.TerminalError
 */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

/** A reconcile ran longer than its controller's `timeoutMs`; the reason of its abort signal. Retried with backoff. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
}

/** The Lease could not be renewed in time, or someone else holds it. Refuses writes, and is what `Manager.run` rejects with. */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError';
}

/** The manager is shutting down and the time to drain is over; the reason of a run's abort signal. */
export class ShutdownError extends Error {
  override readonly name = 'ShutdownError';
}
