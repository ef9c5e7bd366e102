import type { KubeObject, ResourceType } from '../kube/resource.js';
import type { Store } from './store.js';
import type { WatchSpec } from './watch.js';

/** Which objects of a kind a watch is about. */
export type Scope = Pick<WatchSpec, 'namespace' | 'labelSelector'>;

/** The stores of all kinds that the controllers of a manager declare; the only way a reconcile reads. */
export interface Stores {
  /**
   * The store of `type`.
   *
   * @param scope  that of the watch, for a kind that is declared with several
   * @throws {Error} no controller declares the kind in this scope (an implicit watch would be a surprise for memory and RBAC), or
   *                 the type alone does not say which scope is meant
   */
  of<T extends KubeObject>(type: ResourceType<T>, scope?: Scope): Store<T>;
}
