import type { Clock } from '../clock.js';

interface Entry<V> {
  readonly key: string;
  dueMs: number;
  value: V;
  /** Position in the heap, so that a key can be moved or removed without a search. */
  at: number;
}

/**
 * Keys that become due later: a binary heap by due time and a single timer for its head, however many keys wait.
 * A key is in it once. Times are of `Clock.uptime`: nothing comes late because the machine's clock was set back.
 */
export class DelayedKeys<V> {
  readonly #clock: Clock;
  readonly #onDue: (key: string, value: V) => void;
  readonly #heap: Entry<V>[] = [];
  readonly #byKey = new Map<string, Entry<V>>();
  #timer: { dueMs: number; cancel: () => void } | undefined;

  /** @param onDue  called from the timer, in order of due time; the key is no longer held then */
  constructor(clock: Clock, onDue: (key: string, value: V) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** When `key` is due (ms of uptime) and what for; undefined when it does not wait. */
  get(key: string): { readonly dueMs: number; readonly value: V } | undefined {
    return this.#byKey.get(key);
  }

  /** Sets or moves `key` to `dueMs` (ms of uptime). */
  set(key: string, dueMs: number, value: V): void {
    const held = this.#byKey.get(key);
    if (held) {
      held.dueMs = dueMs;
      held.value = value;
      this.#sink(this.#rise(held));
    } else {
      const entry = { key, dueMs, value, at: this.#heap.length };
      this.#heap.push(entry);
      this.#byKey.set(key, entry);
      this.#rise(entry);
    }
    this.#arm();
  }

  /** Forgets `key`; nothing happens if it does not wait. */
  delete(key: string): void {
    const entry = this.#byKey.get(key);
    if (!entry) return;
    this.#remove(entry);
    this.#arm();
  }

  /** Forgets every key and the timer. */
  clear(): void {
    this.#heap.length = 0;
    this.#byKey.clear();
    this.#arm();
  }

  #fire(): void {
    this.#timer = undefined;
    for (let head = this.#heap[0]; head && head.dueMs <= this.#clock.uptime(); head = this.#heap[0]) {
      this.#remove(head);
      this.#onDue(head.key, head.value);
    }
    this.#arm();
  }

  #arm(): void {
    const head = this.#heap[0];
    if (head && this.#timer?.dueMs === head.dueMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (!head) return;
    // At least 1 ms: a timer that fires a moment before the clock reads the due time must not spin.
    const delayMs = Math.max(1, head.dueMs - this.#clock.uptime());
    this.#timer = { dueMs: head.dueMs, cancel: this.#clock.schedule(delayMs, () => this.#fire()) };
  }

  #remove(entry: Entry<V>): void {
    this.#byKey.delete(entry.key);
    const last = this.#heap.pop();
    if (!last || last === entry) return;
    this.#place(last, entry.at);
    this.#sink(this.#rise(last));
  }

  #rise(entry: Entry<V>): Entry<V> {
    while (entry.at > 0) {
      const parent = this.#heap[(entry.at - 1) >> 1];
      if (!parent || parent.dueMs <= entry.dueMs) break;
      const { at } = parent;
      this.#place(parent, entry.at);
      this.#place(entry, at);
    }
    return entry;
  }

  #sink(entry: Entry<V>): void {
    for (;;) {
      const left = this.#heap[2 * entry.at + 1];
      const right = this.#heap[2 * entry.at + 2];
      const child = left && right && right.dueMs < left.dueMs ? right : left;
      if (!child || entry.dueMs <= child.dueMs) return;
      const { at } = child;
      this.#place(child, entry.at);
      this.#place(entry, at);
    }
  }

  #place(entry: Entry<V>, at: number): void {
    entry.at = at;
    this.#heap[at] = entry;
  }
}
