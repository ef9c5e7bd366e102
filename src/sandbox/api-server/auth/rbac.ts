import type { AccessAttributes, Authorizer, Decision } from './auth-interfaces.js';
import type { StoredObjects } from '../storage/cluster-view.js';
import type { ApiObject } from '../object.js';
import type { User } from '../resource.js';
import { type LabelSelector, matchesSelector } from '../../../kube/selectors.js';
import { type PolicyRule, ruleAllows } from './policy-rule.js';

/** The group of roles and bindings. */
export const rbacGroup = 'rbac.authorization.k8s.io';

/** Members may do everything, whatever the roles say. */
export const privilegedGroup = 'system:masters';

/** Who is bound, in a binding. */
interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

/** A reference from a binding to its role. */
export interface RoleRef {
  kind: string;
  name: string;
  apiGroup?: string;
}

/** A rule that a user has, and from where; or a binding whose role is missing. */
export type Grant = { rule: PolicyRule; source: string } | { problem: string };

/** Decides by Roles, ClusterRoles and their bindings as they are stored now. @see plugin/pkg/auth/authorizer/rbac/rbac.go */
export class RbacAuthorizer implements Authorizer {
  constructor(private readonly roles: StoredObjects) {}

  authorize(user: User, attributes: AccessAttributes): Decision {
    if (user.groups.includes(privilegedGroup)) return { allowed: true, reason: '' };
    const problems: string[] = [];
    for (const grant of this.grants(user, attributes.namespace)) {
      if ('problem' in grant) problems.push(grant.problem);
      else if (ruleAllows(grant.rule, attributes)) return { allowed: true, reason: `RBAC: allowed by ${grant.source}` };
    }
    const reason = problems.length > 1 ? `[${problems.join(', ')}]` : problems[0];
    return { allowed: false, reason: reason === undefined ? '' : `RBAC: ${reason}` };
  }

  /** Every rule that a user has in a namespace (empty: in the cluster), in the order in which they are tried. */
  *grants(user: User, namespace: string): Generator<Grant> {
    yield* this.#through(user, this.roles.list({ group: rbacGroup, plural: 'clusterrolebindings' }), '');
    if (namespace === '') return;
    yield* this.#through(user, this.roles.list({ group: rbacGroup, plural: 'rolebindings' }, namespace), namespace);
  }

  /** Rules of the role that a binding names, or undefined if it is not there. */
  rulesOf(role: RoleRef, namespace: string): PolicyRule[] | undefined {
    const ref = role.kind === 'Role' ? { namespace, name: role.name } : { name: role.name };
    const plural = role.kind === 'Role' ? 'roles' : 'clusterroles';
    const found = this.roles.get({ group: rbacGroup, plural }, ref);
    return found && this.#rulesOf(found);
  }

  /**
   * Rules of a role and of the ClusterRoles that it is made of; a real cluster copies those into it.
   *
   * @param gathered  roles that count already
   */
  #rulesOf(role: ApiObject, gathered = new Set<ApiObject>()): PolicyRule[] {
    gathered.add(role);
    const selectors = roleSelectors(role);
    const others = selectors.length === 0 ? [] : this.roles.list({ group: rbacGroup, plural: 'clusterroles' });
    const rules = others
      .filter(({ metadata }) => selectors.some((selector) => matchesSelector(selector, metadata.labels ?? {})))
      .flatMap((other) => (gathered.has(other) ? [] : this.#rulesOf(other, gathered)));
    return [...rulesIn(role), ...rules];
  }

  *#through(user: User, bindings: readonly ApiObject[], namespace: string): Generator<Grant> {
    for (const binding of bindings) {
      const subjects = (binding['subjects'] as Subject[] | undefined) ?? [];
      const subject = subjects.find((candidate) => isMeant(candidate, user, namespace));
      if (subject === undefined) continue;
      const role = binding['roleRef'] as RoleRef;
      const rules = this.rulesOf(role, namespace);
      if (rules === undefined) yield { problem: missing(role) };
      const source = `${described(binding, namespace)} of ${role.kind} "${role.name}" to ${named(subject, namespace)}`;
      for (const rule of rules ?? []) yield { rule, source };
    }
  }
}

/** What selects the roles that a ClusterRole gathers. */
export function roleSelectors(role: ApiObject): LabelSelector[] {
  const { clusterRoleSelectors } = (role['aggregationRule'] ?? {}) as { clusterRoleSelectors?: LabelSelector[] | null };
  return clusterRoleSelectors ?? [];
}

function rulesIn(role: ApiObject): PolicyRule[] {
  return (role['rules'] as PolicyRule[] | null | undefined) ?? [];
}

/** As a 404 says it. */
function missing({ kind, name }: RoleRef): string {
  return `${kind.toLowerCase()}.${rbacGroup} "${name}" not found`;
}

function isMeant(subject: Subject, user: User, namespace: string): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.name === user.name;
    case 'Group':
      return user.groups.includes(subject.name);
    case 'ServiceAccount':
      return user.name === `system:serviceaccount:${subject.namespace || namespace}:${subject.name}`;
    default:
      return false;
  }
}

function described(binding: ApiObject, namespace: string): string {
  const { name } = binding.metadata;
  return namespace === '' ? `ClusterRoleBinding "${name}"` : `RoleBinding "${name}/${namespace}"`;
}

function named({ kind, name, namespace: own }: Subject, namespace: string): string {
  return kind === 'ServiceAccount' ? `${kind} "${name}/${own || namespace}"` : `${kind} "${name}"`;
}
