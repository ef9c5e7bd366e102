import type { Logger } from '../log.js';
import type { KubeObject } from '../kube/resource.js';
import type { Informer } from './informer.js';
import { keyOf } from './request.js';
import type { Change } from './store.js';
import type { Stores } from './stores.js';
import { generationChanged, type WatchSpec } from './watch.js';
import type { Priority, WorkQueue } from './work-queue.js';

/** A watch of a controller and where its keys go. */
export interface EventSource {
  readonly informer: Informer<KubeObject>;
  readonly spec: WatchSpec;
  /** The watch of the kind that the keys name; its spec changes are what a user waits for. */
  readonly isPrimary: boolean;
  readonly stores: Stores;
  readonly queue: WorkQueue;
  readonly log: Logger;
}

/**
 * Adds a key for every object that is there (low priority), and from now on for every change. Called once all stores are
 * synced, so that a mapping which looks into another store sees it whole. Events carry no work: only the key is kept.
 */
export function feed(source: EventSource): void {
  for (const object of source.informer.list()) enqueue(source, { new: object }, 'low');
  source.informer.subscribe((change) => enqueue(source, change, priorityOf(change, source.isPrimary)));
}

function enqueue({ spec, stores, queue, log }: EventSource, change: Change<KubeObject>, priority: Priority): void {
  try {
    if (spec.predicate?.(change) === false) return;
    const requests = [change.new, change.old].flatMap((object) => (object ? spec.map(object, stores) : []));
    // Once each: an idle worker takes a key at its first add, and the second one would be a run more.
    for (const key of new Set(requests.map(keyOf))) queue.add(key, { priority });
  } catch (err) {
    // Ours or not, one object that a mapping cannot read must not cut everybody off from the kind's events.
    const { kind, metadata } = (change.new ?? change.old) as KubeObject;
    log.error(
      { err, kind, namespace: metadata.namespace, name: metadata.name },
      'a watch mapping failed; the event is lost',
    );
  }
}

function priorityOf(change: Change<KubeObject>, isPrimary: boolean): Priority {
  return isPrimary && change.new && generationChanged(change) ? 'high' : 'normal';
}
