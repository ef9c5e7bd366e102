import { isEqual } from '../json.js';
import type { FieldError } from '../errors.js';
import type { BuiltinKind } from './builtin-kind.js';
import {
  amount,
  atMost100Percent,
  forbidden,
  intOrPercent,
  invalid,
  nonNegative,
  unsupported,
} from './field-errors.js';
import { fill, type IntOrString } from './pod-spec.js';
import { selectorText } from './selector-validation.js';
import { age, ageColumn, column, nameColumn, wideColumn } from './table-form.js';
import {
  containerCells,
  containerColumns,
  counts,
  printedStrategy,
  readyColumn,
  specOf,
  validateReplicaStatus,
  validateWorkload,
  type WorkloadSpec,
  workloadStrategy,
} from './workloads.js';

interface DeploymentSpec extends WorkloadSpec {
  strategy: { type?: string; rollingUpdate?: { maxUnavailable?: IntOrString; maxSurge?: IntOrString } };
  progressDeadlineSeconds?: number;
}

function setDefaults(spec: DeploymentSpec): void {
  fill(spec, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const { strategy } = spec;
  fill(strategy, { type: 'RollingUpdate' });
  if (strategy.type !== 'RollingUpdate') return;
  strategy.rollingUpdate = fill(strategy.rollingUpdate ?? {}, { maxUnavailable: '25%', maxSurge: '25%' });
}

function validateStrategy({ type, rollingUpdate = {} }: DeploymentSpec['strategy']): FieldError[] {
  const path = 'spec.strategy';
  if (type === 'Recreate') {
    return Object.keys(rollingUpdate).length === 0
      ? []
      : [forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
  }
  if (type !== 'RollingUpdate')
    return [unsupported(path, printedStrategy({ type: type ?? '' }), ['Recreate', 'RollingUpdate'])];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const unavailable = `${path}.rollingUpdate.maxUnavailable`;
  return [
    ...intOrPercent(unavailable, maxUnavailable),
    ...intOrPercent(`${path}.rollingUpdate.maxSurge`, maxSurge),
    ...(amount(maxUnavailable) === 0 && amount(maxSurge) === 0
      ? [invalid(unavailable, maxUnavailable, 'may not be 0 when `maxSurge` is 0')]
      : []),
    ...atMost100Percent(unavailable, maxUnavailable),
  ];
}

function validate(spec: DeploymentSpec): FieldError[] {
  const { progressDeadlineSeconds: deadline = 0, minReadySeconds = 0 } = spec;
  return [
    ...validateWorkload(spec, { kind: 'ReplicaSet', emptyFor: 'deployment', malformed: 'invalid label selector' }),
    ...validateStrategy(spec.strategy),
    ...nonNegative('spec.progressDeadlineSeconds', deadline),
    ...(deadline <= minReadySeconds
      ? [invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds')]
      : []),
  ];
}

/** `apps/v1` Deployment. */
export const deployments: BuiltinKind = {
  group: 'apps',
  kind: 'Deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  subresources: ['scale', 'status'],
  strategy: workloadStrategy<DeploymentSpec>({
    setDefaults,
    validate,
    validateStatus: validateReplicaStatus,
    more: {
      // Annotations are copied to ReplicaSets, so the controller must see that they changed.
      prepareForUpdate: (object, old, { subresource }) => {
        const { metadata } = object;
        // Only here: other kinds take labels with their status.
        if (subresource === 'status') {
          if (old.metadata.labels) metadata.labels = { ...old.metadata.labels };
          else delete metadata.labels;
        }
        if (subresource !== '' || isEqual(metadata.annotations ?? {}, old.metadata.annotations ?? {})) return;
        metadata.generation = (old.metadata.generation ?? 0) + 1;
      },
    },
  }),
  table: {
    columns: [
      nameColumn,
      readyColumn,
      column(
        'Up-to-date',
        'Total number of non-terminated pods targeted by this deployment that have the desired template spec.',
      ),
      column(
        'Available',
        'Total number of available pods (ready for at least minReadySeconds) targeted by this deployment.',
      ),
      ageColumn,
      ...containerColumns,
      wideColumn(
        'Selector',
        'Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones affected by this deployment.',
      ),
    ],
    cells: (object, now) => {
      const spec = specOf<DeploymentSpec>(object);
      const { readyReplicas, updatedReplicas, availableReplicas } = counts(object);
      return [
        object.metadata.name,
        `${readyReplicas}/${spec.replicas ?? 0}`,
        updatedReplicas,
        availableReplicas,
        age(object.metadata.creationTimestamp, now),
        ...containerCells(spec.template),
        selectorText(spec.selector),
      ];
    },
  },
};
