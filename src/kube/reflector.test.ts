import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakeClock, settle, until } from '../../test/support/fake-clock.js';
import { StubApiServer } from '../../test/support/stub-api-server.js';
import { silentLogger, type Logger } from '../log.js';
import { Client } from './client.js';
import { Reflector, type ReflectorOptions } from './reflector.js';
import { CONFIG_MAP, type ConfigMap } from './types.js';

const path = '/api/v1/configmaps';

/** A kind that only a CRD can make the server know. */
const CUSTOM = { ...CONFIG_MAP, group: 'test.dev' };
const customPath = '/apis/test.dev/v1/configmaps';

function configMap(name: string, resourceVersion: string, data: Record<string, string> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop', resourceVersion }, data };
}

/** What a handler has been told, and the view that results from it. */
class View {
  readonly calls: string[] = [];
  readonly objects = new Map<string, ConfigMap>();
  failOn: string | undefined;

  replace(objects: ConfigMap[]): void {
    this.#note(`replace ${objects.map((object) => object.metadata.name).join(',')}`);
    this.objects.clear();
    for (const object of objects) this.objects.set(object.metadata.name, object);
  }

  upsert(object: ConfigMap): void {
    this.#note(`upsert ${object.metadata.name}`);
    this.objects.set(object.metadata.name, object);
  }

  remove(object: ConfigMap): void {
    this.#note(`remove ${object.metadata.name}`);
    this.objects.delete(object.metadata.name);
  }

  get names(): string {
    return [...this.objects.keys()].sort().join(',');
  }

  #note(call: string): void {
    this.calls.push(call);
    if (call === this.failOn) throw new Error('handler is broken');
  }
}

