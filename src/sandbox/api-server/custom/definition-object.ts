import type { ApiObject } from '../object.js';
import type { OpenApiSchema } from '../schema.js';
import type { PrinterColumn } from './printer-columns.js';

/** Names of a kind, as in `spec.names` and `status.acceptedNames`. */
export interface DefinitionNames {
  plural: string;
  singular?: string;
  shortNames?: string[];
  kind: string;
  listKind?: string;
  categories?: string[];
}

/** Subresources of a version. */
export interface DefinitionSubresources {
  status?: object;
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string };
}

/** One version of a definition. */
export interface DefinitionVersion {
  name: string;
  served: boolean;
  storage: boolean;
  deprecated?: boolean;
  deprecationWarning?: string;
  schema?: { openAPIV3Schema?: OpenApiSchema };
  subresources?: DefinitionSubresources;
  additionalPrinterColumns?: PrinterColumn[];
  selectableFields?: { jsonPath: string }[];
}

/** A condition of a definition. */
export interface DefinitionCondition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
}

/** A CustomResourceDefinition. Before validation, nothing in it is sure. */
export interface Definition extends ApiObject {
  spec: {
    group: string;
    names: DefinitionNames;
    scope: string;
    versions: DefinitionVersion[];
    conversion?: {
      strategy: string;
      webhook?: { conversionReviewVersions?: string[]; clientConfig?: Record<string, unknown> };
    };
    preserveUnknownFields?: boolean;
  };
  status?: {
    conditions?: DefinitionCondition[] | null;
    acceptedNames?: DefinitionNames;
    storedVersions?: string[];
  };
}

/** A definition's condition, undefined if it has none of the type. */
export function conditionOf({ status }: Definition, type: string): DefinitionCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** Whether a condition is `True`. */
export function isTrue(definition: Definition, type: string): boolean {
  return conditionOf(definition, type)?.status === 'True';
}

/** Sets a condition; its time changes only with its status. */
export function setCondition(
  definition: Definition,
  condition: Omit<DefinitionCondition, 'lastTransitionTime'>,
  time: string,
): void {
  const status = (definition.status ??= {});
  const conditions = (status.conditions ??= []);
  const old = conditions.find(({ type }) => type === condition.type);
  const { type, status: value, ...why } = condition;
  const lastTransitionTime = old?.status === value && old.lastTransitionTime ? old.lastTransitionTime : time;
  const next = { type, status: value, lastTransitionTime, ...why };
  if (old) conditions[conditions.indexOf(old)] = next;
  else conditions.push(next);
}

/** The version in which objects are stored; undefined in what has not been validated yet. */
export function storageVersion({ spec }: Definition): DefinitionVersion | undefined {
  return (spec.versions as DefinitionVersion[] | null)?.find(({ storage }) => storage);
}
