import type { FieldError } from './errors.js';
import type { NameRule } from './writes/names.js';
import type { ApiObject } from './object.js';
import type { OpenApiSchema } from './schema.js';
import type { StoredObjects } from './storage/cluster-view.js';

/** Who asks. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What a strategy may know besides the object. */
export interface WriteContext {
  readonly user: User;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly dryRun: boolean;
  /** `status`, `scale` …; empty for the object itself. */
  readonly subresource: string;
  readonly cluster: StoredObjects;
  /** Objects of the same kind as they are going to be stored, while admission is still validating them. */
  arriving(): readonly ApiObject[];
}

/**
 * What is special about a kind. All functions are synchronous; those that change do it in place, on a copy that is
 * theirs. The order of a create: setDefaults, mutating admission, setDefaults, prepareForCreate, validate, validating
 * admission, store; of an update: setDefaults, mutating admission, setDefaults, prepareForUpdate, validateUpdate,
 * validating admission, store.
 */
export interface Strategy {
  /** Fills in what a client may leave out. */
  setDefaults?(object: ApiObject): void;
  /** Drops what a client may not set (status), sets what the server decides. */
  prepareForCreate?(object: ApiObject, context: WriteContext): void;
  /** As above; `context.subresource` says which part may change. The generic rules (status resets, generation) have run. */
  prepareForUpdate?(object: ApiObject, old: ApiObject, context: WriteContext): void;
  /** Everything that is wrong with a new object. Metadata has been checked. */
  validate?(object: ApiObject, context: WriteContext): FieldError[];
  /** Everything that is wrong with a change. Metadata has been checked. */
  validateUpdate?(object: ApiObject, old: ApiObject, context: WriteContext): FieldError[];
  /** Warnings for each request to this version, reads too (`… is deprecated`). */
  readonly requestWarnings?: readonly string[];
  /** Warnings for the `Warning` header. */
  warnings?(object: ApiObject, old?: ApiObject): string[];
  /** Seconds that a deletion waits with `deletionTimestamp` set, 0 for none; absent: deleted at once. */
  gracePeriod?(object: ApiObject, requested: number | undefined): number;
  /** Changes an object whose deletion begins and that stays for now (Namespace: phase Terminating; CRD: a condition). */
  beginDeletion?(object: ApiObject, now: number): void;
  /** Whether something besides `metadata.finalizers` holds an object that is being deleted (Namespace: `spec.finalizers`). */
  blocksDeletion?(object: ApiObject): boolean;
  /** Values for field selectors besides `metadata.name` and `metadata.namespace`. */
  selectableFields?(object: ApiObject): Record<string, string>;
  /** How names must look (`writes/names.ts`). Default: a DNS subdomain. */
  readonly nameRule?: NameRule;
  /** Whether an update may leave out `resourceVersion`. Default: true for built-in kinds, false for custom ones. */
  readonly unconditionalUpdate?: boolean;
  /** Clients may create objects with a status (Node: kubelets do). */
  readonly keepsStatusOnCreate?: boolean;
  /** A delete is answered with the object instead of a Status (Pod, Service, ServiceAccount, ResourceQuota, PVC). */
  readonly returnsDeleted?: boolean;
  /** Names of {@link selectableFields}. */
  readonly selectableFieldNames?: readonly string[];
  /** An update of a name that does not exist creates it (Lease, Event and a few more: PUT creates on update). */
  readonly createOnUpdate?: boolean;
  /** Whether anything but metadata and status raises `metadata.generation`; false where the kind has none. */
  readonly hasGeneration?: boolean;
  /** What a delete without `propagationPolicy` does with dependents. Default: Background. */
  readonly defaultPropagation?: 'Background' | 'Orphan';
  /** What the object looks like in this version, from the form in which it is stored. Default: `apiVersion` is set. */
  fromStorage?(object: ApiObject): ApiObject;
  /** The opposite. */
  toStorage?(object: ApiObject): ApiObject;
}

/** One column of the table form (`kubectl get`). */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

/** A kind in one version, as the API serves it. */
export interface ServedResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** As in discovery. */
  readonly verbs: readonly string[];
  readonly schema: OpenApiSchema;
  /** Objects of all versions with the same key are the same objects. `group/plural`, except where groups share (Events). */
  readonly storageKey: string;
  /** `status`: split from the object. `scale`: as `autoscaling/v1` Scale. Others (`eviction`, `token`, `binding`) by name. */
  readonly subresources: ReadonlySet<string>;
  /** For `scale` of custom resources: JSON paths such as `.spec.replicas`. */
  readonly scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string };
  readonly strategy: Strategy;
  readonly columns: readonly Column[];
  /** Cells for {@link columns}, in their order. */
  cells(object: ApiObject, now: number): unknown[];
  /** True for kinds that a CustomResourceDefinition defines. */
  readonly custom: boolean;
  /**
   * For kinds that are only asked (SubjectAccessReview, TokenReview …): computes the answer of a create; nothing is
   * stored. Answered with 201.
   */
  answer?(object: ApiObject, context: WriteContext): ApiObject;
}
