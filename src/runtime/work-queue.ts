import type { Clock } from '../clock.js';
import { backoffMs, DEFAULT_BACKOFF, type Backoff } from './backoff.js';
import { DelayedKeys } from './delayed-keys.js';

/**
 * Who is served first: `high` is a person who changed a spec and waits, `normal` any other event or a retry,
 * `low` the initial list.
 */
export type Priority = 'high' | 'normal' | 'low';

const LANES: readonly Priority[] = ['high', 'normal', 'low'];

/** One take in this many serves the key that waited longest, whatever its lane, so a storm of events starves nobody. */
const FAIR_TAKE_EVERY = 8;

/** What the metrics want to know of a queue; times in ms. */
export interface QueueObserver {
  added(): void;
  retried(): void;
  taken(waitedMs: number): void;
  done(workedMs: number): void;
}

interface Waiting {
  readonly key: string;
  readonly priority: Priority;
  readonly sinceMs: number;
}

/** First in, first out in amortised constant time; `Array.shift` is linear, and a Set scans what was deleted before its head. */
class Lane {
  #items: Waiting[] = [];
  #head = 0;

  push(item: Waiting): void {
    this.#items.push(item);
  }

  peek(): Waiting | undefined {
    return this.#items[this.#head];
  }

  drop(): void {
    this.#head += 1;
    if (this.#head * 2 <= this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}

/**
 * A queue of keys for any number of workers. A key that is added while it waits is one piece of work; a key that is
 * added while it is worked on runs once more afterwards, never beside itself. Failures are counted per key and retried
 * with backoff; delayed keys share one timer.
 *
 * The states of a key, as in client-go's workqueue (its "dirty" set is `#waiting` plus `#again` here):
 * waiting → processing → done, or → again (added meanwhile) → waiting.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #random: () => number;
  readonly #observer: QueueObserver | undefined;
  readonly #lanes: Record<Priority, Lane> = { high: new Lane(), normal: new Lane(), low: new Lane() };
  /** The live entry of each waiting key; an entry in a lane that is not here was moved to another lane. */
  readonly #waiting = new Map<string, Waiting>();
  /** Key → when its run began, ms of uptime. */
  readonly #processing = new Map<string, number>();
  readonly #again = new Map<string, Priority>();
  readonly #failures = new Map<string, number>();
  readonly #delayed: DelayedKeys<Priority>;
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #takes = 0;
  #closed = false;

  /** @param options.random  numbers in [0, 1) for the jitter; default Math.random */
  constructor(options: {
    clock: Clock;
    backoff?: Backoff | undefined;
    random?: (() => number) | undefined;
    observer?: QueueObserver | undefined;
  }) {
    this.#clock = options.clock;
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF;
    this.#random = options.random ?? Math.random;
    this.#observer = options.observer;
    this.#delayed = new DelayedKeys(this.#clock, (key, priority) => this.add(key, { priority }));
  }

  /**
   * Asks for a run of `key`. Of several requests before the run the highest priority counts, and of several delays
   * the shortest. After `close` nothing is taken in.
   *
   * @param options.priority  default normal
   * @param options.delayMs   not before this many ms from now; default now. Dropped when the key is taken earlier for
   *                          another reason: that run sees everything, and its result says when to come back.
   */
  add(key: string, options: { priority?: Priority; delayMs?: number } = {}): void {
    if (this.#closed) return;
    const { priority = 'normal', delayMs = 0 } = options;
    if (delayMs > 0) this.#addLater(key, this.#clock.uptime() + delayMs, priority);
    else if (this.#processing.has(key)) this.#addAgain(key, priority);
    else this.#addNow(key, priority);
  }

  /**
   * Asks for another run after a failure, with backoff.
   *
   * @param minDelayMs  wait at least this long, e.g. what Retry-After said
   * @returns           how long the key waits, ms
   */
  retry(key: string, minDelayMs = 0): number {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    const delayMs = Math.max(minDelayMs, backoffMs(failures, this.#backoff, this.#random()));
    this.add(key, { delayMs });
    this.#observer?.retried();
    return delayMs;
  }

  /** Resets the backoff of `key`: its last run did not fail. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Consecutive failures of `key`. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key to work on, as soon as there is one; undefined once the queue is closed. Must be followed by `done`. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const item = this.#next();
    if (item) return Promise.resolve(this.#start(item));
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** Ends the work on `key`; if it was added meanwhile it waits again. */
  done(key: string): void {
    const startedMs = this.#processing.get(key);
    if (startedMs === undefined) return;
    this.#processing.delete(key);
    this.#observer?.done(this.#clock.uptime() - startedMs);
    const priority = this.#again.get(key);
    if (priority === undefined) return;
    this.#again.delete(key);
    this.#addNow(key, priority);
  }

  /** Drops all waiting and delayed work and wakes all takers with undefined. Runs that are under way are not touched. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.#again.clear();
    this.#failures.clear();
    this.#delayed.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  /** Keys that could be taken now. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Keys that wait for their time: backoff and `requeueAfter`. */
  get delayed(): number {
    return this.#delayed.size;
  }

  /** Since when the key that waits longest could be taken, ms of uptime; undefined when none waits. */
  get waitingSinceMs(): number | undefined {
    const heads = this.#heads();
    return heads.length === 0 ? undefined : Math.min(...heads.map((head) => head.sinceMs));
  }

  /** When each run that is under way began, ms of uptime. */
  get runningSince(): readonly number[] {
    return [...this.#processing.values()];
  }

  #addNow(key: string, priority: Priority): void {
    const held = this.#waiting.get(key);
    if (held && !isHigher(priority, held.priority)) return;
    // The new entry keeps its age; the old one stays in its lane and is skipped there.
    const item = { key, priority, sinceMs: held?.sinceMs ?? this.#clock.uptime() };
    this.#waiting.set(key, item);
    this.#lanes[priority].push(item);
    if (held) return;
    this.#observer?.added();
    this.#serve();
  }

  #addAgain(key: string, priority: Priority): void {
    const held = this.#again.get(key);
    if (held === undefined) this.#observer?.added();
    if (held === undefined || isHigher(priority, held)) this.#again.set(key, priority);
  }

  #addLater(key: string, dueMs: number, priority: Priority): void {
    const held = this.#delayed.get(key);
    if (!held) this.#delayed.set(key, dueMs, priority);
    else this.#delayed.set(key, Math.min(held.dueMs, dueMs), isHigher(priority, held.value) ? priority : held.value);
  }

  #serve(): void {
    const taker = this.#takers[0];
    const item = taker && this.#next();
    if (!taker || !item) return;
    this.#takers.shift();
    taker(this.#start(item));
  }

  #start(item: Waiting): string {
    this.#waiting.delete(item.key);
    this.#delayed.delete(item.key);
    const nowMs = this.#clock.uptime();
    this.#processing.set(item.key, nowMs);
    this.#observer?.taken(nowMs - item.sinceMs);
    return item.key;
  }

  #next(): Waiting | undefined {
    const heads = this.#heads();
    if (heads.length === 0) return undefined;
    this.#takes += 1;
    const isFairTake = this.#takes % FAIR_TAKE_EVERY === 0;
    const item = heads.reduce((best, head) => (isFairTake && head.sinceMs < best.sinceMs ? head : best));
    this.#lanes[item.priority].drop();
    return item;
  }

  /** The first key of each lane that has one, in order of priority. */
  #heads(): Waiting[] {
    return LANES.map((priority) => this.#head(this.#lanes[priority])).filter((head) => head !== undefined);
  }

  #head(lane: Lane): Waiting | undefined {
    let head = lane.peek();
    while (head && this.#waiting.get(head.key) !== head) {
      lane.drop();
      head = lane.peek();
    }
    return head;
  }
}

function isHigher(a: Priority, b: Priority): boolean {
  return LANES.indexOf(a) < LANES.indexOf(b);
}
