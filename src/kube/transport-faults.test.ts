import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { FakeClock, settle, until } from '../../test/support/fake-clock.js';
import { StubApiServer, status, type StubCertificate } from '../../test/support/stub-api-server.js';
import { silentLogger } from '../log.js';
import { selfSignedCertificate } from '../sandbox/api-server/http/certificate.js';
import { Client } from './client.js';
import { connectionFromKubeConfig } from './connection.js';
import { TransportError } from './errors.js';
import { Reflector } from './reflector.js';
import { CONFIG_MAP, type ConfigMap } from './types.js';

/*
 * What happens to connections between a Client or a Reflector and an API server with TLS, and to the files of a pod that let it
 * in: as in a cluster, and only as far as the tests of each part alone cannot show it.
 */

const collection = '/api/v1/namespaces/shop/configmaps';
const ref = { namespace: 'shop', name: 'a' };
const inShop = { namespace: 'shop' };
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'shop' } };

describe('over TLS, with the files of a pod', () => {
  let certificates: StubCertificate[];
  let dir: string;
  let server: StubApiServer;
  let clock: FakeClock;
  let client: Client;
  let stop: AbortController;
  let running: Promise<void> | undefined;
  let views: string[][];

  beforeAll(async () => {
    certificates = [await selfSignedCertificate(Date.now()), await selfSignedCertificate(Date.now())];
  });

  beforeEach(async () => {
    server = await StubApiServer.start(certificates[0]);
    server.set(collection, '10', [configMap]);
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'transport-faults-'));
    write('token', 'first');
    write('ca.crt', certificates[0]?.certificate ?? '');
    const cluster = { server: server.url, 'certificate-authority': 'ca.crt' };
    const kubeconfig = {
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { tokenFile: 'token' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    clock = new FakeClock();
    const connection = connectionFromKubeConfig({
      kubeconfig: write('config', JSON.stringify(kubeconfig)),
      clock,
    });
    client = new Client({ connection, clock });
    stop = new AbortController();
    running = undefined;
    views = [];
  });

  afterEach(async () => {
    stop.abort();
    await running;
    client.close();
    await server.stop();
    fs.rmSync(dir, { recursive: true });
    expect(clock.pending, 'timers left behind').toBe(0);
  });

  function write(name: string, content: string): string {
    const file = path.join(dir, name);
    fs.writeFileSync(file, content);
    return file;
  }

  async function failureOf(call: Promise<unknown>): Promise<unknown> {
    return call.then(
      () => expect.unreachable('the call should have failed'),
      (error: unknown) => error,
    );
  }

  const read = (options = {}): Promise<ConfigMap> => client.get(CONFIG_MAP, ref, options);
  const create = (): Promise<unknown> => client.create(CONFIG_MAP, configMap, { fieldManager: 'test' });
  const tokens = (): unknown[] => server.requests.map(({ headers }) => headers.authorization);

  function reflect(onList?: () => void): Reflector<ConfigMap> {
    const note = (...objects: ConfigMap[]): void => void views.push(objects.map(({ metadata }) => metadata.name));
    const reflector = new Reflector<ConfigMap>({
      client,
      type: CONFIG_MAP,
      ...inShop,
      clock,
      log: silentLogger,
      handler: {
        replace: (objects) => {
          note(...objects);
          onList?.();
        },
        upsert: note,
        remove: () => views.push([]),
      },
    });
    running = reflector.run(stop.signal);
    return reflector;
  }

  describe('a dead peer', () => {
    it('costs one deadline, however many connections to it were kept', async () => {
      await Promise.all([read(), read(), read(), read()]);
      const before = server.connections;
      expect(before).toBeGreaterThan(1);
      server.playDead();
      const lost = failureOf(read({ timeoutMs: 4_000 }));
      await settle();
      await clock.advance(4_000);
      expect(await lost).toBeInstanceOf(TransportError);
      await read({ timeoutMs: 4_000 });
      expect(server.connections).toBe(before + 1);
    });

    it('does not take the connections away from requests that are under way', async () => {
      let answer: () => void = () => {};
      const held = new Promise<void>((resolve) => (answer = resolve));
      server.on({ method: 'POST' }, async ({ body }) => (await held, { body }));
      const slow = create();
      await until(() => server.requests.length === 1);
      server.on({ method: 'GET' }, { hang: true });
      const lost = failureOf(read({ timeoutMs: 4_000 }));
      await until(() => server.requests.length === 2);
      await clock.advance(4_000);
      await lost;
      answer();
      expect(await slow).toEqual(configMap);
    });

    it('that dies in the midst of an answer is given up at the deadline', async () => {
      server.on({}, { body: configMap, half: 'silent' });
      const lost = failureOf(read({ timeoutMs: 4_000 }));
      await until(() => server.requests.length === 1);
      await settle();
      await clock.advance(4_000);
      expect(await lost).toMatchObject({ message: 'get configmaps shop/a: no answer within 4000 ms' });
    });

    it('that dies while it refuses a watch does not hold up the reflector', async () => {
      server.on({ watch: true }, { status: 502, body: '<html>bad gateway</html>', half: 'silent' });
      reflect();
      await until(() => server.requests.length === 2);
      await settle();
      await clock.advance(31_000);
      await server.watch(1);
    });
  });

  it.each(['get', 'list'])('half an answer of a %s is none', async (verb) => {
    const call = (): Promise<unknown> => (verb === 'get' ? read() : client.list(CONFIG_MAP, inShop));
    const body = JSON.stringify({ ...configMap, items: [configMap] });
    server.on({}, { body, half: 'closed', headers: { 'content-length': String(body.length) } });
    expect(await failureOf(call())).toBeInstanceOf(TransportError);
    // What has arrived may well be JSON by itself.
    server.on({}, { body: `{"items":[]}${' '.repeat(12)}`, half: 'closed', headers: { 'content-length': '24' } });
    expect(await failureOf(call())).toBeInstanceOf(TransportError);
  });

  it.each([
    'null',
    '{}',
    '[]',
    '"hello"',
    '{"kind":"Status","metadata":{}}',
    '{"kind":"ConfigMapList","metadata":{"resourceVersion":"11"},"items":{}}',
    '{"kind":"ConfigMapList","metadata":{"resourceVersion":"11"},"items":[null]}',
    '{"kind":"ConfigMapList","items":[]}',
    '{"kind":"ConfigMapList","metadata":{"resourceVersion":"11"},"items":[',
    '<html>please log in</html>',
  ])('%s is no list, and is told to be none', async (body) => {
    server.on({}, { body });
    expect(await failureOf(client.list(CONFIG_MAP, inShop))).toBeInstanceOf(TransportError);
  });

  it.each(['null', '{"kind":"Status","metadata":{}}', '{"kind":"ConfigMapList","metadata":{},"items":[]}'])(
    'after %s for a list, what is known stays known',
    async (body) => {
      reflect();
      await server.watch(1);
      server.on({ path: collection, watch: true }, { status: 410 });
      server.on({ path: collection, watch: false }, { body });
      server.watches[0]?.end();
      await until(() => server.requests.length >= 3 || (void clock.advance(500), false));
      await until(() => server.watches.length === 2 || (void clock.advance(500), false));
      expect(views).toEqual([['a'], ['a']]);
    },
  );

  it.each([
    ['null', 'the answer is no object'],
    ['[]', 'the answer is no object'],
    ['{}', 'the answer is no object'],
    ['"hello"', 'the answer is no object'],
    ['{"kind":"Status","metadata":{},"status":"Failure"}', 'the answer is a Status, no ConfigMap'],
    ['{"kind":"ConfigMap","metadata":{"name":"a"', 'the answer is not JSON'],
    ['<html>please log in</html>', 'the answer is not JSON'],
  ])('%s is no object: %s', async (body, message) => {
    server.on({}, { body });
    const error = await failureOf(read());
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ message: `get configmaps shop/a: ${message}` });
  });

  it('what is no object is no answer to a write either', async () => {
    server.on({}, { body: 'null' });
    expect(await failureOf(create())).toMatchObject({ message: 'create configmaps shop/a: the answer is no object' });
  });

  it('an object of three megabytes in one line of a watch is read, and what follows it', async () => {
    reflect();
    const watch = await server.watch(1);
    const large = {
      ...configMap,
      metadata: { name: 'large', resourceVersion: '11' },
      data: { x: 'é'.repeat(1_500_000) },
    };
    watch.send('ADDED', large);
    watch.send('ADDED', { ...configMap, metadata: { name: 'next', resourceVersion: '12' } });
    await until(() => views.length === 3, 'both events', 10_000);
    expect(views).toEqual([['a'], ['large'], ['next']]);
  });

  it('a watch that sends bookmarks and nothing else goes on, and keeps its version young', async () => {
    reflect();
    const watch = await server.watch(1);
    await until(() => clock.pending === 1);
    for (let version = 11; version <= 14; version++) {
      await clock.advance(60_000);
      expect(watch.closed).toBe(false);
      watch.bookmark(String(version));
      await settle();
    }
    watch.end();
    await server.watch(2);
    expect(server.watches[1]?.request.query['resourceVersion']).toBe('14');
    expect(server.seen({ watch: false })).toHaveLength(1);
  });

  describe('an API server that is behind the one that answered before', () => {
    const behind = status(504, 'Timeout', {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    });
    const reply = { status: 504, body: behind };

    it('is given time: the watch begins where it should', async () => {
      server.on({ watch: true }, reply, 2);
      reflect();
      await until(() => server.watches.length === 1 || (void clock.advance(100), false));
      expect(server.watches[0]?.request.query['resourceVersion']).toBe('10');
      expect(server.seen({ watch: false })).toHaveLength(1);
      // Twice at least a second, as it has asked for.
      expect(clock.now() - Date.UTC(2026, 0, 1)).toBeGreaterThanOrEqual(2_000);
    });

    it('and never catches up, is listed anew', async () => {
      server.on({ watch: true }, reply, 4);
      server.set(collection, '10', [configMap]);
      reflect();
      await until(() => server.seen({ watch: true }).length === 3 || (void clock.advance(100), false));
      server.set(collection, '8', []);
      await until(() => server.watches.length === 1 || (void clock.advance(500), false));
      expect(server.watches[0]?.request.query['resourceVersion']).toBe('8');
      expect(views).toEqual([['a'], []]);
    });
  });

  describe("the machine's clock", () => {
    it.each([3_600_000, -3_600_000])('set by %i ms does not hide that a watch is dead', async (ms) => {
      reflect();
      const watch = await server.watch(1);
      await until(() => clock.pending === 1);
      clock.setByMs = ms;
      await clock.advance(80_000);
      await until(() => watch.closed);
      await server.watch(2);
    });

    it.each([3_600_000, -3_600_000])('set by %i ms while a call is repeated leaves it its time', async (ms) => {
      server.on({}, { status: 429, headers: { 'retry-after': '5' } });
      const call = read({ timeoutMs: 10_000 });
      call.catch(() => {});
      await until(() => server.requests.length === 1);
      await settle();
      await clock.advance(1_000);
      clock.setByMs = ms;
      server.on({}, { hang: true });
      await clock.advance(5_000);
      expect(server.requests).toHaveLength(2);
      await clock.advance(4_000);
      expect(await failureOf(call)).toBeInstanceOf(TransportError);
    });

    it('set back does not keep an old token in use', async () => {
      await read();
      write('token', 'second');
      clock.setByMs = -3_600_000;
      await clock.advance(60_000);
      await read();
      expect(tokens()).toEqual(['Bearer first', 'Bearer second']);
    });
  });

  describe('a token', () => {
    it('that has been renewed in its file is taken within a minute, though the old one is still good', async () => {
      await read();
      write('token', 'second');
      await clock.advance(59_000);
      await read();
      await clock.advance(1_000);
      await read();
      reflect();
      await server.watch(1);
      expect(tokens()).toEqual(['first', 'first', 'second', 'second', 'second'].map((token) => `Bearer ${token}`));
    });

    it.each(['empty', 'missing'])('is kept as long as its file is %s', async (fault) => {
      await read();
      if (fault === 'empty') write('token', '\n');
      else fs.rmSync(path.join(dir, 'token'));
      await clock.advance(60_000);
      await read();
      write('token', 'second');
      await clock.advance(60_000);
      await read();
      expect(tokens()).toEqual(['first', 'first', 'second'].map((token) => `Bearer ${token}`));
    });

    it('that was never there is asked for, not gone without', async () => {
      write('token', '');
      expect(await failureOf(read())).toMatchObject({
        cause: { message: `token file ${path.join(dir, 'token')} is empty` },
      });
      expect(server.requests).toEqual([]);
    });

    it('that is refused is read again from its file, for requests and for watches', async () => {
      await read();
      write('token', 'second');
      server.on({ method: 'POST' }, { status: 401 });
      await create();
      write('token', 'third');
      server.on({ watch: true }, { status: 401 });
      reflect();
      await server.watch(1);
      expect(tokens()).toEqual(
        ['first', 'first', 'second', 'second', 'second', 'third'].map((token) => `Bearer ${token}`),
      );
    });
  });

  describe('a new certificate authority', () => {
    it('is read from its file as soon as the old one does not fit, for requests and for watches', async () => {
      reflect();
      await server.watch(1);
      await create();
      write('ca.crt', certificates[1]?.certificate ?? '');
      server.renew(certificates[1] as StubCertificate);
      await read();
      await until(() => server.watches.length === 2 || (void clock.advance(500), false));
      expect(clock.now() - Date.UTC(2026, 0, 1)).toBeLessThan(5_000);
    });

    it('does for all requests that were under way', async () => {
      await read();
      write('ca.crt', certificates[1]?.certificate ?? '');
      server.renew(certificates[1] as StubCertificate);
      await Promise.all([read(), create(), read()]);
    });

    it('that is not in its file yet is waited for', async () => {
      await read();
      server.renew(certificates[1] as StubCertificate);
      const message = 'get configmaps shop/a: the certificate of the server is not trusted';
      expect(await failureOf(read())).toMatchObject({ message });
      fs.rmSync(path.join(dir, 'ca.crt'));
      expect(await failureOf(read())).toMatchObject({ message });
      write('ca.crt', certificates[1]?.certificate ?? '');
      await create();
    });
  });

  it('a page of a list may take as long as the API server itself allows', async () => {
    let answer: () => void = () => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    const body = { metadata: { resourceVersion: '10' }, items: [configMap] };
    server.on({ path: collection, watch: false }, async () => (await held, { body }));
    reflect();
    await until(() => server.requests.length === 1);
    await clock.advance(60_000);
    answer();
    await server.watch(1);
    expect(server.seen({ watch: false })).toHaveLength(1);
  });

  it('a stop between list and watch opens no watch', async () => {
    reflect(() => stop.abort());
    await running;
    await settle();
    expect(server.requests).toHaveLength(1);
  });
});
