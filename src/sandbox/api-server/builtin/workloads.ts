import type { LabelSelector } from '../../../kube/selectors.js';
import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { Strategy } from '../resource.js';
import { immutable, invalid, nonNegativeFields, required } from './field-errors.js';
import { defaultPodSpec } from './pod-spec-defaults.js';
import type { PodTemplate } from './pod-spec.js';
import { validatePodTemplate, validateRunsForever, validateSelected } from './pod-spec-validation.js';
import { isEmptySelector, validateSelector } from './selector-validation.js';
import { column, wideColumn } from './table-form.js';

/** What the specs of all workloads that keep pods running have. */
export interface WorkloadSpec {
  replicas?: number;
  minReadySeconds?: number;
  revisionHistoryLimit?: number;
  selector?: LabelSelector;
  template: PodTemplate;
}

/** How a kind words what is wrong with its selector. */
export interface SelectorWords {
  /** The kind in the messages about pods that run for ever. */
  readonly kind: string;
  /** `empty selector is invalid for …`. */
  readonly emptyFor: string;
  /** What is said about a selector that is none; undefined: nothing. */
  readonly malformed: string | undefined;
  /** A DaemonSet only misses the match. Default: true. */
  readonly required?: boolean;
}

/** The selector of a workload must be there, select something, and select the template. */
export function validateWorkload(
  spec: WorkloadSpec,
  { kind, emptyFor, malformed, required: isRequired = true }: SelectorWords,
  more: readonly FieldError[] = [],
): FieldError[] {
  const { selector, template } = spec;
  const wrong = validateSelector(selector, 'spec.selector');
  const empty = selector !== undefined && isEmptySelector(selector);
  const missing = selector === undefined && isRequired;
  return [
    ...nonNegativeFields('spec', spec, 'replicas', 'minReadySeconds', 'revisionHistoryLimit'),
    ...more,
    ...(missing ? [required('spec.selector')] : wrong),
    ...(empty ? [invalid('spec.selector', selector, `empty selector is invalid for ${emptyFor}`)] : []),
    ...(wrong.length > 0 && malformed !== undefined ? [invalid('spec.selector', selector, malformed)] : []),
    ...(empty || wrong.length > 0 ? [] : validateSelected(selector, template, 'spec.template')),
    ...validatePodTemplate(template, 'spec.template'),
    ...validateRunsForever(template, kind, 'spec.template'),
  ];
}

/** A strategy of updates as upstream's struct is printed. */
export function printedStrategy({ type, rollingUpdate }: { type?: string; rollingUpdate?: object }): object {
  return { Type: type ?? '', RollingUpdate: rollingUpdate ?? null };
}

/** A workload's spec; what is absent is empty. */
export function specOf<T>(object: ApiObject): T {
  return (object.spec ?? {}) as T;
}

/** The strategy of a workload from what is its own. */
export function workloadStrategy<T extends WorkloadSpec>(own: {
  setDefaults(spec: T, object: ApiObject): void;
  validate(spec: T): FieldError[];
  /** Default: the selector is immutable. */
  validateUpdate?(spec: T, old: T): FieldError[];
  /** What is wrong with a new status. */
  validateStatus?(status: Record<string, number | undefined>): FieldError[];
  /** What is wrong with the change is said before what is wrong with the result. */
  changeFirst?: boolean;
  more?: Strategy;
}): Strategy {
  const frozenSelector = (spec: T, old: T): FieldError[] => immutable('spec.selector', spec.selector, old.selector);
  return {
    hasGeneration: true,
    setDefaults: (object) => {
      const spec = specOf<T>(object);
      if (spec.template?.spec) defaultPodSpec(spec.template.spec);
      own.setDefaults(spec, object);
    },
    validate: (object) => own.validate(specOf<T>(object)),
    validateUpdate: (object, old, { subresource }) =>
      subresource === 'status'
        ? (own.validateStatus?.((object.status ?? {}) as Record<string, number | undefined>) ?? [])
        : inOrder(
            own.validate(specOf<T>(object)),
            (own.validateUpdate ?? frozenSelector)(specOf<T>(object), specOf<T>(old)),
            own.changeFirst,
          ),
    ...own.more,
  };
}

function inOrder(result: FieldError[], change: FieldError[], changeFirst = false): FieldError[] {
  return changeFirst ? [...change, ...result] : [...result, ...change];
}

const replicaCounts = ['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas'];

/** Counts of a status must fit each other (`ValidateDeploymentStatus` and its like). */
export function validateReplicaStatus(status: Record<string, number | undefined>): FieldError[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
  const tooMany = (field: string): FieldError[] =>
    (status[field] ?? 0) > replicas
      ? [invalid(`status.${field}`, status[field], 'cannot be greater than status.replicas')]
      : [];
  return [
    ...nonNegativeFields('status', status, 'observedGeneration', ...replicaCounts),
    ...tooMany('updatedReplicas'),
    ...tooMany('fullyLabeledReplicas'),
    ...tooMany('readyReplicas'),
    ...tooMany('availableReplicas'),
    ...(availableReplicas > readyReplicas
      ? [invalid('status.availableReplicas', availableReplicas, 'cannot be greater than readyReplicas')]
      : []),
  ];
}

/** Columns that `-o wide` adds to workloads. */
export const containerColumns = [
  wideColumn('Containers', 'Names of each container in the template.'),
  wideColumn('Images', 'Images referenced by each container in the template.'),
];

/** Column with the selector of a workload. */
export const readyColumn = column('Ready', 'Number of the pod with ready state');

/** Cells for {@link containerColumns}. */
export function containerCells(template: PodTemplate | undefined): string[] {
  const containers = template?.spec?.containers ?? [];
  return [containers.map(({ name }) => name).join(','), containers.map(({ image }) => image ?? '').join(',')];
}

/** Counts in a status; absent ones are 0. */
export function counts(object: ApiObject): Record<string, number> {
  return new Proxy((object.status ?? {}) as Record<string, number>, { get: (from, key) => from[key as string] ?? 0 });
}
