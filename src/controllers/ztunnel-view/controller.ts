import { referenceTo } from '../../kube/events.js';
import { NAMESPACE, type Namespace } from '../../kube/types.js';
import type { ControllerSpec, ReconcileContext } from '../../runtime/controller.js';
import type { Request } from '../../runtime/request.js';
import { type Result, awaitChange, requeueAfter } from '../../runtime/result.js';
import type { MeshLocation } from '../istio-configuration.js';
import { NameTakenError } from '../own-config-maps.js';
import { isCurrent, keep, remove, storedView } from './config-maps.js';
import { fileOf, istiodOf, viewOf } from './view.js';
import { isViewed, namespaceWatch, watches } from './watches.js';

/** The content of a view changes at most this often, ms. */
const INTERVAL_MS = 10_000;

/** How long until we look again whether a ConfigMap of somebody else is still in the way, ms. */
const TAKEN_RECHECK_MS = 300_000;

/** The last computation of a namespace's view; the view need not have changed. */
interface Computed {
  /** In ms. */
  readonly at: number;
  /** Namespaces whose objects may count. */
  readonly places: ReadonlySet<string>;
}

/** Keeps what ztunnel knows of a namespace in its ConfigMap `sidestep-ztunnel`, for those where it is wanted. */
export function ztunnelView(location: MeshLocation): ControllerSpec {
  const computed = new Map<string, Computed>();
  const dependents = (place: string): readonly Request[] =>
    [...computed].flatMap(([name, { places }]) => (places.has(place) ? [{ name }] : []));
  return {
    name: 'ztunnel-view',
    primary: namespaceWatch(location),
    watches: watches(location, dependents),
    reconcile: (request, context) => reconcile(request, context, location, computed),
  };
}

/** @throws {ApiError} a ConfigMap cannot be read or written; the queue retries the pass */
async function reconcile(
  { name }: Request,
  context: ReconcileContext,
  location: MeshLocation,
  computed: Map<string, Computed>,
): Promise<Result> {
  const { stores, clock, log } = context;
  const namespace = stores.of(NAMESPACE).get({ name });
  const isWanted = namespace !== undefined && isViewed(namespace, stores);
  if (!isWanted) computed.delete(name);
  if (!namespace || namespace.metadata.deletionTimestamp !== undefined) return awaitChange();
  const stored = storedView(name, stores);
  if (!isWanted) {
    await remove(stored.configMaps, context);
    if (stored.configMaps.length > 0) log.info({ namespace: name }, 'removed the view of ztunnel');
    return awaitChange();
  }
  // Before it is computed: while pods come and go it would be for nothing.
  const waitMs = Math.max(untilNext(computed.get(name)?.at, clock.now()), untilNext(stored.writtenAt, clock.now()));
  if (waitMs > 0) return requeueAfter(waitMs, 'Interval');
  const istiod = istiodOf(stores, location);
  if (!istiod) return awaitChange();
  const places = new Set<string>();
  // Before it is known: what changes meanwhile must wake us.
  computed.set(name, { at: clock.now(), places });
  const view = await viewOf(name, istiod, stores, (place) => places.add(place));
  const source = JSON.stringify([view, istiod.version]);
  if (isCurrent(stored, source)) return awaitChange();
  try {
    await keep({ namespace: name, source, file: await fileOf(view, istiod), stored }, context);
    log.info({ namespace: name }, 'wrote the view of ztunnel');
  } catch (error) {
    if (!(error instanceof NameTakenError)) throw error;
    return reportTaken(namespace, error.configMap, context);
  }
  return awaitChange();
}

/** Ms until the content may change again. A time to come is that of another clock, and says nothing. */
function untilNext(lastMs: number | undefined, nowMs: number): number {
  return lastMs === undefined || lastMs > nowMs ? 0 : Math.max(0, lastMs + INTERVAL_MS - nowMs);
}

function reportTaken(namespace: Namespace, configMap: string, { events }: ReconcileContext): Result {
  events.emit({
    regarding: referenceTo(namespace),
    type: 'Warning',
    reason: 'NameTaken',
    note: `ConfigMap ${configMap} exists and is not Sidestep's, so it is left alone: rename it to see there what ztunnel knows of the namespace`,
    action: 'View',
  });
  return requeueAfter(TAKEN_RECHECK_MS, 'NameTaken');
}
