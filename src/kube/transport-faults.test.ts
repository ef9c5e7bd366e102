import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { FakeClock, settle, until } from '../../test/support/fake-clock.js';
import { StubApiServer, type StubCertificate } from '../../test/support/stub-api-server.js';
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

  it.each(['{}', '"hello"', '{"kind":"Status"}'])('%s is no list, and what is known stays known', async (body) => {
    reflect();
    await server.watch(1);
    server.on({ path: collection, watch: true }, { status: 410 });
    server.on({ path: collection, watch: false }, { body });
    server.watches[0]?.end();
    await until(() => server.requests.length >= 3 || (void clock.advance(500), false));
    await until(() => server.watches.length === 2 || (void clock.advance(500), false));
    expect(views).toEqual([['a'], ['a']]);
  });

  describe('a token', () => {
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
