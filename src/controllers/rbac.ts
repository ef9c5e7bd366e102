import type { Access, PolicyRule } from '../../cdk8s/access.js';
import type { DryRunOnly } from '../../cdk8s/admission.js';
import { AMBIENT_MIGRATION } from '../api/ambient-migration.js';
import { GATEWAY, GATEWAY_CLASS, HTTP_ROUTE } from '../api/gateway-api.js';
import {
  AUTHORIZATION_POLICY,
  DESTINATION_RULE,
  REQUEST_AUTHENTICATION,
  TELEMETRY,
  TRAFFIC_EXTENSION,
  WASM_PLUGIN,
} from '../api/istio.js';
import type { ResourceType } from '../kube/resource.js';
import {
  CONFIG_MAP,
  CONTROLLER_REVISION,
  CUSTOM_RESOURCE_DEFINITION,
  DAEMON_SET,
  DEPLOYMENT,
  EVENT,
  HORIZONTAL_POD_AUTOSCALER,
  LEASE,
  NAMESPACE,
  POD,
  POD_DISRUPTION_BUDGET,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
} from '../kube/types.js';
import { ARGO_ROLLOUT } from '../kube/argo-rollouts.js';

/** Name of the Lease by which one operator leads. */
export const LEASE_NAME = 'sidestep';

/** A kind, as far as RBAC names it. */
type Named = Pick<ResourceType, 'group' | 'plural'>;

type Grant = readonly [type: Named, verbs: readonly string[], subresource?: string];

/** What the operator asks for besides its watches. Each verb is used: the audit log of the tests must show it. */
const CALLS: readonly Grant[] = [
  // Read again before each change of an object that is not ours.
  [NAMESPACE, ['get', 'patch']],
  [DEPLOYMENT, ['get', 'create', 'patch', 'delete']],
  [STATEFUL_SET, ['get', 'patch']],
  [DAEMON_SET, ['get', 'patch']],
  [ARGO_ROLLOUT, ['get', 'patch']],
  // Server-side apply of an object that does not exist asks for both.
  [CONTROLLER_REVISION, ['create', 'patch']],
  // Of workloads whose update strategy is OnDelete.
  [POD, ['create'], 'eviction'],
  [AMBIENT_MIGRATION, ['patch'], 'status'],
  [EVENT, ['create', 'patch']],
  // Waypoints that we deploy, and what istiod deploys for them by mistake.
  [SERVICE_ACCOUNT, ['get', 'create', 'patch', 'delete']],
  [SERVICE, ['get', 'create', 'patch', 'delete']],
  [HORIZONTAL_POD_AUTOSCALER, ['create', 'patch', 'delete']],
  [POD_DISRUPTION_BUDGET, ['create', 'patch', 'delete']],
  [DEPLOYMENT, ['patch'], 'scale'],
  // Also those that a label asks for.
  [GATEWAY, ['get', 'create', 'patch', 'delete']],
  [GATEWAY, ['patch'], 'status'],
  // The class of our own.
  [GATEWAY_CLASS, ['create', 'patch']],
  [GATEWAY_CLASS, ['patch'], 'status'],
  // What a Gateway's parametersRef names; ours, by which istiod sizes a waypoint; what ztunnel knows of a namespace.
  [CONFIG_MAP, ['get', 'create', 'patch', 'delete']],
  // What policies need beside them; an AuthorizationPolicy is also what istiod is asked with, in dry runs.
  [AUTHORIZATION_POLICY, ['create', 'patch', 'delete']],
  [REQUEST_AUTHENTICATION, ['create', 'patch', 'delete']],
  [WASM_PLUGIN, ['create', 'patch', 'delete']],
  [TRAFFIC_EXTENSION, ['create', 'patch', 'delete']],
  [TELEMETRY, ['create', 'patch', 'delete']],
  // What VirtualServices become, and what their subsets do.
  [HTTP_ROUTE, ['create', 'patch', 'delete']],
  [DESTINATION_RULE, ['create', 'patch', 'delete']],
  // In dry runs only: see DRY_RUN_ONLY.
  [POD, ['create']],
];

/** Kinds that are created to see what admission does with them; an admission policy refuses to create them for real. */
export const DRY_RUN_ONLY: readonly DryRunOnly[] = [
  { apiGroup: POD.group, apiVersion: POD.version, resource: POD.plural, label: 'pods' },
];

/** A watch, as far as it decides what may be read: a kind, everywhere or in one namespace. */
interface Watched {
  readonly type: Named;
  readonly namespace?: string;
}

/**
 * What the operator may do: exactly what it uses. Reading follows from what the controllers watch, so that a new watch
 * cannot be forgotten here.
 *
 * @param watched    every watch of every controller
 * @param namespace  namespace of the operator and its Lease
 */
export function accessOf(watched: readonly Watched[], namespace: string): Access {
  const read = ({ type }: Watched): Grant => [type, ['list', 'watch']];
  // CustomResourceDefinitions tell the runtime when an absent kind appears.
  const everywhere = [...watched.filter((one) => one.namespace === undefined), { type: CUSTOM_RESOURCE_DEFINITION }];
  const namespaces: Record<string, readonly PolicyRule[]> = { [namespace]: LEASE_RULES };
  for (const name of new Set(watched.flatMap((one) => one.namespace ?? []))) {
    const there = watched.filter((one) => one.namespace === name);
    namespaces[name] = [...(namespaces[name] ?? []), ...toRules(there.map(read))];
  }
  return { cluster: toRules([...everywhere.map(read), ...CALLS]), namespaces };
}

const LEASE_RULES: readonly PolicyRule[] = [
  // A name cannot be demanded of an object that does not exist yet.
  { apiGroups: [LEASE.group], resources: [LEASE.plural], verbs: ['create'] },
  { apiGroups: [LEASE.group], resources: [LEASE.plural], verbs: ['get', 'patch'], resourceNames: [LEASE_NAME] },
];

const VERBS = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

/** One rule for all kinds of a group that have the same verbs; sorted, so that the manifests do not change by themselves. */
function toRules(grants: readonly Grant[]): PolicyRule[] {
  const verbsOf = new Map<string, Set<string>>();
  for (const [{ group, plural }, verbs, subresource] of grants) {
    const key = `${group} ${subresource === undefined ? plural : `${plural}/${subresource}`}`;
    verbsOf.set(key, new Set([...(verbsOf.get(key) ?? []), ...verbs]));
  }
  const rules = new Map<string, { group: string; resources: string[]; verbs: string[] }>();
  for (const [key, granted] of [...verbsOf].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [group = '', resource = ''] = key.split(' ');
    const verbs = VERBS.filter((verb) => granted.has(verb));
    const rule = rules.get(`${group} ${verbs.join()}`) ?? { group, resources: [], verbs };
    rule.resources.push(resource);
    rules.set(`${group} ${verbs.join()}`, rule);
  }
  return [...rules.values()].map(({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs }));
}
