import { describe, expect, test } from 'vitest';

import type { CronJob } from './kinds.js';
import { lastMissed, nextDueInMs, scheduleOf } from './schedule.js';

const time = (text: string): number => Date.parse(`2026-03-01T${text}Z`);

function cronJob(spec: Partial<CronJob['spec']>, lastScheduleTime?: string): CronJob {
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'cron', creationTimestamp: '2026-03-01T00:00:30Z' },
    spec: { schedule: '*/10 * * * *', jobTemplate: { spec: { template: { spec: { containers: [] } } } }, ...spec },
    status: { ...(lastScheduleTime !== undefined && { lastScheduleTime }) },
  };
}

describe('scheduleOf', () => {
  test.each([
    ['*/10 * * * *', undefined, '2026-03-01T00:10:00.000Z'],
    ['0 12 ? * *', undefined, '2026-03-01T12:00:00.000Z'],
    ['@hourly', undefined, '2026-03-01T01:00:00.000Z'],
    ['0 12 * * *', 'Europe/Berlin', '2026-03-01T11:00:00.000Z'],
  ])('%s in %s', (schedule, timeZone, expected) => {
    const next = scheduleOf(cronJob({ schedule, ...(timeZone !== undefined && { timeZone }) }));
    expect(new Date(next(time('00:00:30'))).toISOString()).toBe(expected);
  });
});

describe('lastMissed', () => {
  const missed = (job: CronJob, now: string): object => {
    const { dueMs, tooMany } = lastMissed(job, scheduleOf(job), time(now), { withDeadline: true });
    return { due: dueMs === undefined ? undefined : new Date(dueMs).toISOString().slice(11, 16), tooMany };
  };

  test.each([
    ['nothing is due yet', {}, undefined, '00:09:59', undefined, false],
    ['the first run is due', {}, undefined, '00:10:00', '00:10', false],
    ['of several the last one counts', {}, undefined, '00:47:00', '00:40', false],
    ['what has been started is not due again', {}, '2026-03-01T00:40:00Z', '00:47:00', undefined, false],
    ['too late', { startingDeadlineSeconds: 60 }, undefined, '00:47:00', undefined, false],
    ['just in time', { startingDeadlineSeconds: 60 }, undefined, '00:40:50', '00:40', false],
    ['many', { schedule: '* * * * *' }, undefined, '05:00:00', '05:00', true],
  ])('%s', (_, spec, last, now, due, tooMany) => {
    expect(missed(cronJob(spec, last), now)).toEqual({ due, tooMany });
  });
});

test('it is looked again a little after the next run is due', () => {
  const job = cronJob({}, '2026-03-01T00:40:00Z');
  expect(nextDueInMs(job, scheduleOf(job), time('00:47:00'))).toBe(180_100);
});
