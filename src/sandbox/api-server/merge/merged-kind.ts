import { apiVersionOf } from '../../../kube/resource.js';
import type { ServedResource } from '../resource.js';
import type { OpenApiSchema } from '../schema.js';
import type { FieldSet } from './field-set.js';
import { type MergeType, mergeType } from './merge-type.js';
import { metadataSchema } from './metadata-schema.js';
import { resetFields } from './reset-fields.js';

/** What server-side apply must know of a kind and the request's path. */
export interface MergedKind {
  /** Of the request, such as `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** `status`, `scale` …; empty for the object itself. */
  readonly subresource: string;
  /** Defined by a CustomResourceDefinition: stored as it was sent, without the empty structs of Go's types. */
  readonly custom: boolean;
  readonly schema: OpenApiSchema;
  readonly reset: FieldSet;
  /** How objects of this version of the kind are merged; undefined where it is not served any more. */
  type(apiVersion: string): MergeType | undefined;
}

const customSchemas = new WeakMap<OpenApiSchema, OpenApiSchema>();

/**
 * @param resource  the kind in the version of the request
 * @param subresource  of the request's path; empty for none
 * @param versions  the kind in all versions that are served. Default: only `resource`
 */
export function mergedKind(
  resource: ServedResource,
  subresource: string,
  versions: readonly ServedResource[] = [resource],
): MergedKind {
  const apiVersion = apiVersionOf(resource);
  const schema = schemaOf(resource);
  return {
    apiVersion,
    kind: resource.kind,
    subresource,
    custom: resource.custom,
    schema,
    reset: resetFields(resource, subresource, resource.subresources.has('status')),
    type(asked) {
      const version = asked === apiVersion ? resource : versions.find((other) => apiVersionOf(other) === asked);
      return version && mergeType(schemaOf(version));
    },
  };
}

/** Custom resources get the metadata, which their own schemas leave out. */
function schemaOf({ schema, custom }: ServedResource): OpenApiSchema {
  if (!custom) return schema;
  let whole = customSchemas.get(schema);
  if (!whole) {
    const fields: Record<string, OpenApiSchema> = { apiVersion: { type: 'string' }, kind: { type: 'string' } };
    whole = { ...schema, properties: { ...schema.properties, ...fields, metadata: metadataSchema } };
    customSchemas.set(schema, whole);
  }
  return whole;
}
