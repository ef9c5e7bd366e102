import type { Clock } from '../clock.js';
import type { Client } from '../kube/client.js';
import { Reflector } from '../kube/reflector.js';
import { resourceName, type KubeObject, type ObjectRef, type ResourceType } from '../kube/resource.js';
import { matchesSelector, type LabelSelector } from '../kube/selectors.js';
import type { Logger } from '../log.js';
import { parseSelector } from './selector-string.js';
import { ObjectStore, type Change, type Store } from './store.js';
import type { WatchSpec } from './watch.js';

/** What informers need from their manager. */
export interface InformerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told each time a watch has to be opened again; `kind` is `plural.group`. */
  readonly onRestart?: (kind: string, reason: string) => void;
}

/**
 * One watched kind (in one scope): a reflector that fills a store, and listeners for what changes in it. Shared by all
 * controllers that watch the kind.
 */
export class Informer<T extends KubeObject = KubeObject> implements Store<T> {
  readonly type: ResourceType<T>;
  /** `plural.group`, for messages and metrics. */
  readonly kind: string;
  readonly #spec: WatchSpec<T>;
  readonly #selector: LabelSelector | undefined;
  readonly #log: Logger;
  readonly #objects: ObjectStore<T>;
  readonly #reflector: Reflector<T>;
  readonly #listeners = new Set<(change: Change<T>) => void>();
  readonly #absenceListeners = new Set<() => void>();
  #wasAbsent = false;

  constructor(spec: WatchSpec<T>, options: InformerOptions) {
    this.type = spec.type;
    this.kind = resourceName(spec.type);
    this.#spec = spec;
    this.#selector = spec.labelSelector === undefined ? undefined : parseSelector(spec.labelSelector);
    this.#log = options.log.child({ kind: this.kind });
    this.#objects = new ObjectStore<T>({}, (err, { metadata }) =>
      this.#log.error({ err, namespace: metadata.namespace, name: metadata.name }, 'an index function failed'),
    );
    this.extend(spec);
    this.#reflector = this.#reflect(options);
  }

  /**
   * Adds what another watch of the same scope wants from the shared store.
   *
   * @throws {Error} it transforms objects in another way, or gives an index name to another function
   */
  extend(spec: WatchSpec<T>): void {
    if (spec.transform !== this.#spec.transform) {
      throw new Error(`watches of ${this.kind} share one store and must name the same transform function`);
    }
    for (const [name, values] of Object.entries(spec.indexes ?? {})) this.#objects.addIndex(name, values);
  }

  /** Lists and watches until `signal` is aborted; then resolves. Failures of the API server are retried inside. */
  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }

  /** Resolves when the first list is in, at once for a kind that is absent. */
  whenSynced(): Promise<void> {
    return this.#reflector.whenSynced();
  }

  /** Calls `listener` for each change after now, in the order of the watch. The store already has the new state. */
  subscribe(listener: (change: Change<T>) => void): void {
    this.#listeners.add(listener);
  }

  /** Calls `listener` when the kind turns out not to be served, once until it is served again. */
  onAbsent(listener: () => void): void {
    this.#absenceListeners.add(listener);
  }

  /** Tries again now, for an absent kind that may have appeared. */
  poke(): void {
    this.#reflector.poke();
  }

  get synced(): boolean {
    return this.#reflector.synced;
  }

  get absent(): boolean {
    return this.#reflector.absent;
  }

  /** When the watch was last heard of, ms; 0 before the first time. */
  get lastEventAt(): number {
    return this.#reflector.lastEventAt;
  }

  /** Number of objects held. */
  get size(): number {
    return this.#objects.size;
  }

  get(ref: ObjectRef): T | undefined {
    return this.#objects.get(ref);
  }

  list(namespace?: string): readonly T[] {
    return this.#objects.list(namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#objects.byIndex(index, value);
  }

  indexed(index: string): readonly string[] {
    return this.#objects.indexed(index);
  }

  record(object: T): void {
    if (!this.#isInScope(object)) return;
    const { managedFields: _, ...metadata } = object.metadata;
    const { transform } = this.#spec;
    const stripped = { ...object, metadata };
    this.#publish(this.#objects.record(transform ? transform(stripped) : stripped));
  }

  /** Whether the watch would show the object; one that it does not show would never be taken out again. */
  #isInScope({ metadata }: T): boolean {
    const { namespace } = this.#spec;
    if (namespace !== undefined && metadata.namespace !== namespace) return false;
    return this.#selector === undefined || matchesSelector(this.#selector, metadata.labels);
  }

  #reflect({ client, clock, onRestart }: InformerOptions): Reflector<T> {
    const { type, namespace, labelSelector, transform } = this.#spec;
    return new Reflector<T>({
      client,
      type,
      clock,
      log: this.#log,
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(transform && { transform }),
      onRestart: (reason) => onRestart?.(this.kind, reason),
      handler: {
        replace: (objects, version) => {
          const { absent } = this.#reflector;
          const wasAbsent = this.#wasAbsent;
          this.#wasAbsent = absent;
          this.#publish(this.#objects.replace(objects, version));
          if (absent && !wasAbsent) for (const listener of this.#absenceListeners) listener();
        },
        upsert: (object) => this.#publish(this.#objects.upsert(object)),
        remove: (object) => this.#publish(this.#objects.remove(object)),
      },
    });
  }

  #publish(changes: readonly Change<T>[]): void {
    for (const change of changes) for (const listener of this.#listeners) listener(change);
  }
}
