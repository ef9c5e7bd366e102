import type { ApiObject } from '../object.js';
import type { ServedResource, User } from '../resource.js';

/** What is about to happen, as admission sees it. */
export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** The resource in the version of the request. */
  readonly resource: ServedResource;
  /** `status`, `scale`, `eviction` …; empty for the object itself. */
  readonly subresource: string;
  /** Kind of {@link object}: the resource's own, or the subresource's (`autoscaling/v1` Scale, `policy/v1` Eviction). */
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly namespace?: string;
  /** Empty for a create with generateName. */
  readonly name: string;
  /** What will be written, in the version of the request; absent for DELETE. */
  readonly object?: ApiObject;
  /** What is stored now, in the version of the request; absent for CREATE. Frozen. */
  readonly oldObject?: ApiObject;
  readonly user: User;
  readonly dryRun: boolean;
  /** `CreateOptions`, `UpdateOptions`, `PatchOptions`, `DeleteOptions` of the request, with apiVersion and kind. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Adds a `Warning: 299` header to the answer. */
  warn(message: string): void;
}

/** Decides about writes before they are stored. Both throw {@link import('../errors.js').StatusError} to refuse. */
export interface AdmissionChain {
  /**
   * Called with the object after defaulting; the answer is defaulted again and prepared. For DELETE and CONNECT the answer
   * is not used.
   *
   * @returns the object to go on with: the same one if nothing is to change; it may be changed in place
   */
  mutate(attributes: AdmissionAttributes): Promise<ApiObject | undefined>;
  /** Called with the object as it will be stored. */
  validate(attributes: AdmissionAttributes): Promise<void>;
  /** Closes idle connections to webhooks; they are opened again when they are needed. */
  close(): void;
}
