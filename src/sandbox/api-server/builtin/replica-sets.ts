import type { BuiltinKind } from './builtin-kind.js';
import { fill } from './pod-spec.js';
import { selectorText } from './selector-validation.js';
import { age, ageColumn, column, nameColumn, wideColumn } from './table-form.js';
import {
  containerCells,
  containerColumns,
  counts,
  specOf,
  validateReplicaStatus,
  validateWorkload,
  type WorkloadSpec,
  workloadStrategy,
} from './workloads.js';

/** `apps/v1` ReplicaSet. */
export const replicaSets: BuiltinKind = {
  group: 'apps',
  kind: 'ReplicaSet',
  shortNames: ['rs'],
  categories: ['all'],
  subresources: ['scale', 'status'],
  strategy: workloadStrategy<WorkloadSpec>({
    setDefaults: (spec) => fill(spec, { replicas: 1 }),
    validate: (spec) =>
      validateWorkload(spec, { kind: 'ReplicaSet', emptyFor: 'deployment', malformed: 'invalid label selector' }),
    validateStatus: validateReplicaStatus,
    more: {
      selectableFieldNames: ['status.replicas'],
      selectableFields: (object) => ({ 'status.replicas': String(counts(object).replicas) }),
    },
  }),
  table: {
    columns: [
      nameColumn,
      column('Desired', 'Replicas is the number of desired replicas.', 'integer'),
      column('Current', 'Replicas is the most recently observed number of replicas.', 'integer'),
      column(
        'Ready',
        'The number of non-terminating pods targeted by this ReplicaSet with a Ready Condition.',
        'integer',
      ),
      ageColumn,
      ...containerColumns,
      wideColumn('Selector', 'Selector is a label query over pods that should match the replica count.'),
    ],
    cells: (object, now) => {
      const spec = specOf<WorkloadSpec>(object);
      const { replicas, readyReplicas } = counts(object);
      return [
        object.metadata.name,
        spec.replicas ?? 0,
        replicas,
        readyReplicas,
        age(object.metadata.creationTimestamp, now),
        ...containerCells(spec.template),
        selectorText(spec.selector),
      ];
    },
  },
};
