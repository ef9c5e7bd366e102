import type { ApiObject } from '../object.js';
import type { FieldError } from '../errors.js';
import { isRecord } from '../json.js';
import type { BuiltinKind } from './builtin-kind.js';
import { immutable, nonNegative, required } from './field-errors.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';

function validate({ data, revision }: ApiObject): FieldError[] {
  return [
    ...nonNegative('revision', revision as number | undefined),
    ...(isRecord(data)
      ? []
      : [
          required(
            'data',
            data === undefined || data === null ? 'data is mandatory' : 'data must be a valid JSON object',
          ),
        ]),
  ];
}

/** The controller among the owners as `kind.group/name`. */
function controllerOf({ metadata }: ApiObject): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return '<none>';
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

/** `apps/v1` ControllerRevision. */
export const controllerRevisions: BuiltinKind = {
  group: 'apps',
  kind: 'ControllerRevision',
  strategy: {
    validate,
    validateUpdate: (object, old) => [
      ...nonNegative('revision', object.revision as number | undefined),
      ...immutable('data', object.data, old.data),
    ],
  },
  table: {
    columns: [
      nameColumn,
      column('Controller', 'Controller of the object'),
      column('Revision', 'Revision indicates the revision of the state represented by Data.'),
      ageColumn,
    ],
    cells: (object, now) => [
      object.metadata.name,
      controllerOf(object),
      object.revision ?? 0,
      age(object.metadata.creationTimestamp, now),
    ],
  },
};
