import { expect, test } from 'vitest';

import { silentLogger } from '../../log.js';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { KeyedWork } from './keyed-work.js';

interface Run {
  key: string;
  succeed(): void;
  fail(): void;
}

/** A queue whose work ends when the test says so. */
function keyedWork(concurrency?: number): { clock: FakeClock; work: KeyedWork; runs: Run[] } {
  const clock = new FakeClock();
  const runs: Run[] = [];
  const run = (key: string): Promise<void> =>
    new Promise((resolve, reject) => {
      runs.push({ key, succeed: resolve, fail: () => reject(new Error('refused')) });
    });
  const limit = concurrency === undefined ? {} : { concurrency };
  return { clock, runs, work: new KeyedWork({ run, clock, log: silentLogger, ...limit }) };
}

test('a key that is added while it is worked on is worked on once more, and not at the same time', async () => {
  const { clock, work, runs } = keyedWork();
  for (let i = 0; i < 3; i++) work.add('a');
  expect(runs).toHaveLength(1);
  runs[0]?.succeed();
  await clock.advance(0);
  expect(runs).toHaveLength(2);
  runs[1]?.succeed();
  await clock.advance(10_000);
  expect(runs).toHaveLength(2);
});

test('no more keys than allowed are worked on at once', async () => {
  const { clock, work, runs } = keyedWork(2);
  for (const key of ['a', 'b', 'c']) work.add(key);
  expect(runs.map(({ key }) => key)).toEqual(['a', 'b']);
  runs[0]?.succeed();
  await clock.advance(0);
  expect(runs.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
});

test('a failure is tried again after 5, 10, 20 ms, and at once when the key is added', async () => {
  const { clock, work, runs } = keyedWork();
  work.add('a');
  for (const [attempt, delayMs] of [5, 10, 20].entries()) {
    runs[attempt]?.fail();
    await clock.advance(delayMs - 1);
    expect(runs).toHaveLength(attempt + 1);
    await clock.advance(1);
    expect(runs).toHaveLength(attempt + 2);
  }
  runs[3]?.fail();
  await clock.advance(0);
  work.add('a');
  expect(runs).toHaveLength(5);
  runs[4]?.succeed();
  await clock.advance(10_000);
  expect(runs).toHaveLength(5);
});

test('nothing starts after stop', async () => {
  const { clock, work, runs } = keyedWork();
  work.add('a');
  runs[0]?.fail();
  await clock.advance(0);
  work.stop();
  work.add('b');
  await clock.advance(10_000);
  expect(runs).toHaveLength(1);
});

test('of several delayed requests for a key the earliest counts', async () => {
  const { clock, work, runs } = keyedWork();
  work.addAfter('a', 1_000);
  work.addAfter('a', 200);
  work.addAfter('a', 500);
  await clock.advance(199);
  expect(runs).toHaveLength(0);
  await clock.advance(1);
  runs[0]?.succeed();
  await clock.advance(10_000);
  expect(runs).toHaveLength(1);
  work.addAfter('a', 100);
  work.stop();
  expect(clock.pending).toBe(0);
});
