import type { ApiObject } from './object.js';
import type { ServedResource } from './resource.js';
import type { OpenApiSchema } from './schema.js';

/** Group, version and kind of a body. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/**
 * A subresource that shows a part of the object in another form and writes it back (`scale`). Get, update and all patches
 * go through the same pipeline as the object itself.
 */
export interface Projection {
  readonly type: 'projection';
  readonly kind: Kind;
  readonly schema: OpenApiSchema;
  /** The object in the subresource's form, with name, namespace, uid, resourceVersion and creationTimestamp. */
  read(object: ApiObject, resource: ServedResource): ApiObject;
  /** Writes what `projected` says into `object`, which is a copy. Throws StatusError for an invalid one. */
  write(object: ApiObject, projected: ApiObject, resource: ServedResource): void;
}

/** What an action gets. */
export interface ActionRequest {
  readonly resource: ServedResource;
  readonly namespace: string;
  readonly name: string;
  /** The decoded body; apiVersion and kind are those of {@link Action.kind} or of one of {@link Action.alsoKinds}. */
  readonly body: ApiObject;
  readonly dryRun: boolean;
  readonly now: number;
  readonly operations: Operations;
}

/** A subresource that is created to make something happen (`eviction`, `binding`, `token`). */
export interface Action {
  readonly type: 'action';
  readonly kind: Kind;
  readonly alsoKinds?: readonly Kind[];
  readonly schema?: OpenApiSchema;
  /** Answered with the HTTP code (201 where it is left out) and body. Admission of the body (CREATE) has run before. */
  create(request: ActionRequest): Promise<{ code?: number; body: object }>;
}

/** A subresource besides `status`, which is built in. */
export type Subresource = Projection | Action;

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

/** Subresources by name (`scale`, `eviction`, …); which resource has which is in {@link ServedResource.subresources}. */
export type Subresources = (resource: ServedResource, subresource: string) => Subresource | undefined;
