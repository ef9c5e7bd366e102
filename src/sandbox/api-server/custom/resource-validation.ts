import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { OpenApiSchema } from '../schema.js';
import { Correlation } from './correlation.js';
import type { DefinitionSubresources } from './definition-object.js';
import { validateEmbedded } from './embedded-resources.js';
import { validateListTypes } from './list-types.js';
import { parseJsonPath } from './json-path.js';
import { hasRules, validateRules } from './rules.js';
import { validateSchema } from './validation.js';

/** What a version of a definition wants of its objects. */
export interface CustomKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: OpenApiSchema;
  readonly scale?: DefinitionSubresources['scale'];
}

/** Errors after which rules are not evaluated: values may have types that they do not expect. */
const blocking = new Set<FieldError['type']>([
  'Unsupported value',
  'Required value',
  'Too long',
  'Too many',
  'Invalid type',
]);

/**
 * Everything that is wrong with a custom resource besides its metadata.
 *
 * Source: apiextensions-apiserver, pkg/registry/customresource/{strategy,status_strategy,validator}.go
 *
 * @param old  the object before, on updates: what it has wrong may stay
 * @param statusOnly  the status subresource: other parts are not looked at
 */
export function validateCustomResource(
  object: ApiObject,
  kind: CustomKind,
  old?: ApiObject,
  statusOnly = false,
): FieldError[] {
  const types = typeErrors(object, kind);
  if (types.length > 0) return types;
  const { schema } = kind;
  const errors = [
    ...(statusOnly
      ? statusErrors(object, schema, old)
      : validateSchema(object, schema, '', old && new Correlation(object, old, schema))),
    ...scaleErrors(object, kind, statusOnly),
    ...validateEmbedded(object, { ...schema, 'x-kubernetes-embedded-resource': false }),
    ...(old && validateListTypes(old, schema).length > 0 ? [] : validateListTypes(object, schema)),
  ];
  if (!hasRules(schema)) return errors;
  if (!errors.some(({ type }) => blocking.has(type))) return [...errors, ...validateRules(object, schema, old)];
  const detail =
    'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
  return [...errors, { type: 'Invalid value', field: '<nil>', value: null, detail }];
}

function typeErrors(object: ApiObject, { apiVersion, kind }: CustomKind): FieldError[] {
  const wrong = (field: 'kind' | 'apiVersion', wanted: string): FieldError[] =>
    object[field] === wanted
      ? []
      : [{ type: 'Invalid value', field, value: object[field], detail: `must be ${wanted}` }];
  return [...wrong('kind', kind), ...wrong('apiVersion', apiVersion)];
}

function statusErrors(object: ApiObject, schema: OpenApiSchema, old?: ApiObject): FieldError[] {
  const status = schema.properties?.['status'];
  if (!status || object['status'] === undefined) return [];
  const correlation = old && new Correlation(object['status'], old['status'], status);
  return validateSchema(object['status'], status, 'status', correlation);
}

const greatestCount = 2 ** 31 - 1;

function scaleErrors(object: ApiObject, { scale }: CustomKind, statusOnly: boolean): FieldError[] {
  if (!scale) return [];
  const paths = [...(statusOnly ? [] : [scale.specReplicasPath]), scale.statusReplicasPath];
  return paths.flatMap((path): FieldError[] => {
    const [count] = parseJsonPath(path)(object);
    const problem = typeof count === 'number' ? countProblem(count) : undefined;
    return problem === undefined ? [] : [{ type: 'Invalid value', field: path, value: count, detail: problem }];
  });
}

function countProblem(count: number): string | undefined {
  if (count < 0) return 'should be a non-negative integer';
  return count > greatestCount ? `should be less than or equal to ${greatestCount}` : undefined;
}
