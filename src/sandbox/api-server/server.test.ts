import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { Client } from '../../kube/client.js';
import type { KubeObject, ResourceType } from '../../kube/resource.js';
import { inProcessConnection } from '../in-process-connection.js';
import { bootstrap } from './bootstrap.js';
import { builtinResources } from './builtin/index.js';
import { type Certificate, selfSignedCertificate } from './http/certificate.js';
import type { InterceptedRequest } from './http/faults.js';
import { ApiServer } from './server.js';

const CONFIG_MAP: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

const resources = builtinResources();
let certificate: Certificate;
let clock: FakeClock;
let server: ApiServer;
let client: Client;

async function started(seed = 1): Promise<ApiServer> {
  const apiServer = new ApiServer({ clock, seed, certificate, resources });
  await bootstrap(apiServer.operations);
  await apiServer.listen();
  return apiServer;
}

const clientOf = (apiServer: ApiServer): Client =>
  new Client({ connection: inProcessConnection(apiServer, { token: 'none' }), clock, userAgent: 'tester/1' });

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

beforeAll(async () => {
  certificate = await selfSignedCertificate([], Date.now());
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
    server.requests.clear();
    await create('a');
    await client.delete(CONFIG_MAP, { namespace: 'default', name: 'a' });
    await expect(get('a')).rejects.toMatchObject({ code: 404 });
    expect(server.requests.entries()).toMatchObject([
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
    server.requests.clear();
    const undo = resetCreates('after');
    await expect(create('a')).rejects.toMatchObject({ name: 'TransportError' });
    undo();
    await expect(get('a')).resolves.toMatchObject({ metadata: { name: 'a' } });
    expect(server.requests.entries()[0]).toMatchObject({ verb: 'create', responseStatus: { code: 201 } });
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

  test('paused, it answers nobody until it is resumed', async () => {
    server.pause();
    let answered = false;
    const request = create('a').finally(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(answered).toBe(false);
    server.resume();
    await expect(request).resolves.toMatchObject({ metadata: { name: 'a' } });
  });

  test('closed it refuses connections; listening again it has kept everything', async () => {
    await create('a');
    await server.close();
    await expect(get('a')).rejects.toMatchObject({ name: 'TransportError' });
    await server.listen();
    await expect(get('a')).resolves.toMatchObject({ metadata: { name: 'a' } });
  });
});
