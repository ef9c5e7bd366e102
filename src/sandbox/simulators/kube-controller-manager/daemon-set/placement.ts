import type { Pod } from '../../../../kube/types.js';
import type { Node } from '../../nodes.js';
import { scaledValue } from '../int-or-percent.js';
import type { DaemonSet } from '../kinds.js';
import { isAvailable, isReady } from '../pods.js';
import { eligibility, targetNode } from './eligibility.js';

/** What a DaemonSet's work is decided from. */
export interface Daemons {
  set: DaemonSet;
  nodes: readonly Node[];
  /** All pods of the set. */
  pods: readonly Pod[];
  /** Whether a pod is of the newest template. */
  isUpdated: (pod: Pod) => boolean;
  nowMs: number;
}

/** Pods to make and to delete. */
export interface Work {
  /** Names of nodes that get a pod. */
  create: string[];
  delete: Pod[];
  /** Pods that have ended and are deleted. */
  ended: Pod[];
}

const isDeleting = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

const podsOn = (pods: readonly Pod[], node: string): Pod[] => pods.filter((pod) => targetNode(pod) === node);

/** Running ones first, then older ones. */
function byAge(a: Pod, b: Pod): number {
  if (Boolean(a.spec.nodeName) !== Boolean(b.spec.nodeName)) return a.spec.nodeName ? -1 : 1;
  const [createdA = '', createdB = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (createdA !== createdB) return createdA < createdB ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

const available = ({ set, nowMs }: Daemons, pod: Pod): boolean =>
  isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);

/** How many pods there may be too many and too few, for that many nodes. */
function rollingLimits({ spec }: DaemonSet, nodes: number): { surge: number; unavailable: number } {
  const { type = 'RollingUpdate', rollingUpdate } = spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return { surge: 0, unavailable: 0 };
  const surge = scaledValue(rollingUpdate?.maxSurge ?? 0, nodes, 'up');
  const unavailable = scaledValue(rollingUpdate?.maxUnavailable ?? 1, nodes, 'up');
  return nodes > 0 && surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/**
 * One pod for each node that should have one, and none elsewhere.
 *
 * Rules: `podsShouldBeOnNode` in kubernetes/pkg/controller/daemon/daemon_controller.go.
 */
export function placement(daemons: Daemons): Work {
  const work: Work = { create: [], delete: [], ended: [] };
  for (const node of daemons.nodes) placeOn(daemons, node, work);
  const names = new Set(daemons.nodes.map(({ metadata }) => metadata.name));
  const stranded = daemons.pods.filter((pod) => !pod.spec.nodeName && !names.has(targetNode(pod) ?? ''));
  work.delete.push(...stranded.filter((pod) => !isDeleting(pod)));
  return work;
}

function placeOn(daemons: Daemons, node: Node, work: Work): void {
  const { shouldRun, mayStay } = eligibility(daemons.set, node);
  const pods = podsOn(daemons.pods, node.metadata.name);
  if (shouldRun && pods.length === 0) work.create.push(node.metadata.name);
  else if (mayStay) keepOne(daemons, node, pods, shouldRun, work);
  else work.delete.push(...pods.filter((pod) => !isDeleting(pod)));
}

function keepOne(daemons: Daemons, node: Node, pods: readonly Pod[], shouldRun: boolean, work: Work): void {
  const alive = pods.filter((pod) => !isDeleting(pod));
  const ended = alive.filter(({ status }) => status?.phase === 'Failed' || status?.phase === 'Succeeded');
  const running = alive.filter((pod) => !ended.includes(pod)).sort(byAge);
  work.ended.push(...ended);
  if (rollingLimits(daemons.set, 1).surge === 0) {
    work.delete.push(...running.slice(1));
    return;
  }
  if (running.length === 0 && shouldRun) work.create.push(node.metadata.name);
  if (running.length <= 1) return;
  const newest = running.find(daemons.isUpdated);
  const older = running.find((pod) => !daemons.isUpdated(pod));
  work.delete.push(...running.filter((pod) => pod !== newest && pod !== older));
  if (newest === undefined || older === undefined) return;
  if (!isReady(older) || available(daemons, newest)) work.delete.push(older);
}

/** The pods of one node: the newest and an older one; undefined if there are more than one of a sort. */
function pairOn(
  daemons: Daemons,
  pods: readonly Pod[],
): { newer: Pod | undefined; older: Pod | undefined } | undefined {
  const alive = pods.filter((pod) => !isDeleting(pod));
  const newer = alive.filter(daemons.isUpdated);
  const older = alive.filter((pod) => !daemons.isUpdated(pod));
  return newer.length > 1 || older.length > 1 ? undefined : { newer: newer[0], older: older[0] };
}

/** Names of the nodes that count for an update: those that should have a pod, and those that have one. */
function nodesConcerned({ set, nodes, pods }: Daemons): { names: string[]; desired: number } {
  const wanted = nodes.filter((node) => eligibility(set, node).shouldRun).map(({ metadata }) => metadata.name);
  const occupied = pods.flatMap((pod) => targetNode(pod) ?? []);
  return { names: [...new Set([...wanted, ...occupied])].sort(), desired: wanted.length };
}

/**
 * The next step of a rolling update.
 *
 * Rules: `rollingUpdate` in kubernetes/pkg/controller/daemon/update.go.
 */
export function rollingStep(daemons: Daemons): Work {
  const { names, desired } = nodesConcerned(daemons);
  const { surge, unavailable } = rollingLimits(daemons.set, desired);
  return surge === 0 ? replaceInPlace(daemons, names, unavailable) : replaceBySurge(daemons, names, desired, surge);
}

/** Old pods go first; unavailable ones at once, as nothing is lost. */
function replaceInPlace(daemons: Daemons, names: readonly string[], maxUnavailable: number): Work {
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  let missing = 0;
  for (const name of names) {
    const pair = pairOn(daemons, podsOn(daemons.pods, name));
    if (pair === undefined || Boolean(pair.newer) === Boolean(pair.older)) missing++;
    else if (pair.newer !== undefined) missing += available(daemons, pair.newer) ? 0 : 1;
    else if (pair.older !== undefined && !available(daemons, pair.older)) {
      broken.push(pair.older);
      missing++;
    } else if (pair.older !== undefined && missing < maxUnavailable) candidates.push(pair.older);
  }
  return { create: [], delete: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - missing))], ended: [] };
}

