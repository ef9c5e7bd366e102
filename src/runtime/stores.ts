import type { KubeObject, ResourceType } from '../kube/resource.js';
import type { Store } from './store.js';

/** The stores of all kinds that the controllers of a manager declare; the only way a reconcile reads. */
export interface Stores {
  /**
   * The store of `type`.
   *
   * @throws {Error} no controller declares the kind (an implicit watch would be a surprise for memory and RBAC), or it is
   *                 declared with several scopes, so that the type alone does not say which is meant
   */
  of<T extends KubeObject>(type: ResourceType<T>): Store<T>;
}
