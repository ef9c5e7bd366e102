import { STATUS_FIELD_MANAGER } from '../../api/field-managers.js';
import { GATEWAY } from '../../api/gateway-api.js';
import { SERVING } from '../../api/serving.js';
import { type Condition, findCondition, mergeConditions } from '../../kube/conditions.js';
import { isNotFound } from '../../kube/errors.js';
import { applyConditions } from '../../kube/status.js';
import type { ControllerSpec, ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import { type Result, awaitChange, requeueAfter } from '../../runtime/result.js';
import { toSelf, watch } from '../../runtime/watch.js';
import type { MeshLocation } from '../istio-configuration.js';
import { act } from './act.js';
import { decide } from './decide.js';
import type { ServingCondition } from './decision.js';
import { observe } from './observe.js';
import type { Observed } from './observed.js';
import { watches } from './watches.js';

/** ConfigMaps named by Gateways are not watched: a change of the Gateway reads them at once, else this much later. */
const PARAMETERS_RECHECK_MS = 90_000;

/** The controller of Gateways that are waypoints: design 3.1. */
export function gateway(location: MeshLocation): ControllerSpec {
  return {
    name: 'gateway',
    primary: watch({ type: GATEWAY, map: toSelf }),
    watches: watches(location),
    reconcile: (request, context) => reconcile(request, context, location),
  };
}

/**
 * One pass: observe, decide, act, report.
 *
 * @throws {ApiError} a write failed; the queue retries the pass
 */
async function reconcile(request: Request, context: ReconcileContext, location: MeshLocation): Promise<Result> {
  const observed = await observe(request, context, location);
  if (!observed) return awaitChange();
  const { actions, serving } = decide(observed);
  const written = await act(actions, observed, context).catch(async (error: unknown) => {
    // Whatever was true before need not be so now.
    const message = error instanceof Error ? error.message : String(error);
    if (serving) await report(observed, { status: 'False', reason: 'WriteFailed', message }, context);
    throw error;
  });
  await report(observed, serving, context);
  if (written > 0) return requeueAfter(0, 'Written');
  // Ours, too: somebody may have changed it.
  const isRead = observed.gateway.spec.infrastructure?.parametersRef !== undefined;
  return isRead ? requeueAfter(PARAMETERS_RECHECK_MS, 'Parameters') : awaitChange();
}

/** Says how the Gateway is served; undefined takes back what has been said. */
async function report(
  observed: Observed,
  serving: ServingCondition | undefined,
  context: ReconcileContext,
): Promise<void> {
  const { client, stores, signal } = context;
  const { metadata } = observed.gateway;
  // The pass itself may have written the address.
  const gateway = stores.of(GATEWAY).get(metadata) ?? observed.gateway;
  const before = findCondition(gateway.status?.conditions, SERVING) as Condition | undefined;
  // On its way out, the Gateway takes along what is said of it.
  if (!serving && (!before || metadata.deletionTimestamp !== undefined)) return;
  const observedGeneration = gateway.metadata.generation ?? 0;
  const wanted = serving ? [{ type: SERVING, ...serving, observedGeneration }] : [];
  const conditions = mergeConditions(before ? [before] : [], wanted, observed.nowMs);
  try {
    const options = { fieldManager: STATUS_FIELD_MANAGER, signal, owned: [SERVING] };
    const { object, written } = await applyConditions(client, GATEWAY, gateway, conditions, options);
    if (written) stores.of(GATEWAY).record(object);
  } catch (error) {
    // It was deleted while the pass ran.
    if (!isNotFound(error)) throw error;
  }
}
