import type { SeenEvent, Watch } from '../conformance/server.js';
import { isReady, type Any } from './any-object.js';

/** What a watch of pods has shown. */
export interface RolloutRecord {
  /** The most pods at a time, those that are being deleted left out. */
  mostPods: number;
  /** The fewest ready ones at a time, after there once were `from`. */
  fewestReady: number;
  /** Names of pods in the order in which their deletion began. */
  deleted: string[];
  /** Names of pods in the order in which they were created. */
  created: string[];
}

/**
 * Reads from a watch of ReplicaSets how many pods they wanted at most, together. (Pods themselves may be a moment behind:
 * the next ones come before the last have gone.)
 *
 * @param before  those that were there when the watch began
 */
export function mostWanted(watch: Watch, before: Any[]): number {
  const sizes = new Map<string, number>(before.map(({ metadata, spec }) => [metadata.uid, spec.replicas]));
  let most = 0;
  for (const { type, object } of watch.events) {
    if (type !== 'BOOKMARK') sizes.set(object.metadata.uid, type === 'DELETED' ? 0 : object.spec.replicas);
    most = Math.max(
      most,
      [...sizes.values()].reduce((sum, size) => sum + size, 0),
    );
  }
  return most;
}

/**
 * Reads from a watch of pods how many there were at a time, and in which order they came and went.
 *
 * @param from    fewest ready pods are counted once there have been so many
 * @param before  pods that were there when the watch began
 */
export function recordOf(watch: Watch, from: number, before: Any[] = []): RolloutRecord {
  const pods = new Map<string, Any>(before.map((pod) => [pod.metadata.uid, pod]));
  const record: RolloutRecord = { mostPods: 0, fewestReady: Infinity, deleted: [], created: [] };
  let begun = false;
  for (const event of watch.events) {
    take(pods, record, event);
    const alive = [...pods.values()].filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const ready = alive.filter(isReady).length;
    begun ||= ready >= from;
    record.mostPods = Math.max(record.mostPods, alive.length);
    if (begun) record.fewestReady = Math.min(record.fewestReady, ready);
  }
  return record;
}

function take(pods: Map<string, Any>, record: RolloutRecord, { type, object }: SeenEvent): void {
  if (type === 'BOOKMARK') return;
  const { uid, name, deletionTimestamp } = object.metadata;
  const wasGoing = pods.get(uid)?.metadata.deletionTimestamp !== undefined;
  if (type === 'ADDED') record.created.push(name);
  if ((deletionTimestamp !== undefined || type === 'DELETED') && pods.has(uid) && !wasGoing) record.deleted.push(name);
  if (type === 'DELETED') pods.delete(uid);
  else pods.set(uid, object);
}
