import type { FieldError } from '../errors.js';
import type { ApiObject, StoredMeta } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { forbidden, immutable } from './field-errors.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';

/** Above are the classes of the system. */
const highestUserValue = 1_000_000_000;

/** Classes of the system itself, with their values. */
const systemValues: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

function validate({ metadata, value }: ApiObject): FieldError[] {
  const { name = '' } = metadata as Partial<StoredMeta>;
  if (name.startsWith('system-')) {
    if (systemValues[name] === value) return [];
    const why =
      name in systemValues
        ? `value of ${name} PriorityClass must be ${systemValues[name]}`
        : `${name} is not a known system priority class`;
    const reserved = "priority class names with 'system-' prefix are reserved for system use only. error: ";
    return [forbidden('metadata.name', `${reserved}${why}`)];
  }
  return (value as number) > highestUserValue
    ? [forbidden('value', `maximum allowed value of a user defined priority is ${highestUserValue}`)]
    : [];
}

/** `scheduling.k8s.io/v1` PriorityClass. */
export const priorityClasses: BuiltinKind = {
  group: 'scheduling.k8s.io',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  strategy: {
    setDefaults: (object) => {
      object.preemptionPolicy ??= 'PreemptLowerPriority';
    },
    prepareForCreate: ({ metadata }) => {
      // Upstream counts no changes.
      metadata.generation = 1;
    },
    validate,
    validateUpdate: (object, old) => [
      ...(object.value === old.value ? [] : [forbidden('value', 'may not be changed in an update.')]),
      ...immutable('preemptionPolicy', object.preemptionPolicy, old.preemptionPolicy),
    ],
  },
  table: {
    columns: [
      nameColumn,
      column('Value', 'The priority that pods with this class get.', 'integer'),
      column('Global-Default', 'Whether pods without a class have this one.', 'boolean'),
      ageColumn,
      column('PreemptionPolicy', 'Whether pods of this class take the place of others.'),
    ],
    cells: (object, now) => [
      object.metadata.name,
      object.value ?? 0,
      object.globalDefault ?? false,
      age(object.metadata.creationTimestamp, now),
      object.preemptionPolicy,
    ],
  },
};
