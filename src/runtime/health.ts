import type { Controller } from './controller.js';
import type { EventLoopLag } from './event-loop.js';

/** One line of a probe's answer. */
export interface Check {
  readonly name: string;
  /** Why it fails; undefined when it passes. */
  readonly failure: string | undefined;
}

/** Where a manager is in its life. */
export type ManagerState = 'starting' | 'standby' | 'leading' | 'stopping';

/** Median lag from which the process does nothing in time any more (a Lease is renewed every 2 s), ms. */
const MAX_MEDIAN_LAG_MS = 1_000;

/** A run this much longer than its deadline will not end; only a restart frees its key. */
const STUCK_DEADLINES = 5;

/** A shorter time is not worth a restart, whatever the deadline, ms. */
const MIN_STUCK_MS = 5 * 60_000;

/** Workers free themselves a little after a deadline; keys that wait for three of them without an end wait for ever. */
const STARVED_DEADLINES = 3;

/** Is it worth going on, or would a restart help? Failing means "restart me". */
export function liveness(lag: EventLoopLag, controllers: readonly Controller[]): Check[] {
  const lagging =
    lag.medianMs > MAX_MEDIAN_LAG_MS
      ? `half of all timers are more than ${Math.round(lag.medianMs)} ms late`
      : undefined;
  return [
    { name: 'event-loop', failure: lagging },
    ...controllers.map((controller) => ({ name: `controller/${controller.name}`, failure: stuck(controller) })),
  ];
}

function stuck({ progress, timeoutMs }: Controller): string | undefined {
  const { oldestRunMs, starvedMs } = progress;
  if (oldestRunMs > Math.max(MIN_STUCK_MS, STUCK_DEADLINES * timeoutMs))
    return `a reconcile has been running for ${oldestRunMs} ms and ignores its abort`;
  if (starvedMs > STARVED_DEADLINES * timeoutMs)
    return `keys have been waiting for ${starvedMs} ms while no reconcile ended`;
  return undefined;
}

/**
 * Does it do its work? Standing by with warm caches is ready: a rolling update must not wait for the new process to lead
 * while the old one does.
 *
 * @param unsynced  kinds whose first list is not in
 */
export function readiness(state: ManagerState, unsynced: readonly string[]): Check[] {
  const isServing = state === 'standby' || state === 'leading';
  return [
    {
      name: 'caches',
      failure: unsynced.length === 0 ? undefined : `waiting for the first list of ${unsynced.join(', ')}`,
    },
    { name: 'manager', failure: isServing ? undefined : state },
  ];
}
