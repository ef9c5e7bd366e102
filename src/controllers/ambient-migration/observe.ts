import { AMBIENT_MIGRATION, type AmbientMigration, parseAmbientMigrationSpec } from '../../api/ambient-migration.js';
import { findCondition } from '../../kube/conditions.js';
import { byName, type KubeObject } from '../../kube/resource.js';
import { matchesSelector } from '../../kube/selectors.js';
import {
  CONTROLLER_REVISION,
  CRON_JOB,
  type CronJob,
  DAEMON_SET,
  DEPLOYMENT,
  HORIZONTAL_POD_AUTOSCALER,
  LIMIT_RANGE,
  NAMESPACE,
  POD,
  POD_DISRUPTION_BUDGET,
  type Pod,
  type PodDisruptionBudget,
  REPLICA_SET,
  RESOURCE_QUOTA,
  STATEFUL_SET,
} from '../../kube/types.js';
import { drainsUntil, isLive } from '../../mesh/dataplane.js';
import { perVersion } from '../../runtime/per-version.js';
import type { Request } from '../../runtime/request.js';
import type { Stores } from '../../runtime/stores.js';
import { ARGO_ROLLOUT } from '../../kube/argo-rollouts.js';
import { argoOwner, argoRolloutView, referencedDeployment } from './argo-rollout.js';
import { observeMesh, observePolicies, observeSidecarAccounts } from './observe-mesh.js';
import { observeWaypoint } from './observe-waypoint.js';
import type { MeshLocation } from '../istio-configuration.js';
import type { Budget, CronJobView, Observed } from './observed.js';
import { isDraining } from './draining.js';
import { type PodView, storedPodView, timeOf } from './pods.js';
import { parseSnapshot, snapshotNumber } from './snapshot.js';
import {
  type Workload,
  compareWorkloads,
  daemonSetView,
  deploymentView,
  statefulSetView,
  workloadName,
} from './workloads.js';

// Large, and looked at in every pass.
const specOf = perVersion(parseAmbientMigrationSpec);
const snapshotIn = perVersion(parseSnapshot);

/**
 * Reads everything a pass needs from the caches; no request is sent.
 *
 * @returns undefined if the AmbientMigration or its namespace is gone, or the namespace is on its way out
 * @throws {InvalidSpecError} the spec is not one that the API server would have accepted
 */
export function observe(request: Request, stores: Stores, location: MeshLocation, nowMs: number): Observed | undefined {
  const migration = stores.of(AMBIENT_MIGRATION).get(request);
  const namespaceName = request.namespace ?? '';
  const namespace = stores.of(NAMESPACE).get({ name: namespaceName });
  if (!migration || !namespace || namespace.metadata.deletionTimestamp !== undefined) return undefined;

  const pods = podsOf(stores, namespaceName, nowMs);
  const live = pods.filter(({ view }) => view.live);
  const nodes = new Set(live.flatMap(({ view }) => view.nodeName ?? []));
  const workloads = workloadsOf(stores, namespaceName, pods);
  const known = new Set(workloads.map(workloadName));
  const rest = live.filter(({ workload }) => workload === undefined || !known.has(workload));
  const spec = specOf(migration);
  return {
    nowMs,
    migration,
    spec,
    supersededBy: supersededBy(migration, stores),
    namespace,
    ...snapshotOf(stores, namespaceName),
    workloads,
    jobPods: rest.filter(({ job }) => job).map(({ view }) => view),
    cronJobs: [...stores.of(CRON_JOB).list(namespaceName)].sort(byName).flatMap(cronJobView),
    strayPods: rest.filter(({ job }) => !job).map(({ view }) => view),
    draining: pods.filter(({ view }) => !view.live).map(({ view }) => view),
    budgets: stores.of(POD_DISRUPTION_BUDGET).list(namespaceName).map(budgetView),
    autoscalers: stores.of(HORIZONTAL_POD_AUTOSCALER).list(namespaceName),
    limitRanges: stores.of(LIMIT_RANGE).list(namespaceName),
    quotas: stores.of(RESOURCE_QUOTA).list(namespaceName),
    mesh: observeMesh(stores, location, namespaceName, nodes),
    ...observePolicies(stores, namespaceName),
    unnamedSince: new Map(),
    sidecarAccounts: observeSidecarAccounts(stores, namespaceName),
    waypoint: observeWaypoint(spec, namespace, stores),
    dryRuns: undefined,
    proven: [],
    labelOwners: [],
    managers: undefined,
  };
}

/** A pod, its top-level controller, and whether that is a Job. */
interface OwnedPod {
  readonly view: PodView;
  readonly workload: string | undefined;
  readonly job: boolean;
}

/** The pods that are live, or drain: those that have ended, a long history of Jobs above all, are not looked at. */
function podsOf(stores: Stores, namespace: string, nowMs: number): OwnedPod[] {
  return stores
    .of(POD)
    .list(namespace)
    .filter((pod) => isLive(pod) || isDraining(timeOf(drainsUntil(pod)), nowMs))
    .sort(byName)
    .map((pod) => ownedPod(pod, stores, namespace));
}

