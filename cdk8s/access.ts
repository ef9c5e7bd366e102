import { k8s } from 'cdk8s-plus-28';
import type { Objects } from './objects.js';

/** A rule of RBAC, with explicit verbs and resources. */
export interface PolicyRule {
  /** The core group is the empty text. */
  readonly apiGroups: readonly string[];
  /** Plural, with the subresource after a slash: `ambientmigrations/status`. */
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Empty or missing: all objects of the kind. */
  readonly resourceNames?: readonly string[];
}

/** What an account may do. */
export interface Access {
  /** In every namespace, and with cluster-scoped objects. */
  readonly cluster: readonly PolicyRule[];
  /** In single namespaces only, by name of the namespace. */
  readonly namespaces: Readonly<Record<string, readonly PolicyRule[]>>;
}

/** Adds a ClusterRole, a Role in each namespace that has rules, and their bindings to a ServiceAccount. */
export function addAccess(objects: Objects, account: { name: string; namespace: string }, access: Access): void {
  const { name } = account;
  const subjects = [{ kind: 'ServiceAccount', name, namespace: account.namespace }];
  const roleRef = (kind: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });
  objects.add(k8s.KubeClusterRole, { metadata: { name }, rules: access.cluster.map(toProps) });
  objects.add(k8s.KubeClusterRoleBinding, { metadata: { name }, roleRef: roleRef('ClusterRole'), subjects });
  for (const [namespace, rules] of Object.entries(access.namespaces)) {
    const metadata = { name, namespace };
    objects.add(k8s.KubeRole, { metadata, rules: rules.map(toProps) });
    objects.add(k8s.KubeRoleBinding, { metadata, roleRef: roleRef('Role'), subjects });
  }
}

function toProps({ apiGroups, resources, verbs, resourceNames }: PolicyRule): k8s.PolicyRule {
  return {
    apiGroups: [...apiGroups],
    resources: [...resources],
    verbs: [...verbs],
    ...(resourceNames && { resourceNames: [...resourceNames] }),
  };
}
