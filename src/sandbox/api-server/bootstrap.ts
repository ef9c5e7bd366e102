import { bootstrapRoles } from './auth/bootstrap-roles.js';
import { rbacGroup } from './auth/rbac.js';
import type { ApiObject } from './object.js';
import type { Operations } from './operations.js';

/** Namespaces that every API server makes for itself. */
const namespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** Classes of pods that the cluster itself cannot do without. */
const priorityClasses = [
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];

/** Creates what is there in a new cluster before anybody has sent a request. */
export async function bootstrap(operations: Operations): Promise<void> {
  const resource = operations.find('', 'namespaces')!;
  for (const name of namespaces) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await operations.create(resource, namespace as ApiObject);
  }
  const classes = operations.find('scheduling.k8s.io', 'priorityclasses')!;
  for (const { name, ...rest } of priorityClasses) {
    const object = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, ...rest };
    await operations.create(classes, object as unknown as ApiObject);
  }
  for (const object of bootstrapRoles()) {
    const plural = object.kind === 'ClusterRole' ? 'clusterroles' : 'clusterrolebindings';
    await operations.create(operations.find(rbacGroup, plural)!, object as unknown as ApiObject);
  }
}
