/**
 * Time as the program sees it. Everything that waits or reads the time takes a `Clock`, so that tests can move time
 * instead of sleeping.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since some moment, by a clock that nobody can set, but that may stand still while the machine sleeps. */
  uptime(): number;
  /**
   * Calls `callback` once, after `delayMs` milliseconds (never synchronously, also for 0 and negative delays).
   *
   * @returns cancels the call; harmless when it already happened
   */
  schedule(delayMs: number, callback: () => void): () => void;
}

/** The longest delay that `setTimeout` takes; it fires at once for longer ones. */
const maxTimerMs = 2 ** 31 - 1;

/** The time of the machine. A scheduled call keeps the process alive until it has run or is cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  uptime: () => performance.now(),
  schedule(delayMs, callback) {
    let timer: NodeJS.Timeout;
    const arm = (remainingMs: number): void => {
      timer =
        remainingMs > maxTimerMs
          ? setTimeout(() => arm(remainingMs - maxTimerMs), maxTimerMs)
          : setTimeout(callback, Math.max(0, remainingMs));
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves after `delayMs`, or rejects with the signal's reason as soon as it is aborted; leaves no timer and no
 * listener behind either way.
 */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const cancel = clock.schedule(delayMs, () => {
      forget();
      resolve();
    });
    const forget = onAbort(signal, () => {
      cancel();
      reject(signal?.reason as Error);
    });
  });
}

/** What to call when a signal is aborted: one listener for all, for adding and removing listeners costs more than all else of a request. */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback`, which must not throw, when `signal` is aborted. Many may wait for one signal: it ends a whole process.
 *
 * @returns stops waiting
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (!signal) return () => {};
  const all = callbacks.get(signal) ?? listenOnce(signal);
  all.add(callback);
  return () => void all.delete(callback);
}

function listenOnce(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  callbacks.set(signal, all);
  signal.addEventListener('abort', () => all.forEach((callback) => callback()), { once: true });
  return all;
}
