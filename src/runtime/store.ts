import { compareResourceVersions } from '../kube/resource-version.js';
import type { KubeObject, ObjectRef } from '../kube/resource.js';
import { keyOf } from './request.js';

/**
 * What is known of one kind, kept up to date by a watch. All objects are frozen and shared by everybody: reading is
 * free, changing one throws.
 */
export interface Store<T extends KubeObject> {
  get(ref: ObjectRef): T | undefined;
  /** All objects, or those of one namespace; in no order, and the array is not changed later. */
  list(namespace?: string): readonly T[];
  /**
   * The objects for which index function `index` gave `value`.
   *
   * @throws {Error} no watch of this kind declares `index`
   */
  byIndex(index: string, value: string): readonly T[];
  /**
   * The values by which index function `index` finds any object, in no order.
   *
   * @throws {Error} no watch of this kind declares `index`
   */
  indexed(index: string): readonly string[];
  /**
   * Read-your-writes: puts the answer of a write in, so that the next run does not see the state before it. Everybody
   * who watches the kind is told as by an event; events of the watch that are older are ignored for this object.
   */
  record(object: T): void;
  /** The first list is in (also when the kind is absent). */
  readonly synced: boolean;
  /** The API server does not serve the kind (no CRD); the store is empty. */
  readonly absent: boolean;
}

/** One object before and after; `old` is missing when it was added, `new` when it was deleted. */
export interface Change<T> {
  readonly old?: T;
  readonly new?: T;
}

/** From an object to the values it is found by. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** Not a legal name for a user's index, so it cannot collide with one. */
const NAMESPACE_INDEX = '\0namespace';

/** Deleted objects that are remembered, see `ObjectStore.record`; a write's answer is never this many deletes late. */
const MAX_DELETED_UIDS = 1000;

/**
 * The objects of one kind by key, and by the values of index functions. Every mutation returns what changed, so that
 * a change seen twice (relist, own write) is reported once. The order of the watch is the truth, except for an object
 * whose write was recorded: until the watch has caught up with that write, older versions are ignored.
 */
