import { AMBIENT_MIGRATION } from '../../api/ambient-migration.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { isNotFound } from '../../kube/errors.js';
import { NAMESPACE, type Namespace, POD, type Pod } from '../../kube/types.js';
import { hasSidecar, isEnrolled, isLive } from '../../mesh/dataplane.js';
import { attemptAll } from '../../runtime/attempt-all.js';
import type { ControllerSpec, ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import { type Result, awaitChange, requeueAfter } from '../../runtime/result.js';
import { StateEvents } from '../../runtime/state-events.js';
import type { Change } from '../../runtime/store.js';
import { generationOrMetadataChanged, toSelf, watch } from '../../runtime/watch.js';
import { annotate, carryOut } from '../created-waypoint.js';
import { trimPod } from '../stored-pod.js';
import { homeOf, watchUse } from '../use-waypoint.js';
import { type Dataplane, decide } from './decide.js';
import { missingWaypoints } from './missing-waypoints.js';
import { observe, ownerOf } from './observe.js';

/**
 * The controller of Namespaces: makes the waypoint that an ambient namespace names, takes it away again, and says what keeps a
 * namespace from being what its labels ask for.
 *
 * @see design 3, controller `namespace`
 */
export function namespace(): ControllerSpec {
  const states = new StateEvents();
  return {
    name: 'namespace',
    primary: watch({ type: NAMESPACE, map: toSelf, predicate: generationOrMetadataChanged }),
    watches: [
      ...watchUse(),
      watch({ type: POD, map: (pod) => [{ name: homeOf(pod) }], predicate: modeChanged, transform: trimPod }),
      watch({
        type: AMBIENT_MIGRATION,
        map: (migration) => [{ name: homeOf(migration) }],
        // Only whether there is one.
        predicate: ({ old, new: now }) => !old || !now,
      }),
    ],
    gauges: [missingWaypoints],
    reconcile: (request, context) => reconcile(request, context, states),
  };
}

/**
 * One pass: observe, decide, tell, act.
 *
 * @throws {ApiError} a write failed; the queue retries the pass
 */
async function reconcile(request: Request, context: ReconcileContext, states: StateEvents): Promise<Result> {
  const observed = observe(request, context);
  if (!observed) {
    states.tell(request.name, [], context);
    return awaitChange();
  }
  const decision = decide(observed);
  const tellMs = states.tell(request.name, decision.states, context);
  await attemptAll([
    () => carryOut(decision.steps, ownerOf(observed.namespace), context),
    () => say(request, decision.dataplane, context),
  ]);
  const waits = [decision.waitMs, tellMs].filter((waitMs) => waitMs !== undefined);
  return waits.length > 0 ? requeueAfter(Math.min(...waits), 'Lasting') : awaitChange();
}

/** Written after everything else, onto what the steps have left. */
async function say({ name }: Request, value: Dataplane | undefined, context: ReconcileContext): Promise<void> {
  const namespace: Namespace | undefined = context.stores.of(NAMESPACE).get({ name });
  if (!namespace) return;
  try {
    await annotate(NAMESPACE, namespace, context, { [OWN_ANNOTATION.dataplane]: value });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** A pod counts in another way than before. */
function modeChanged({ old, new: now }: Change<Pod>): boolean {
  return !old || !now || modeKey(old) !== modeKey(now);
}

function modeKey(pod: Pod): string {
  const { labels = {} } = pod.metadata;
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return [
    isLive(pod),
    hasSidecar(pod),
    isEnrolled(pod),
    ready,
    labels[LABEL.dataplaneMode],
    labels[LABEL.inject],
  ].join();
}
