import type { ApiObject } from './object.js';
import type { Operations } from './operations.js';
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

/** Subresources by name (`scale`, `eviction`, …); which resource has which is in {@link ServedResource.subresources}. */
export type Subresources = (resource: ServedResource, subresource: string) => Subresource | undefined;
