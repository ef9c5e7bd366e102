import type { PolicyRule } from './policy-rule.js';
import { privilegedGroup, rbacGroup } from './rbac.js';

/** A ClusterRole or ClusterRoleBinding as a client would create it. */
export interface BootstrapObject {
  apiVersion: string;
  kind: 'ClusterRole' | 'ClusterRoleBinding';
  metadata: { name: string; labels: Record<string, string>; annotations: Record<string, string> };
  [field: string]: unknown;
}

const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];

const rule = (group: string, resources: string[], verbs: string[]): PolicyRule => ({
  apiGroups: [group],
  resources,
  verbs,
});

const workloads = [
  'daemonsets',
  'deployments',
  'deployments/scale',
  'replicasets',
  'replicasets/scale',
  'statefulsets',
];
const services = ['configmaps', 'events', 'persistentvolumeclaims', 'serviceaccounts', 'services', 'endpoints'];

const view: PolicyRule[] = [
  rule('', [...services, 'persistentvolumeclaims/status', 'services/status', 'pods', 'pods/log', 'pods/status'], read),
  rule('', ['limitranges', 'namespaces', 'namespaces/status', 'resourcequotas', 'resourcequotas/status'], read),
  rule('apps', [...workloads, 'statefulsets/scale', 'controllerrevisions'], read),
  rule('apps', ['daemonsets/status', 'deployments/status', 'replicasets/status', 'statefulsets/status'], read),
  rule('autoscaling', ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'], read),
  rule('batch', ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'], read),
  rule('discovery.k8s.io', ['endpointslices'], read),
  rule('networking.k8s.io', ['networkpolicies'], read),
  rule('policy', ['poddisruptionbudgets', 'poddisruptionbudgets/status'], read),
];

const edit: PolicyRule[] = [
  ...view,
  rule('', ['secrets', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'services/proxy'], read),
  rule('', ['serviceaccounts'], ['impersonate']),
  rule('', ['pods', ...services.slice(0, 5), 'secrets'], write),
  rule('', ['pods/eviction', 'serviceaccounts/token'], ['create']),
  rule('apps', [...workloads, 'statefulsets/scale', 'deployments/rollback'], write),
  rule('autoscaling', ['horizontalpodautoscalers'], write),
  rule('batch', ['cronjobs', 'jobs'], write),
  rule('coordination.k8s.io', ['leases'], [...write, ...read]),
  rule('networking.k8s.io', ['networkpolicies'], write),
  rule('policy', ['poddisruptionbudgets'], write),
];

const admin: PolicyRule[] = [
  ...edit,
  rule('authorization.k8s.io', ['localsubjectaccessreviews'], ['create']),
  rule(rbacGroup, ['rolebindings', 'roles'], [...write, ...read]),
];

const discovery = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/openapi',
  '/openapi/*',
  '/readyz',
  '/version',
  '/version/',
];
const publicInfo = ['/healthz', '/livez', '/readyz', '/version', '/version/'];

/** Rules of the roles that every cluster has; of what the sandbox serves. */
const roles: Readonly<Record<string, PolicyRule[]>> = {
  'cluster-admin': [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ],
  admin,
  edit,
  view,
  'system:basic-user': [
    rule('authorization.k8s.io', ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
    rule('authentication.k8s.io', ['selfsubjectreviews'], ['create']),
  ],
  'system:discovery': [{ nonResourceURLs: discovery, verbs: ['get'] }],
  'system:public-info-viewer': [{ nonResourceURLs: publicInfo, verbs: ['get'] }],
  'system:service-account-issuer-discovery': [
    {
      nonResourceURLs: [
        '/.well-known/openid-configuration',
        '/.well-known/openid-configuration/',
        '/openid/v1/jwks',
        '/openid/v1/jwks/',
      ],
      verbs: ['get'],
    },
  ],
  'system:auth-delegator': [
    rule('authentication.k8s.io', ['tokenreviews'], ['create']),
    rule('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
  ],
};

/** Which groups have which of them, in the whole cluster. */
const bindings: Readonly<Record<string, string[]>> = {
  'cluster-admin': [privilegedGroup],
  'system:basic-user': ['system:authenticated'],
  'system:discovery': ['system:authenticated'],
  'system:public-info-viewer': ['system:authenticated', 'system:unauthenticated'],
  'system:service-account-issuer-discovery': ['system:serviceaccounts'],
};

/** The label by which a role becomes part of `admin`, `edit` or `view`. */
const aggregateTo = (role: string): Record<string, string> => ({ [`${rbacGroup}/aggregate-to-${role}`]: 'true' });

/** Roles that gather others, each with the labels of its own. */
const aggregated: Readonly<Record<string, Record<string, string>>> = {
  admin: {},
  edit: aggregateTo('admin'),
  view: aggregateTo('edit'),
};

/** ClusterRoles and their bindings that are there from the start. @see plugin/pkg/auth/authorizer/rbac/bootstrappolicy */
export function bootstrapRoles(): BootstrapObject[] {
  return [
    ...Object.entries(roles).map(([name, rules]) => ({
      ...object('ClusterRole', name, aggregated[name]),
      ...(name in aggregated && { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] } }),
      rules,
    })),
    ...Object.entries(bindings).map(([name, groups]) => ({
      ...object('ClusterRoleBinding', name),
      roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name },
      subjects: groups.map((group) => ({ apiGroup: rbacGroup, kind: 'Group', name: group })),
    })),
  ];
}

function object(kind: BootstrapObject['kind'], name: string, labels?: Record<string, string>): BootstrapObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind,
    metadata: {
      name,
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
      annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
    },
  };
}
