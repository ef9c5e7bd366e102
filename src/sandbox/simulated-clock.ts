import type { Clock } from '../clock.js';

/** Something that works without waiting for time, such as an API server with requests under way. */
export interface Activity {
  /** What has been begun and has not ended. */
  readonly inFlight: number;
  /** Grows with everything that happens: a request, an answer, a watch event. */
  readonly count: number;
}

export interface SimulatedClockOptions {
  /** Time at the start, milliseconds since the epoch. */
  readonly startMs: number;
  /** Turns of the event loop without a sign of life after which everything counts as settled. Default: 4. */
  readonly quietTurns?: number;
  /**
   * Real time in milliseconds without a sign of life after which something in flight counts as waiting for simulated time,
   * as a webhook call does for its timeout. Default: 2 000; a busy machine may well take 200 for a TLS handshake.
   */
  readonly patienceMs?: number;
}

export interface RunOptions {
  /** Simulated time after which to give up, in milliseconds. Default: 60 000. */
  readonly timeoutMs?: number;
}

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
}

/**
 * Time that stands still, except while somebody lets it run: then it jumps from one scheduled call to the next, and before
 * each jump everything settles that does not wait for time. So ten minutes take as long as the work done in them, and the
 * same work happens in the same order every time.
 */
export class SimulatedClock implements Clock {
  readonly #quietTurns: number;
  readonly #patienceMs: number;
  readonly #activities = new Set<Activity>();
  /** In the order in which they were scheduled. */
  readonly #timers = new Set<Timer>();
  #now: number;
  #scheduled = 0;
  /** How many in flight wait for simulated time, as far as is known. */
  #stuck = 0;

  constructor({ startMs, quietTurns = 4, patienceMs = 2_000 }: SimulatedClockOptions) {
    this.#now = startMs;
    this.#quietTurns = quietTurns;
    this.#patienceMs = patienceMs;
  }

  now(): number {
    return this.#now;
  }

  uptime(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    // Whole milliseconds, as everybody knows them from Date.now: jitter makes fractions.
    const timer = { dueAt: this.#now + Math.max(0, Math.ceil(delayMs)), callback };
    this.#timers.add(timer);
    this.#scheduled += 1;
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

  /** From now on time waits for `activity` too. Returns how to end that. */
  observe(activity: Activity): () => void {
    this.#activities.add(activity);
    return () => this.#activities.delete(activity);
  }

  /** Resolves when nothing is under way any more but what waits for time. Time stands still. */
  async settle(): Promise<void> {
    let seen = this.#signsOfLife();
    let seenAt = performance.now();
    for (let quiet = 0; quiet < this.#quietTurns;) {
      await new Promise((resolve) => setImmediate(resolve));
      const now = this.#signsOfLife();
      if (now !== seen) seenAt = performance.now();
      quiet = now === seen && !this.#isBusy(seenAt) ? quiet + 1 : 0;
      seen = now;
    }
  }

  /**
   * Moves time on, running what becomes due in the order of its time, also what is scheduled on the way. Before, between
   * and after the calls everything settles.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    while (await this.#step(end));
    this.#now = Math.max(this.#now, end);
    await this.settle();
  }

  /**
   * Lets time run until `look` finds what it looks for; looks whenever everything has settled, first without moving time.
   *
   * @param look  returns the value when it is there, undefined (or throws) while it is not
   * @throws {Error} it is not there after `timeoutMs` of simulated time; names `what` and what was seen last
   */
  async runUntil<T>(
    what: string,
    look: () => Promise<T | undefined> | T | undefined,
    { timeoutMs = 60_000 }: RunOptions = {},
  ): Promise<T> {
    const deadline = this.#now + timeoutMs;
    for (;;) {
      await this.settle();
      let last: unknown = 'not there';
      try {
        const found = await look();
        if (found !== undefined) return found;
      } catch (error) {
        last = error;
      }
      if (await this.#step(deadline)) continue;
      this.#now = Math.max(this.#now, deadline);
      throw new Error(`timed out after ${timeoutMs} simulated ms: ${what}; last: ${String(last)}`);
    }
  }

  /** Lets time run until `work` has ended; resolves or rejects as it does. */
  async runWhile<T>(what: string, work: Promise<T>, options: RunOptions = {}): Promise<T> {
    let ended = false;
    const end = (): void => void (ended = true);
    work.then(end, end);
    await this.runUntil(what, () => ended || undefined, options);
    return work;
  }

  /** Settles, then makes the calls that are due next, all of one moment; false if there are none up to `end`. */
  async #step(end: number): Promise<boolean> {
    await this.settle();
    const first = this.#next(end);
    if (first === undefined) return false;
    this.#now = Math.max(this.#now, first.dueAt);
    for (const timer of [...this.#timers].filter(({ dueAt }) => dueAt === first.dueAt)) {
      // One of them may have cancelled another.
      if (this.#timers.delete(timer)) timer.callback();
    }
    return true;
  }

  /** The first to be due up to `end`; of several at the same time the one scheduled first. */
  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAt <= end && (first === undefined || timer.dueAt < first.dueAt)) first = timer;
    }
    return first;
  }

  /** @param seenAt  when there was a sign of life */
  #isBusy(seenAt: number): boolean {
    const inFlight = this.#inFlight();
    this.#stuck = Math.min(this.#stuck, inFlight);
    if (inFlight === this.#stuck) return false;
    if (performance.now() - seenAt < this.#patienceMs) return true;
    this.#stuck = inFlight;
    return false;
  }

  #signsOfLife(): number {
    let count = this.#scheduled;
    for (const activity of this.#activities) count += activity.count;
    return count;
  }

  #inFlight(): number {
    let sum = 0;
    for (const activity of this.#activities) sum += activity.inFlight;
    return sum;
  }
}
