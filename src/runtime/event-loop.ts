import { monitorEventLoopDelay, performance, type IntervalHistogram } from 'node:perf_hooks';

/** How often the monitor samples, ms; a sample that is late by x means the loop was blocked for x. */
const RESOLUTION_MS = 50;

/** Lags are reported for windows of this length, ms: an old hiccup must not be reported for ever. */
const WINDOW_MS = 30_000;

/** For how long runs that wait for nothing may keep the event loop to themselves, ms. */
const MAX_HOLD_MS = 50;

/** When the first run of this turn of the event loop began, ms; undefined if there was none. */
let heldSinceMs: number | undefined;

/**
 * Called before each piece of work that may end without waiting for the world. Thousands of them, as after a first list, would
 * else be one single turn: no probe would be answered and no Lease renewed before the last has ended.
 *
 * @returns what to wait for first, if such work has had the event loop for too long; undefined if it may go on
 */
export function turnForOthers(): Promise<void> | undefined {
  if (heldSinceMs === undefined) {
    heldSinceMs = performance.now();
    setImmediate(() => (heldSinceMs = undefined));
  }
  if (performance.now() - heldSinceMs < MAX_HOLD_MS) return undefined;
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lag of the event loop over the last half minute to minute, ms. */
export interface EventLoopLag {
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Measures how late timers of this process are: what a synchronous loop or too little CPU costs everybody. */
export class EventLoopMonitor {
  #histogram: IntervalHistogram | undefined;
  #windowStartMs = 0;
  #previous: EventLoopLag = { medianMs: 0, p99Ms: 0 };

  start(): void {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
    this.#windowStartMs = performance.now();
  }

  stop(): void {
    this.#histogram?.disable();
    this.#histogram = undefined;
  }

  /** The worse of the last full window and the one that is being measured. */
  read(): EventLoopLag {
    const current = this.#histogram ? lagOf(this.#histogram) : this.#previous;
    const worst = {
      medianMs: Math.max(current.medianMs, this.#previous.medianMs),
      p99Ms: Math.max(current.p99Ms, this.#previous.p99Ms),
    };
    if (this.#histogram && performance.now() - this.#windowStartMs > WINDOW_MS) {
      this.#previous = current;
      this.#histogram.reset();
      this.#windowStartMs = performance.now();
    }
    return worst;
  }
}

function lagOf(histogram: IntervalHistogram): EventLoopLag {
  const lateByMs = (percentile: number): number => Math.max(0, histogram.percentile(percentile) / 1e6 - RESOLUTION_MS);
  return histogram.count === 0 ? { medianMs: 0, p99Ms: 0 } : { medianMs: lateByMs(50), p99Ms: lateByMs(99) };
}
