import type { KubeObject } from '../kube/resource.js';
import { keyOf } from './request.js';
import type { Change } from './store.js';

/** What a handler of events is told next about one object. */
export interface ResourceChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

/**
 * Makes events for handlers that want them out of the state that a keyed queue works with: compares what the handler has
 * handled with what there is. So no event is lost to a failure, a delete nobody saw is told after a relist, and many
 * changes of an object become one MODIFIED. An object that came and went before the handler saw it is not told.
 */
export class ResourceEvents {
  /** Key → what the handler was last told; `isHandled` is false while an ADDED has not succeeded. */
  readonly #told = new Map<string, { object: KubeObject; isHandled: boolean }>();
  /** Last state of deleted objects that the handler knows. */
  readonly #tombstones = new Map<string, KubeObject>();

  /** Takes note of a change; only deletes matter, for the object is gone from the store when the key is worked on. */
  note({ old, new: now }: Change<KubeObject>): void {
    if (!old || (now && now.metadata.uid === old.metadata.uid)) return;
    const key = keyOf(old.metadata);
    if (this.#told.has(key)) this.#tombstones.set(key, old);
  }

  /** The next event of `key`, given the object that is there now; undefined when the handler knows everything. */
  next(key: string, current: KubeObject | undefined): ResourceChange | undefined {
    const told = this.#told.get(key);
    if (!told) {
      if (!current) return undefined;
      // Noted before it is handled: a handler that fails half way must still hear of the delete.
      this.#told.set(key, { object: current, isHandled: false });
      return { type: 'ADDED', object: current };
    }
    if (!current || current.metadata.uid !== told.object.metadata.uid) {
      return { type: 'DELETED', object: this.#tombstones.get(key) ?? told.object };
    }
    if (!told.isHandled) return { type: 'ADDED', object: current };
    return current.metadata.resourceVersion === told.object.metadata.resourceVersion
      ? undefined
      : { type: 'MODIFIED', object: current };
  }

  /** The handler has handled what `next` gave for `key`. */
  handled(key: string, { type, object }: ResourceChange): void {
    if (type !== 'DELETED') {
      this.#told.set(key, { object, isHandled: true });
      return;
    }
    this.#told.delete(key);
    this.#tombstones.delete(key);
  }
}
