import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { applyIfChanged } from '../../kube/apply.js';
import { referenceTo } from '../../kube/events.js';
import { evict } from '../../kube/eviction.js';
import type { KubeObject } from '../../kube/resource.js';
import { CONTROLLER_REVISION, NAMESPACE } from '../../kube/types.js';
import type { ReconcileContext } from '../../runtime/controller.js';
import { FIELD_MANAGER } from '../../api/field-managers.js';
import type { Observed } from './observed.js';
import { patchGuarded } from './patch-guarded.js';
import { actOnPolicy } from './policy-act.js';
import { WORKLOAD_TYPES, readWorkload, restartChanges } from './restart-write.js';
import { assess } from './restarts.js';
import { aimFor } from './situation.js';
import { closingChanges, snapshotObject } from './snapshot.js';
import { isPerWorkload } from './translation.js';
import type { Action, EvictAction } from './verdict.js';
import { actOnWaypoint, type WaypointAction } from './waypoint-act.js';
import { formatRestartMark, workloadName } from './workloads.js';

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
    case 'evict':
      return evictPod(action, observed, context);
    case 'apply-policy':
    case 'delete-policy':
      return changePolicy(action, observed, context);
    default:
      return changeWaypoint(action, observed, context);
  }
}

async function changeWaypoint(action: WaypointAction, observed: Observed, context: ReconcileContext): Promise<boolean> {
  if (!(await actOnWaypoint(action, observed, context))) return false;
  announce(observed, context, action.type === 'bind' ? 'WaypointLabelled' : 'WaypointChanged', action.note);
  return true;
}

async function changePolicy(
  action: Act<'apply-policy' | 'delete-policy'>,
  observed: Observed,
  context: ReconcileContext,
): Promise<boolean> {
  if (!(await actOnPolicy(action, context))) return false;
  announce(observed, context, 'PolicyTranslated', action.note);
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

async function closeSnapshot(
  action: Act<'close-snapshot'>,
  observed: Observed,
  context: ReconcileContext,
): Promise<boolean> {
  const ref = { namespace: observed.namespace.metadata.name, name: action.name };
  const fresh = context.stores.of(CONTROLLER_REVISION).get(ref);
  if (!fresh) return false;
  return patchGuarded(CONTROLLER_REVISION, fresh, closingChanges(context.clock.now()), context);
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
  const namespace = observed.namespace.metadata.name;
  const { object, view } = await readWorkload(workload, namespace, context.client, context.signal);
  const state = assess(view, aimFor(observed, mark.goal));
  if (state.kind !== 'restart' || formatRestartMark(state.mark) !== formatRestartMark(mark)) return false;
  const changes = restartChanges(view, mark, { nowMs: context.clock.now(), enrols: isPerWorkload(observed) });
  if (!(await patchGuarded(WORKLOAD_TYPES[workload.kind], object, changes, context))) return false;
  announce(observed, context, 'WorkloadRestarted', `${workloadName(workload)}: ${state.message}`, object);
  return true;
}

/** A refusal of a budget is no error: the dry run of the next pass meets it again, and says so. */
async function evictPod(action: EvictAction, observed: Observed, context: ReconcileContext): Promise<boolean> {
  const { workload, goal } = action;
  const { pod } = action.eviction;
  const { client, signal } = context;
  const namespace = observed.namespace.metadata.name;
  const { object, view } = await readWorkload(workload, namespace, client, signal);
  const state = assess(view, aimFor(observed, goal));
  if (state.kind !== 'evict' || state.pod.uid !== pod.uid) return false;
  const answer = await evict(
    client,
    { namespace, name: pod.name, uid: pod.uid },
    { fieldManager: FIELD_MANAGER, signal },
  );
  if (answer.kind !== 'accepted') return false;
  announce(observed, context, 'PodEvicted', `${workloadName(workload)}: ${state.message}`, object);
  return true;
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
