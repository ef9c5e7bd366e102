import type { FieldError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { BuiltinKind } from './builtin-kind.js';
import { qualifiedName } from '../writes/names.js';
import { invalid, named } from './field-errors.js';
import { quantityInNano } from '../../quantity.js';
import type { ResourceList } from './pod-spec.js';
import { age, ageColumn, column, nameColumn } from './table-form.js';
import { specOf } from './workloads.js';

/** Amounts that are used, of those that are allowed. */
function usage(object: ApiObject, limits: boolean): string {
  const { hard = {}, used = {} } = (object.status ?? {}) as { hard?: ResourceList; used?: ResourceList };
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === limits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ');
}

/** Names without a group that a quota may limit. */
const quotaNames =
  /^((requests|limits)\.)?(cpu|memory|ephemeral-storage|storage)$|^requests\.|^hugepages-|^(pods|services|services\.(nodeports|loadbalancers)|replicationcontrollers|resourcequotas|secrets|configmaps|persistentvolumeclaims)$/;

function validateQuota(object: ApiObject): FieldError[] {
  const { hard = {}, scopes = [] } = specOf<{ hard?: ResourceList; scopes?: string[] }>(object);
  return [...validateHard(hard), ...validateScopes(scopes)];
}

const quotaScopes = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
];

function validateScopes(scopes: readonly string[]): FieldError[] {
  const both = (one: string): boolean => scopes.includes(one) && scopes.includes(`Not${one}`);
  return [
    ...(scopes.every((scope) => quotaScopes.includes(scope))
      ? []
      : [invalid('spec.scopes', scopes, 'unsupported scope')]),
    ...(both('BestEffort') || both('Terminating') ? [invalid('spec.scopes', scopes, 'conflicting scopes')] : []),
  ];
}

function validateHard(hard: ResourceList): FieldError[] {
  return Object.entries(hard).flatMap(([name, value]) => {
    const field = `spec.hard[${name}]`;
    return [
      ...named(field, name, qualifiedName),
      ...(quotaNames.test(name) || name.includes('/')
        ? []
        : [invalid(field, name, 'must be a standard resource for quota')]),
      ...(quantityInNano(value) < 0n ? [invalid(field, value, 'must be greater than or equal to 0')] : []),
    ];
  });
}

/** `v1` ResourceQuota. */
export const resourceQuotas: BuiltinKind = {
  group: '',
  kind: 'ResourceQuota',
  shortNames: ['quota'],
  subresources: ['status'],
  strategy: { returnsDeleted: true, validate: validateQuota, validateUpdate: (object) => validateQuota(object) },
  table: {
    columns: [
      nameColumn,
      column('Request', 'Request represents a minimum amount of cpu/memory that a container may consume.'),
      column(
        'Limit',
        'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
      ),
      ageColumn,
    ],
    cells: (object, now) => [
      object.metadata.name,
      usage(object, false),
      usage(object, true),
      age(object.metadata.creationTimestamp, now),
    ],
  },
};
