import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.js';
import { DelayedKeys } from './delayed-keys.js';

test('keys come in order of their time, however they were set, moved and deleted', async () => {
  const change = fc.record({
    key: fc.integer({ min: 0, max: 20 }).map(String),
    dueMs: fc.option(fc.integer({ min: 1, max: 500 })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 100 }), async (changes) => {
      const clock = new FakeClock(0);
      const came: { key: string; atMs: number }[] = [];
      const delayed = new DelayedKeys<undefined>(clock, (key) => came.push({ key, atMs: clock.now() }));
      const expected = new Map<string, number>();
      for (const { key, dueMs } of changes) {
        if (dueMs === null) {
          delayed.delete(key);
          expected.delete(key);
        } else {
          delayed.set(key, dueMs, undefined);
          expected.set(key, dueMs);
        }
      }
      await clock.advance(1_000);
      expect(new Map(came.map(({ key, atMs }) => [key, atMs]))).toEqual(expected);
      expect(came.map(({ atMs }) => atMs)).toEqual([...expected.values()].sort((a, b) => a - b));
      expect(delayed.size).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('one timer is enough for any number of keys', async () => {
  let timers = 0;
  const fake = new FakeClock(0);
  const clock = {
    now: () => fake.now(),
    uptime: () => fake.uptime(),
    schedule: (delayMs: number, callback: () => void) => {
      timers += 1;
      const cancel = fake.schedule(delayMs, () => {
        timers -= 1;
        callback();
      });
      return () => {
        timers -= 1;
        cancel();
      };
    },
  };
  const delayed = new DelayedKeys<undefined>(clock, () => {});
  for (let i = 1_000; i > 0; i -= 1) delayed.set(`key-${i}`, i, undefined);
  expect(timers).toBe(1);
  delayed.clear();
  expect(timers).toBe(0);
});