function ownedPod(pod: Pod, stores: Stores, namespace: string): OwnedPod {
  const view = storedPodView(pod);
  const { kind, name } = view.owner ?? { kind: '', name: '' };
  switch (kind) {
    case 'ReplicaSet': {
      const owners = stores.of(REPLICA_SET).get({ namespace, name })?.metadata.ownerReferences;
      const deployment = owners?.find((reference) => reference.kind === 'Deployment')?.name;
      const rollout = argoOwner(owners);
      const workload = deployment ? `Deployment/${deployment}` : rollout && `Rollout/${rollout}`;
      return { view, workload, job: false };
    }
    case 'StatefulSet':
    case 'DaemonSet':
      return { view, workload: `${kind}/${name}`, job: false };
    case 'Job':
      return { view, workload: undefined, job: true };
    default:
      return { view, workload: undefined, job: false };
  }
}

function workloadsOf(stores: Stores, namespace: string, pods: readonly OwnedPod[]): Workload[] {
  const byWorkload = new Map<string | undefined, PodView[]>();
  for (const { workload, view } of pods) {
    const views = byWorkload.get(workload);
    if (views) views.push(view);
    else byWorkload.set(workload, [view]);
  }
  const podsOfWorkload = (key: string): PodView[] => byWorkload.get(key) ?? [];
  return [
    ...stores
      .of(DEPLOYMENT)
      .list(namespace)
      .map((object) => deploymentView(object, podsOfWorkload(`Deployment/${object.metadata.name}`))),
    ...stores
      .of(STATEFUL_SET)
      .list(namespace)
      .map((object) => statefulSetView(object, podsOfWorkload(`StatefulSet/${object.metadata.name}`))),
    ...stores
      .of(DAEMON_SET)
      .list(namespace)
      .map((object) => daemonSetView(object, podsOfWorkload(`DaemonSet/${object.metadata.name}`))),
    ...stores
      .of(ARGO_ROLLOUT)
      .list(namespace)
      .map((object) => {
        const name = referencedDeployment(object);
        const referenced = name === undefined ? undefined : stores.of(DEPLOYMENT).get({ namespace, name });
        return argoRolloutView(object, referenced, podsOfWorkload(`Rollout/${object.metadata.name}`));
      }),
  ].sort(compareWorkloads);
}

function cronJobView({ metadata, spec }: CronJob): CronJobView[] {
  const template = spec?.jobTemplate.spec.template;
  return template ? [{ name: metadata.name, template }] : [];
}

/**
 * The oldest AmbientMigration of a namespace is active (ties by UID). One that was superseded and becomes the oldest stays so
 * until its spec changes: its own condition, with the generation that it saw, is the memory (design 2.1).
 */
function supersededBy(migration: AmbientMigration, stores: Stores): string | undefined {
  const rank = ({ metadata }: KubeObject): string => `${metadata.creationTimestamp ?? ''} ${metadata.uid ?? ''}`;
  const siblings = stores.of(AMBIENT_MIGRATION).list(migration.metadata.namespace);
  const oldest = [...siblings].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))[0];
  if (oldest && oldest.metadata.name !== migration.metadata.name) return oldest.metadata.name;
  const stalled = findCondition(migration.status?.conditions ?? [], 'Stalled');
  const stays = stalled?.reason === 'Superseded' && stalled.observedGeneration === migration.metadata.generation;
  return stays ? '' : undefined;
}

function snapshotOf(
  stores: Stores,
  namespace: string,
): Pick<Observed, 'snapshot' | 'lastSnapshot' | 'snapshotProblem'> {
  const revisions = stores
    .of(CONTROLLER_REVISION)
    .list(namespace)
    .flatMap((revision) => {
      const number = snapshotNumber(revision.metadata.name);
      return number === undefined ? [] : [{ revision, number }];
    });
  const newest = revisions.sort((a, b) => b.number - a.number)[0]?.revision;
  if (newest === undefined) return { snapshot: undefined, lastSnapshot: undefined, snapshotProblem: undefined };
  try {
    const lastSnapshot = snapshotIn(newest);
    return { snapshot: lastSnapshot.restored ? undefined : lastSnapshot, lastSnapshot, snapshotProblem: undefined };
  } catch (error) {
    const snapshotProblem = error instanceof Error ? error.message : String(error);
    return { snapshot: undefined, lastSnapshot: undefined, snapshotProblem };
  }
}

function budgetView(budget: PodDisruptionBudget): Budget {
  const { status, spec, metadata } = budget;
  return {
    name: metadata.name,
    selects: (labels) => matchesSelector(spec?.selector, labels),
    disruptionsAllowed: status?.disruptionsAllowed ?? 0,
    desiredHealthy: status?.desiredHealthy ?? 0,
    expectedPods: status?.expectedPods ?? 0,
  };
}
