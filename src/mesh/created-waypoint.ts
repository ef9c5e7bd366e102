/** How long a waypoint must have been missing before Sidestep makes it: whoever sets the label may be about to. */
export const MISSING_MS = 30_000;

/** How long a waypoint that Sidestep has made is kept after its last use. */
export const UNUSED_MS = 300_000;

/** What keeps a waypoint from being made is not watched in full, so it is looked for again this much later. */
const REFUSED_RECHECK_MS = 60_000;

/** A Namespace or ServiceAccount that may have a waypoint made for it. */
export interface Owner {
  /** The waypoint of its own namespace that it names. */
  readonly names: string | undefined;
  /** Why that waypoint is not made if it is missing, and what to do; undefined if it is. */
  readonly refusal: string | undefined;
  /** Waypoints that Sidestep has made, for it or for others whose waypoint it names, as its annotation says. */
  readonly created: readonly string[];
  /** The waypoint that was missing, as its annotation says. */
  readonly missing: { readonly name: string; readonly sinceMs: number } | undefined;
}

/** A Gateway of the owner's namespace. */
export interface Existing {
  readonly name: string;
  /** Sidestep has made it for this owner, as its marks say. */
  readonly isOurs: boolean;
  /** Sidestep has made it for an owner of the namespace. */
  readonly isMade: boolean;
  readonly isLeaving: boolean;
  /** Something names it, or a policy targets it. */
  readonly isUsed: boolean;
  readonly unusedSinceMs: number | undefined;
  /** Its label `istio.io/rev` is not that of its Namespace. */
  readonly isOfOtherRevision: boolean;
}

/** What to do, in this order. */
export type Step =
  | { readonly type: 'create'; readonly name: string }
  /** Writes what is to be remembered on the owner. */
  | ({ readonly type: 'remember' } & Pick<Owner, 'created' | 'missing'>)
  | { readonly type: 'mark-unused'; readonly name: string; readonly sinceMs: number | undefined }
  /** Gives it the revision that its Namespace has now, unless a person has chosen one for it. */
  | { readonly type: 'follow-revision'; readonly name: string }
  | { readonly type: 'delete'; readonly name: string };

/** What is known when it is decided. */
export interface Situation {
  readonly owner: Owner;
  readonly gateways: readonly Existing[];
  /** Waypoints that were made for others of the namespace who still name them: one that is missing was deleted by a person. */
  readonly createdForOthers: readonly string[];
  readonly nowMs: number;
}

/**
 * What to do about the waypoint that a label names, and about those that were made for it before.
 *
 * The Gateway is made first, with a mark that says for whom; then the owner remembers it, and forgets it before Sidestep deletes it. So
 * a crash in between is seen by that mark, and a Gateway that the owner names and remembers, and that is missing, was deleted by a
 * person: it is not made again until the label changes.
 *
 * @returns the steps; the waypoint that is missing and will be made; in how many ms to look again if nothing changes
 * @see design 3, controllers `namespace` and `service-account`
 */
export function decideWaypoint({ owner, gateways, createdForOthers, nowMs }: Situation): {
  readonly steps: readonly Step[];
  readonly pending: string | undefined;
  readonly waitMs: number | undefined;
} {
  const { names } = owner;
  const ours = gateways.filter(({ isOurs }) => isOurs);
  const stays = ours.filter((gateway) => !gateway.isLeaving && !isExpired(gateway, nowMs)).map(({ name }) => name);
  const kept = owner.created.filter((name) => name === names || stays.includes(name));
  // Whoever names a waypoint that was made for another knows by that, too, that a person has deleted it.
  // One that is marked as unused may be deleted by us in this moment, and then nobody may remember it: its owner takes the mark away first.
  const shared = gateways.filter(
    ({ name, isMade, isLeaving, unusedSinceMs }) =>
      isMade && !isLeaving && unusedSinceMs === undefined && name === names,
  );
  const found = [...stays, ...shared.map(({ name }) => name)];
  const adopted = [...new Set(found)].filter((name) => !kept.includes(name));
  const isMissing = names !== undefined && !gateways.some(({ name }) => name === names);
  const wasDeleted = names !== undefined && [...kept, ...createdForOthers].includes(names);
  const missing =
    isMissing && owner.refusal === undefined && !wasDeleted ? missingSince(names, owner, nowMs) : undefined;
  const isDue = missing !== undefined && nowMs - missing.sinceMs >= MISSING_MS;
  const created = [...kept, ...adopted, ...(isDue ? [missing.name] : [])];
  const next = { created, missing: isDue ? undefined : missing };
  const steps: Step[] = [
    ...(isDue ? [{ type: 'create', name: missing.name } as const] : []),
    ...(isRemembered(owner, next) ? [] : [{ type: 'remember', ...next } as const]),
    ...ours.flatMap((gateway) => upkeep(gateway, nowMs)),
  ];
  const waits = [
    ...(next.missing ? [next.missing.sinceMs + MISSING_MS - nowMs] : []),
    ...(isMissing && owner.refusal !== undefined ? [REFUSED_RECHECK_MS] : []),
    ...ours.flatMap((gateway) => (isIdle(gateway) ? [UNUSED_MS - (nowMs - idleSince(gateway, nowMs))] : [])),
  ].filter((waitMs) => waitMs > 0);
  return { steps, pending: missing?.name, waitMs: waits.length > 0 ? Math.min(...waits) : undefined };
}

/** Why a waypoint that is named and missing is not made, and what to do; continues a sentence. */
export function whyNotMade({ owner: { names = '', created, refusal }, createdForOthers }: Situation): string {
  const wasDeleted = [...created, ...createdForOthers].includes(names);
  if (wasDeleted) return ', because somebody has deleted it: set the label anew, and Sidestep makes it again';
  return refusal === undefined ? '' : `. Sidestep does not make it: ${refusal}`;
}

/** A time to come was written by another clock, or another hand: it counts from now on. */
function missingSince(name: string, { missing }: Owner, nowMs: number): { name: string; sinceMs: number } {
  const isKnown = missing?.name === name && missing.sinceMs <= nowMs;
  return { name, sinceMs: isKnown ? missing.sinceMs : nowMs };
}

const isIdle = ({ isUsed, isLeaving }: Existing): boolean => !isUsed && !isLeaving;

const idleSince = ({ unusedSinceMs }: Existing, nowMs: number): number =>
  unusedSinceMs !== undefined && unusedSinceMs <= nowMs ? unusedSinceMs : nowMs;

const isExpired = (gateway: Existing, nowMs: number): boolean =>
  isIdle(gateway) && nowMs - idleSince(gateway, nowMs) >= UNUSED_MS;

function upkeep(gateway: Existing, nowMs: number): Step[] {
  const { name, isLeaving, isOfOtherRevision, unusedSinceMs } = gateway;
  if (isLeaving) return [];
  if (isExpired(gateway, nowMs)) return [{ type: 'delete', name }];
  const sinceMs = isIdle(gateway) ? idleSince(gateway, nowMs) : undefined;
  return [
    // An istiod that is uninstalled after an upgrade would leave it to nobody.
    ...(isOfOtherRevision ? [{ type: 'follow-revision', name } as const] : []),
    ...(sinceMs === unusedSinceMs ? [] : [{ type: 'mark-unused', name, sinceMs } as const]),
  ];
}

function isRemembered(owner: Owner, next: Pick<Owner, 'created' | 'missing'>): boolean {
  return (
    owner.created.join() === next.created.join() &&
    owner.missing?.name === next.missing?.name &&
    owner.missing?.sinceMs === next.missing?.sinceMs
  );
}
