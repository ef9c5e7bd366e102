import type { Clock } from '../../clock.js';
import type { Client } from '../../kube/client.js';
import { Reflector, type ReflectorHandler } from '../../kube/reflector.js';
import { byName, resourceName, type KubeObject, type ObjectRef, type ResourceType } from '../../kube/resource.js';
import type { Logger } from '../../log.js';

/** What has happened to an object. */
export interface Change<T> {
  /** As it is now, or was last if it is gone. */
  object: T;
  /** As it was known before; undefined if it is new. */
  before: T | undefined;
  gone: boolean;
}

/** An object as it was, if it was known, and as it is. */
export const statesOf = <T>({ before, object }: Change<T>): T[] => (before === undefined ? [object] : [before, object]);

/** How many objects that are gone are remembered, so that a late answer does not bring them back. */
const maxTombstones = 10_000;

/**
 * A cache of one kind that knows its own process's writes: what {@link written} and {@link deleting} tell counts at once,
 * and an older event does not undo it. So a controller never acts twice because the watch lags behind its write.
 *
 * Objects are shared: whoever reads one must not change it.
 */
export class Informer<T extends KubeObject> {
  /** By namespace (empty for cluster-scoped objects), then by name. */
  readonly #objects = new Map<string, Map<string, T>>();
  readonly #listeners: ((change: Change<T>) => void)[] = [];
  /** Uids that we have deleted, as long as the watch does not show it. */
  readonly #deleting = new Map<string, string>();
  readonly #tombstones = new Set<string>();
  readonly #reflector: Reflector<T>;

  constructor(
    readonly type: ResourceType<T>,
    options: { client: Client; clock: Clock; log: Logger },
  ) {
    this.#reflector = new Reflector({ ...options, type, handler: this.#handler() });
  }

  /** The object of that name, if there is one. */
  get({ namespace, name }: ObjectRef): T | undefined {
    return this.#objects.get(namespace ?? '')?.get(name);
  }

  /** All objects (of the namespace), in the order of their names. */
  list(namespace?: string): T[] {
    const namespaces = namespace === undefined ? [...this.#objects.keys()].sort() : [namespace];
    return namespaces.flatMap((name) => [...(this.#objects.get(name)?.values() ?? [])].sort(byName));
  }

  /** Calls `listener` for every change from now on, in the order in which changes become known. */
  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.push(listener);
  }

  /** Takes in what the server has answered to a write. */
  written(object: T): void {
    if (!this.#tombstones.has(object.metadata.uid ?? '')) this.#upsert(object);
  }

  /** The server has accepted the deletion of `object`; `at` is now, in RFC 3339. */
  deleting(object: T, at: string): void {
    const { uid = '' } = object.metadata;
    const known = this.get(object.metadata);
    if (known?.metadata.uid !== uid || known.metadata.deletionTimestamp !== undefined) return;
    this.#deleting.set(uid, at);
    this.#upsert(known);
  }

  /** Resolves when everything has been seen once. */
  whenSynced(): Promise<void> {
    return this.#reflector.whenSynced();
  }

  /** Watches until `signal` is aborted. */
  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }

  #handler(): ReflectorHandler<T> {
    return {
      upsert: (object) => this.#upsert(object),
      remove: (object) => this.#remove(object),
      replace: (objects) => {
        const uids = new Set(objects.map(({ metadata }) => metadata.uid));
        for (const known of this.list()) if (!uids.has(known.metadata.uid)) this.#remove(known);
        for (const object of objects) this.#upsert(object);
      },
    };
  }

  #upsert(received: T): void {
    const { namespace = '', name, uid = '' } = received.metadata;
    const objects = this.#objects.get(namespace) ?? new Map<string, T>();
    const before = objects.get(name);
    if (before !== undefined && isOlder(received, before)) return;
    const object = this.#withDeletion(received, uid);
    if (before !== undefined && sameVersion(before, object)) return;
    this.#objects.set(namespace, objects.set(name, object));
    const replaced = before !== undefined && before.metadata.uid !== uid;
    if (replaced) this.#tell({ object: before, before, gone: true });
    this.#tell({ object, before: replaced ? undefined : before, gone: false });
  }

  #withDeletion(object: T, uid: string): T {
    const at = this.#deleting.get(uid);
    if (at === undefined) return object;
    if (object.metadata.deletionTimestamp !== undefined) {
      this.#deleting.delete(uid);
      return object;
    }
    return { ...object, metadata: { ...object.metadata, deletionTimestamp: at } };
  }

  #remove(object: T): void {
    const { namespace = '', name, uid = '' } = object.metadata;
    this.#deleting.delete(uid);
    this.#bury(uid);
    const objects = this.#objects.get(namespace);
    const before = objects?.get(name);
    // By now the name may be that of another object.
    if (before?.metadata.uid !== uid) return;
    objects?.delete(name);
    this.#tell({ object, before, gone: true });
  }

  #bury(uid: string): void {
    this.#tombstones.add(uid);
    const [oldest] = this.#tombstones;
    if (this.#tombstones.size > maxTombstones && oldest !== undefined) this.#tombstones.delete(oldest);
  }

  #tell(change: Change<T>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Versions of one kind grow: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions. */
const versionOf = (object: KubeObject): bigint => BigInt(object.metadata.resourceVersion ?? '0');

const isOlder = (a: KubeObject, b: KubeObject): boolean => versionOf(a) < versionOf(b);

const sameVersion = (a: KubeObject, b: KubeObject): boolean =>
  versionOf(a) === versionOf(b) && a.metadata.deletionTimestamp === b.metadata.deletionTimestamp;

/** One shared {@link Informer} for each kind that anybody asks for. */
export class Informers {
  readonly #options: { client: Client; clock: Clock; log: Logger };
  readonly #informers = new Map<string, Informer<KubeObject>>();
  #signal: AbortSignal | undefined;
  readonly #running = new Set<Promise<void>>();

  constructor(options: { client: Client; clock: Clock; log: Logger }) {
    this.#options = options;
  }

  /** The cache of a kind; it is begun if it is new. */
  of<T extends KubeObject>(type: ResourceType<T>): Informer<T> {
    const key = resourceName(type);
    let informer = this.#informers.get(key);
    if (informer === undefined) {
      informer = new Informer<KubeObject>(type, this.#options);
      this.#informers.set(key, informer);
      if (this.#signal !== undefined) this.#start(informer, this.#signal);
    }
    return informer as unknown as Informer<T>;
  }

  /** Watches every kind that has been and will be asked for, until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const informer of this.#informers.values()) this.#start(informer, signal);
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Resolves when all kinds that have been asked for so far have been seen once. */
  async whenSynced(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.whenSynced()));
  }

  #start(informer: Informer<KubeObject>, signal: AbortSignal): void {
    const running = informer.run(signal).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}
