import type { Client } from '../../src/kube/client.js';
import { NAMESPACE, WIDGET } from './widgets.js';

/** Watches Widgets for itself, and notes when each generation's status was first to be seen. Times are `performance.now()`. */
export class Observer {
  readonly #end = new AbortController();
  /** `name@observedGeneration` → ms. */
  readonly #seenAtMs = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  readonly #done: Promise<void>;

  /** Starts to watch after `resourceVersion`. */
  constructor(client: Client, resourceVersion: string) {
    this.#done = this.#watch(client, resourceVersion);
    // It is looked at in `until` and `stop`, but may fail before.
    this.#done.catch(() => {});
  }

  /** When the status of a generation was seen; undefined if it was not. */
  seenAtMs(name: string, generation: number): number | undefined {
    return this.#seenAtMs.get(`${name}@${generation}`);
  }

  /** When the statuses that were seen were seen, in that order. */
  get timesMs(): number[] {
    return [...this.#seenAtMs.values()];
  }

  /** Resolves as soon as `count` statuses have been seen. @throws {Error} the watch broke off */
  async until(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.#seenAtMs.size < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
    await Promise.race([enough, this.#done.then(() => Promise.reject(new Error('the watch of the observer ended')))]);
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error('the observer was stopped'));
    await this.#done.catch(() => {});
  }

  async #watch(client: Client, resourceVersion: string): Promise<void> {
    const { signal } = this.#end;
    const options = { namespace: NAMESPACE, resourceVersion, signal, timeoutSeconds: 3_600, idleTimeoutMs: 3_600_000 };
    for await (const event of client.watch(WIDGET, options)) {
      if (event.type !== 'MODIFIED') continue;
      const { metadata, status } = event.object;
      const key = `${metadata.name}@${status?.observedGeneration}`;
      if (status?.observedGeneration === undefined || this.#seenAtMs.has(key)) continue;
      this.#seenAtMs.set(key, performance.now());
      for (const look of this.#waiting) look();
    }
  }
}