describe('Reflector', () => {
  let server: StubApiServer;
  let clock: FakeClock;
  let client: Client;
  let view: View;
  let stop: AbortController;
  let running: Promise<void> | undefined;
  let restarts: string[];
  let errors: { fields: object; message: string }[];

  beforeEach(async () => {
    server = await StubApiServer.start();
    clock = new FakeClock();
    client = new Client({ connection: server.connection(), clock });
    view = new View();
    stop = new AbortController();
    restarts = [];
    errors = [];
  });

  afterEach(async () => {
    stop.abort();
    await running;
    client.close();
    await server.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  });

  function start(options: Partial<ReflectorOptions<ConfigMap>> = {}): Reflector<ConfigMap> {
    const log: Logger = { ...silentLogger, error: (fields, message) => void errors.push({ fields, message }) };
    const reflector = new Reflector<ConfigMap>({
      client,
      type: CONFIG_MAP,
      handler: view,
      clock,
      log,
      onRestart: (reason) => restarts.push(reason),
      ...options,
    });
    running = reflector.run(stop.signal);
    return reflector;
  }

  const lists = (at = path) => server.seen({ method: 'GET', path: at, watch: false });
  const opened = (n: number) => server.watches[n - 1]?.request.query['resourceVersion'];

  /** Lets the `n`th watch be silent for as long as it may. */
  async function silent(n: number): Promise<void> {
    const watch = await server.watch(n);
    await until(() => clock.pending === 1);
    await clock.advance(75_000);
    await until(() => watch.closed);
  }

  /** Lets the reflector's own waits pass until `n` watches have been opened. */
  async function watchAfterBackoff(n: number) {
    await until(() => {
      // A deadline that has just begun is 30 s away, an idle stream's end 75 s: anything shorter is a wait.
      if (server.watches.length < n && (clock.nextInMs ?? Infinity) < 30_000) void clock.advance(clock.nextInMs ?? 0);
      return server.watches.length >= n;
    }, `watch number ${n}`);
    return server.watch(n);
  }

  it('lists, then watches from the version of the list', async () => {
    server.set(path, '10', [configMap('a', '3'), configMap('b', '7')]);
    const reflector = start();
    await reflector.whenSynced();
    const watch = await server.watch(1);

    expect(view.names).toBe('a,b');
    expect(watch.request.query).toMatchObject({ resourceVersion: '10', allowWatchBookmarks: 'true', watch: 'true' });
    const timeoutSeconds = Number(watch.request.query['timeoutSeconds']);
    expect(timeoutSeconds).toBeGreaterThanOrEqual(300);
    expect(timeoutSeconds).toBeLessThanOrEqual(600);
  });

  it('passes events on in their order', async () => {
    server.set(path, '10', [configMap('a', '3')]);
    start();
    const watch = await server.watch(1);
    watch.send('ADDED', configMap('b', '11'));
    watch.send('MODIFIED', configMap('a', '12', { key: 'new' }));
    watch.send('DELETED', configMap('b', '13'));

    await until(() => view.calls.length === 4);
    expect(view.calls).toEqual(['replace a', 'upsert b', 'upsert a', 'remove b']);
    expect(view.objects.get('a')?.data).toEqual({ key: 'new' });
  });

  it('reads lists in pages of 500 and hands them over as one', async () => {
    const objects = Array.from({ length: 1_200 }, (_, index) => configMap(`object-${index}`, '5'));
    server.set(path, '10', objects);
    await start().whenSynced();

    expect(lists().map((request) => request.query['limit'])).toEqual(['500', '500', '500']);
    expect(lists().map((request) => request.query['continue'])).toEqual([undefined, '500', '1000']);
    expect(view.calls).toHaveLength(1);
    expect(view.objects.size).toBe(1_200);
  });

  it('lists in one piece when the continue token expires between two pages', async () => {
    const objects = Array.from({ length: 700 }, (_, index) => configMap(`object-${index}`, '5'));
    server.set(path, '10', objects);
    const metadata = { resourceVersion: '9', continue: 'old' };
    server.on({ path, watch: false }, { body: { metadata, items: [configMap('stale', '1')] } });
    server.on({ path, watch: false }, { status: 410 });
    await start().whenSynced();

    expect(lists().map((request) => request.query['limit'])).toEqual(['500', '500', undefined]);
    expect(view.objects.size).toBe(700);
    expect(view.objects.has('stale')).toBe(false);
  });

  it('resumes from the last event after a connection reset, without listing again', async () => {
    server.set(path, '10', []);
    start();
    const watch = await server.watch(1);
    watch.send('ADDED', configMap('a', '11'));
    await until(() => view.names === 'a');
    watch.reset();

    await watchAfterBackoff(2);
    expect(opened(2)).toBe('11');
    expect(lists()).toHaveLength(1);
    expect(restarts).toEqual(['error']);
  });

  it('resumes from the last version after the server has closed the stream, without listing again', async () => {
    server.set(path, '10', []);
    start();
    const watch = await server.watch(1);
    await clock.advance(20_000);
    watch.send('ADDED', configMap('a', '14'));
    await until(() => view.names === 'a');
    watch.end();

    await server.watch(2);
    expect(opened(2)).toBe('14');
    expect(lists()).toHaveLength(1);
    expect(restarts).toEqual(['closed']);
    expect(errors).toEqual([]);
  });

  it('backs off from a server that closes every stream at once', async () => {
    server.set(path, '10', []);
    start();
    for (let n = 1; n <= 6; n++) (await watchAfterBackoff(n)).end();
    const isLong = (waitMs = 0): boolean => waitMs >= 8_000 && waitMs <= 16_000;
    await until(() => isLong(clock.nextInMs), 'a long wait');
  });

  it('resumes from a bookmark', async () => {
    server.set(path, '10', [configMap('a', '3')]);
    const reflector = start();
    const watch = await server.watch(1);
    await clock.advance(60_000);
    watch.bookmark('99');
    await until(() => reflector.lastEventAt === clock.now());
    watch.end();

    await server.watch(2);
    expect(opened(2)).toBe('99');
    expect(view.calls).toEqual(['replace a']);
  });

  it.each([500, 503, 429, 403])('retries a watch refused with %i from the same version', async (code) => {
    server.set(path, '10', []);
    server.on({ path, watch: true }, { status: code });
    start();
    await watchAfterBackoff(1);
    expect(opened(1)).toBe('10');
    expect(lists()).toHaveLength(1);
    expect(errors.map((each) => each.message)).toEqual(['watch failed']);
  });

  it.each([401, 403, 408, 429, 502, 503])('never lists again because watches are refused with %i', async (code) => {
    server.set(path, '10', []);
    server.on({ path, watch: true }, { status: code }, 8);
    start();
    await watchAfterBackoff(1);
    expect(opened(1)).toBe('10');
    expect(lists()).toHaveLength(1);
  });

  it.each([500, 504])('lists again when watches from one version go on to fail with %i', async (code) => {
    server.set(path, '10', []);
    server.on({ path, watch: true }, { status: code }, 4);
    start();
    await watchAfterBackoff(1);
    expect(lists()).toHaveLength(2);
  });

  it('retries a list refused with 500 until it succeeds', async () => {
    server.set(path, '10', [configMap('a', '3')]);
    server.on({ path, watch: false }, { status: 500 }, 3);
    const reflector = start();
    await until(() => errors.length === 1);
    expect(reflector.synced).toBe(false);
    await watchAfterBackoff(1);
    expect(reflector.synced).toBe(true);
    expect(lists()).toHaveLength(4);
    expect(view.names).toBe('a');
  });

  it('waits at least as long as Retry-After says', async () => {
    server.set(path, '10', []);
    server.on({ path, watch: true }, { status: 429, headers: { 'retry-after': '20' } });
    start();
    await until(() => errors.length === 1);
    await clock.advance(19_900);
    expect(server.watches).toHaveLength(0);
    await clock.advance(200);
    await server.watch(1);
  });

  it('lists again after a 410 as HTTP status, and sees what was deleted meanwhile', async () => {
    server.set(path, '10', [configMap('a', '3'), configMap('b', '4')]);
    start();
    const watch = await server.watch(1);
    await clock.advance(5_000);
    server.set(path, '50', [configMap('b', '4'), configMap('c', '40')]);
    server.on({ path, watch: true }, { status: 410 });
    watch.end();

    await server.watch(2);
    expect(opened(2)).toBe('50');
    expect(view.calls).toEqual(['replace a,b', 'replace b,c']);
    expect(view.names).toBe('b,c');
    expect(errors).toEqual([]);
  });

  it('lists again after a 410 as ERROR event, and keeps the old view until the new list is there', async () => {
    server.set(path, '10', [configMap('a', '3')]);
    start();
    const watch = await server.watch(1);
    server.set(path, '50', [configMap('b', '40')]);
    server.on({ path, watch: false }, { status: 500 }, 2);
    watch.fail(410, 'Expired');

    await until(() => errors.length === 1);
    expect(view.names).toBe('a');
    await watchAfterBackoff(2);
    expect(view.names).toBe('b');
    expect(opened(2)).toBe('50');
  });

  it('backs off from a server that forgets every version it has just handed out', async () => {
    server.set(path, '10', []);
    server.on({ path, watch: true }, { status: 410 }, 100);
    start();
    await clock.advance(0);
    await until(() => lists().length === 2);
    await until(() => clock.nextInMs !== undefined && clock.nextInMs < 30_000);
    await clock.advance(60_000);
    expect(lists().length).toBeLessThan(12);
  });

  it('gives up a stream that is silent for 75 s and resumes', async () => {
    server.set(path, '10', []);
    start();
    const watch = await server.watch(1);
    await until(() => clock.pending === 1);
    await clock.advance(74_000);
    expect(watch.closed).toBe(false);
    server.set(path, '12', []);
    watch.bookmark('12');
    await settle();
    await clock.advance(74_000);
    expect(watch.closed).toBe(false);
    await clock.advance(2_000);
    await until(() => watch.closed);

    await server.watch(2);
    expect(opened(2)).toBe('12');
  });

  it('asks a server whose watch was silent for its version, and resumes if that has been reached', async () => {
    server.set(path, '10', [configMap('a', '3'), configMap('b', '7')]);
    start();
    await silent(1);
    await server.watch(2);
    expect(lists().map(({ query }) => query['limit'])).toEqual(['500', '1']);
    expect(opened(2)).toBe('10');
    expect(view.calls).toEqual(['replace a,b']);
  });

  it('lists again when the versions of a server have gone back: etcd was restored from a backup', async () => {
    const versions: (string | undefined)[] = [];
    server.set(path, '100', [configMap('a', '90'), configMap('b', '95')]);
    const replace = (objects: ConfigMap[], version?: string): void => {
      versions.push(version);
      view.replace(objects);
    };
    start({ handler: { replace, upsert: (object) => view.upsert(object), remove: (object) => view.remove(object) } });
    await server.watch(1);
    server.set(path, '50', [configMap('a', '40'), configMap('c', '45')]);
    await silent(1);
    await server.watch(2);
    expect(opened(2)).toBe('50');
    expect(view.names).toBe('a,c');
    // What is known of before cannot be compared with what is there now.
    expect(versions).toEqual(['100', undefined]);
    server.set(path, '60', [configMap('a', '40')]);
    (await server.watch(2)).fail(410, 'Expired');
    await server.watch(3);
    expect(versions).toEqual(['100', undefined, '60']);
    expect(errors.map(({ message }) => message)).toEqual(['the versions of the server have gone back, listing again']);
  });

  it('does not take a bookmark from before for where it is', async () => {
    server.set(path, '100', [configMap('a', '90')]);
    start();
    const watch = await server.watch(1);
    await until(() => clock.pending === 1);
    await clock.advance(60_000);
    server.set(path, '50', [configMap('b', '40')]);
    watch.bookmark('49');
    await server.watch(2);
    expect(opened(2)).toBe('50');
    expect(view.names).toBe('b');
  });

  it('does not watch from a version that it could not check', async () => {
    server.set(path, '100', [configMap('a', '90')]);
    start();
    await server.watch(1);
    server.on({ path, watch: false }, { status: 500 });
    await silent(1);
    await until(() => errors.length === 1);
    expect(server.watches).toHaveLength(1);
    server.set(path, '50', [configMap('b', '40')]);
    await watchAfterBackoff(2);
    expect(opened(2)).toBe('50');
    expect(view.names).toBe('b');
  });

  it('gives up a stream that the server does not end in time, however talkative it is', async () => {
    server.set(path, '10', []);
    const reflector = start();
    const watch = await server.watch(1);
    await until(() => clock.pending === 1);
    const openedAt = clock.now();
    for (let version = 100; !watch.closed; version++) {
      watch.bookmark(String(version));
      await until(() => reflector.lastEventAt === clock.now() || watch.closed);
      await clock.advance(30_000);
      await settle();
    }
    expect(clock.now() - openedAt).toBeGreaterThanOrEqual(330_000);
    expect(clock.now() - openedAt).toBeLessThanOrEqual(690_000);
  });

  it.each([
    ['no JSON', '<html>oops</html>\n'],
    ['no event', '{"type":"HELLO","object":{}}\n'],
    ['no object', '{"type":"ADDED"}\n'],
    ['null', 'null\n'],
  ])('starts a new watch when a line is %s', async (_what, line) => {
    server.set(path, '10', []);
    start();
    const watch = await server.watch(1);
    watch.send('ADDED', configMap('a', '11'));
    watch.sendRaw(line);
    await watchAfterBackoff(2);
    expect(view.names).toBe('a');
    expect(opened(2)).toBe('11');
  });

  it('lists again when the watch is refused because of its version', async () => {
    server.set(path, '10', []);
    server.on({ path, watch: true }, { status: 400 });
    start();
    await watchAfterBackoff(1);
    expect(lists()).toHaveLength(2);
  });

  it('goes on after the handler has thrown, and logs it', async () => {
    server.set(path, '10', []);
    view.failOn = 'upsert a';
    start();
    const watch = await server.watch(1);
    watch.send('ADDED', configMap('a', '11'));
    watch.send('ADDED', configMap('b', '12'));
    await until(() => view.names === 'b');
    expect(watch.closed).toBe(false);
    expect(errors).toMatchObject([{ message: 'watch handler failed', fields: { object: 'shop/a' } }]);
  });

  it('lists again when the handler could not take the list', async () => {
    server.set(path, '10', [configMap('a', '3')]);
    view.failOn = 'replace a';
    const reflector = start();
    await until(() => errors.length === 1);
    expect(reflector.synced).toBe(false);
    view.failOn = undefined;
    await watchAfterBackoff(1);
    expect(reflector.synced).toBe(true);
  });

  it('keeps only what transform returns, also of watch events', async () => {
    server.set(path, '10', [configMap('a', '3', { big: 'x' })]);
    start({ transform: ({ data: _data, ...rest }) => rest });
    const watch = await server.watch(1);
    watch.send('ADDED', configMap('b', '11', { big: 'y' }));
    await until(() => view.names === 'a,b');
    expect([...view.objects.values()].map((object) => object.data)).toEqual([undefined, undefined]);
  });

  it('keeps an object whole that transform cannot take', async () => {
    server.set(path, '10', [configMap('a', '3'), configMap('b', '4')]);
    const transform = (object: ConfigMap): ConfigMap => {
      if (object.metadata.name === 'a') throw new Error('cannot');
      return object;
    };
    await start({ transform }).whenSynced();
    expect(view.names).toBe('a,b');
    expect(errors).toMatchObject([{ message: 'transform failed, object kept whole' }]);
  });

  it('sends namespace and selectors with list and watch', async () => {
    const inShop = '/api/v1/namespaces/shop/configmaps';
    server.set(inShop, '10', []);
    start({ namespace: 'shop', labelSelector: 'app=web', fieldSelector: 'metadata.name=a' });
    await server.watch(1);
    const expected = { labelSelector: 'app=web', fieldSelector: 'metadata.name=a' };
    expect(server.requests.map((request) => request.query)).toMatchObject([expected, expected]);
    expect(server.requests.every((request) => request.path === inShop)).toBe(true);
  });

  it('counts a kind that is not served as empty, and finds it when poked', async () => {
    const reflector = start({ type: CUSTOM });
    await reflector.whenSynced();
    expect(reflector.absent).toBe(true);
    expect(view.calls).toEqual(['replace ']);
    await clock.advance(10_000);
    expect(lists(customPath)).toHaveLength(1);

    server.set(customPath, '10', [configMap('a', '3')]);
    reflector.poke();
    await server.watch(1);
    expect(reflector.absent).toBe(false);
    expect(view.names).toBe('a');
    expect(errors).toEqual([]);
  });

  it('looks again at once when it is poked while the answer "not served" is on its way', async () => {
    const reflector = start({ type: CUSTOM });
    server.on({ path: customPath }, () => {
      server.set(customPath, '10', [configMap('a', '3')]);
      reflector.poke();
      return { status: 404 };
    });
    await server.watch(1);
    expect(view.names).toBe('a');
  });

  it('looks for an absent kind now and then without being poked', async () => {
    const reflector = start({ type: CUSTOM });
    await reflector.whenSynced();
    server.set(customPath, '10', [configMap('a', '3')]);
    await clock.advance(300_000);
    await server.watch(1);
    expect(view.names).toBe('a');
  });

  it('empties the view when the kind disappears, once it has been gone for 10 s', async () => {
    server.set(customPath, '10', [configMap('a', '3')]);
    const reflector = start({ type: CUSTOM });
    const watch = await server.watch(1);
    await clock.advance(5_000);
    server.unset(customPath);
    watch.end();
    await until(() => lists(customPath).length === 2 && clock.pending === 1);
    // Whoever has news does not make the answer any surer.
    await clock.advance(4_000);
    reflector.poke();
    await until(() => lists(customPath).length === 3 && clock.pending === 1);
    await clock.advance(5_900);
    expect([reflector.absent, view.names]).toEqual([false, 'a']);
    await clock.advance(100);
    await until(() => reflector.absent);
    expect(view.names).toBe('');
    expect(reflector.synced).toBe(true);
    expect(errors).toEqual([]);
  });

  it('keeps the view of a custom kind that is answered with 404 for a moment', async () => {
    server.set(customPath, '10', [configMap('a', '3')]);
    const reflector = start({ type: CUSTOM });
    (await server.watch(1)).end();
    server.on({ path: customPath }, { status: 404, body: 'default backend - 404' }, 2);
    await until(() => clock.nextInMs !== undefined && clock.nextInMs <= 10_000);
    await watchAfterBackoff(2);
    expect(lists(customPath)).toHaveLength(3);
    expect(view.calls).toEqual(['replace a', 'replace a']);
    expect(reflector.absent).toBe(false);
    // The proof begins anew.
    await clock.advance(30_000);
    server.unset(customPath);
    server.watches[1]?.end();
    await until(() => lists(customPath).length === 4 && clock.pending === 1);
    expect([reflector.absent, view.names]).toEqual([false, 'a']);
  });

  it('takes a 404 for a kind that every server has for a failure, and resumes from its version', async () => {
    server.set(path, '10', [configMap('a', '3')]);
    const reflector = start();
    (await server.watch(1)).end();
    server.on({ path }, { status: 404, body: 'default backend - 404' }, 6);
    await watchAfterBackoff(2);
    expect(opened(2)).toBe('10');
    expect([lists().length, view.calls, reflector.absent]).toEqual([1, ['replace a'], false]);
    expect(errors.map((each) => each.message)).toEqual(['watch failed']);
  });

  it('does not count a kind that every server has as synced by a 404', async () => {
    server.set(path, '10', [configMap('a', '3')]);
    server.on({ path }, { status: 404 }, 3);
    const reflector = start();
    await until(() => errors.length === 1);
    expect([reflector.synced, reflector.absent, view.calls]).toEqual([false, false, []]);
    await watchAfterBackoff(1);
    expect([reflector.synced, view.names]).toEqual([true, 'a']);
  });

  it('cuts a backoff short when poked', async () => {
    server.set(path, '10', []);
    server.on({ path, watch: false }, { status: 500 });
    const reflector = start();
    await until(() => errors.length === 1);
    await until(() => clock.pending === 1);
    reflector.poke();
    await server.watch(1);
  });

  it.each(['while listing', 'while watching', 'while waiting'])('stops when aborted %s', async (when) => {
    if (when === 'while listing') server.on({ path }, { hang: true });
    if (when === 'while waiting') server.on({ path }, { status: 500 });
    if (when === 'while watching') server.set(path, '10', []);
    start();
    if (when === 'while watching') await server.watch(1);
    else await until(() => server.requests.length === 1);
    if (when === 'while waiting') await until(() => errors.length === 1);
    stop.abort();
    await running;
    const requests = server.requests.length;
    await clock.advance(600_000);
    expect(server.requests).toHaveLength(requests);
    expect(view.calls.length).toBeLessThanOrEqual(1);
    for (const watch of server.watches) await until(() => watch.closed);
  });

  it('refuses to run twice at a time', async () => {
    server.set(path, '10', []);
    const reflector = start();
    await server.watch(1);
    await expect(reflector.run(stop.signal)).rejects.toThrow('running already');
  });
});
