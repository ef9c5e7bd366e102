import type { ApiObject } from './object.js';
import type { ServedResource } from './resource.js';

/** Preconditions and options of a deletion, as in `DeleteOptions`. */
export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: boolean;
}

/** The API server's own pipelines, for actions: validation included, authorization not. */
export interface Operations {
  /** The stored object, frozen. @throws {import('./errors.js').StatusError} 404 */
  get(resource: ServedResource, ref: { namespace?: string; name: string }): ApiObject;
  /** Stored objects, frozen; of all namespaces where none is named. */
  list(resource: ServedResource, namespace?: string): readonly ApiObject[];
  /**
   * Changes an object: `change` gets a copy and may be called again when somebody else was faster; it may throw StatusError.
   * No request-level admission is called (the action's own has run).
   */
  update(
    resource: ServedResource,
    ref: { namespace?: string; name: string },
    change: (object: ApiObject) => void,
    options?: { dryRun?: boolean; subresource?: string },
  ): ApiObject;
  /** Creates an object, with admission; field manager `kube-apiserver`. */
  create(resource: ServedResource, object: ApiObject): Promise<ApiObject>;
  /** Deletes an object, without admission. */
  delete(
    resource: ServedResource,
    ref: { namespace?: string; name: string },
    options: DeleteOptions,
  ): Promise<ApiObject>;
  /** What serves the plural now, in its preferred version. */
  find(group: string, plural: string): ServedResource | undefined;
}
