import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.js';
import type { EventRecorder } from '../kube/events.js';
import { ApiError } from '../kube/errors.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import type { Logger } from '../log.js';
import { Controller, type ControllerSpec, type ReconcileContext } from './controller.js';
import { DeadlineExceededError, ShutdownError, TerminalError } from './errors.js';
import { Metrics } from './metrics.js';
import { awaitChange, requeueAfter } from './result.js';
import type { Store } from './store.js';
import type { Stores } from './stores.js';
import { MemoryApi } from './testing/memory-api.js';
import { toSelf } from './watch.js';

const THING: ResourceType = { group: 'test.dev', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };

let clock: FakeClock;
let api: MemoryApi;
let metrics: Metrics;
let lines: { level: string; message: string; fields: Record<string, unknown> }[];

beforeEach(() => {
  clock = new FakeClock();
  api = new MemoryApi().serve(THING);
  metrics = new Metrics();
  lines = [];
});

function logger(bound: object = {}): Logger {
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...bound, ...fields } });
  };
  return {
    debug: write('debug'),
    info: write('info'),
    error: write('error'),
    child: (fields) => logger({ ...bound, ...fields }),
  };
}

function started(
  reconcile: ControllerSpec['reconcile'],
  options: Partial<ControllerSpec> & { assertWrite?: () => void } = {},
): Controller {
  const { assertWrite, ...spec } = options;
  const controller = new Controller(
    {
      name: 'things',
      primary: { type: THING, map: toSelf },
      watches: [],
      backoff: { baseMs: 100, maxMs: 1_000 },
      ...spec,
      reconcile,
    },
    {
      client: api.client(),
      stores: {} as Stores,
      primary: { get: () => undefined } as unknown as Store<KubeObject>,
      clock,
      log: logger(),
      events: {} as EventRecorder,
      metrics,
      random: () => 0,
      ...(assertWrite && { assertWrite }),
    },
  );
  controller.start();
  return controller;
}

const errors = (): string[] => lines.filter(({ level }) => level === 'error').map(({ message }) => message);

async function counted(name: string, labels = ''): Promise<number> {
  const text = await metrics.registry.metrics();
  const line = text.split('\n').find((each) => each.startsWith(`${name}{`) && each.includes(labels));
  return Number(line?.split(' ').at(-1));
}

