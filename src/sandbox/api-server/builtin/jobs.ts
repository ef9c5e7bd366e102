import type { LabelSelector } from '../../../kube/selectors.js';
import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { WriteContext } from '../resource.js';
import type { BuiltinKind } from './builtin-kind.js';
import { immutable, invalid, nonNegativeFields, oneOf, required, unsupported } from './field-errors.js';
import { defaultPodSpec } from './pod-spec-defaults.js';
import { fill, type PodTemplate } from './pod-spec.js';
import { validatePodTemplate, validateSelected } from './pod-spec-validation.js';
import { selectorText, validateSelector } from './selector-validation.js';
import { age, ageColumn, column, humanDuration, nameColumn, wideColumn } from './table-form.js';
import { containerCells, containerColumns, counts, specOf } from './workloads.js';

/** Spec of a Job, also in the template of a CronJob. */
export interface JobSpec {
  parallelism?: number;
  completions?: number;
  completionMode?: string;
  backoffLimit?: number;
  backoffLimitPerIndex?: number;
  suspend?: boolean;
  selector?: LabelSelector;
  manualSelector?: boolean;
  podReplacementPolicy?: string;
  podFailurePolicy?: object;
  successPolicy?: object;
  managedBy?: string;
  template: PodTemplate;
}

const uidLabels = ['batch.kubernetes.io/controller-uid', 'controller-uid'];
const nameLabels = ['batch.kubernetes.io/job-name', 'job-name'];
const modes = ['NonIndexed', 'Indexed'];

function setDefaults(spec: JobSpec): void {
  if (spec.template?.spec) defaultPodSpec(spec.template.spec);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  fill(spec, {
    parallelism: 1,
    backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed',
    manualSelector: false,
  });
}

/** Unless the user brings a selector, pods are found by the Job's uid (`generateSelector`). */
function generateSelector(object: ApiObject): void {
  const spec = specOf<JobSpec>(object);
  const { metadata } = object;
  const generate = spec.manualSelector !== true;
  if (generate) {
    const own = Object.fromEntries([
      [uidLabels[0], metadata.uid],
      [nameLabels[0], metadata.name],
      [uidLabels[1], metadata.uid],
      [nameLabels[1], metadata.name],
    ]) as Record<string, string>;
    spec.template.metadata = { ...spec.template.metadata, labels: { ...own, ...spec.template.metadata?.labels } };
    const uid = { [uidLabels[0]!]: metadata.uid };
    spec.selector = { ...spec.selector, matchLabels: { ...uid, ...spec.selector?.matchLabels } };
  }
  const labels = spec.template.metadata?.labels;
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
}

