import type { KubeObject } from '../../../kube/resource.js';
import type { Logger } from '../../../log.js';
import { KeyedWork } from '../keyed-work.js';
import type { Cluster } from './cluster.js';

/** What every controller is made from. */
export interface ControllerOptions {
  cluster: Cluster;
  log: Logger;
}

/** A controller: it works while its loops run. */
export interface Controller {
  readonly loops: readonly ControlLoop[];
}

/** Objects with the same key are one piece of work: `namespace/name`, or `name`. */
export function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

/** The opposite of {@link keyOf}. */
export function refOf(key: string): { namespace?: string; name: string } {
  const [first = '', second] = key.split('/');
  return second === undefined ? { name: first } : { namespace: first, name: second };
}

/** How many keys a controller works on at once, as kube-controller-manager has it. */
const concurrency = 5;

/** Keys become work: from the changes that a controller watches, over a queue, to its `sync`. */
export class ControlLoop {
  readonly #work: KeyedWork;
  readonly #sources: readonly { whenSynced(): Promise<void> }[];
  /** What changed before all caches were filled. */
  #early: Set<string> | undefined = new Set();

  /**
   * @param name     for the log
   * @param sources  caches that must be complete before the first sync
   * @param sync     does the work for one key; a rejection is tried again with backoff
   */
  constructor(
    { cluster, log }: ControllerOptions,
    name: string,
    sources: readonly { whenSynced(): Promise<void> }[],
    sync: (key: string) => Promise<void>,
  ) {
    const { clock } = cluster;
    this.#work = new KeyedWork({ run: sync, clock, log: log.child({ controller: name }), concurrency });
    this.#sources = sources;
  }

  /** Asks for a sync of each key. */
  add(...keys: string[]): void {
    for (const key of keys) (this.#early ?? this.#work).add(key);
  }

  /** Asks for a sync of `key` in `delayMs` milliseconds. */
  addAfter(key: string, delayMs: number): void {
    this.#work.addAfter(key, delayMs);
  }

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([ended, Promise.all(this.#sources.map((source) => source.whenSynced()))]);
    if (!signal.aborted) {
      const early = [...(this.#early ?? [])].sort();
      this.#early = undefined;
      for (const key of early) this.#work.add(key);
      await ended;
    }
    this.#work.stop();
  }
}
