import type { Clock } from '../../src/clock.js';

interface Timer {
  dueAt: number;
  callback: () => void;
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  #timers = new Set<Timer>();

  /** @param startMs  milliseconds since the epoch; default: 2026-01-01T00:00:00Z */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { dueAt: this.#now + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many calls are scheduled; 0 once everything has cleaned up after itself. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next scheduled call, or undefined if there is none. */
  get nextInMs(): number | undefined {
    const next = this.#next(Infinity);
    return next && next.dueAt - this.#now;
  }

  /**
   * Moves time on, running what becomes due in the order of its time, also what is scheduled on the way. Before, between
   * and after the calls everything that does not wait for time or the network settles.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.dueAt);
      timer.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /** The first to be due up to `end`; of several at the same time the one scheduled first. */
  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAt <= end && (first === undefined || timer.dueAt < first.dueAt)) first = timer;
    }
    return first;
  }
}

/** Lets all promises settle that can, and gives pending input and output two turns. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Waits until `condition` holds, for what depends on real input and output over loopback; polls without sleeping.
 *
 * @throws {Error} it did not hold within 2 s of real time
 */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  const giveUpAt = Date.now() + 2_000;
  while (!condition()) {
    if (Date.now() > giveUpAt) throw new Error(`${what} did not come true within 2 s`);
    await settle();
  }
}