describe('controller', () => {
  test('a key leads to one call with its name, and a debug line that is bound to the run', async () => {
    const requests: unknown[] = [];
    const controller = started(async (request) => {
      requests.push(request);
      return awaitChange();
    });
    controller.queue.add('shop/web');
    await settle();
    expect(requests).toEqual([{ namespace: 'shop', name: 'web' }]);
    expect(lines).toEqual([
      {
        level: 'debug',
        message: 'reconciled',
        fields: expect.objectContaining({
          controller: 'things',
          object: 'shop/web',
          reconcileId: expect.any(String) as string,
        }),
      },
    ]);
    expect(await counted('controller_runtime_reconcile_total', 'result="success"')).toBe(1);
  });

  test('no more keys are worked on at once than the concurrency allows', async () => {
    let running = 0;
    let most = 0;
    const ends: (() => void)[] = [];
    const controller = started(
      async () => {
        most = Math.max(most, (running += 1));
        await new Promise<void>((resolve) => ends.push(resolve));
        running -= 1;
        return awaitChange();
      },
      { concurrency: 3 },
    );
    for (let i = 0; i < 10; i += 1) controller.queue.add(`key-${i}`);
    for (let i = 0; i < 10; i += 1) {
      await settle();
      ends.shift()?.();
    }
    await settle();
    expect([most, running, controller.queue.depth]).toEqual([3, 0, 0]);
  });

  test('requeueAfter comes back when it said, and an event in between replaces the wait', async () => {
    const runsMs: number[] = [];
    const startMs = clock.now();
    const controller = started(async () => {
      runsMs.push(clock.now() - startMs);
      return requeueAfter(1_000, 'soak');
    });
    controller.queue.add('a');
    await clock.advance(1_400);
    controller.queue.add('a');
    await clock.advance(1_200);
    expect(runsMs).toEqual([0, 1_000, 1_400, 2_400]);
  });

  test('a failure is logged once and retried with backoff; a success resets it', async () => {
    const runsMs: number[] = [];
    const startMs = clock.now();
    const controller = started(async () => {
      runsMs.push(clock.now() - startMs);
      if (runsMs.length < 4) throw new Error('no luck');
      return awaitChange();
    });
    controller.queue.add('a');
    await clock.advance(5_000);
    expect(runsMs).toEqual([0, 100, 300, 700]);
    expect(errors()).toEqual(Array(3).fill('reconcile failed, will be retried'));
    expect(controller.queue.failures('a')).toBe(0);
  });

  test('the server is not asked before its Retry-After is over', async () => {
    let runs = 0;
    const controller = started(async () => {
      runs += 1;
      if (runs === 1) throw new ApiError('too many', { code: 429, reason: 'TooManyRequests', retryAfterMs: 7_000 });
      return awaitChange();
    });
    controller.queue.add('a');
    await clock.advance(6_999);
    expect(runs).toBe(1);
    await clock.advance(1);
    expect(runs).toBe(2);
  });

  test('a terminal error is not retried until something changes', async () => {
    let runs = 0;
    const controller = started(async () => {
      runs += 1;
      throw new TerminalError('the spec contradicts itself');
    });
    controller.queue.add('a');
    await clock.advance(600_000);
    expect(runs).toBe(1);
    expect(errors()).toEqual(['reconcile failed, not retried until something changes']);
    expect(await counted('controller_runtime_terminal_reconcile_errors_total')).toBe(1);
    controller.queue.add('a');
    await settle();
    expect(runs).toBe(2);
  });

  test('errors thrown together are retried if one of them may be cured', async () => {
    let runs = 0;
    const controller = started(async () => {
      runs += 1;
      throw new AggregateError([new TerminalError('for ever'), new Error('for now')]);
    });
    controller.queue.add('a');
    await clock.advance(100);
    expect(runs).toBe(2);
  });

  test('runs that wait for nothing let others have their turn', async () => {
    let runs = 0;
    let turns = 0;
    const controller = started(async () => {
      runs += 1;
      for (const end = performance.now() + 2; performance.now() < end;);
      return awaitChange();
    });
    for (let key = 0; key < 200; key += 1) controller.queue.add(String(key));
    while (runs < 200) {
      await new Promise((resolve) => setImmediate(resolve));
      turns += 1;
    }
    expect(turns).toBeGreaterThan(4);
  });

  test('a conflict is no error until it repeats', async () => {
    const controller = started(async () => {
      throw new ApiError('changed', { code: 409, reason: 'Conflict' });
    });
    controller.queue.add('a');
    await clock.advance(1_400);
    expect(errors()).toEqual([]);
    await clock.advance(1_000);
    expect(errors()).toEqual(['reconcile met a conflict, will be retried']);
  });

  test('a crash in a reconcile, also a synchronous one or no result at all, does not stop the loop', async () => {
    const done: string[] = [];
    const controller = started(
      ((request: { name: string }) => {
        if (request.name === 'throws') throw new TypeError("Cannot read properties of undefined (reading 'x')");
        if (request.name === 'nothing') return Promise.resolve(undefined);
        done.push(request.name);
        return Promise.resolve(awaitChange());
      }) as unknown as ControllerSpec['reconcile'],
      { concurrency: 1 },
    );
    for (const key of ['throws', 'nothing', 'fine']) controller.queue.add(key);
    await settle();
    expect(done).toEqual(['fine']);
    expect(errors()).toEqual(Array(2).fill('reconcile failed by a bug, will be retried'));
    expect(await counted('controller_runtime_reconcile_panics_total')).toBe(2);
  });

  test('the deadline aborts the signal and the requests under way; the run is retried', async () => {
    let runs = 0;
    const controller = started(
      async (_, { signal }) => {
        runs += 1;
        if (runs > 1) return awaitChange();
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      },
      { timeoutMs: 5_000 },
    );
    controller.queue.add('a');
    await clock.advance(5_000);
    expect(errors()).toEqual(['reconcile passed its deadline, will be retried']);
    expect(await counted('controller_runtime_reconcile_timeouts_total')).toBe(1);
    await clock.advance(100);
    expect(runs).toBe(2);
  });

  test('a run that ignores its deadline can write no more, holds its key but not its worker, and its end frees the key', async () => {
    const log: string[] = [];
    let context: ReconcileContext | undefined;
    let end: () => void = () => {};
    const controller = started(
      async (request, current) => {
        log.push(request.name);
        if (request.name !== 'stuck' || context) return awaitChange();
        context = current;
        await new Promise<void>((resolve) => (end = resolve));
        return awaitChange();
      },
      { timeoutMs: 5_000, concurrency: 1 },
    );
    controller.queue.add('stuck');
    await settle();
    controller.queue.add('stuck');
    controller.queue.add('other');
    await clock.advance(5_000);
    expect(log).toEqual(['stuck']);
    await expect(context?.client.delete(THING, { namespace: 'shop', name: 'a' })).rejects.toThrow(
      DeadlineExceededError,
    );
    await clock.advance(60_000);
    expect(log).toEqual(['stuck', 'other']);
    expect(errors()).toEqual(['reconcile ignores its deadline, its key is blocked until it ends']);
    expect(controller.progress.oldestRunMs).toBe(65_000);
    end();
    await settle();
    expect(log).toEqual(['stuck', 'other', 'stuck']);
    expect(api.writes).toEqual([]);
  });

  test('every attempt to write asks the fence', async () => {
    let isHeld = true;
    const results: string[] = [];
    const controller = started(
      async (_, { client }) => {
        for (const name of ['first', 'second']) {
          const object = { apiVersion: 'test.dev/v1', kind: 'Thing', metadata: { namespace: 'shop', name } };
          await client.create(THING, object, { fieldManager: 'test' }).then(
            () => results.push(`${name} written`),
            (error: Error) => results.push(`${name} ${error.message}`),
          );
          isHeld = false;
        }
        return awaitChange();
      },
      {
        assertWrite: () => {
          if (!isHeld) throw new Error('refused');
        },
      },
    );
    controller.queue.add('a');
    await settle();
    expect(results).toEqual(['first written', 'second refused']);
    expect(api.writes).toEqual(['create things.test.dev shop/first']);
  });

  test('drain takes no new keys, waits for the runs under way and forgets their retries', async () => {
    let end: () => void = () => {};
    let runs = 0;
    const controller = started(async () => {
      runs += 1;
      await new Promise<void>((resolve) => (end = resolve));
      throw new Error('too late to retry');
    });
    controller.queue.add('a');
    await settle();
    let isDrained = false;
    void controller.drain().then(() => (isDrained = true));
    controller.queue.add('b');
    await clock.advance(1_000);
    expect(isDrained).toBe(false);
    end();
    await clock.advance(10_000);
    expect([isDrained, runs]).toEqual([true, 1]);
  });

  test('an abort ends runs without counting them as failures', async () => {
    const controller = started(
      (_, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    );
    controller.queue.add('a');
    await settle();
    controller.abort(new ShutdownError('stop'));
    await controller.drain();
    expect(errors()).toEqual([]);
    expect(await counted('controller_runtime_reconcile_total', 'result="error"')).toBe(0);
    expect(controller.queue.runningSince).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