export class ObjectStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  /** Key → resourceVersion of a recorded write that the watch has not shown yet. */
  readonly #ahead = new Map<string, string>();
  readonly #deletedUids = new Set<string>();
  /** Objects whose versions are of before `#forgetVersions`. */
  #incomparable = new WeakSet<T>();
  readonly #onIndexError: (error: unknown, object: T) => void;
  #all: readonly T[] | undefined;

  /** @param onIndexError  told when an index function throws; the object is then held, but not found by that index */
  constructor(indexes: Readonly<Record<string, IndexFunction<T>>>, onIndexError: (error: unknown, object: T) => void) {
    this.#onIndexError = onIndexError;
    this.addIndex(NAMESPACE_INDEX, (object) => [object.metadata.namespace ?? '']);
    for (const [name, values] of Object.entries(indexes)) this.addIndex(name, values);
  }

  /** @throws {Error} `name` is taken by another function */
  addIndex(name: string, values: IndexFunction<T>): void {
    const held = this.#indexes.get(name);
    if (held?.valuesOf === values) return;
    if (held) throw new Error(`index "${name}" is declared twice with different functions`);
    const index = new Index(values, this.#onIndexError);
    for (const [key, object] of this.#objects) index.add(key, object);
    this.#indexes.set(name, index);
  }

  get size(): number {
    return this.#objects.size;
  }

  get(ref: ObjectRef): T | undefined {
    return this.#objects.get(keyOf(ref));
  }

  list(namespace?: string): readonly T[] {
    if (namespace !== undefined) return this.byIndex(NAMESPACE_INDEX, namespace);
    this.#all ??= [...this.#objects.values()];
    return this.#all;
  }

  byIndex(name: string, value: string): readonly T[] {
    return this.#index(name).get(value);
  }

  /** {@link Store.indexed} */
  indexed(name: string): readonly string[] {
    return this.#index(name).values();
  }

  #index(name: string): Index<T> {
    const index = this.#indexes.get(name);
    if (!index) throw new Error(`no watch declares the index "${name}"`);
    return index;
  }

  /**
   * A list: what is not in it is gone, but for what was written after it: the watch has yet to show that.
   *
   * @param version  of the list; without one nothing is newer, and no version of before is comparable
   */
  replace(objects: readonly T[], version?: string): Change<T>[] {
    if (version === undefined) this.#forgetVersions();
    const listed = new Set(objects.map((object) => keyOf(object.metadata)));
    const isNewer = (key: string): boolean => (compareResourceVersions(this.#ahead.get(key), version) ?? 0) > 0;
    const gone = [...this.#objects.entries()].filter(([key]) => !listed.has(key) && !isNewer(key));
    return [...gone.map(([key, old]) => this.#delete(key, old)), ...objects.flatMap((object) => this.upsert(object))];
  }

  /** An object as the watch shows it. */
  upsert(object: T): Change<T>[] {
    const key = keyOf(object.metadata);
    if (this.#isBehind(key, object)) return [];
    // It was only out of sight, as when it lost the label that is watched for.
    if (object.metadata.uid !== undefined) this.#deletedUids.delete(object.metadata.uid);
    return this.#put(key, object);
  }

  /** A delete as the watch shows it; `object` is the last state. */
  remove(object: T): Change<T>[] {
    const key = keyOf(object.metadata);
    const old = this.#objects.get(key);
    if (!old || this.#isBehind(key, object)) return [];
    return [this.#delete(key, old)];
  }

  /**
   * The answer of a write. Ignored if the store has it or a newer version, or saw the object deleted: the watch can be
   * faster than the answer, and nothing would ever remove an object put back after its delete.
   */
  record(object: T): Change<T>[] {
    const { uid, resourceVersion } = object.metadata;
    const key = keyOf(object.metadata);
    if (uid !== undefined && this.#deletedUids.has(uid)) return [];
    const order = compareResourceVersions(resourceVersion, this.#objects.get(key)?.metadata.resourceVersion);
    if (resourceVersion === undefined || (order !== undefined && order <= 0)) return [];
    this.#ahead.set(key, resourceVersion);
    return this.#put(key, object);
  }

  /** Versions have begun anew: the same number may stand for another state by now. */
  #forgetVersions(): void {
    this.#ahead.clear();
    this.#incomparable = new WeakSet(this.#objects.values());
  }

  /** True for what the watch shows from before a recorded write; forgets the record once the watch has caught up. */
  #isBehind(key: string, object: T): boolean {
    const ahead = this.#ahead.get(key);
    if (ahead === undefined) return false;
    const order = compareResourceVersions(object.metadata.resourceVersion, ahead);
    if (order !== undefined && order < 0) return true;
    this.#ahead.delete(key);
    return false;
  }

  #put(key: string, object: T): Change<T>[] {
    const old = this.#objects.get(key);
    if (old && isSameVersion(old, object) && !this.#incomparable.has(old)) return [];
    deepFreeze(object);
    if (old) for (const index of this.#indexes.values()) index.remove(key, old);
    for (const index of this.#indexes.values()) index.add(key, object);
    this.#objects.set(key, object);
    this.#all = undefined;
    return [old ? { old, new: object } : { new: object }];
  }

  #delete(key: string, old: T): Change<T> {
    for (const index of this.#indexes.values()) index.remove(key, old);
    this.#objects.delete(key);
    this.#ahead.delete(key);
    this.#all = undefined;
    this.#rememberDeleted(old.metadata.uid);
    return { old };
  }

  #rememberDeleted(uid: string | undefined): void {
    if (uid === undefined) return;
    this.#deletedUids.add(uid);
    if (this.#deletedUids.size <= MAX_DELETED_UIDS) return;
    for (const oldest of this.#deletedUids) {
      this.#deletedUids.delete(oldest);
      return;
    }
  }
}

/** Value → objects. The values of an object are computed again for its removal: objects are frozen and functions pure. */
class Index<T> {
  readonly #byValue = new Map<string, Map<string, T>>();

  constructor(
    readonly valuesOf: IndexFunction<T>,
    private readonly onError: (error: unknown, object: T) => void,
  ) {}

  get(value: string): readonly T[] {
    return [...(this.#byValue.get(value)?.values() ?? [])];
  }

  values(): readonly string[] {
    return [...this.#byValue.keys()];
  }

  add(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const bucket = this.#byValue.get(value);
      if (bucket) bucket.set(key, object);
      else this.#byValue.set(value, new Map([[key, object]]));
    }
  }

  remove(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const bucket = this.#byValue.get(value);
      bucket?.delete(key);
      if (bucket?.size === 0) this.#byValue.delete(value);
    }
  }

  #valuesOf(object: T): readonly string[] {
    try {
      return this.valuesOf(object);
    } catch (error) {
      // One odd object of somebody else must not stop the watch of the whole kind.
      this.onError(error, object);
      return [];
    }
  }
}

function isSameVersion(a: KubeObject, b: KubeObject): boolean {
  const version = a.metadata.resourceVersion;
  return version !== undefined && version === b.metadata.resourceVersion && a.metadata.uid === b.metadata.uid;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
}