/** New pods come first, beside the old ones; an old one goes when the new one is available. */
function replaceBySurge(daemons: Daemons, names: readonly string[], desired: number, maxSurge: number): Work {
  const state = { delete: [] as Pod[], misplaced: [] as Pod[], urgent: [] as string[], candidates: [] as string[] };
  let surging = 0;
  let serving = 0;
  for (const name of names) {
    const pair = pairOn(daemons, podsOn(daemons.pods, name));
    if (pair === undefined) {
      surging++;
      continue;
    }
    const { newer, older } = pair;
    const olderServes = older !== undefined && available(daemons, older);
    const serves = older === undefined ? newer !== undefined && available(daemons, newer) : olderServes;
    if (serves) serving++;
    if (older === undefined) continue;
    if (newer !== undefined) {
      if (available(daemons, newer)) state.delete.push(older);
      else surging++;
      continue;
    }
    const node = daemons.nodes.find(({ metadata }) => metadata.name === name);
    const shouldRun = node !== undefined && eligibility(daemons.set, node).shouldRun;
    if (!shouldRun) (olderServes ? state.misplaced : state.delete).push(older);
    else if (!olderServes) state.urgent.push(name);
    else if (surging < maxSurge) state.candidates.push(name);
  }
  const spare = state.misplaced.slice(0, Math.max(0, serving - desired));
  const create = [...state.urgent, ...state.candidates.slice(0, Math.max(0, maxSurge - surging))];
  return { create, delete: [...state.delete, ...spare], ended: [] };
}

/** Counters as the API has them: four are written also when they are 0. */
export function daemonSetStatus(daemons: Daemons): NonNullable<DaemonSet['status']> {
  const { set, nodes, pods } = daemons;
  const wanted = nodes.filter((node) => eligibility(set, node).shouldRun).map(({ metadata }) => metadata.name);
  const elsewhere = nodes.filter(({ metadata }) => !wanted.includes(metadata.name));
  const oldest = wanted.flatMap((name) => podsOn(pods, name).sort(byAge)[0] ?? []);
  const ready = oldest.filter(isReady);
  const availables = ready.filter((pod) => available(daemons, pod)).length;
  const updated = oldest.filter(daemons.isUpdated).length;
  const unavailable = wanted.length - availables;
  return {
    observedGeneration: set.metadata.generation ?? 0,
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: oldest.length,
    numberMisscheduled: elsewhere.filter(({ metadata }) => podsOn(pods, metadata.name).length > 0).length,
    numberReady: ready.length,
    ...(updated > 0 && { updatedNumberScheduled: updated }),
    ...(availables > 0 && { numberAvailable: availables }),
    ...(unavailable > 0 && { numberUnavailable: unavailable }),
    ...(set.status?.collisionCount !== undefined && { collisionCount: set.status.collisionCount }),
  };
}
