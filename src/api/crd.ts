import type * as z from 'zod';
import { type StructuralSchema, structuralSchema } from './structural-schema.js';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** A simple path: where it yields several values, the first is printed. */
  jsonPath: string;
  description: string;
  /** 1: printed only with `-o wide`. */
  priority?: number;
}

/** Everything about a kind of ours, said once. */
export interface ResourceDefinition<Spec extends z.ZodType = z.ZodType, Status extends z.ZodType = z.ZodType> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly namespaced: boolean;
  /** What the kind is for; `kubectl explain` prints it. */
  readonly description: string;
  readonly spec: Spec;
  /** Written through the status subresource only. */
  readonly status: Status;
  /** What `kubectl get` prints, in order. */
  readonly columns: readonly PrinterColumn[];
}

/** A CustomResourceDefinition with one version, which is served and stored. */
export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string };
  spec: {
    group: string;
    scope: 'Namespaced' | 'Cluster';
    names: { kind: string; listKind: string; plural: string; singular: string; shortNames?: string[] };
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      subresources: { status: Record<string, never> };
      additionalPrinterColumns: PrinterColumn[];
      schema: { openAPIV3Schema: object };
    }[];
  };
}

/**
 * The CustomResourceDefinition of a kind.
 *
 * @throws {SchemaError} if spec or status cannot be said in a structural schema, naming the field
 */
export function customResourceDefinition(definition: ResourceDefinition): CustomResourceDefinition {
  const { group, version, kind, plural, shortNames, namespaced, columns } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        ...(shortNames && { shortNames: [...shortNames] }),
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [...columns],
          schema: { openAPIV3Schema: objectSchema(definition) },
        },
      ],
    },
  };
}

/** The schema of whole objects. `metadata` may be typed, and nothing else: the API server knows it itself. */
function objectSchema({ description, spec, status }: ResourceDefinition): object {
  const specSchema = structuralSchema(spec, 'spec');
  // A spec whose fields all have defaults may be left out; the API server then fills in the whole of it.
  const omitted = spec.safeParse({});
  const properties: Record<string, StructuralSchema> = {
    apiVersion: { type: 'string', description: 'Group and version of the kind.' },
    kind: { type: 'string', description: 'Name of the kind.' },
    metadata: { type: 'object' },
    spec: omitted.success ? { ...specSchema, default: omitted.data } : specSchema,
    status: structuralSchema(status, 'status'),
  };
  return { type: 'object', description, ...(omitted.success ? {} : { required: ['spec'] }), properties };
}
