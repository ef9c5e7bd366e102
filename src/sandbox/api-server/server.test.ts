import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { Client } from '../../kube/client.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { inProcessConnection } from '../in-process-connection.js';
import { bootstrap } from './bootstrap.js';
import { type Certificate, selfSignedCertificate } from './http/certificate.js';
import type { InterceptedRequest } from './http/faults.js';
import { newApiServer } from './new-api-server.js';
import type { ApiServer } from './server.js';

const CONFIG_MAP: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

const token = 'secret';
let certificate: Certificate;
let clock: FakeClock;
let server: ApiServer;
let client: Client;

async function started(seed = 1): Promise<ApiServer> {
  const apiServer = newApiServer({ clock, seed, certificate, tokens: { admin: token } });
  await bootstrap(apiServer.operations);
  await apiServer.listen();
  return apiServer;
}

const clientOf = (apiServer: ApiServer): Client =>
  new Client({ connection: inProcessConnection(apiServer, { token }), clock, userAgent: 'tester/1' });

const draft = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
});

const create = (name: string): Promise<KubeObject> =>
  client.create(CONFIG_MAP, draft(name), { fieldManager: 'tester' });
const get = (name: string): Promise<KubeObject> => client.get(CONFIG_MAP, { namespace: 'default', name });

/** Resets the connection of all creates; says whether before or after they are carried out. */
function resetCreates(when: 'before' | 'after'): () => void {
  return server.intercept(({ verb }: InterceptedRequest) => (verb === 'create' ? { when, what: 'reset' } : undefined));
}

const configMaps = '/api/v1/namespaces/default/configmaps';

/** As the administrator, of whomever answers. */
const trusting = { rejectUnauthorized: false, headers: { authorization: `Bearer ${token}` } };

/** The server's URL. */
async function relisten(): Promise<string> {
  await server.close();
  return server.listen();
}

/** The status of the answer to a GET of this target. */
function asked(url: string, target: string): Promise<number | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: target, ...trusting }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.once('error', reject);
    sent.end();
  });
}

beforeAll(async () => {
  certificate = await selfSignedCertificate(Date.now());
});

beforeEach(async () => {
  clock = new FakeClock();
  server = await started();
  client = clientOf(server);
});

afterEach(async () => {
  client.close();
  await server.close();
});

