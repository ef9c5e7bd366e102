import { GATEWAY } from '../../api/gateway-api.js';
import type { ControllerSpec, ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import { type Result, awaitChange, requeueAfter } from '../../runtime/result.js';
import { toSelf, watch } from '../../runtime/watch.js';
import type { MeshLocation } from '../istio-configuration.js';
import { act } from './act.js';
import { decide } from './decide.js';
import { removeForsaken } from './forsaken.js';
import { observe } from './observe.js';
import type { Observed } from './observed.js';
import { report } from './report.js';
import { watches } from './watches.js';

/** ConfigMaps of Gateways are not watched: a change of the Gateway reads them at once, else this much later. */
const PARAMETERS_RECHECK_MS = 90_000;

/** Whoever waits for its turn is woken when a rollout ends; if that was too early to be seen as waiting, this much later. */
const TURN_RECHECK_MS = 30_000;

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
  if (!observed) {
    await removeForsaken(request, context);
    return awaitChange();
  }
  const { actions, serving, awaits } = decide(observed);
  const written = await act(actions, observed, context).catch(async (error: unknown) => {
    // Whatever was true before need not be so now.
    const message = error instanceof Error ? error.message : String(error);
    if (serving) await report(observed, { status: 'False', reason: 'WriteFailed', message }, context);
    throw error;
  });
  await report(observed, serving, context);
  return written > 0 ? requeueAfter(0, 'Written') : nextLook(observed, awaits);
}

/** When to look again if no watch wakes us. */
export function nextLook({ gateway, sizes }: Pick<Observed, 'gateway' | 'sizes'>, awaits: string | undefined): Result {
  if (awaits !== undefined) return requeueAfter(TURN_RECHECK_MS, 'Turn');
  // Ours, too: somebody may have changed it. One that is in the way may go.
  const isRead = gateway.spec.infrastructure?.parametersRef !== undefined || sizes !== undefined;
  return isRead ? requeueAfter(PARAMETERS_RECHECK_MS, 'Parameters') : awaitChange();
}
