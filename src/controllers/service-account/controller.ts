import { FIELD_MANAGER } from '../../api/field-managers.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import { isConflict, isNotFound } from '../../kube/errors.js';
import { type FieldChange, guardedPatch } from '../../kube/patch.js';
import type { KubeObject } from '../../kube/resource.js';
import { NAMESPACE, POD, type Pod, SERVICE, type Service, SERVICE_ACCOUNT } from '../../kube/types.js';
import { isLive } from '../../mesh/dataplane.js';
import { isHeldByOthers } from '../../mesh/waypoint-binding.js';
import { bindingLabels, holdersView } from '../../mesh/waypoint-holders.js';
import { attemptAll } from '../../runtime/attempt-all.js';
import type { ControllerSpec, ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import { type Result, awaitChange, requeueAfter } from '../../runtime/result.js';
import { StateEvents } from '../../runtime/state-events.js';
import type { Change } from '../../runtime/store.js';
import { generationOrMetadataChanged, watch } from '../../runtime/watch.js';
import { carryOut } from '../created-waypoint.js';
import { isDeclaredByOthers } from '../managed-fields.js';
import { trimPod } from '../stored-pod.js';
import { watchUse } from '../use-waypoint.js';
import { decide } from './decide.js';
import { observe } from './observe.js';

/**
 * Makes the waypoint that an account names, and binds the Services of an account to the waypoint that serves it, by the label
 * `istio.io/use-waypoint`. One pass looks at a whole namespace, so that a Service is let go whatever has changed: the account, the
 * Gateway, or its pods.
 *
 * @see design 3, controller `service-account`
 */
export function serviceAccount(): ControllerSpec {
  const states = new StateEvents();
  return {
    name: 'service-account',
    primary: watch({
      type: NAMESPACE,
      map: ({ metadata }) => [{ name: metadata.name }],
      predicate: generationOrMetadataChanged,
    }),
    watches: [
      ...watchUse(),
      watch({ type: SERVICE_ACCOUNT, map: namespaceOf, predicate: generationOrMetadataChanged }),
      // Services have no generation, and a selector may change.
      watch({ type: SERVICE, map: namespaceOf }),
      watch({ type: POD, map: namespaceOf, predicate: cameOrWent, transform: trimPod }),
    ],
    reconcile: (request, context) => reconcile(request, context, states),
  };
}

function namespaceOf({ metadata }: KubeObject): readonly Request[] {
  return metadata.namespace === undefined ? [] : [{ name: metadata.namespace }];
}

/** A pod that turns ready and back is no news. */
function cameOrWent(change: Change<Pod>): boolean {
  const { old, new: now } = change;
  return !old || !now || isLive(old) !== isLive(now) || generationOrMetadataChanged(change);
}

/**
 * One pass: observe, decide, tell, act.
 *
 * @throws {ApiError} something cannot be read or written; the queue retries the pass
 */
async function reconcile({ name }: Request, context: ReconcileContext, states: StateEvents): Promise<Result> {
  const observed = observe(name, context);
  const decision = observed && decide(observed);
  const tellMs = states.tell(name, decision?.states ?? [], context);
  await attemptAll([
    ...(decision?.bindings ?? []).map(({ service, waypoint }) => () => {
      const cached = observed?.services.find(({ metadata }) => metadata.name === service);
      return bind(cached, waypoint, context);
    }),
    ...(decision?.waypoints ?? []).map(
      ({ owner, steps }) =>
        () =>
          carryOut(steps, owner, context),
    ),
  ]);
  const waits = [decision?.waitMs, tellMs].filter((waitMs) => waitMs !== undefined);
  return waits.length > 0 ? requeueAfter(Math.min(...waits), 'Lasting') : awaitChange();
}

/** The Service is somebody else's: a patch of a fresh read, of our keys only. Who is faster wins, and wakes us again. */
async function bind(
  cached: Service | undefined,
  waypoint: string | undefined,
  context: ReconcileContext,
): Promise<void> {
  if (!cached) return;
  const { client, stores, signal, log } = context;
  const { namespace, name } = cached.metadata;
  const ref = { ...(namespace !== undefined && { namespace }), name };
  try {
    const fresh = await client.get(SERVICE, ref, { signal, managedFields: true });
    // It was decided on what the cache showed: if labels or marks have moved since, the next pass looks again.
    if (holdersView(fresh) !== holdersView(cached)) return;
    const operations = guardedPatch(fresh, bindingChanges(fresh, waypoint));
    if (operations.length === 0) return;
    stores
      .of(SERVICE)
      .record(await client.jsonPatch(SERVICE, ref, operations, { fieldManager: FIELD_MANAGER, signal }));
    log.info({ service: name, waypoint }, waypoint === undefined ? 'let a Service go' : 'bound a Service');
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
  }
}

/**
 * What binds a Service to a waypoint, or lets it go: labels that others hold stay as they are, and only our mark changes. So do those that
 * somebody has declared since we have set them: they are given up to him.
 *
 * @param service  read with `metadata.managedFields`
 */
export function bindingChanges(service: Service, waypoint: string | undefined): FieldChange[] {
  const { name, namespace } = bindingLabels(waypoint);
  const labels = [
    { path: ['metadata', 'labels', LABEL.useWaypoint], value: name },
    { path: ['metadata', 'labels', LABEL.useWaypointNamespace], value: namespace },
  ];
  const mark = (value: string | undefined) => ({
    path: ['metadata', 'annotations', OWN_ANNOTATION.boundWaypoint],
    value,
  });
  if (isHeldByOthers(service)) return [mark(waypoint)];
  return WAYPOINT_LABELS.some((label) => isDeclaredByOthers(service, label))
    ? [mark(undefined)]
    : [...labels, mark(waypoint)];
}

/** Labels by which a Service names a waypoint. */
const WAYPOINT_LABELS = [LABEL.useWaypoint, LABEL.useWaypointNamespace];
