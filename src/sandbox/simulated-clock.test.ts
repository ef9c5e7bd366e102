import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { delay } from '../clock.js';
import { Client } from '../kube/client.js';
import { inProcessConnection } from './in-process-connection.js';
import { SimulatedClock, type Activity } from './simulated-clock.js';

const START = Date.UTC(2026, 0, 1);

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('SimulatedClock', () => {
  it('stands still by itself', async () => {
    const clock = new SimulatedClock({ startMs: START });
    let called = false;
    clock.schedule(0, () => (called = true));
    await turns(20);
    expect(clock.now()).toBe(START);
    expect(called).toBe(false);
  });

  it('shows whole milliseconds, whatever delays are asked for', async () => {
    const clock = new SimulatedClock({ startMs: START });
    const seen: number[] = [];
    clock.schedule(0.387, () => seen.push(clock.now() - START));
    await clock.advance(5);
    expect(seen).toEqual([1]);
  });

  it('calls in the order of due times, and of scheduling where those are equal', async () => {
    const clock = new SimulatedClock({ startMs: START });
    const called: string[] = [];
    const note = (name: string, delayMs: number): void => {
      clock.schedule(delayMs, () => called.push(`${name}@${clock.now() - START}`));
    };
    note('late', 20);
    note('first', 10);
    note('second', 10);
    clock.schedule(5, () => note('between', 3));
    const cancel = clock.schedule(7, () => called.push('cancelled'));
    cancel();
    await clock.advance(30);
    expect(called).toEqual(['between@8', 'first@10', 'second@10', 'late@20']);
    expect(clock.now()).toBe(START + 30);
    expect(clock.pending).toBe(0);
  });

  it('lets ten minutes of deadlines pass in a blink', async () => {
    const clock = new SimulatedClock({ startMs: START });
    let rounds = 0;
    void (async () => {
      for (;;) {
        await delay(clock, 2_000);
        rounds += 1;
      }
    })();
    const startedAt = performance.now();
    await clock.advance(600_000);
    expect(rounds).toBe(300);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('looks before it moves time, and then after each call', async () => {
    const clock = new SimulatedClock({ startMs: START });
    clock.schedule(1_000, () => undefined);
    clock.schedule(5_000, () => undefined);
    clock.schedule(90_000, () => undefined);
    const looks: number[] = [];
    const found = await clock.runUntil('5 s', () => {
      looks.push(clock.now() - START);
      return clock.now() >= START + 5_000 ? 'there' : undefined;
    });
    expect(found).toBe('there');
    expect(looks).toEqual([0, 1_000, 5_000]);
  });

  it('gives up after the simulated time allowed, and says what it saw last', async () => {
    const clock = new SimulatedClock({ startMs: START });
    clock.schedule(90_000, () => undefined);
    await expect(
      clock.runUntil('the moon', () => Promise.reject(new Error('clouds')), { timeoutMs: 30_000 }),
    ).rejects.toThrow('timed out after 30000 simulated ms: the moon; last: Error: clouds');
    expect(clock.now()).toBe(START + 30_000);
  });

  it('lets time run while something waits for it', async () => {
    const clock = new SimulatedClock({ startMs: START });
    await expect(clock.runWhile('a wait', delay(clock, 20_000))).resolves.toBeUndefined();
    expect(clock.now()).toBe(START + 20_000);
    await expect(clock.runWhile('a failure', Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  it('does not move time while an activity has something in flight', async () => {
    const clock = new SimulatedClock({ startMs: START });
    const activity = { inFlight: 1, count: 0 };
    clock.observe(activity);
    let called = false;
    clock.schedule(1, () => (called = true));
    const advanced = clock.advance(10);
    for (let step = 0; step < 50; step++) {
      activity.count += 1;
      await turns(5);
      expect(called).toBe(false);
    }
    activity.inFlight = 0;
    await advanced;
    expect(called).toBe(true);
  });

  it('counts a request that waits for time as settled', async () => {
    const clock = new SimulatedClock({ startMs: START, patienceMs: 50 });
    clock.observe({ inFlight: 1, count: 0 });
    await clock.advance(10);
    expect(clock.now()).toBe(START + 10);
  });

  it('waits for requests to a server in this process, one after the other', async () => {
    const clock = new SimulatedClock({ startMs: START });
    const activity = { inFlight: 0, count: 0 } satisfies Activity;
    const server = createServer((_, response) => {
      activity.inFlight += 1;
      activity.count += 1;
      setTimeout(() => {
        activity.inFlight -= 1;
        activity.count += 1;
        response.setHeader('content-type', 'application/json').end('{}');
      }, 5);
    });
    clock.observe(activity);
    const connection = inProcessConnection({ accept: (socket) => server.emit('connection', socket) }, { token: 't' });
    const client = new Client({ connection, clock });
    const answers: number[] = [];
    void (async () => {
      for (let request = 0; request < 5; request++) {
        await client.getJson('/version');
        answers.push(clock.now() - START);
      }
    })();
    await clock.advance(60_000);
    expect(answers).toEqual([0, 0, 0, 0, 0]);
    expect(clock.pending).toBe(0);
  });
});
