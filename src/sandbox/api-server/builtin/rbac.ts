import type { LabelSelector } from '../../../kube/selectors.js';
import type { FieldError } from '../errors.js';
import { pathSegmentName, subdomainName } from '../writes/names.js';
import type { ApiObject } from '../object.js';
import type { Strategy } from '../resource.js';
import type { BuiltinKind } from './builtin-kind.js';
import { immutable, invalid, named, required, unsupported } from './field-errors.js';
import { fill } from './pod-spec.js';
import { age, ageColumn, column, nameAndCreation, nameColumn, type TableForm, wideColumn } from './table-form.js';

const group = 'rbac.authorization.k8s.io';

interface Rule {
  verbs?: string[] | null;
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

interface Subject {
  kind: string;
  apiGroup?: string;
  name: string;
  namespace?: string;
}

interface RoleRef {
  apiGroup?: string;
  kind: string;
  name: string;
}

function validateRule(rule: Rule, namespaced: boolean, path: string): FieldError[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs: urls = [] } = rule;
  const wrong = (detail: string): FieldError => invalid(`${path}.nonResourceURLs`, urls, detail);
  const noVerbs = verbs?.length ? [] : [required(`${path}.verbs`, 'verbs must contain at least one value')];
  if (urls.length > 0) {
    return [
      ...noVerbs,
      ...(namespaced ? [wrong('namespaced rules cannot apply to non-resource URLs')] : []),
      ...(apiGroups.length + resources.length + resourceNames.length > 0
        ? [wrong('rules cannot apply to both regular resources and non-resource URLs')]
        : []),
    ];
  }
  return [
    ...noVerbs,
    ...(apiGroups.length ? [] : [required(`${path}.apiGroups`, 'resource rules must supply at least one api group')]),
    ...(resources.length ? [] : [required(`${path}.resources`, 'resource rules must supply at least one resource')]),
  ];
}

function validateRole(role: ApiObject, namespaced: boolean): FieldError[] {
  const aggregation = role.aggregationRule as { clusterRoleSelectors?: LabelSelector[] } | undefined;
  return [
    ...((role.rules ?? []) as Rule[]).flatMap((rule, index) => validateRule(rule, namespaced, `rules[${index}]`)),
    ...(aggregation && !aggregation.clusterRoleSelectors?.length
      ? [
          required(
            'aggregationRule.clusterRoleSelectors',
            'at least one clusterRoleSelector required if aggregationRule is non-nil',
          ),
        ]
      : []),
  ];
}

function validateSubject(
  { kind, apiGroup = '', name, namespace }: Subject,
  namespaced: boolean,
  path: string,
): FieldError[] {
  const noName = name ? [] : [required(`${path}.name`)];
  switch (kind) {
    case 'ServiceAccount':
      return [
        ...noName,
        ...(name ? named(`${path}.name`, name, subdomainName) : []),
        ...(apiGroup === '' ? [] : [unsupported(`${path}.apiGroup`, apiGroup, [''])]),
        ...(!namespaced && !namespace ? [required(`${path}.namespace`)] : []),
      ];
    case 'User':
    case 'Group':
      return [...noName, ...(apiGroup === group ? [] : [unsupported(`${path}.apiGroup`, apiGroup, [group])])];
    default:
      return [...noName, unsupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group'])];
  }
}

const subjectsOf = (binding: ApiObject): Subject[] => (binding.subjects ?? []) as Subject[];
const refOf = (binding: ApiObject): RoleRef => (binding.roleRef ?? {}) as RoleRef;

function validateBinding(binding: ApiObject, namespaced: boolean): FieldError[] {
  const { apiGroup = '', kind, name } = refOf(binding);
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  return [
    ...(apiGroup === group ? [] : [unsupported('roleRef.apiGroup', apiGroup, [group])]),
    ...(kinds.includes(kind) ? [] : [unsupported('roleRef.kind', kind, kinds)]),
    ...(name ? named('roleRef.name', name, pathSegmentName) : [required('roleRef.name')]),
    ...subjectsOf(binding).flatMap((each, index) => validateSubject(each, namespaced, `subjects[${index}]`)),
  ];
}

function defaultBinding(binding: ApiObject): void {
  if (binding.roleRef) refOf(binding).apiGroup ||= group;
  for (const subject of subjectsOf(binding)) {
    if (subject.kind !== 'ServiceAccount' && !subject.apiGroup) fill(subject, { apiGroup: group });
  }
}

const roles = (namespaced: boolean): Strategy => ({
  nameRule: pathSegmentName,
  createOnUpdate: true,
  validate: (role) => validateRole(role, namespaced),
  validateUpdate: (role) => validateRole(role, namespaced),
});

const bindings = (namespaced: boolean): Strategy => ({
  nameRule: pathSegmentName,
  createOnUpdate: true,
  setDefaults: defaultBinding,
  validate: (binding) => validateBinding(binding, namespaced),
  validateUpdate: (binding, old) => [
    ...validateBinding(binding, namespaced),
    ...(immutable('roleRef', binding.roleRef, old.roleRef).length > 0
      ? [invalid('roleRef', upstreamRef(refOf(binding)), 'cannot change roleRef')]
      : []),
  ],
});

/** As upstream's struct is printed. */
const upstreamRef = ({ apiGroup, kind, name }: RoleRef): object => ({ APIGroup: apiGroup, Kind: kind, Name: name });

const bindingTable: TableForm = {
  columns: [
    nameColumn,
    column('Role', 'The role that is granted.'),
    ageColumn,
    wideColumn('Users', 'Users in the roleBinding'),
    wideColumn('Groups', 'Groups in the roleBinding'),
    wideColumn('ServiceAccounts', 'ServiceAccounts in the roleBinding'),
  ],
  cells: (binding, now) => {
    const { kind, name } = refOf(binding);
    const subjects = (of: string): string =>
      subjectsOf(binding)
        .filter((each) => each.kind === of)
        .map((each) => (of === 'ServiceAccount' && each.namespace ? `${each.namespace}/${each.name}` : each.name))
        .join(', ');
    return [
      binding.metadata.name,
      `${kind}/${name}`,
      age(binding.metadata.creationTimestamp, now),
      subjects('User'),
      subjects('Group'),
      subjects('ServiceAccount'),
    ];
  },
};

/** `rbac.authorization.k8s.io/v1`: roles and who has them. */
export const rbac: readonly BuiltinKind[] = [
  { group, kind: 'ClusterRoleBinding', namespaced: false, strategy: bindings(false), table: bindingTable },
  { group, kind: 'ClusterRole', namespaced: false, strategy: roles(false), table: nameAndCreation },
  { group, kind: 'RoleBinding', strategy: bindings(true), table: bindingTable },
  { group, kind: 'Role', strategy: roles(true), table: nameAndCreation },
];
