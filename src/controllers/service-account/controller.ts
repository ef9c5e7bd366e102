import { FIELD_MANAGER } from '../../api/field-managers.js';
import { GATEWAY } from '../../api/gateway-api.js';
import { ANNOTATION, LABEL } from '../../api/labels.js';
import { isConflict, isNotFound } from '../../kube/errors.js';
import { guardedPatch } from '../../kube/patch.js';
import type { KubeObject } from '../../kube/resource.js';
import { NAMESPACE, POD, type Pod, SERVICE, SERVICE_ACCOUNT } from '../../kube/types.js';
import { isLive } from '../../mesh/dataplane.js';
import { type Binding, bindings, boundWaypoint, isChosen } from '../../mesh/waypoint-binding.js';
import type { ControllerSpec, ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import { type Result, awaitChange } from '../../runtime/result.js';
import type { Change } from '../../runtime/store.js';
import { type WatchSpec, generationOrMetadataChanged, watch } from '../../runtime/watch.js';
import { trimPod } from '../stored-pod.js';

/**
 * Binds the Services of an account to the waypoint that serves it, by the label `istio.io/use-waypoint`. One pass looks at a whole
 * namespace, so that a Service is let go whatever has changed: the account, the Gateway, or its pods.
 */
export const serviceAccount: ControllerSpec = {
  name: 'service-account',
  primary: watch({
    type: NAMESPACE,
    map: ({ metadata }) => [{ name: metadata.name }],
    predicate: generationOrMetadataChanged,
  }),
  watches: [
    watch({ type: SERVICE_ACCOUNT, map: namespaceOf, predicate: generationOrMetadataChanged }),
    // Services have no generation, and a selector may change.
    watch({ type: SERVICE, map: namespaceOf }),
    watch({ type: POD, map: namespaceOf, predicate: cameOrWent, transform: trimPod }),
    watch({ type: GATEWAY, map: namespaceOf }),
  ] satisfies WatchSpec[],
  reconcile,
};

function namespaceOf({ metadata }: KubeObject): readonly Request[] {
  return metadata.namespace === undefined ? [] : [{ name: metadata.namespace }];
}

/** A pod that turns ready and back is no news. */
function cameOrWent(change: Change<Pod>): boolean {
  const { old, new: now } = change;
  return !old || !now || isLive(old) !== isLive(now) || generationOrMetadataChanged(change);
}

/** @throws {ApiError} a Service cannot be read or written; the queue retries the pass */
async function reconcile({ name: namespace }: Request, context: ReconcileContext): Promise<Result> {
  const { stores } = context;
  const services = stores.of(SERVICE).list(namespace);
  const gateways = stores.of(GATEWAY).list(namespace);
  // Most namespaces have no waypoint, and many pods.
  if (gateways.length === 0 && !services.some((service) => boundWaypoint(service) !== undefined)) return awaitChange();
  const pods = stores.of(POD).list(namespace).filter(isLive);
  const accounts = stores.of(SERVICE_ACCOUNT).list(namespace);
  for (const binding of bindings(services, pods, accounts, gateways)) await bind(namespace, binding, context);
  return awaitChange();
}

/** The Service is somebody else's: a patch of a fresh read, of our two keys only. Who is faster wins, and wakes us again. */
async function bind(namespace: string, { service, waypoint }: Binding, context: ReconcileContext): Promise<void> {
  const { client, stores, signal, log } = context;
  const ref = { namespace, name: service };
  try {
    const fresh = await client.get(SERVICE, ref, { signal });
    const isTheirs = isChosen(fresh);
    // It was chosen since we looked: the next pass sees that.
    if (isTheirs && waypoint !== undefined) return;
    const operations = guardedPatch(fresh, [
      ...(isTheirs ? [] : [{ path: ['metadata', 'labels', LABEL.useWaypoint], value: waypoint }]),
      { path: ['metadata', 'annotations', ANNOTATION.boundWaypoint], value: waypoint },
    ]);
    if (operations.length === 0) return;
    stores
      .of(SERVICE)
      .record(await client.jsonPatch(SERVICE, ref, operations, { fieldManager: FIELD_MANAGER, signal }));
    log.info({ service, waypoint }, waypoint === undefined ? 'let a Service go' : 'bound a Service');
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
  }
}
