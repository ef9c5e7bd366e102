import { Cron } from 'croner';

import type { CronJob } from './kinds.js';

/** The next time of a schedule that is later than `afterMs`; all times in milliseconds since the epoch. */
export type Schedule = (afterMs: number) => number;

/**
 * The schedule of a CronJob: five fields or a name such as `@hourly`, in its time zone, else UTC.
 *
 * @throws {Error} it is of the form `@every 5m`, which the API server takes, or never comes
 */
export function scheduleOf({ spec }: CronJob): Schedule {
  const pattern = spec.schedule.replaceAll('?', '*');
  const cron = new Cron(pattern, { timezone: spec.timeZone ?? 'UTC', paused: true });
  return (afterMs) => {
    const next = cron.nextRun(new Date(afterMs));
    if (next === null) throw new Error(`schedule ${spec.schedule} never comes`);
    return next.getTime();
  };
}

/** What has been missed up to now. */
export interface Missed {
  /** From when on runs are due. */
  sinceMs: number;
  /** The last time that a run was due, if there was one. */
  dueMs: number | undefined;
  /** Over 100: probably the clock is wrong. */
  tooMany: boolean;
}

/**
 * The last time at which a run was due and has not been started.
 *
 * Rules: `mostRecentScheduleTime` in kubernetes/pkg/controller/cronjob/utils.go.
 *
 * @param options.withDeadline  whether runs later than `startingDeadlineSeconds` are given up
 */
export function lastMissed(job: CronJob, next: Schedule, nowMs: number, options: { withDeadline: boolean }): Missed {
  const { startingDeadlineSeconds } = job.spec;
  const deadlineMs =
    options.withDeadline && startingDeadlineSeconds !== undefined ? nowMs - startingDeadlineSeconds * 1000 : 0;
  const startMs = Date.parse(job.status?.lastScheduleTime ?? job.metadata.creationTimestamp ?? '') || 0;
  const sinceMs = Math.max(startMs, deadlineMs);
  const first = next(sinceMs);
  if (nowMs < first) return { sinceMs, dueMs: undefined, tooMany: false };
  const second = next(first);
  if (nowMs < second) return { sinceMs, dueMs: first, tooMany: false };
  const intervalMs = second - first;
  const count = Math.floor((nowMs - first) / intervalMs) + 1;
  let dueMs: number | undefined;
  for (let at = next(first + (count - 2) * intervalMs); at <= nowMs; at = next(at)) dueMs = at;
  return { sinceMs, dueMs, tooMany: count > 100 };
}

/** The controller looks again a little after a run is due. */
const slackMs = 100;

/** In how many milliseconds the next run is due. */
export function nextDueInMs(job: CronJob, next: Schedule, nowMs: number): number {
  const { sinceMs, dueMs } = lastMissed(job, next, nowMs, { withDeadline: false });
  return next(dueMs ?? sinceMs) + slackMs - nowMs;
}
