import { isEqual } from '../json.js';
import type { FieldError } from '../errors.js';
import { labelName } from '../writes/names.js';
import { timestamp } from '../writes/object-meta.js';
import type { ApiObject } from '../object.js';
import type { Strategy, WriteContext } from '../resource.js';
import type { BuiltinKind } from './builtin-kind.js';
import { forbidden, immutable, invalid } from './field-errors.js';
import { defaultPod } from './pod-spec-defaults.js';
import { allContainers, type Container, podSpec, type PodSpec, type Toleration } from './pod-spec.js';
import { validatePodSpec } from './pod-spec-validation.js';
import { podStatus } from './pod-status.js';
import { podTable } from './pod-table.js';
import { quantityInNano } from '../../quantity.js';

/** How a pod stands when the node runs out: by its cpu and memory (`GetPodQOS`). */
function qosClass(spec: PodSpec): string {
  const amounts = allContainers(spec).flatMap(({ resources = {} }) =>
    ['cpu', 'memory'].map((name) => ({ limit: resources.limits?.[name], request: resources.requests?.[name] })),
  );
  const isSet = (value: string | undefined): boolean => quantityInNano(value ?? 0) > 0n;
  if (!amounts.some(({ limit, request }) => isSet(limit) || isSet(request))) return 'BestEffort';
  const guaranteed = amounts.every(
    ({ limit, request }) => isSet(limit) && quantityInNano(limit) === quantityInNano(request),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function prepareForCreate(pod: ApiObject, context: WriteContext): void {
  const spec = podSpec(pod);
  const gated = (spec.schedulingGates ?? []).length > 0;
  pod.status = {
    phase: 'Pending',
    ...(gated && {
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
          lastProbeTime: null,
          lastTransitionTime: timestamp(context.now),
        },
      ],
    }),
    qosClass: qosClass(spec),
  };
}

const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

/** A spec without what may change. */
function fixedPart(spec: PodSpec): PodSpec {
  const fixed = { ...spec };
  for (const field of ['activeDeadlineSeconds', 'tolerations', 'schedulingGates'] as const) delete fixed[field];
  const withoutImage = (containers: Container[]): Container[] => containers.map((each) => ({ ...each, image: '' }));
  fixed.containers = withoutImage(spec.containers ?? []);
  fixed.initContainers = withoutImage(spec.initContainers ?? []);
  return fixed;
}

/** Which fields differ, in the look of upstream's diff; its context lines are left out. */
function difference(spec: PodSpec, old: PodSpec): string {
  const [next, before] = [fixedPart(spec), fixedPart(old)] as Record<string, unknown>[];
  const changed = [...new Set([...Object.keys(before!), ...Object.keys(next!)])].filter(
    (field) => !isEqual(next![field], before![field]),
  );
  const line = (sign: string, field: string, value: unknown): string =>
    `${sign} "${field[0]!.toUpperCase()}${field.slice(1)}": ${JSON.stringify(value ?? null)},\n`;
  return changed.map((field) => line('-', field, before![field]) + line('+', field, next![field])).join('');
}

function validateUpdate(pod: ApiObject, old: ApiObject, { subresource }: WriteContext): FieldError[] {
  const [spec, before] = [podSpec(pod), podSpec(old)];
  if (subresource === 'status') {
    return immutable('status.qosClass', podStatus(pod).qosClass, podStatus(old).qosClass);
  }
  if (subresource === 'binding' || subresource === 'eviction') return [];
  for (const field of ['containers', 'initContainers'] as const) {
    const names = (from: PodSpec): number => from[field]?.length ?? 0;
    if (names(spec) !== names(before)) {
      return [forbidden(`spec.${field}`, 'pod updates may not add or remove containers')];
    }
  }
  return [
    ...validatePodSpec(spec, 'spec'),
    ...validateDeadline(spec, before),
    ...validateTolerations(spec, before),
    ...validateGates(spec, before),
    ...(isEqual(fixedPart(spec), fixedPart(before))
      ? []
      : [forbidden('spec', `pod updates may not change fields other than ${updatable}\n${difference(spec, before)}`)]),
  ];
}

function validateDeadline(
  { activeDeadlineSeconds: next }: PodSpec,
  { activeDeadlineSeconds: before }: PodSpec,
): FieldError[] {
  const field = 'spec.activeDeadlineSeconds';
  if (before === undefined) return [];
  if (next === undefined) return [invalid(field, null, 'must not update from a positive integer to nil value')];
  return next > before ? [invalid(field, next, 'must be less than or equal to previous value')] : [];
}

function validateTolerations({ tolerations = [] }: PodSpec, { tolerations: before = [] }: PodSpec): FieldError[] {
  const same = (a: Toleration) => (b: Toleration) =>
    isEqual({ ...a, tolerationSeconds: 0 }, { ...b, tolerationSeconds: 0 });
  return before.every((each) => tolerations.some(same(each)))
    ? []
    : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

function validateGates({ schedulingGates = [] }: PodSpec, { schedulingGates: before = [] }: PodSpec): FieldError[] {
  return schedulingGates.flatMap(({ name }, index) => {
    if (before.some((each) => each.name === name)) return [];
    const detail = `only deletion is allowed, but found new scheduling gate '${name}'`;
    return [forbidden(`spec.schedulingGates[${index}].name`, detail)];
  });
}

/** Seconds until a deleted pod goes: at once where no kubelet has to stop it (`CheckGracefulDelete`). */
function gracePeriod(pod: ApiObject, requested: number | undefined): number {
  const { nodeName, terminationGracePeriodSeconds = 0 } = podSpec(pod);
  const { phase } = podStatus(pod);
  if (!nodeName || phase === 'Failed' || phase === 'Succeeded') return 0;
  const period = requested ?? terminationGracePeriodSeconds;
  return period < 0 ? 1 : period;
}

function selectableFields(pod: ApiObject): Record<string, string> {
  const [spec, status] = [podSpec(pod), podStatus(pod)];
  return {
    'spec.nodeName': spec.nodeName ?? '',
    'spec.restartPolicy': spec.restartPolicy ?? '',
    'spec.schedulerName': spec.schedulerName ?? '',
    'spec.serviceAccountName': spec.serviceAccountName ?? '',
    'spec.hostNetwork': String(spec.hostNetwork ?? false),
    'status.phase': status.phase ?? '',
    'status.podIP': status.podIPs?.[0]?.ip ?? '',
    'status.nominatedNodeName': status.nominatedNodeName ?? '',
  };
}

const strategy: Strategy = {
  hasGeneration: true,
  returnsDeleted: true,
  setDefaults: (pod) => {
    if (pod.spec) defaultPod(podSpec(pod));
  },
  prepareForCreate,
  validate: (pod) => [
    ...validatePodSpec(podSpec(pod), 'spec'),
    ...(podSpec(pod).nodeName && podSpec(pod).schedulingGates
      ? [forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')]
      : []),
  ],
  validateUpdate,
  warnings: (pod, old) =>
    old === undefined && labelName(pod.metadata.name).length > 0
      ? [
          `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${labelName(pod.metadata.name).join(' ')}]`,
        ]
      : [],
  gracePeriod,
  selectableFieldNames: Object.keys(selectableFields({} as ApiObject)),
  selectableFields,
};

/** `v1` Pod. */
export const pods: BuiltinKind = {
  group: '',
  kind: 'Pod',
  shortNames: ['po'],
  categories: ['all'],
  subresources: ['binding', 'eviction', 'log', 'status'],
  strategy,
  table: podTable,
};
