import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock, settle, until } from '../../test/support/fake-clock.js';
import { ApiError, TransportError } from '../kube/errors.js';
import type { KubeObject, ResourceType } from '../kube/resource.js';
import { CUSTOM_RESOURCE_DEFINITION, EVENT, LEASE } from '../kube/types.js';
import { silentLogger } from '../log.js';
import type { ControllerGauge, ControllerSpec, ReconcileContext } from './controller.js';
import { LeadershipLostError, ShutdownError } from './errors.js';
import { Manager, type ManagerOptions } from './manager.js';
import { Metrics } from './metrics.js';
import type { Request } from './request.js';
import { awaitChange } from './result.js';
import { MemoryApi, type Call } from './testing/memory-api.js';
import { generationChanged, toController, toSelf, watch } from './watch.js';

const THING: ResourceType = { group: 'test.dev', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
const CHILD: ResourceType = { group: 'test.dev', version: 'v1', plural: 'children', kind: 'Child', namespaced: true };
const election = { namespace: 'system', name: 'operator' };

let clock: FakeClock;
let api: MemoryApi;
let running: { stop: AbortController; ended: Promise<unknown> }[];

beforeEach(() => {
  clock = new FakeClock();
  api = new MemoryApi().serve(THING, CHILD, LEASE, EVENT, CUSTOM_RESOURCE_DEFINITION);
  running = [];
});

afterEach(async () => {
  for (const { stop } of running) stop.abort();
  await clock.advance(60_000);
  await Promise.allSettled(running.map(({ ended }) => ended));
  expect(clock.pending).toBe(0);
});

type Reconcile = (request: Request, context: ReconcileContext) => Promise<unknown>;

function things(reconcile: Reconcile, spec: Partial<ControllerSpec> = {}): ControllerSpec {
  return {
    name: 'things',
    primary: watch({ type: THING, map: toSelf, predicate: generationChanged }),
    watches: [watch({ type: CHILD, map: toController(THING) })],
    ...spec,
    reconcile: async (request, context) => {
      await reconcile(request, context);
      return awaitChange();
    },
  };
}

function start(
  controllers: ControllerSpec[],
  options: Partial<ManagerOptions> & { network?: (call: Call) => Promise<void> | void } = {},
) {
  const { network, ...rest } = options;
  const manager = new Manager({
    client: api.client(network),
    controllers,
    clock,
    log: silentLogger,
    component: 'test',
    identity: 'pod',
    ...rest,
  });
  const stop = new AbortController();
  const ended = manager.run(stop.signal).then(
    () => 'ended',
    (error: unknown) => error,
  );
  running.push({ stop, ended });
  return { manager, stop, ended };
}

function thing(name: string, spec: object = {}): { metadata: KubeObject['metadata']; spec: object } {
  return { metadata: { namespace: 'shop', name }, spec };
}

function child(name: string, owner: string): { metadata: KubeObject['metadata'] } {
  const reference = { apiVersion: 'test.dev/v0', kind: 'Thing', name: owner, uid: 'x', controller: true };
  return { metadata: { namespace: 'shop', name, ownerReferences: [reference] } };
}

describe('manager', () => {
  test('every object that is there, comes, changes its spec or goes leads to a run; a status write does not', async () => {
    const seen: string[] = [];
    api.put(THING, thing('old'));
    start([
      things(async ({ name }, { stores }) =>
        seen.push(`${name} ${stores.of(THING).get({ namespace: 'shop', name }) ? 'is' : 'gone'}`),
      ),
    ]);
    await settle();
    api.put(THING, thing('new'));
    await settle();
    api.put(THING, thing('new', { size: 2 }));
    await settle();
    api.put(THING, { ...thing('new', { size: 2 }), status: { ready: true } });
    await settle();
    api.delete(THING, 'shop/old');
    await settle();
    expect(seen).toEqual(['old is', 'new is', 'new is', 'old gone']);
  });

  test('an owned object concerns its owner, the former one too when it changes hands', async () => {
    const seen: string[] = [];
    start([things(async ({ name }) => seen.push(name))]);
    await settle();
    api.put(CHILD, child('c', 'first'));
    await settle();
    api.put(CHILD, child('c', 'second'));
    await settle();
    expect(seen).toEqual(['first', 'second', 'first']);
  });

  test('what a run wrote and recorded is there for the next run, before the watch has shown it', async () => {
    const sizes: unknown[] = [];
    api.put(THING, thing('a', { size: 1 }));
    start([
      things(async (request, { client, stores }) => {
        const live = stores.of(THING).get(request) as (KubeObject & { spec: { size: number } }) | undefined;
        sizes.push(live?.spec.size);
        if (live?.spec.size !== 1) return;
        stores
          .of(THING)
          .record(await client.apply(THING, { ...live, spec: { size: 2 } } as KubeObject, { fieldManager: 'test' }));
        expect(stores.of(THING).get(request)).toMatchObject({ spec: { size: 2 } });
      }),
    ]);
    await settle();
    expect(sizes).toEqual([1, 2]);
  });

  test('a kind that nobody declared cannot be read', async () => {
    const errors: string[] = [];
    api.put(THING, thing('a'));
    start([things(async (_, { stores }) => stores.of(LEASE), { primary: watch({ type: THING, map: toSelf }) })], {
      log: {
        ...silentLogger,
        child: () => ({
          ...silentLogger,
          child: () => ({ ...silentLogger, error: (fields) => errors.push(String((fields as { err: Error }).err)) }),
        }),
      },
    });
    await settle();
    expect(errors).toEqual([
      'Error: no controller declares a watch of leases.coordination.k8s.io, so it cannot be read',
    ]);
  });

  test('watches that contradict each other are refused at the start', () => {
    const transformed = things(async () => {}, {
      name: 'other',
      primary: watch({ type: THING, map: toSelf, transform: (object) => object }),
    });
    expect(() => start([things(async () => {}), transformed])).toThrow(
      'watches of things.test.dev share one store and must name the same transform function',
    );
    expect(() => start([things(async () => {}), things(async () => {})])).toThrow(
      'two controllers have one name: things, things',
    );
  });

  test('a mapping that throws loses one event and nothing else', async () => {
    const seen: string[] = [];
    const map = (object: KubeObject): readonly Request[] => {
      if (object.metadata.name === 'odd') throw new TypeError('odd');
      return toSelf(object);
    };
    start([things(async ({ name }) => seen.push(name), { primary: watch({ type: THING, map }) })]);
    await settle();
    api.put(THING, thing('odd'));
    api.put(THING, thing('even'));
    await settle();
    expect(seen).toEqual(['even']);
  });

  test('an absent kind is empty and holds nothing up; when its CRD is Established it is watched', async () => {
    api = new MemoryApi().serve(THING, CUSTOM_RESOURCE_DEFINITION);
    const seen: string[] = [];
    const absent: boolean[] = [];
    const calls: Call[] = [];
    api.put(THING, thing('a'));
    start(
      [
        things(async ({ name }, { stores }) => {
          seen.push(name);
          absent.push(stores.of(CHILD).absent);
        }),
      ],
      { network: (call) => void calls.push(call) },
    );
    await settle();
    expect([seen, absent]).toEqual([['a'], [true]]);
    const crd = { metadata: { name: 'children.test.dev' }, spec: {} };
    api.put(CUSTOM_RESOURCE_DEFINITION, crd);
    await clock.advance(10_000);
    api.put(CUSTOM_RESOURCE_DEFINITION, { ...crd, status: { conditions: [{ type: 'Established', status: 'True' }] } });
    await clock.advance(2_000);
    api.serve(CHILD);
    api.put(CHILD, child('c', 'b'));
    await clock.advance(8_000);
    expect([seen, absent]).toEqual([
      ['a', 'b'],
      [true, false],
    ]);
    expect(
      calls.filter(({ kind, verb }) => kind === 'customresourcedefinitions.apiextensions.k8s.io' && verb === 'list'),
    ).toHaveLength(1);
  });

  test('a kind whose CRD is there all the time is found again soon, whatever a proxy says about it', async () => {
    const other = { ...CHILD, plural: 'others', kind: 'Other' };
    const seen: string[] = [];
    let isProxied = false;
    let lists = 0;
    const established = { conditions: [{ type: 'Established', status: 'True' }] };
    api.put(CUSTOM_RESOURCE_DEFINITION, { metadata: { name: 'children.test.dev' }, status: established });
    api.put(CHILD, child('c', 'before'));
    start(
      [
        things(async ({ name }) => seen.push(name), {
          // The kind that is absent from the start, so that CRDs are watched already.
          watches: [watch({ type: CHILD, map: toController(THING) }), watch({ type: other, map: toController(THING) })],
        }),
      ],
      {
        network: ({ kind, verb }) => {
          if (!isProxied || kind !== 'children.test.dev') return;
          if (verb === 'list') lists += 1;
          throw new ApiError('default backend - 404', { code: 404, reason: 'Unknown' });
        },
      },
    );
    await clock.advance(1_000);
    isProxied = true;
    api.breakWatches();
    await clock.advance(60_000);
    // Until it is believed, and six times after that: not for ever.
    expect(lists).toBeLessThan(10);
    api.delete(CUSTOM_RESOURCE_DEFINITION, 'children.test.dev');
    isProxied = false;
    api.put(CHILD, child('c', 'after'));
    await clock.advance(60_000);
    expect(seen).toEqual(['before', 'before']);
    api.put(CUSTOM_RESOURCE_DEFINITION, { metadata: { name: 'children.test.dev' }, status: established });
    await clock.advance(1_000);
    expect(seen).toEqual(['before', 'before', 'after']);
    isProxied = true;
    api.breakWatches();
    await clock.advance(20_000);
    isProxied = false;
    await clock.advance(10_000);
    expect(seen).toEqual(['before', 'before', 'after', 'after', 'after']);
  });

  test('a cluster that has all kinds is not asked for CRDs', async () => {
    const kinds = new Set<string>();
    start([things(async () => {})], { network: ({ kind }) => void kinds.add(kind) });
    await clock.advance(60_000);
    expect([...kinds]).toEqual(['things.test.dev', 'children.test.dev']);
  });

  test('a standby fills its caches, is ready, writes nothing, and works at once when the leader leaves', async () => {
    const seen: string[] = [];
    api.put(THING, thing('a'));
    const leader = start([things(async () => seen.push('leader'))], { leaderElection: election });
    await settle();
    const standby = start([things(async () => seen.push('standby'))], { leaderElection: election });
    await clock.advance(5_000);
    expect([leader.manager.state, standby.manager.state, seen]).toEqual(['leading', 'standby', ['leader']]);
    await expect(standby.manager.client.delete(THING, { namespace: 'shop', name: 'a' })).rejects.toThrow(
      LeadershipLostError,
    );
    leader.stop.abort();
    await clock.advance(5_000);
    expect(await leader.ended).toBe('ended');
    expect([standby.manager.state, seen]).toEqual(['leading', ['leader', 'standby']]);
  });

  test('who loses the lease refuses every write at once, drops its queue and ends with the reason', async () => {
    let isCut = false;
    const results: string[] = [];
    api.put(THING, thing('a'));
    api.put(THING, thing('b'));
    const { ended, manager } = start(
      [
        things(
          async (request, { client, signal }) => {
            results.push(`${request.name} begins`);
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            const written = client.delete(THING, { namespace: 'shop', name: request.name });
            await written.catch((error: Error) => results.push(`${request.name} ${error.name}`));
          },
          { concurrency: 1 },
        ),
      ],
      {
        leaderElection: election,
        network: ({ kind }) => {
          if (isCut && kind === 'leases.coordination.k8s.io') throw new TransportError('refused');
        },
      },
    );
    await settle();
    isCut = true;
    await clock.advance(9_999);
    expect(manager.state).toBe('leading');
    await clock.advance(1);
    expect(await ended).toBeInstanceOf(LeadershipLostError);
    expect(results).toEqual(['a begins', 'a LeadershipLostError']);
    expect(api.writes.filter((write) => !write.includes('leases'))).toEqual([]);
  });

  test('the lease is kept while writes hold all connections, by a client of its own that is closed at the end', async () => {
    let closed = 0;
    const apart = Object.assign(api.client(), { close: () => void (closed += 1) });
    const whole = api.client(({ verb, kind }) => {
      const waits = verb === 'delete' || kind === 'leases.coordination.k8s.io';
      return waits ? new Promise<void>(() => {}) : undefined;
    });
    api.put(THING, thing('a'));
    const { manager, stop, ended } = start(
      [things((request, { client }) => client.delete(THING, { namespace: 'shop', name: request.name }))],
      { leaderElection: election, client: Object.assign(whole, { apart: () => apart }) },
    );
    await clock.advance(60_000);
    expect([manager.state, closed]).toEqual(['leading', 0]);
    stop.abort();
    await clock.advance(30_000);
    expect(await ended).toBe('ended');
    expect(closed).toBe(1);
    expect((api.get(LEASE, 'system/operator') as { spec?: { holderIdentity?: string } }).spec?.holderIdentity).toBe('');
  });

  test('a stop lets the runs under way end, writes included, then releases the lease', async () => {
    let end: () => void = () => {};
    api.put(THING, thing('a'));
    const { stop, ended } = start(
      [
        things(async (request, { client, events, stores }) => {
          const regarding = stores.of(THING).get(request) as KubeObject;
          await new Promise<void>((resolve) => (end = resolve));
          await client.delete(THING, { namespace: 'shop', name: 'a' });
          events.emit({
            regarding: { ...regarding, ...regarding.metadata },
            type: 'Normal',
            reason: 'Done',
            note: 'done',
            action: 'Delete',
          });
        }),
      ],
      { leaderElection: election },
    );
    await settle();
    stop.abort();
    await clock.advance(12_000);
    expect((api.get(LEASE, 'system/operator') as { spec?: { holderIdentity?: string } }).spec?.holderIdentity).toMatch(
      /^pod_/,
    );
    end();
    await settle();
    expect(await ended).toBe('ended');
    const [deleted, event, lease] = api.writes.slice(-3);
    expect(deleted).toBe('delete things.test.dev shop/a');
    expect(event).toMatch(/^create events.events.k8s.io/);
    expect(lease).toBe('jsonPatch leases.coordination.k8s.io system/operator');
    expect((api.get(LEASE, 'system/operator') as { spec?: { holderIdentity?: string } }).spec?.holderIdentity).toBe('');
  });

  test('what does not end in time is aborted, and what ignores that is told by an error', async () => {
    api.put(THING, thing('obeys'));
    const obedient = start(
      [things((_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)))],
      { drainTimeoutMs: 5_000 },
    );
    await settle();
    obedient.stop.abort();
    await clock.advance(5_000);
    expect(await obedient.ended).toBe('ended');
    const deaf = start([things(() => new Promise(() => {}))], { drainTimeoutMs: 5_000 });
    await settle();
    deaf.stop.abort();
    await clock.advance(7_000);
    expect(await deaf.ended).toBeInstanceOf(ShutdownError);
  });

  test('the slowest stop ends within the 30 s that a pod has', async () => {
    const ending: string[] = [];
    let isStuck = false;
    api.put(THING, thing('deaf'));
    const { stop, ended } = start(
      [
        things(async (request, { events, primary }) => {
          const regarding = primary.get(request) as KubeObject;
          events.emit({
            regarding: { ...regarding, ...regarding.metadata },
            type: 'Normal',
            reason: 'Begun',
            note: 'begun',
            action: 'Wait',
          });
          await new Promise(() => {});
        }),
      ],
      {
        leaderElection: election,
        network: async ({ verb, kind }) => {
          if (kind === 'events.events.k8s.io') await new Promise(() => {});
          if (!isStuck || kind !== 'leases.coordination.k8s.io') return;
          ending.push(verb);
          // The deadline of each of its requests: the read is answered just in time, the write is not.
          await new Promise<void>((resolve) => clock.schedule(4_000, resolve));
          if (verb !== 'get' || ending.length === 1) throw new TransportError('no answer');
        },
      },
    );
    await clock.advance(1_500);
    stop.abort();
    await clock.advance(13_000);
    isStuck = true;
    const stoppedAt = clock.uptime() - 13_000;
    const endedAt = ended.then(() => clock.uptime());
    await clock.advance(20_000);
    expect(await ended).toBeInstanceOf(ShutdownError);
    expect((await endedAt) - stoppedAt).toBeLessThan(29_000);
    expect(ending.slice(-2)).toEqual(['get', 'jsonPatch']);
  });

  test('a watch that crashes ends the manager, which aborts its runs and then releases the lease', async () => {
    const seen: string[] = [];
    api.put(THING, thing('a'));
    const metrics = Object.assign(new Metrics(), {
      watchRestarted: () => {
        throw new Error('a bug');
      },
    });
    const holder = (): string | undefined =>
      (api.get(LEASE, 'system/operator') as { spec?: { holderIdentity?: string } } | undefined)?.spec?.holderIdentity;
    const { ended, manager } = start(
      [
        things(async (_, { signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          await new Promise<void>((resolve) => clock.schedule(1_000, resolve));
          seen.push(`unwound while ${holder()?.startsWith('pod_') ? 'held' : 'free'}`);
        }),
      ],
      { leaderElection: election, metrics },
    );
    await settle();
    expect(manager.state).toBe('leading');
    api.breakWatches();
    await clock.advance(2_000);
    expect(await ended).toMatchObject({ message: 'a bug' });
    expect(seen).toEqual(['unwound while held']);
    expect(holder()).toBe('');
  });

  test('a watch that crashes while standing by ends the manager, which never takes the lease', async () => {
    const spec = { holderIdentity: 'other', leaseDurationSeconds: 15 };
    api.put(LEASE, { metadata: { namespace: 'system', name: 'operator' }, spec });
    const metrics = Object.assign(new Metrics(), {
      watchRestarted: () => {
        throw new Error('a bug');
      },
    });
    const { ended, manager } = start([things(async () => {})], { leaderElection: election, metrics });
    await settle();
    expect(manager.state).toBe('standby');
    api.breakWatches();
    await clock.advance(60_000);
    expect(await ended).toMatchObject({ message: 'a bug' });
    expect(manager.state).toBe('stopping');
    expect((api.get(LEASE, 'system/operator') as { spec?: object }).spec).toEqual(spec);
  });

  test('while the API server is away the leader ends, others stay alive, and one of them goes on when it is back', async () => {
    let isAway = false;
    const network = (): void => {
      if (isAway) throw new TransportError('refused');
    };
    const probes = { host: '127.0.0.1', port: 0 };
    const seen: string[] = [];
    const operator = (name: string) =>
      start([things(async (request) => seen.push(`${name} ${request.name}`))], {
        leaderElection: election,
        network,
        probes,
      });
    const codesOf = async ({ manager }: ReturnType<typeof start>): Promise<number[]> =>
      Promise.all(['healthz', 'readyz'].map(async (path) => (await fetch(`${manager.probesUrl}/${path}`)).status));
    api.put(THING, thing('old'));
    const leader = operator('leader');
    await until(() => leader.manager.state === 'leading');
    const standby = operator('standby');
    await until(() => standby.manager.state === 'standby');
    isAway = true;
    api.breakWatches();
    api.put(THING, thing('new'));
    await clock.advance(12_000);
    expect(await leader.ended).toBeInstanceOf(LeadershipLostError);
    // As the kubelet would start it.
    const next = operator('next');
    await until(() => next.manager.probesUrl !== undefined);
    await clock.advance(48_000);
    expect(await codesOf(standby)).toEqual([200, 200]);
    expect(await codesOf(next)).toEqual([200, 503]);
    expect(seen).toEqual(['leader old']);
    isAway = false;
    // A list may have backed off to 30 s by then.
    await clock.advance(45_000);
    const states = [standby.manager.state, next.manager.state];
    expect(states.sort()).toEqual(['leading', 'standby']);
    expect(
      seen
        .slice(1)
        .map((run) => run.split(' ')[1])
        .sort(),
    ).toEqual(['new', 'old']);
  });

  test('a stop while the API server is down, and one while standing by, end at once', async () => {
    const down = start([things(async () => {})], {
      network: () => {
        throw new TransportError('refused');
      },
    });
    await clock.advance(100_000);
    expect(down.manager.state).toBe('starting');
    down.stop.abort();
    await settle();
    expect(await down.ended).toBe('ended');
    api.put(LEASE, {
      metadata: { namespace: 'system', name: 'operator' },
      spec: { holderIdentity: 'other', leaseDurationSeconds: 3600 },
    });
    const standby = start([things(async () => {})], { leaderElection: election });
    await clock.advance(10_000);
    standby.stop.abort();
    await settle();
    expect(await standby.ended).toBe('ended');
  });

  test('probes tell the state, why it is not ready, and the metrics', async () => {
    let isDown = true;
    api.put(THING, thing('a'));
    const named: ControllerGauge = {
      name: 'things_named',
      help: 'Things by name',
      labelNames: ['name'],
      read: (stores) =>
        stores
          .of(THING)
          .list()
          .map(({ metadata: { name } }) => ({ labels: { name }, value: 1 })),
    };
    const { manager, stop, ended } = start([{ ...things(async () => {}), gauges: [named] }], {
      probes: { host: '127.0.0.1', port: 0 },
      network: () => {
        if (isDown) throw new TransportError('refused');
      },
    });
    while (!manager.probesUrl) await settle();
    const get = async (path: string): Promise<{ code: number; text: string }> => {
      const response = await fetch(`${manager.probesUrl}${path}`);
      return { code: response.status, text: await response.text() };
    };
    expect(await get('/readyz')).toEqual({
      code: 503,
      text: '[-] caches failed: waiting for the first list of things.test.dev, children.test.dev\n[-] manager failed: starting\n',
    });
    isDown = false;
    await clock.advance(60_000);
    expect(await get('/readyz')).toEqual({ code: 200, text: '[+] caches ok\n[+] manager ok\n' });
    expect(await get('/healthz')).toEqual({ code: 200, text: '[+] event-loop ok\n[+] controller/things ok\n' });
    expect((await get('/nothing')).code).toBe(404);
    const { text } = await get('/metrics');
    for (const line of [
      'controller_runtime_reconcile_total{controller="things",result="success"} 1',
      'controller_runtime_reconcile_errors_total{controller="things"} 0',
      'controller_runtime_max_concurrent_reconciles{controller="things"} 8',
      'controller_runtime_active_workers{controller="things"} 0',
      'workqueue_depth{name="things",controller="things"} 0',
      'workqueue_adds_total{name="things",controller="things"} 1',
      'informer_objects{kind="things.test.dev"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m);
    expect(text).toMatch(/^things_named\{name="a"\} 1$/m);
    api.delete(THING, 'shop/a');
    api.put(THING, thing('b'));
    await settle();
    expect((await get('/metrics')).text.match(/^things_named\{.*$/gm)).toEqual(['things_named{name="b"} 1']);
    expect(text).toMatch(/^# TYPE process_cpu_seconds_total counter/m);
    stop.abort();
    await ended;
    await expect(fetch(`${manager.probesUrl}/readyz`)).rejects.toThrow();
  });

  test('a run that will never end makes the process unhealthy', async () => {
    api.put(THING, thing('a'));
    const { manager } = start([things(() => new Promise(() => {}))], {
      probes: { host: '127.0.0.1', port: 0 },
      drainTimeoutMs: 0,
    });
    while (manager.state !== 'leading') await settle();
    const health = async (): Promise<number> => (await fetch(`${manager.probesUrl}/healthz`)).status;
    const metrics = await (await fetch(`${manager.probesUrl}/metrics`)).text();
    expect(metrics.split('\n')).toContain('controller_runtime_active_workers{controller="things"} 1');
    await clock.advance(250_000);
    expect(await health()).toBe(200);
    await clock.advance(100_000);
    expect(await health()).toBe(503);
  });
});
