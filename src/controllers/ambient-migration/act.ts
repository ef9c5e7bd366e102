import { ANNOTATION } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { applyIfChanged } from '../../kube/apply.js';
import { referenceTo } from '../../kube/events.js';
import type { FieldChange } from '../../kube/patch.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { formatSelector } from '../../kube/selectors.js';
import {
  CONTROLLER_REVISION,
  DAEMON_SET,
  DEPLOYMENT,
  type DaemonSet,
  type Deployment,
  NAMESPACE,
  POD,
  STATEFUL_SET,
  type StatefulSet,
} from '../../kube/types.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import type { Observed } from './observed.js';
import { patchGuarded } from './patch-guarded.js';
import { podView } from './pods.js';
import { assess } from './restarts.js';
import { aimFor } from './situation.js';
import { snapshotObject } from './snapshot.js';
import type { Action } from './verdict.js';
import { actOnWaypoint, type WaypointAction } from './waypoint-act.js';
import {
  type Workload,
  daemonSetView,
  deploymentView,
  formatRestartMark,
  statefulSetView,
  workloadName,
} from './workloads.js';

type Act<T extends Action['type']> = Extract<Action, { type: T }>;

/**
 * Carries out the actions in order. Each is computed again from a fresh read and guarded by its resourceVersion: a cache
 * that lags, a second operator or a hand in between makes it a no-op, and the next pass decides anew.
 *
 * @returns how many of them wrote something
 * @throws {ApiError} an answer that a later pass may cure; what was written so far stays, and is seen by that pass
 */
export async function act(actions: readonly Action[], observed: Observed, context: ReconcileContext): Promise<number> {
  let written = 0;
  for (const action of actions) {
    if (await carryOut(action, observed, context)) written += 1;
  }
  return written;
}

function carryOut(action: Action, observed: Observed, context: ReconcileContext): Promise<boolean> {
  switch (action.type) {
    case 'write-snapshot':
      return writeSnapshot(action, observed, context);
    case 'close-snapshot':
      return closeSnapshot(action, observed, context);
    case 'label-namespace':
      return labelNamespace(action, observed, context);
    case 'restart':
      return restart(action, observed, context);
    default:
      return changeWaypoint(action, observed, context);
  }
}

async function changeWaypoint(action: WaypointAction, observed: Observed, context: ReconcileContext): Promise<boolean> {
  if (!(await actOnWaypoint(action, observed, context))) return false;
  announce(observed, context, action.type === 'bind' ? 'WaypointLabelled' : 'WaypointChanged', action.note);
  return true;
}

async function writeSnapshot(
  action: Act<'write-snapshot'>,
  observed: Observed,
  context: ReconcileContext,
): Promise<boolean> {
  const desired = snapshotObject(observed.namespace.metadata.name, action.name, action.data);
  const { object } = await applyIfChanged(context.client, CONTROLLER_REVISION, desired, undefined, {
    fieldManager: FIELD_MANAGER,
    hashAnnotation: OWN_ANNOTATION.contentHash,
    signal: context.signal,
  });
  context.stores.of(CONTROLLER_REVISION).record(object);
  announce(
    observed,
    context,
    'SnapshotWritten',
    `the state before is kept in ControllerRevision ${desired.metadata.name}`,
  );
  return true;
}

/** Only metadata: the data of a ControllerRevision cannot be changed. */
async function closeSnapshot(
  action: Act<'close-snapshot'>,
  observed: Observed,
  context: ReconcileContext,
): Promise<boolean> {
  const ref = { namespace: observed.namespace.metadata.name, name: action.name };
  const fresh = context.stores.of(CONTROLLER_REVISION).get(ref);
  if (!fresh) return false;
  const value = new Date(context.clock.now()).toISOString();
  const changes = [{ path: ['metadata', 'annotations', OWN_ANNOTATION.restored], value }];
  return patchGuarded(CONTROLLER_REVISION, fresh, changes, context);
}

async function labelNamespace(
  action: Act<'label-namespace'>,
  observed: Observed,
  context: ReconcileContext,
): Promise<boolean> {
  const ref = { name: observed.namespace.metadata.name };
  const fresh = await context.client.get(NAMESPACE, ref, { signal: context.signal });
  // The labels were decided on what the cache showed: if they have moved since, the next pass looks again.
  const sameView = JSON.stringify(fresh.metadata.labels) === JSON.stringify(observed.namespace.metadata.labels);
  if (!sameView || !(await patchGuarded(NAMESPACE, fresh, action.changes, context))) return false;
  announce(observed, context, 'NamespaceLabelled', action.note);
  return true;
}

async function restart(action: Act<'restart'>, observed: Observed, context: ReconcileContext): Promise<boolean> {
  const { workload, mark } = action;
  const { type, object, view } = await readWorkload(workload, observed, context);
  const state = assess(view, aimFor(observed, mark.goal));
  if (state.kind !== 'restart' || formatRestartMark(state.mark) !== formatRestartMark(mark)) return false;
  const annotations = ['spec', 'template', 'metadata', 'annotations'];
  const changes: FieldChange[] = [
    { path: [...annotations, OWN_ANNOTATION.restart], value: formatRestartMark(mark) },
    { path: [...annotations, ANNOTATION.restartedAt], value: new Date(context.clock.now()).toISOString() },
  ];
  if (!(await patchGuarded(type, object, changes, context))) return false;
  announce(observed, context, 'WorkloadRestarted', `${workloadName(workload)}: ${state.message}`, object);
  return true;
}

/** The workload as it is now, with those of its pods that the cache knew, as they are now. */
async function readWorkload(
  workload: Workload,
  observed: Observed,
  context: ReconcileContext,
): Promise<{ type: ResourceType; object: KubeObject; view: Workload }> {
  const namespace = observed.namespace.metadata.name;
  const ref = { namespace, name: workload.name };
  const { signal, client } = context;
  const known = new Set(workload.pods.map((pod) => pod.name));
  const podsOf = async (object: Deployment | StatefulSet | DaemonSet): Promise<ReturnType<typeof podView>[]> => {
    const { items } = await client.list(POD, {
      namespace,
      labelSelector: formatSelector(object.spec.selector),
      signal,
    });
    return items.map(podView).filter((pod) => known.has(pod.name));
  };
  switch (workload.kind) {
    case 'Deployment': {
      const object = await client.get(DEPLOYMENT, ref, { signal });
      return { type: DEPLOYMENT, object, view: deploymentView(object, await podsOf(object)) };
    }
    case 'StatefulSet': {
      const object = await client.get(STATEFUL_SET, ref, { signal });
      return { type: STATEFUL_SET, object, view: statefulSetView(object, await podsOf(object)) };
    }
    case 'DaemonSet': {
      const object = await client.get(DAEMON_SET, ref, { signal });
      return { type: DAEMON_SET, object, view: daemonSetView(object, await podsOf(object)) };
    }
  }
}

/**
 * @param about  default: the AmbientMigration. What happens to each of many objects is told of these: the Events about one object
 *   are limited
 */
function announce(
  { migration }: Observed,
  context: ReconcileContext,
  reason: string,
  note: string,
  about: KubeObject = migration,
): void {
  context.log.info({ reason, note }, 'changed the cluster');
  context.events.emit({
    regarding: referenceTo(about),
    ...(about !== migration && { related: referenceTo(migration) }),
    type: 'Normal',
    reason,
    note,
    action: 'Migrate',
  });
}
