import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';

/** What a {@link KeyedWork} is made from. */
export interface KeyedWorkOptions {
  /** Does the work for one key; a rejection is tried again. Never called twice at once for the same key. */
  run: (key: string) => Promise<void>;
  clock: Clock;
  log: Logger;
  /** Keys worked on at once. Default: 16. */
  concurrency?: number;
}

const firstRetryMs = 5;
const maxRetryMs = 5_000;

/**
 * Keys to work on, as a simulator needs it: a key added twice is worked on once, one that is added while it is worked on
 * is worked on once more, a failure is tried again after 5 ms, 10 ms … 5 s, the delays of the real CNI agent.
 */
export class KeyedWork {
  readonly #options: KeyedWorkOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #retries = new Map<string, () => void>();
  readonly #delayed = new Map<string, { dueAt: number; cancel: () => void }>();
  #stopped = false;

  constructor(options: KeyedWorkOptions) {
    this.#options = options;
  }

  /** Asks for work on `key`; a retry that is waiting for its time is made now. */
  add(key: string): void {
    this.#retries.get(key)?.();
    this.#retries.delete(key);
    this.#waiting.add(key);
    this.#next();
  }

  /** Asks for work on `key` in `delayMs` milliseconds. Of several such requests for a key the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return;
    const dueAt = this.#options.clock.now() + delayMs;
    const before = this.#delayed.get(key);
    if (before !== undefined && before.dueAt <= dueAt) return;
    before?.cancel();
    const cancel = this.#options.clock.schedule(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueAt, cancel });
  }

  /** Starts no more work; what runs goes on. */
  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    for (const cancel of this.#retries.values()) cancel();
    this.#retries.clear();
    this.#waiting.clear();
  }

  #next(): void {
    for (const key of this.#waiting) {
      if (this.#stopped || this.#running.size >= (this.#options.concurrency ?? 16)) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    try {
      await this.#options.run(key);
      this.#failures.delete(key);
    } catch (err) {
      this.#retry(key, err);
    } finally {
      this.#running.delete(key);
      this.#next();
    }
  }

  #retry(key: string, err: unknown): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#options.log.debug({ key, err }, 'will be tried again');
    if (this.#stopped) return;
    const delayMs = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(failures, 20));
    this.#retries.set(
      key,
      this.#options.clock.schedule(delayMs, () => this.add(key)),
    );
  }
}
