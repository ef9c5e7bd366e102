import { LABEL } from '../api/labels.js';
import { authorizationOf } from './ambient-index/authorization.js';
import { byNamespace, readNamespaces, selectingIn } from './ambient-index/namespaces.js';
import type { IndexSettings, MeshObjects } from './ambient-index/objects.js';
import { readPeerAuthentications } from './ambient-index/peer-authentication.js';
import { readServices } from './ambient-index/services.js';
import { readWaypoints } from './ambient-index/waypoints.js';
import { readWorkloads } from './ambient-index/workloads.js';
import type { Labels } from './policy-object.js';
import type { LocalConfig } from './ztunnel-config.js';

export type { IndexSettings, MeshObjects } from './ambient-index/objects.js';

/**
 * ztunnel's configuration of one namespace: what istiod would tell ztunnels of it, as a file of theirs.
 *
 * To use for several namespaces, compute {@link ambientIndex} once and cut it with {@link configOf}.
 */
export function ztunnelConfig(objects: MeshObjects, namespace: string, settings: IndexSettings): LocalConfig {
  return configOf(ambientIndex(objects, settings), namespace);
}

/**
 * What istiod tells ztunnels of a whole mesh: every workload, service and policy, sorted by name.
 *
 * One cluster on one network or with gateways to others; without istiod's flags `AMBIENT_ENABLE_MULTI_NETWORK`,
 * `PILOT_AUTO_ALLOW_WAYPOINT_POLICY`, and without `discoverySelectors`.
 *
 * @see istio/istio pilot/pkg/serviceregistry/ambient/ambientindex.go; its `/debug/ambientz` shows the same;
 *   pkg/kube/krt/filter.go: FilterSelects without labels does not filter
 */
export function ambientIndex(objects: MeshObjects, settings: IndexSettings): LocalConfig {
  const seen = inRevision(objects, settings);
  const namespaces = readNamespaces(seen, settings);
  const waypoints = readWaypoints(seen, namespaces);
  const services = sorted(readServices(seen, namespaces, waypoints), ({ key }) => key);
  const authorizations = seen.authorizationPolicies.flatMap((object) => authorizationOf(object, settings) ?? []);
  const peers = readPeerAuthentications(seen.peerAuthentications, settings);
  const attachable = authorizations.flatMap(({ policy, selector }) =>
    selector ? [{ selector, metadata: policy }] : [],
  );
  const attachableIn = byNamespace(attachable);
  const selecting = selectingIn(attachable, ({ selector }) => selector);
  const { rootNamespace } = settings;
  const policiesOf = (namespace: string, labels: Labels | undefined): string[] => [
    ...[...new Set([namespace, rootNamespace])]
      // istiod's own slip: to a workload that has no labels at all, every policy with a selector is attached.
      .flatMap((place) => (labels === undefined ? attachableIn(place) : selecting(place, labels)))
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
      .sort(),
    ...peers.policiesOf(namespace, labels ?? {}),
  ];
  return {
    workloads: sorted(readWorkloads(seen, namespaces, waypoints, services, policiesOf), ({ uid }) => uid),
    services: services.map(({ service }) => service),
    policies: sorted(
      [...authorizations.map(({ policy }) => policy), ...peers.policies],
      ({ namespace, name }) => `${namespace}/${name}`,
    ),
  };
}

/**
 * Of a whole index what a namespace needs:
 *
 * - its workloads and services;
 * - the services of the waypoints that they go through, and the workloads of those, wherever they are: without them ztunnel
 *   refuses the traffic;
 * - its policies, those of the whole mesh, and those that apply to any of these workloads.
 */
export function configOf(index: LocalConfig, namespace: string): LocalConfig {
  const own = {
    workloads: index.workloads.filter((workload) => workload.namespace === namespace),
    services: index.services.filter((service) => service.namespace === namespace),
  };
  const waypoints = new Set(
    [...own.workloads, ...own.services]
      .flatMap((user) => [user.waypoint, ...('weightedWaypoints' in user ? shares(user.weightedWaypoints) : [])])
      .flatMap((waypoint) => waypoint?.destination ?? []),
  );
  const services = index.services.filter(
    (service) =>
      service.namespace === namespace ||
      waypoints.has(`${service.namespace}/${service.hostname}`) ||
      service.vips.some((vip) => waypoints.has(vip)),
  );
  const serving = services
    .filter((service) => service.namespace !== namespace)
    .map(({ namespace, hostname }) => `${namespace}/${hostname}`);
  const workloads = index.workloads.filter(
    (workload) => workload.namespace === namespace || serving.some((key) => workload.services[key] !== undefined),
  );
  const places = new Set([namespace, ...workloads.map((workload) => workload.namespace)]);
  const attached = new Set(workloads.flatMap(({ authorizationPolicies = [] }) => authorizationPolicies));
  return {
    workloads,
    services,
    policies: index.policies.filter(
      ({ scope, ...policy }) =>
        policy.namespace === namespace ||
        scope === 'Global' ||
        (scope === 'Namespace' && places.has(policy.namespace)) ||
        attached.has(`${policy.namespace}/${policy.name}`),
    ),
  };
}

const shares = (weighted: LocalConfig['services'][number]['weightedWaypoints'] = []): { destination: string }[] =>
  weighted.map(({ destination }) => destination);

function sorted<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const keyed = items.map((item) => [keyOf(item), item] as const);
  return keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, item]) => item);
}

/** Without the objects of Istio that belong to another revision. */
function inRevision(objects: MeshObjects, { revision }: IndexSettings): MeshObjects {
  const isOurs = ({ metadata }: { readonly metadata: { readonly labels?: Labels | undefined } }): boolean =>
    [undefined, revision].includes(metadata.labels?.[LABEL.revision]);
  return {
    ...objects,
    serviceEntries: objects.serviceEntries.filter(isOurs),
    workloadEntries: objects.workloadEntries.filter(isOurs),
    authorizationPolicies: objects.authorizationPolicies.filter(isOurs),
    peerAuthentications: objects.peerAuthentications.filter(isOurs),
  };
}
