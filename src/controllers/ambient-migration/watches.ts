import equal from 'fast-deep-equal';
import { AMBIENT_MIGRATION } from '../../api/ambient-migration.js';
import { GATEWAY, GATEWAY_CLASS, HTTP_ROUTE } from '../../api/gateway-api.js';
import { AUTHORIZATION_POLICY } from '../../api/istio.js';
import { OWN_LABEL } from '../../api/own-labels.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import {
  CONFIG_MAP,
  CONTROLLER_REVISION,
  CRON_JOB,
  type CronJob,
  DAEMON_SET,
  DEPLOYMENT,
  type EndpointSlice,
  HORIZONTAL_POD_AUTOSCALER,
  LIMIT_RANGE,
  MUTATING_WEBHOOK_CONFIGURATION,
  NAMESPACE,
  NETWORK_POLICY,
  POD,
  POD_DISRUPTION_BUDGET,
  type Pod,
  REPLICA_SET,
  RESOURCE_QUOTA,
  SERVICE,
  SERVICE_ACCOUNT,
  STATEFUL_SET,
  VALIDATING_WEBHOOK_CONFIGURATION,
} from '../../kube/types.js';
import { hasSidecar, isLive, speaksHbone } from '../../mesh/dataplane.js';
import { callerKind, hasMode } from '../../mesh/move-mesh.js';
import type { Request } from '../../runtime/request.js';
import type { Change } from '../../runtime/store.js';
import type { Stores } from '../../runtime/stores.js';
import { type WatchSpec, generationOrMetadataChanged, watch } from '../../runtime/watch.js';
import { ARGO_ROLLOUT } from '../../kube/argo-rollouts.js';
import { FOREIGN_ENDPOINTS } from '../foreign-endpoints.js';
import { type MeshLocation, watchConfiguration } from '../istio-configuration.js';
import { OWN_CONFIG_MAPS, withHash } from '../own-config-maps.js';
import { trimPod } from '../stored-pod.js';
import { NAMED_INDEX, namedBy } from '../use-waypoint.js';
import { isListLost } from './finding-list.js';
import { podViewChanged } from './pods.js';
import { CALLER_INDEX } from './proof-input.js';
import {
  CNI_LABEL,
  COMPONENT_INDEX,
  OLD_SIDECAR_INDEX,
  SIDECAR_ACCOUNT_INDEX,
  POLICY_KINDS,
  ZTUNNEL_LABEL,
} from './observe-mesh.js';

/** Everything an AmbientMigration depends on, in one place. */
export function watches(location: MeshLocation): readonly WatchSpec[] {
  const policyKinds = POLICY_KINDS.filter((type) => type !== NAMESPACE && type !== SERVICE);
  return [
    // One that goes may have kept others from their turn.
    watch({
      type: AMBIENT_MIGRATION,
      map: ({ metadata }, stores) => migrationsIn(metadata.namespace, stores),
      predicate: ({ old, new: now }) => !old || !now,
    }),
    // Namespace and metadata-only kinds have no generation: labels and annotations decide.
    watch({
      type: NAMESPACE,
      map: (object, stores) =>
        stores.of(NETWORK_POLICY).list(object.metadata.name).length > 0
          ? allMigrations(stores)
          : migrationsIn(object.metadata.name, stores),
      predicate: generationOrMetadataChanged,
    }),
    watch({
      type: POD,
      map: podConcerns,
      predicate: podViewChanged,
      transform: trimPod,
      indexes: {
        [COMPONENT_INDEX]: (pod) => componentOf(pod) ?? [],
        [NAMED_INDEX]: namedBy,
        [SIDECAR_ACCOUNT_INDEX]: (pod) =>
          hasSidecar(pod) && isLive(pod)
            ? [`${pod.metadata.namespace ?? ''}/${pod.spec?.serviceAccountName ?? 'default'}`]
            : [],
        [CALLER_INDEX]: (pod) => (hasMode(pod) ? [callerKind(pod)] : []),
        [OLD_SIDECAR_INDEX]: (pod) => (hasSidecar(pod) && !speaksHbone(pod) ? ['true'] : []),
      },
    }),
    watch({
      type: DEPLOYMENT,
      map: (object, stores) => [...ofNamespace(object, stores), ...ofWaypoints(object, stores)],
    }),
    inNamespace(STATEFUL_SET),
    inNamespace(DAEMON_SET),
    inNamespace(ARGO_ROLLOUT),
    // Of Jobs only the pods matter, and of CronJobs what they will make.
    watch({ type: CRON_JOB, map: ofNamespace, predicate: generationOrMetadataChanged, transform: withoutStatus }),
    watch({
      type: REPLICA_SET,
      map: (object, stores) => migrationsIn(object.metadata.namespace, stores),
      predicate: generationOrMetadataChanged,
      transform: metadataOnly,
    }),
    inNamespace(POD_DISRUPTION_BUDGET),
    // Its status follows every breath of the load.
    watch({ type: HORIZONTAL_POD_AUTOSCALER, map: ofNamespace, predicate: generationOrMetadataChanged }),
    inNamespace(LIMIT_RANGE),
    // Its status follows every pod; a migration that it blocks looks again by itself.
    watch({ type: RESOURCE_QUOTA, map: ofNamespace, predicate: specChanged }),
    watch({
      type: CONTROLLER_REVISION,
      map: (object, stores) => migrationsIn(object.metadata.namespace, stores),
      labelSelector: OWN_LABEL.snapshot,
    }),
    watch({
      type: CONFIG_MAP,
      map: ofNamespace,
      predicate: isListLost,
      transform: withHash,
      ...OWN_CONFIG_MAPS,
    }),
    watch({
      type: SERVICE,
      map: (object, stores) => migrationsIn(object.metadata.namespace, stores),
      predicate: generationOrMetadataChanged,
    }),
    watchConfiguration(location, (_, stores) => allMigrations(stores)),
    everywhere(MUTATING_WEBHOOK_CONFIGURATION),
    everywhere(VALIDATING_WEBHOOK_CONFIGURATION),
    watch({ type: GATEWAY_CLASS, map: (_, stores) => allMigrations(stores) }),
    // Conditions in their status say what istiod has bound and attached.
    watch({ type: GATEWAY, map: (object, stores) => [...ofNamespace(object, stores), ...ofWaypoints(object, stores)] }),
    inNamespace(SERVICE),
    watch({ ...FOREIGN_ENDPOINTS, map: ofNamespace, predicate: endpointsChanged }),
    inNamespace(SERVICE_ACCOUNT),
    inNamespace(AUTHORIZATION_POLICY),
    inNamespace(HTTP_ROUTE),
    ...policyKinds.map((type) => everywhere(type as ResourceType)),
  ];
}

