import type { AdmissionAttributes } from '../admission/admission-chain.js';
import type { AccessAttributes } from './auth-interfaces.js';
import { forbidden, notFound } from '../errors.js';
import type { User } from '../resource.js';
import { type PolicyRule, uncovered } from './policy-rule.js';
import { type RbacAuthorizer, type RoleRef, privilegedGroup, rbacGroup, roleSelectors } from './rbac.js';

const roles = new Set(['roles', 'clusterroles']);
const bindings = new Set(['rolebindings', 'clusterrolebindings']);

/** What a role that gathers others may come to. */
const fullAuthority: PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

/**
 * Nobody writes a role, or binds one, with more than he has himself, unless he may `escalate` the role or `bind` it.
 *
 * @throws {import('../errors.js').StatusError} 403 naming what is missing; 404 for a binding to a role that is not there
 * @see pkg/registry/rbac: role/policybased, rolebinding/policybased, validation.ConfirmNoEscalation
 */
export function confirmNoEscalation(authorizer: RbacAuthorizer, attributes: AdmissionAttributes): void {
  const { resource, operation, user, object, oldObject, namespace = '' } = attributes;
  if (resource.group !== rbacGroup || object === undefined || user.groups.includes(privilegedGroup)) return;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return;
  const name = object.metadata.name ?? '';
  if (roles.has(resource.plural)) {
    const isAllowed = authorizer.authorize(
      user,
      access('escalate', resource.plural, namespace, attributes.name),
    ).allowed;
    if (isAllowed) return;
    confirmHeld(authorizer, attributes, name, (object['rules'] as PolicyRule[] | null) ?? []);
    const gathers = [object, ...(oldObject ? [oldObject] : [])].some((role) => roleSelectors(role).length > 0);
    if (gathers && uncovered(held(authorizer, attributes), fullAuthority).length > 0) {
      throw forbidden(resource, name, 'must have cluster-admin privileges to use the aggregationRule');
    }
  } else if (bindings.has(resource.plural)) {
    const role = object['roleRef'] as RoleRef;
    const plural = role.kind === 'Role' ? 'roles' : 'clusterroles';
    if (authorizer.authorize(user, access('bind', plural, namespace, role.name)).allowed) return;
    const rules = authorizer.rulesOf(role, namespace);
    if (rules === undefined) throw notFound({ group: rbacGroup, plural: role.kind.toLowerCase() }, role.name);
    confirmHeld(authorizer, attributes, name, rules);
  }
}

function access(verb: string, resource: string, namespace: string, name: string): AccessAttributes {
  return { verb, group: rbacGroup, version: '*', resource, subresource: '', namespace, name, path: '' };
}

/** The rules that the user of a request has. */
function held(authorizer: RbacAuthorizer, { user, namespace = '' }: AdmissionAttributes): PolicyRule[] {
  return [...authorizer.grants(user, namespace)].flatMap((grant) => ('rule' in grant ? [grant.rule] : []));
}

function confirmHeld(
  authorizer: RbacAuthorizer,
  attributes: AdmissionAttributes,
  name: string,
  wanted: PolicyRule[],
): void {
  const { user, resource } = attributes;
  const missing = uncovered(held(authorizer, attributes), wanted);
  if (missing.length === 0) return;
  const lines = [...new Set(compact(missing).map(text))].sort();
  throw forbidden(resource, name, `${refusal(user)}\n${lines.join('\n')}`);
}

function refusal({ name, groups }: User): string {
  return `user ${JSON.stringify(name)} (groups=${list(groups)}) is attempting to grant RBAC permissions not currently held:`;
}

/** Verbs on the same resource together. */
function compact(rules: readonly PolicyRule[]): PolicyRule[] {
  const byTarget = new Map<string, PolicyRule>();
  for (const { verbs, ...target } of rules) {
    const key = JSON.stringify('nonResourceURLs' in target ? { ...target, verbs } : target);
    const before = byTarget.get(key);
    byTarget.set(key, { ...target, verbs: [...(before?.verbs ?? []), ...verbs] });
  }
  return [...byTarget.values()];
}

/** `rbacv1helpers.CompactString`. */
function text({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts = [
    ...(apiGroups?.length ? [`APIGroups:${list(apiGroups)}`] : []),
    ...(resources?.length ? [`Resources:${list(resources)}`] : []),
    ...(nonResourceURLs?.length ? [`NonResourceURLs:${list(nonResourceURLs)}`] : []),
    ...(resourceNames?.length ? [`ResourceNames:${list(resourceNames)}`] : []),
    ...(verbs.length ? [`Verbs:${list(verbs)}`] : []),
  ];
  return `{${parts.join(', ')}}`;
}

/** As Go prints a list of quoted strings. */
function list(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}
