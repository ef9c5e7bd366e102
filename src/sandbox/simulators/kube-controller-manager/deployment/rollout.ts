import { scaledValue } from '../int-or-percent.js';
import type { Deployment, ReplicaSet } from '../kinds.js';
import { byCreation, desiredAnnotation, maxAnnotation } from './revisions.js';

/** A new size for a ReplicaSet. */
export interface Scaling {
  set: ReplicaSet;
  replicas: number;
}

/** How many pods a Deployment wants. */
export const wantedReplicas = ({ spec }: Deployment): number => spec.replicas ?? 1;

/** How many pods a ReplicaSet wants. */
export const sizeOf = (set: ReplicaSet): number => set.spec.replicas ?? 1;

/** How many pods ReplicaSets want together. */
export const totalSize = (sets: readonly ReplicaSet[]): number => sets.reduce((sum, set) => sum + sizeOf(set), 0);

const available = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;

/** Whether pods are replaced a few at a time, and not all at once. */
export const isRolling = ({ spec }: Deployment): boolean =>
  (spec.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';

/**
 * How many pods there may be too many and too few while rolling: percentages of the size, surge rounded up, unavailable
 * rounded down; if both came to 0, one may be unavailable.
 */
export function fenceposts(deployment: Deployment): { surge: number; unavailable: number } {
  const replicas = wantedReplicas(deployment);
  if (!isRolling(deployment)) return { surge: 0, unavailable: 0 };
  const { maxSurge = 0, maxUnavailable = 0 } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, 'up');
  const unavailable = scaledValue(maxUnavailable, replicas, 'down');
  const atLeast = surge === 0 && unavailable === 0 ? 1 : unavailable;
  return { surge, unavailable: Math.min(atLeast, replicas) };
}

/** The size that the newest ReplicaSet may have now, given the sizes of all. */
export function newSetSize(deployment: Deployment, otherSets: readonly ReplicaSet[], currentSize: number): number {
  const replicas = wantedReplicas(deployment);
  if (!isRolling(deployment)) return replicas;
  const { maxSurge = 0 } = deployment.spec.strategy?.rollingUpdate ?? {};
  const room = replicas + scaledValue(maxSurge, replicas, 'up') - (totalSize(otherSets) + currentSize);
  return room <= 0 ? currentSize : currentSize + Math.min(room, replicas - currentSize);
}

/**
 * The next step of a rolling update for the old ReplicaSets: first pods that are not available go, which costs nothing,
 * then available ones, as far as enough stay available.
 *
 * Rules: `reconcileOldReplicaSets` in kubernetes/pkg/controller/deployment/rolling.go.
 */
export function scaleDownOld(deployment: Deployment, oldSets: readonly ReplicaSet[], newSet: ReplicaSet): Scaling[] {
  const sizes = new Map(oldSets.filter((set) => sizeOf(set) > 0).map((set) => [set, sizeOf(set)]));
  const minAvailable = wantedReplicas(deployment) - fenceposts(deployment).unavailable;
  const newUnavailable = sizeOf(newSet) - available(newSet);
  const mayGo = totalSize([...oldSets, newSet]) - minAvailable - newUnavailable;
  if (sizes.size === 0 || mayGo <= 0) return [];
  const ordered = [...sizes.keys()].sort(byCreation);
  takeFrom(sizes, ordered, mayGo, (set, size) => size - available(set));
  const surplus = [...oldSets, newSet].reduce((sum, set) => sum + available(set), 0) - minAvailable;
  takeFrom(sizes, ordered, surplus, (_set, size) => size);
  return ordered
    .map((set) => ({ set, replicas: sizes.get(set) ?? 0 }))
    .filter(({ set, replicas }) => replicas !== sizeOf(set));
}

function takeFrom(
  sizes: Map<ReplicaSet, number>,
  ordered: readonly ReplicaSet[],
  count: number,
  atMost: (set: ReplicaSet, size: number) => number,
): void {
  let left = count;
  for (const set of ordered) {
    const size = sizes.get(set) ?? 0;
    const taken = Math.max(0, Math.min(left, atMost(set, size)));
    sizes.set(set, size - taken);
    left -= taken;
  }
}

/** Whether the size of the Deployment has changed since its ReplicaSets were last scaled. */
export function isScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets
    .filter((set) => sizeOf(set) > 0)
    .map(({ metadata }) => metadata.annotations?.[desiredAnnotation])
    .some((desired) => desired !== undefined && Number(desired) !== wantedReplicas(deployment));
}

/**
 * New sizes when only the size of the Deployment has changed, or while it is paused: one active ReplicaSet gets all; of
 * several, each gets its share, the largest what rounding leaves.
 *
 * Rules: `scale` in kubernetes/pkg/controller/deployment/sync.go.
 */
export function rescale(
  deployment: Deployment,
  oldSets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
): Scaling[] {
  const replicas = wantedReplicas(deployment);
  const only = activeOrLatest(oldSets, newSet);
  if (only !== undefined) return sizeOf(only) === replicas ? [] : [{ set: only, replicas }];
  const activeOld = oldSets.filter((set) => sizeOf(set) > 0);
  if (newSet !== undefined && isSaturated(deployment, newSet)) return activeOld.map((set) => ({ set, replicas: 0 }));
  return isRolling(deployment) ? proportionalSizes(deployment, [...activeOld, ...(newSet ? [newSet] : [])]) : [];
}

/** The ReplicaSet that gets everything, if there are not several to share. */
function activeOrLatest(oldSets: readonly ReplicaSet[], newSet: ReplicaSet | undefined): ReplicaSet | undefined {
  const newestFirst = [...oldSets].sort((a, b) => byCreation(b, a));
  const all = newSet === undefined ? newestFirst : [...newestFirst, newSet];
  const active = all.filter((set) => sizeOf(set) > 0);
  if (active.length === 0) return newSet ?? newestFirst[0];
  return active.length === 1 ? active[0] : undefined;
}

function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const replicas = wantedReplicas(deployment);
  const desired = Number(set.metadata.annotations?.[desiredAnnotation]);
  return sizeOf(set) === replicas && desired === replicas && available(set) === replicas;
}

function proportionalSizes(deployment: Deployment, sets: readonly ReplicaSet[]): Scaling[] {
  const replicas = wantedReplicas(deployment);
  const active = sets.filter((set) => sizeOf(set) > 0);
  const allowed = replicas > 0 ? replicas + fenceposts(deployment).surge : 0;
  const toAdd = allowed - totalSize(active);
  // Larger first; of equal ones the newer grows first, and the older shrinks first.
  const ordered = active.sort((a, b) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? byCreation(b, a) : byCreation(a, b)));
  let added = 0;
  const sizes = ordered.map((set) => {
    const share = proportionOf(deployment, set, toAdd, added);
    added += share;
    return { set, replicas: sizeOf(set) + share };
  });
  const [largest] = sizes;
  if (largest !== undefined) largest.replicas = Math.max(0, largest.replicas + toAdd - added);
  return sizes;
}

function proportionOf(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  if (toAdd === 0 || toAdd === added) return 0;
  const share = fractionOf(deployment, set);
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
}

/** By how much a ReplicaSet grows if all grow alike. */
function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  const size = sizeOf(set);
  const replicas = wantedReplicas(deployment);
  if (replicas === 0) return -size;
  const maxBefore = Number(set.metadata.annotations?.[maxAnnotation] ?? 0) || (deployment.status?.replicas ?? 0);
  if (maxBefore === 0) return 0;
  return Math.round((size * (replicas + fenceposts(deployment).surge)) / maxBefore) - size;
}
