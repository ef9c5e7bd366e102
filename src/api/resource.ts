import type * as z from 'zod';
import { type CustomResourceDefinition, type ResourceDefinition, customResourceDefinition } from './crd.js';
import { withoutNulls } from './structural-schema.js';

/** The metadata of an object, as far as anything of ours reads it. */
export interface Metadata {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  /** RFC 3339. */
  creationTimestamp?: string;
  /** RFC 3339; set while the object waits for its finalizers. */
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Whoever is named here must take the name away before the object goes. */
  finalizers?: string[];
}

/** An object of any kind. */
export interface ResourceObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

/** How a kind is addressed. The same shape as the Kubernetes client's, which this folder does not import. */
export interface Kind<T extends ResourceObject = ResourceObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Carries the type of the objects; never set. */
  readonly __object?: T;
}

/** A kind of ours, with everything that follows from its definition. */
export interface Resource<Spec extends z.ZodType, Status extends z.ZodType> {
  readonly definition: ResourceDefinition<Spec, Status>;
  readonly type: Kind<ObjectWith<Spec, Status>>;
  /** The CustomResourceDefinition; computed at each call. */
  readonly crd: () => CustomResourceDefinition;
  /**
   * The spec of an object, with the defaults that the API server would fill in. Fields that are unknown or null are left out.
   *
   * @throws {InvalidSpecError} naming each field that the API server would refuse, and why
   */
  readonly parseSpec: (object: { spec?: unknown }) => z.output<Spec>;
}

interface ObjectWith<Spec extends z.ZodType, Status extends z.ZodType> extends ResourceObject {
  spec?: z.input<Spec>;
  status?: z.output<Status>;
}

/** The type of a resource's objects, as they stand in the API server or in a file. */
export type ObjectOf<R> = R extends Resource<infer Spec, infer Status> ? ObjectWith<Spec, Status> : never;

/** A spec that the schema refuses; the message has one line for each field. */
export class InvalidSpecError extends Error {
  override readonly name = 'InvalidSpecError';

  constructor(kind: string, error: z.ZodError) {
    const lines = error.issues.map(({ path, message }) => `spec${path.map(step).join('')}: ${message}`);
    super(`${kind} is invalid: ${lines.join('; ')}`, { cause: error });
  }
}

function step(key: PropertyKey): string {
  return typeof key === 'number' ? `[${key}]` : `.${String(key)}`;
}

/** Defines a kind: its addressing, its CustomResourceDefinition and its parser, all from one description. */
export function defineResource<Spec extends z.ZodType, Status extends z.ZodType>(
  definition: ResourceDefinition<Spec, Status>,
): Resource<Spec, Status> {
  const { group, version, plural, kind, namespaced } = definition;
  return {
    definition,
    type: { group, version, plural, kind, namespaced },
    crd: () => customResourceDefinition(definition),
    parseSpec: (object) => {
      const parsed = definition.spec.safeParse(withoutNulls(object.spec ?? {}));
      if (!parsed.success) throw new InvalidSpecError(kind, parsed.error);
      return parsed.data;
    },
  };
}