/** What is wrong with a Job's spec, apart from its selector (`validateJobSpec`). */
export function validateJobSpec(spec: JobSpec, path: string): FieldError[] {
  const indexed = spec.completionMode === 'Indexed';
  return [
    ...nonNegativeFields(path, spec, 'parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit'),
    ...nonNegativeFields(path, spec, 'ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'),
    ...(spec.completionMode === undefined ? [] : oneOf(`${path}.completionMode`, spec.completionMode, modes)),
    ...(indexed && spec.completions === undefined
      ? [required(`${path}.completions`, 'when completion mode is Indexed')]
      : []),
    ...(!indexed && spec.backoffLimitPerIndex !== undefined
      ? [invalid(`${path}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, 'requires indexed completion mode')]
      : []),
    ...validatePodTemplate(spec.template, `${path}.template`),
    ...validateRestartPolicy(spec, `${path}.template.spec.restartPolicy`),
  ];
}

function validateRestartPolicy({ template, podFailurePolicy }: JobSpec, path: string): FieldError[] {
  const policy = template.spec.restartPolicy;
  if (policy === 'Always') return [required(path, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [unsupported(path, policy, ['OnFailure', 'Never'])];
  return podFailurePolicy && policy !== 'Never'
    ? [invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    : [];
}

/** Who has the selector generated may not add to it. */
function validateGenerated(object: ApiObject): FieldError[] {
  const { manualSelector, selector } = specOf<JobSpec>(object);
  if (manualSelector === true || selector === undefined) return [];
  const own = { [uidLabels[0]!]: object.metadata.uid };
  const extra = Object.entries(selector.matchLabels ?? {}).some(([key, value]) => own[key] !== value);
  return extra || selector.matchExpressions
    ? [invalid('spec.selector', selector, '`selector` not auto-generated')]
    : [];
}

function validate(object: ApiObject): FieldError[] {
  const spec = specOf<JobSpec>(object);
  return [
    ...validateGenerated(object),
    ...validateJobSpec(spec, 'spec'),
    ...(spec.selector ? validateSelector(spec.selector, 'spec.selector') : [required('spec.selector')]),
    ...validateSelected(spec.selector, spec.template, 'spec.template'),
  ];
}

/** Of a suspended Job's template, what tells pods where to run may change. */
function fixedTemplate(template: PodTemplate, { suspend }: JobSpec): object {
  if (suspend !== true) return template;
  const { nodeSelector: _selector, tolerations: _tolerations, schedulingGates: _gates, ...spec } = template.spec;
  return { spec };
}

function validateUpdate(object: ApiObject, old: ApiObject, { subresource }: WriteContext): FieldError[] {
  if (subresource === 'status') return [];
  const [spec, before] = [specOf<JobSpec>(object), specOf<JobSpec>(old)];
  const fixed = ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;
  // Indexed jobs are resized by both at once.
  const elastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  return [
    ...validate(object),
    ...(elastic ? [] : immutable('spec.completions', spec.completions, before.completions)),
    ...immutable('spec.selector', spec.selector, before.selector),
    ...immutable('spec.template', fixedTemplate(spec.template, before), fixedTemplate(before.template, before)),
    ...fixed.flatMap((field) => immutable(`spec.${field}`, spec[field], before[field])),
  ];
}

interface JobStatus {
  conditions?: { type: string; status: string }[];
  startTime?: string;
  completionTime?: string;
}

/** STATUS of a Job: its condition, or what it is doing. */
function phase(object: ApiObject): string {
  const { conditions = [] } = (object.status ?? {}) as JobStatus;
  const has = (type: string): boolean => conditions.some((each) => each.type === type && each.status === 'True');
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (has('Suspended')) return 'Suspended';
  if (has('FailureTarget')) return 'FailureTarget';
  if (has('SuccessCriteriaMet')) return 'SuccessCriteriaMet';
  return 'Running';
}

function completions({ completions: wanted, parallelism = 0 }: JobSpec, succeeded: number): string {
  if (wanted !== undefined) return `${succeeded}/${wanted}`;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function duration({ startTime, completionTime }: JobStatus, now: number): string {
  if (startTime === undefined) return '';
  return humanDuration((completionTime === undefined ? now : Date.parse(completionTime)) - Date.parse(startTime));
}

/** `batch/v1` Job. */
export const jobs: BuiltinKind = {
  group: 'batch',
  kind: 'Job',
  categories: ['all'],
  subresources: ['status'],
  strategy: {
    hasGeneration: true,
    // For compatibility with clients of long ago; kubectl asks for Background.
    defaultPropagation: 'Orphan',
    setDefaults: (object) => setDefaults(specOf<JobSpec>(object)),
    prepareForCreate: generateSelector,
    validate,
    validateUpdate,
    selectableFieldNames: ['status.successful'],
    selectableFields: (object) => ({ 'status.successful': String(counts(object).succeeded) }),
  },
  table: {
    columns: [
      nameColumn,
      column('Status', 'Status of the job.'),
      column('Completions', 'The number of pods which reached phase Succeeded.'),
      column('Duration', 'Time required to complete the job.'),
      ageColumn,
      ...containerColumns,
      wideColumn('Selector', 'A label query over pods that should match the pod count.'),
    ],
    cells: (object, now) => {
      const spec = specOf<JobSpec>(object);
      return [
        object.metadata.name,
        phase(object),
        completions(spec, counts(object).succeeded ?? 0),
        duration(object.status ?? {}, now),
        age(object.metadata.creationTimestamp, now),
        ...containerCells(spec.template),
        selectorText(spec.selector),
      ];
    },
  },
};
