import type { Time } from './cluster.js';

/**
 * Does something again and again beside a test, as a controller does that people have installed: `everyMs` after the last
 * time has ended. What fails is done again.
 */
export class Recurring {
  readonly #time: Time;
  readonly #everyMs: number;
  readonly #act: () => Promise<void>;
  #cancel = (): void => {};
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(time: Time, everyMs: number, act: () => Promise<void>) {
    this.#time = time;
    this.#everyMs = everyMs;
    this.#act = act;
    this.#schedule();
  }

  /** Resolves when nothing more is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#time.during('the end of what recurs', this.#running);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel = this.#time.schedule(this.#everyMs, () => {
      this.#running = this.#act()
        .catch(() => undefined)
        .then(() => this.#schedule());
    });
  }
}
