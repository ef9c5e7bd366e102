import { isEqual } from '../json.js';
import type { FieldError } from '../errors.js';
import { labelName } from '../writes/names.js';
import type { BuiltinKind } from './builtin-kind.js';
import { forbidden, intOrPercent, invalid, named, nonNegative } from './field-errors.js';
import { defaultClaim } from './persistent-volume-claims.js';
import { fill, type IntOrString } from './pod-spec.js';
import { age, ageColumn, nameColumn } from './table-form.js';
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

interface StatefulSetSpec extends WorkloadSpec {
  serviceName?: string;
  podManagementPolicy?: string;
  updateStrategy: { type?: string; rollingUpdate?: { partition?: number; maxUnavailable?: IntOrString } };
  persistentVolumeClaimRetentionPolicy?: { whenDeleted?: string; whenScaled?: string };
  ordinals?: { start?: number };
  volumeClaimTemplates?: Record<string, unknown>[];
}

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

function setDefaults(spec: StatefulSetSpec): void {
  fill(spec, { podManagementPolicy: 'OrderedReady', updateStrategy: {}, replicas: 1, revisionHistoryLimit: 10 });
  const { updateStrategy } = spec;
  if (updateStrategy.type === undefined) fill(updateStrategy, { type: 'RollingUpdate', rollingUpdate: {} });
  if (updateStrategy.type === 'RollingUpdate' && updateStrategy.rollingUpdate) {
    fill(updateStrategy.rollingUpdate, { partition: 0 });
  }
  spec.persistentVolumeClaimRetentionPolicy = fill(spec.persistentVolumeClaimRetentionPolicy ?? {}, {
    whenDeleted: 'Retain',
    whenScaled: 'Retain',
  });
  for (const claim of spec.volumeClaimTemplates ?? []) {
    Object.assign(claim, { kind: 'PersistentVolumeClaim', apiVersion: 'v1' });
    defaultClaim(claim);
  }
}

function validateUpdateStrategy({ type, rollingUpdate }: StatefulSetSpec['updateStrategy']): FieldError[] {
  const path = 'spec.updateStrategy';
  const { partition, maxUnavailable } = rollingUpdate ?? {};
  const printed = { Partition: partition ?? 0, MaxUnavailable: maxUnavailable ?? null };
  if (type === 'OnDelete') {
    return rollingUpdate
      ? [invalid(`${path}.rollingUpdate`, printed, "only allowed for updateStrategy 'RollingUpdate'")]
      : [];
  }
  if (type !== 'RollingUpdate')
    return [invalid(path, printedStrategy({ type: type ?? '' }), "must be 'RollingUpdate' or 'OnDelete'")];
  return [
    ...nonNegative(`${path}.rollingUpdate.partition`, rollingUpdate?.partition),
    ...intOrPercent(`${path}.rollingUpdate.maxUnavailable`, rollingUpdate?.maxUnavailable),
  ];
}

/** Claims become volumes of the pods, so the template may mount them by name. */
function withClaims(spec: StatefulSetSpec): StatefulSetSpec {
  const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata }) => (metadata as { name: string }).name);
  if (claims.length === 0) return spec;
  const own = (spec.template.spec.volumes ?? []).filter(({ name }) => !claims.includes(name));
  const volumes = [...claims.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })), ...own];
  return { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, volumes } } };
}

function validate(spec: StatefulSetSpec): FieldError[] {
  const { podManagementPolicy: policy = '', serviceName } = spec;
  return [
    ...(['OrderedReady', 'Parallel'].includes(policy)
      ? []
      : [invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'")]),
    ...validateUpdateStrategy(spec.updateStrategy),
    ...validateWorkload(withClaims(spec), { kind: 'StatefulSet', emptyFor: 'statefulset', malformed: '' }, [
      ...nonNegative('spec.ordinals.start', spec.ordinals?.start),
      ...(serviceName ? named('spec.serviceName', serviceName, labelName) : []),
    ]),
  ];
}

function validateUpdate(spec: StatefulSetSpec, old: StatefulSetSpec): FieldError[] {
  const fixed = (from: StatefulSetSpec): object =>
    Object.fromEntries(Object.entries(from).filter(([field]) => !changeable.includes(field)));
  if (isEqual(fixed(spec), fixed(old))) return [];
  const fields = changeable.map((field) => `'${field}'`);
  const list = `${fields.slice(0, -1).join(', ')} and ${fields.at(-1)}`;
  return [forbidden('spec', `updates to statefulset spec for fields other than ${list} are forbidden`)];
}

/** `apps/v1` StatefulSet. */
export const statefulSets: BuiltinKind = {
  group: 'apps',
  kind: 'StatefulSet',
  shortNames: ['sts'],
  categories: ['all'],
  subresources: ['scale', 'status'],
  strategy: workloadStrategy<StatefulSetSpec>({
    setDefaults,
    validate,
    validateUpdate,
    validateStatus: validateReplicaStatus,
    more: { nameRule: labelName },
  }),
  table: {
    columns: [nameColumn, readyColumn, ageColumn, ...containerColumns],
    cells: (object, now) => {
      const spec = specOf<StatefulSetSpec>(object);
      return [
        object.metadata.name,
        `${counts(object).readyReplicas}/${spec.replicas ?? 0}`,
        age(object.metadata.creationTimestamp, now),
        ...containerCells(spec.template),
      ];
    },
  },
};
