import type { FieldError } from '../errors.js';
import { pathSegmentName } from '../writes/names.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { forbidden, invalid, named, required, unsupported } from './field-errors.js';
import { fill } from './pod-spec.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';
import { counts, specOf } from './workloads.js';

interface Target {
  type?: string;
  averageUtilization?: number;
  averageValue?: string;
  value?: string;
}

interface Source {
  name?: string;
  target: Target;
}

interface Current {
  current: { averageUtilization?: number; averageValue?: string; value?: string };
}

type SourceName = 'resource' | 'containerResource' | 'pods' | 'object' | 'external';
type Metric<T> = { type: string } & Partial<Record<SourceName, T>>;

interface ScalingRules {
  stabilizationWindowSeconds?: number;
  selectPolicy?: string;
  policies?: { type: string; value: number; periodSeconds: number }[];
}

interface AutoscalerSpec {
  scaleTargetRef?: { apiVersion?: string; kind?: string; name?: string };
  minReplicas?: number;
  maxReplicas?: number;
  metrics?: Metric<Source>[];
  behavior?: { scaleUp?: ScalingRules; scaleDown?: ScalingRules };
}

const sourceNames: Readonly<Record<string, SourceName>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

const percent100 = { type: 'Percent', value: 100, periodSeconds: 15 };

function setDefaults(spec: AutoscalerSpec): void {
  const target = { type: 'Utilization', averageUtilization: 80 };
  fill(spec, { minReplicas: 1, metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }] });
  if (spec.behavior === undefined) return;
  spec.behavior.scaleUp = fill(spec.behavior.scaleUp ?? {}, {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, { ...percent100 }],
  });
  spec.behavior.scaleDown = fill(spec.behavior.scaleDown ?? {}, { selectPolicy: 'Max', policies: [{ ...percent100 }] });
}

function validate(object: ApiObject): FieldError[] {
  const { scaleTargetRef: ref = {}, minReplicas = 1, maxReplicas = 0, metrics = [] } = specOf<AutoscalerSpec>(object);
  const segment = (field: string, value: string | undefined): FieldError[] =>
    value ? named(field, value, pathSegmentName) : [required(field)];
  return [
    ...(minReplicas < 1 ? [invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1')] : []),
    ...(maxReplicas < 1 ? [invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0')] : []),
    ...(maxReplicas < minReplicas
      ? [invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`')]
      : []),
    ...segment('spec.scaleTargetRef.kind', ref.kind),
    ...segment('spec.scaleTargetRef.name', ref.name),
    ...(ref.apiVersion?.includes('/') || ref.kind === 'ReplicationController'
      ? []
      : [invalid('spec.scaleTargetRef.apiVersion', ref.apiVersion ?? '', 'apiVersion must specify API group')]),
    ...metrics.flatMap((metric, index) => validateMetric(metric, `spec.metrics[${index}]`)),
    ...(minReplicas === 0 && !metrics.some(({ object, external }) => object ?? external)
      ? [
          forbidden(
            'spec.metrics',
            'must specify at least one Object or External metric to support scaling to zero replicas',
          ),
        ]
      : []),
  ];
}

function validateMetric(metric: Metric<Source>, path: string): FieldError[] {
  const source = sourceNames[metric.type];
  if (source === undefined) {
    const types = Object.keys(sourceNames).sort();
    return [
      ...(metric.type ? [] : [required(`${path}.type`, 'must specify a metric source type')]),
      // Upstream looks twice.
      unsupported(`${path}.type`, metric.type, types),
      unsupported(`${path}.type`, metric.type, types),
    ];
  }
  const { averageUtilization, averageValue, value } = metric[source]?.target ?? {};
  if (metric[source] === undefined) {
    return [required(`${path}.${source}`, 'must populate information for the given metric source')];
  }
  const needsOwn = source === 'resource' || source === 'containerResource';
  return [
    ...(needsOwn && averageUtilization === undefined && averageValue === undefined
      ? [
          required(
            `${path}.${source}.target.averageUtilization`,
            'must set either a target raw value or a target utilization',
          ),
        ]
      : []),
    ...(averageUtilization !== undefined && averageUtilization < 1
      ? [invalid(`${path}.${source}.target.averageUtilization`, averageUtilization, 'must be greater than 0')]
      : []),
    ...(source === 'object' && value === undefined && averageValue === undefined
      ? [required(`${path}.object.target.averageValue`, 'must set either a target value or averageValue')]
      : []),
  ];
}

/** One entry of TARGETS: what is measured, and what it shall be. */
function targetText(metric: Metric<Source>, status: Metric<Current> | undefined): string {
  const source = sourceNames[metric.type];
  if (source === undefined) return '<unknown type>';
  const { name, target } = metric[source] ?? { target: {} };
  const current = status?.[source]?.current;
  if (source === 'resource' || source === 'containerResource') {
    if (target.averageValue !== undefined) {
      return `${name}: ${current?.averageValue ?? (current ? '0' : '<unknown>')}/${target.averageValue}`;
    }
    const percent = (value: number | undefined, none: string): string => (value === undefined ? none : `${value}%`);
    return `${name}: ${percent(current?.averageUtilization, '<unknown>')}/${percent(target.averageUtilization, '<auto>')}`;
  }
  if (source === 'pods') return `${current?.averageValue ?? '<unknown>'}/${target.averageValue}`;
  return target.averageValue === undefined
    ? `${current?.value ?? '<unknown>'}/${target.value}`
    : `${current?.averageValue ?? '<unknown>'}/${target.averageValue} (avg)`;
}

const shownMetrics = 2;

function targets(object: ApiObject): string {
  const { metrics = [] } = specOf<AutoscalerSpec>(object);
  if (metrics.length === 0) return '<none>';
  const { currentMetrics } = (object.status ?? {}) as { currentMetrics?: Metric<Current>[] | null };
  const texts = metrics.map((metric, index) => targetText(metric, currentMetrics?.[index]));
  const shown = texts.slice(0, shownMetrics).join(', ');
  return texts.length > shownMetrics ? `${shown} + ${texts.length - shownMetrics} more...` : shown;
}

/** `autoscaling/v2` HorizontalPodAutoscaler. */
export const horizontalPodAutoscalers: BuiltinKind = {
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  subresources: ['status'],
  strategy: {
    setDefaults: (object) => setDefaults(specOf<AutoscalerSpec>(object)),
    validate,
    validateUpdate: (object, _old, { subresource }) => (subresource === 'status' ? [] : validate(object)),
  },
  table: {
    columns: [
      nameColumn,
      column('Reference', 'Reference to the scaled resource.'),
      column('Targets', 'What is measured, and what it shall be.'),
      column('MinPods', 'Lower limit for the number of replicas.'),
      column('MaxPods', 'Upper limit for the number of replicas.'),
      column('Replicas', 'Current number of replicas of pods managed by this autoscaler.'),
      ageColumn,
    ],
    cells: (object, now) => {
      const { scaleTargetRef: ref = {}, minReplicas, maxReplicas } = specOf<AutoscalerSpec>(object);
      return [
        object.metadata.name,
        `${ref.kind}/${ref.name}`,
        targets(object),
        String(minReplicas ?? '<unset>'),
        maxReplicas,
        counts(object).currentReplicas,
        age(object.metadata.creationTimestamp, now),
      ];
    },
  },
};
