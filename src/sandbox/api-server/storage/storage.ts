import type { Commit } from './cluster-view.js';
import { History } from './history.js';
import { deepFreeze } from '../json.js';
import type { ApiObject } from '../object.js';
import { SortedKeys } from './sorted-keys.js';

/** Objects of one storage key: current state and recent changes. */
interface Bucket {
  readonly objects: Map<string, ApiObject>;
  readonly keys: SortedKeys;
  readonly history: History;
  readonly watchers: Set<(commit: Commit) => void>;
}

/**
 * What etcd and the watch cache are in a real API server: objects in memory, one revision counter for all of them, and for
 * each kind the recent changes. Objects are frozen once they are stored, and carry their revision as resourceVersion.
 * All calls are synchronous; a write names the revision that it has seen, and fails if that is not the current one.
 */
export class Storage {
  readonly #buckets = new Map<string, Bucket>();
  readonly #listeners = new Set<(commit: Commit) => void>();
  #revision = 1;
  /** Changes up to this revision are forgotten, for all kinds. */
  #compacted = 0;

  /** @param historyLimit  changes that are kept for each kind; a watch from before them is told that it is too old */
  constructor(private readonly historyLimit = 5_000) {}

  /** Revision of the last write. */
  get revision(): number {
    return this.#revision;
  }

  /** The object under a key as {@link keyOf} makes it. */
  get(storageKey: string, key: string): ApiObject | undefined {
    return this.#buckets.get(storageKey)?.objects.get(key);
  }

  /**
   * Objects whose keys start with `prefix`, in the order of keys, after `after`.
   *
   * @param at  the state at an older revision; see {@link oldestRevision}
   */
  *list(
    storageKey: string,
    prefix = '',
    { after = '', at }: { after?: string; at?: number } = {},
  ): Generator<ApiObject> {
    const bucket = this.#bucket(storageKey);
    const past = at !== undefined && at < this.#revision ? bucket.history.stateAt(at, keyOfObject) : undefined;
    const keys = past && past.size > 0 ? bucket.keys.with(past.keys()) : bucket.keys;
    for (const key of keys.from(prefix, after)) {
      const object = past?.has(key) ? past.get(key) : bucket.objects.get(key);
      if (object !== undefined) yield object;
    }
  }

  /**
   * Stores a new object, which becomes the storage's own.
   *
   * @returns the stored object; undefined if the key is taken
   */
  create(storageKey: string, key: string, object: ApiObject): ApiObject | undefined {
    const bucket = this.#bucket(storageKey);
    if (bucket.objects.has(key)) return undefined;
    const stored = this.#stamp(object);
    bucket.objects.set(key, stored);
    bucket.keys.add(key);
    this.#publish(bucket, { type: 'ADDED', storageKey, revision: this.#revision, object: stored });
    return stored;
  }

  /**
   * Replaces `seen`, which must be the stored object itself.
   *
   * @returns the stored object; undefined if it has been changed or deleted since `seen` was read
   */
  update(storageKey: string, key: string, seen: ApiObject, object: ApiObject): ApiObject | undefined {
    const bucket = this.#bucket(storageKey);
    if (bucket.objects.get(key) !== seen) return undefined;
    const stored = this.#stamp(object);
    bucket.objects.set(key, stored);
    this.#publish(bucket, { type: 'MODIFIED', storageKey, revision: this.#revision, object: stored, previous: seen });
    return stored;
  }

  /**
   * Removes `seen`, which must be the stored object itself.
   *
   * @returns its last state with the revision of the deletion; undefined if it has changed since `seen` was read
   */
  delete(storageKey: string, key: string, seen: ApiObject): ApiObject | undefined {
    const bucket = this.#bucket(storageKey);
    if (bucket.objects.get(key) !== seen) return undefined;
    const last = this.#stamp({ ...seen, metadata: { ...seen.metadata } });
    bucket.objects.delete(key);
    bucket.keys.remove(key);
    this.#publish(bucket, { type: 'DELETED', storageKey, revision: this.#revision, object: last, previous: seen });
    return last;
  }

  /** Changes of a kind after a revision, oldest first; only while that is not below {@link oldestRevision}. */
  changesSince(storageKey: string, revision: number): readonly Commit[] {
    return this.#bucket(storageKey).history.since(revision);
  }

  /** The oldest revision from which a kind can be watched or listed. */
  oldestRevision(storageKey: string): number {
    return Math.max(this.#compacted, this.#bucket(storageKey).history.forgottenUpTo);
  }

  /** Calls back in the same tick for each change of one kind, until the returned function is called. */
  watch(storageKey: string, callback: (commit: Commit) => void): () => void {
    const { watchers } = this.#bucket(storageKey);
    watchers.add(callback);
    return () => watchers.delete(callback);
  }

  /** Calls back in the same tick for each change of any kind, before watches get it. */
  onCommit(callback: (commit: Commit) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** Begins the history of kinds that have none yet: what came before is not known. */
  begin(storageKeys: readonly string[]): void {
    for (const storageKey of storageKeys) this.#bucket(storageKey);
  }

  /** Forgets all changes so far: whoever watches or pages from before is told that it is too old. */
  compact(): void {
    this.#compacted = this.#revision;
    for (const { history } of this.#buckets.values()) history.forget();
  }

  #stamp(object: ApiObject): ApiObject {
    this.#revision += 1;
    object.metadata.resourceVersion = String(this.#revision);
    return deepFreeze(object);
  }

  #publish(bucket: Bucket, commit: Commit): void {
    bucket.history.add(commit);
    try {
      for (const listener of [...this.#listeners]) listener(commit);
    } finally {
      // It is stored: whoever watches must see it, even if a listener fails.
      for (const watcher of [...bucket.watchers]) watcher(commit);
    }
  }

  #bucket(storageKey: string): Bucket {
    let bucket = this.#buckets.get(storageKey);
    if (!bucket) {
      const history = new History(this.historyLimit, this.#revision);
      bucket = { objects: new Map(), keys: new SortedKeys(), history, watchers: new Set() };
      this.#buckets.set(storageKey, bucket);
    }
    return bucket;
  }
}

/** `namespace/name`, or `name` without a namespace: the order of these is the order of lists. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** {@link keyOf} of a stored object. */
export function keyOfObject({ metadata }: ApiObject): string {
  return keyOf(metadata.namespace, metadata.name);
}
