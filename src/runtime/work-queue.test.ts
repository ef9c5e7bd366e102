import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.js';
import { WorkQueue } from './work-queue.js';

let clock: FakeClock;
let queue: WorkQueue;

beforeEach(() => {
  clock = new FakeClock();
  queue = new WorkQueue({ clock, backoff: { baseMs: 100, maxMs: 1_000 }, random: () => 0 });
});

/** Takes and finishes everything that is ready. */
async function drained(): Promise<string[]> {
  const keys: string[] = [];
  while (queue.depth > 0) {
    const key = (await queue.take()) as string;
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe('work queue', () => {
  test('a key added many times while it waits is one piece of work', async () => {
    for (let i = 0; i < 100; i += 1) queue.add('a');
    expect(await drained()).toEqual(['a']);
  });

  test('a key added while it is worked on runs once more afterwards, not beside itself', async () => {
    queue.add('a');
    expect(await queue.take()).toBe('a');
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(await drained()).toEqual(['a']);
  });

  test('user edits go before other events, and those before the initial list; each in order', async () => {
    queue.add('listed-1', { priority: 'low' });
    queue.add('listed-2', { priority: 'low' });
    queue.add('event-1');
    queue.add('edited', { priority: 'high' });
    queue.add('event-2');
    expect(await drained()).toEqual(['edited', 'event-1', 'event-2', 'listed-1', 'listed-2']);
  });

  test('a waiting key moves up when it is added with a higher priority, and never down', async () => {
    queue.add('a', { priority: 'low' });
    queue.add('b');
    queue.add('a', { priority: 'high' });
    queue.add('a', { priority: 'low' });
    expect(await drained()).toEqual(['a', 'b']);
  });

  test('a storm of events does not starve the initial list', async () => {
    queue.add('listed', { priority: 'low' });
    await clock.advance(1);
    const taken: string[] = [];
    for (let i = 0; i < 20; i += 1) {
      queue.add(`event-${i}`);
      queue.add(`event-${i}b`);
      const key = (await queue.take()) as string;
      taken.push(key);
      queue.done(key);
    }
    expect(taken).toContain('listed');
  });

  test('a delayed key comes when its time is up, and the shortest of its delays counts', async () => {
    queue.add('a', { delayMs: 500 });
    queue.add('a', { delayMs: 200 });
    queue.add('a', { delayMs: 900 });
    await clock.advance(199);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(await drained()).toEqual(['a']);
    await clock.advance(10_000);
    expect(queue.depth).toBe(0);
  });

  test('an earlier run replaces the wait: its own result says when to come back', async () => {
    queue.add('a', { delayMs: 500 });
    queue.add('a');
    expect(await drained()).toEqual(['a']);
    await clock.advance(1_000);
    expect(queue.depth).toBe(0);
  });

  test('failures double the wait up to the cap, and a success resets it', async () => {
    const waits = [1, 2, 3, 4, 5, 6].map(() => queue.retry('a'));
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    queue.forget('a');
    expect(queue.retry('a')).toBe(100);
    expect(queue.retry('a', 5_000)).toBe(5_000);
  });

  test.each([3_600_000, -3_600_000])('a clock that is set by %i ms makes no key late or early', async (ms) => {
    queue.add('a', { delayMs: 5_000 });
    clock.setByMs = ms;
    queue.add('b', { delayMs: 6_000 });
    const taken = [queue.take(), queue.take()];
    let ended = 0;
    for (const each of taken) void each.then(() => (ended += 1));
    await clock.advance(4_999);
    expect(ended).toBe(0);
    await clock.advance(1);
    expect(ended).toBe(1);
    await clock.advance(1_000);
    expect(await Promise.all(taken)).toEqual(['a', 'b']);
  });

  test('closing drops what waits, wakes the workers and takes nothing in', async () => {
    const idle = queue.take().then(async (key) => [key, await queue.take()]);
    queue.add('taken');
    queue.add('waits');
    queue.add('later', { delayMs: 10 });
    queue.close();
    queue.add('too-late');
    queue.done('taken');
    await clock.advance(100);
    expect(await idle).toEqual(['taken', undefined]);
    expect([queue.depth, queue.delayed]).toEqual([0, 0]);
  });

  test('never two runs of a key at once, and no key is lost, whatever happens in which order', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    const priority = fc.constantFrom('high', 'normal', 'low');
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key, priority, delayMs: fc.constantFrom(0, 0, 5, 50) }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('done' as const), pick: fc.nat(), fails: fc.boolean() }),
      fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 60 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        clock = new FakeClock();
        queue = new WorkQueue({ clock, backoff: { baseMs: 10, maxMs: 40 } });
        const running = new Set<string>();
        /** Keys that must still get a run which begins after their last request. */
        const owed = new Set<string>();
        const start = (taken: string | undefined): void => {
          if (taken === undefined) return;
          expect(running.has(taken)).toBe(false);
          running.add(taken);
          owed.delete(taken);
        };
        const finish = (taken: string, fails: boolean): void => {
          running.delete(taken);
          if (fails) {
            owed.add(taken);
            queue.retry(taken);
          } else queue.forget(taken);
          queue.done(taken);
        };
        let waitingTakers = 0;
        const take = (): void => {
          waitingTakers += 1;
          void queue.take().then((taken) => {
            waitingTakers -= 1;
            start(taken);
          });
        };
        for (const each of steps) {
          if (each.do === 'add') {
            owed.add(each.key);
            queue.add(each.key, { priority: each.priority as 'low', delayMs: each.delayMs });
          } else if (each.do === 'take') take();
          else if (each.do === 'advance') await clock.advance(each.ms);
          else {
            const keys = [...running];
            const picked = keys[each.pick % Math.max(1, keys.length)];
            if (picked !== undefined) finish(picked, each.fails);
          }
          await Promise.resolve();
          await Promise.resolve();
        }
        for (let round = 0; round < 60 && (owed.size > 0 || running.size > 0); round += 1) {
          for (const each of [...running]) finish(each, false);
          if (waitingTakers === 0) take();
          await clock.advance(10);
        }
        expect([...owed]).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('a hundred thousand keys go in and out in linear time', async () => {
    const startedMs = performance.now();
    for (let i = 0; i < 100_000; i += 1) queue.add(`key-${i}`, { priority: 'low' });
    expect(await drained()).toHaveLength(100_000);
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });
});