/** A change in one namespace concerns the migrations of that namespace. */
function inNamespace<T extends KubeObject>(type: ResourceType<T>): WatchSpec {
  return watch({ type, map: (object, stores) => migrationsIn(object.metadata.namespace, stores) });
}

/** A change that may concern any namespace: exported hosts, the root namespace's policies. Status does not matter. */
function everywhere<T extends KubeObject>(type: ResourceType<T>): WatchSpec {
  return watch({ type, map: (_, stores) => allMigrations(stores), predicate: generationOrMetadataChanged });
}

/** For kinds without a generation. */
function specChanged({ old, new: now }: Change<KubeObject & { spec?: unknown }>): boolean {
  return JSON.stringify(old?.spec) !== JSON.stringify(now?.spec);
}

/** Not each annotation that their controller keeps there. */
function endpointsChanged({ old, new: now }: Change<EndpointSlice>): boolean {
  return !equal(old?.endpoints, now?.endpoints);
}

function podConcerns(pod: Pod, stores: Stores): readonly Request[] {
  return componentOf(pod) ? allMigrations(stores) : migrationsIn(pod.metadata.namespace, stores);
}

function componentOf(pod: Pod): string[] | undefined {
  const found = [ZTUNNEL_LABEL, CNI_LABEL].find(({ key, value }) => pod.metadata.labels?.[key] === value);
  return found && [found.value];
}

function metadataOnly<T extends KubeObject>(object: T): T {
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata } as T;
}

function withoutStatus({ status: _, ...cronJob }: CronJob): CronJob {
  return cronJob;
}

function ofNamespace({ metadata }: KubeObject, stores: Stores): readonly Request[] {
  return migrationsIn(metadata.namespace, stores);
}

/** Migrations that use a waypoint of this object's namespace, from another one. */
function ofWaypoints({ metadata }: KubeObject, stores: Stores): readonly Request[] {
  return stores
    .of(AMBIENT_MIGRATION)
    .list()
    .filter(({ spec }) => spec?.waypoint?.namespace === metadata.namespace)
    .map(requestFor);
}

function migrationsIn(namespace: string | undefined, stores: Stores): readonly Request[] {
  return stores.of(AMBIENT_MIGRATION).list(namespace).map(requestFor);
}

function allMigrations(stores: Stores): readonly Request[] {
  return stores.of(AMBIENT_MIGRATION).list().map(requestFor);
}

function requestFor({ metadata }: KubeObject): Request {
  return { namespace: metadata.namespace, name: metadata.name };
}