describe('ApiServer', () => {
  test('time, uids and generated names follow clock and seed', async () => {
    const other = await started();
    const [one, two] = await Promise.all(
      [client, clientOf(other)].map((each) =>
        each.create(
          CONFIG_MAP,
          { ...draft(''), metadata: { generateName: 'x-', namespace: 'default' } as never },
          {
            fieldManager: 'tester',
          },
        ),
      ),
    );
    expect(one!.metadata).toEqual(two!.metadata);
    expect(one!.metadata.creationTimestamp).toBe('2026-01-01T00:00:00Z');
    expect(one!.metadata.name).toMatch(/^x-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    await other.close();
  });

  test('logs each request as the audit log of the real server does', async () => {
    const before = server.requests.entries().length;
    await create('a');
    await client.delete(CONFIG_MAP, { namespace: 'default', name: 'a' });
    await expect(get('a')).rejects.toMatchObject({ code: 404 });
    expect(server.requests.entries().slice(before)).toMatchObject([
      {
        verb: 'create',
        user: { username: 'admin' },
        userAgent: 'tester/1',
        objectRef: { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' },
        responseStatus: { code: 201 },
        requestObject: { metadata: { name: 'a' } },
        responseObject: { metadata: { name: 'a' } },
        requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
      },
      { verb: 'delete', responseStatus: { code: 200 } },
      { verb: 'get', responseStatus: { code: 404 } },
    ]);
  });

  test('a request can be made to fail before it is carried out', async () => {
    const undo = resetCreates('before');
    await expect(create('a')).rejects.toMatchObject({ name: 'TransportError' });
    undo();
    await expect(get('a')).rejects.toMatchObject({ code: 404 });
  });

  test('a request can be made to fail after it was carried out, and is logged as that', async () => {
    const before = server.requests.entries().length;
    const undo = resetCreates('after');
    await expect(create('a')).rejects.toMatchObject({ name: 'TransportError' });
    undo();
    await expect(get('a')).resolves.toMatchObject({ metadata: { name: 'a' } });
    expect(server.requests.entries()[before]).toMatchObject({ verb: 'create', responseStatus: { code: 201 } });
  });

  test('a request can be answered with an error', async () => {
    const undo = server.intercept(() => ({ when: 'before', what: 409 }));
    await expect(create('a')).rejects.toMatchObject({ code: 409, reason: 'Conflict' });
    undo();
  });

  test('an interceptor can show an older state', async () => {
    const { metadata } = await create('a');
    await client.delete(CONFIG_MAP, { namespace: 'default', name: 'a' });
    const undo = server.intercept(({ verb, query }) => {
      if (verb !== 'list') return;
      query.set('resourceVersion', metadata.resourceVersion!);
      query.set('resourceVersionMatch', 'Exact');
    });
    const stale = await client.list(CONFIG_MAP, { namespace: 'default' });
    undo();
    expect(stale.items.map((item) => item.metadata.name)).toEqual(['a']);
    expect((await client.list(CONFIG_MAP, { namespace: 'default' })).items).toEqual([]);
  });

  test('a target that is no path is refused, a whole URL is its path', async () => {
    const url = await relisten();
    expect(await asked(url, '*:99999')).toBe(400);
    expect(await asked(url, '*[')).toBe(400);
    expect(await asked(url, 'version')).toBe(400);
    expect(await asked(url, `http://anywhere:99999${configMaps}`)).toBe(200);
    expect(await asked(url, `http://anywhere/${configMaps}`)).toBe(404);
  });

  test('a watch of a client that left while it waited is none', async () => {
    const url = await relisten();
    server.pause();
    const sent = request(`${url}${configMaps}?watch=1`, trusting).once('error', () => undefined);
    sent.end();
    await vi.waitFor(() => expect(server.activity.inFlight).toBe(1));
    sent.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    server.resume();
    await vi.waitFor(() => expect(server.activity.inFlight).toBe(0));
    const { count } = server.activity;
    await create('a');
    // The request begins and ends; there is no event.
    expect(server.activity.count - count).toBe(2);
  });

  test('a watch that is not read ends, after what it has been sent', async () => {
    const url = await relisten();
    const answer = await new Promise<IncomingMessage>((resolve) => {
      request(`${url}${configMaps}?watch=1`, trusting, resolve).end();
    });
    const changes = 40;
    for (let i = 0; i < changes; i += 1) {
      const object = { ...draft(`big-${i}`), data: { x: 'x'.repeat(900_000) } };
      await client.create(CONFIG_MAP, object, { fieldManager: 'tester' });
    }
    const chunks = await answer.toArray();
    const events = Buffer.concat(chunks as Buffer[])
      .toString()
      .trimEnd()
      .split('\n');
    expect(events.length).toBeGreaterThan(10);
    expect(events.length).toBeLessThan(changes);
    expect(JSON.parse(events.at(-1)!)).toMatchObject({ type: 'ADDED' });
  });

  test('paused, it answers nobody until it is resumed', async () => {
    server.pause();
    let answered = false;
    const creating = create('a').finally(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answered).toBe(false);
    server.resume();
    await expect(creating).resolves.toMatchObject({ metadata: { name: 'a' } });
  });

  test('closed it refuses connections; listening again it has kept everything', async () => {
    await create('a');
    await server.close();
    await expect(get('a')).rejects.toMatchObject({ name: 'TransportError' });
    await server.listen();
    await expect(get('a')).resolves.toMatchObject({ metadata: { name: 'a' } });
  });
});
