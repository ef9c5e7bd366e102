import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakeClock, settle, until } from '../../test/support/fake-clock.js';
import { StubApiServer, status } from '../../test/support/stub-api-server.js';
import { Client, type ResponseInfo } from './client.js';
import type { ApiError } from './errors.js';
import { TransportError, isAlreadyExists, isConflict, isForbidden, isGone, isInvalid, isNotFound } from './errors.js';
import { CONFIG_MAP, DEPLOYMENT, NAMESPACE, POD } from './types.js';

const path = '/api/v1/namespaces/shop/configmaps';
const ref = { namespace: 'shop', name: 'a' };
const writer = { fieldManager: 'tester' };

function configMap(name: string, more: object = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop', ...more } };
}

describe('Client', () => {
  let server: StubApiServer;
  let clock: FakeClock;
  let client: Client;
  let responses: ResponseInfo[];

  beforeEach(async () => {
    server = await StubApiServer.start();
    clock = new FakeClock();
    responses = [];
    client = new Client({ connection: server.connection(), clock, onResponse: (info) => responses.push(info) });
    server.set(path, '10', [configMap('a')]);
  });

  afterEach(async () => {
    client.close();
    await server.stop();
    expect(clock.pending, 'timers left behind').toBe(0);
  });

  async function failureOf(call: Promise<unknown>): Promise<unknown> {
    return call.then(
      () => expect.unreachable('the call should have failed'),
      (error: unknown) => error,
    );
  }

  describe('reading', () => {
    it('gets an object as the server has it, without managedFields', async () => {
      const stored = { ...configMap('a', { resourceVersion: '7' }), data: { when: '2026-01-01T00:00:00Z' }, odd: [1] };
      server.set(path, '10', [{ ...stored, metadata: { ...stored.metadata, managedFields: [{}] } }]);
      expect(await client.get(CONFIG_MAP, ref)).toEqual(stored);
      const whole = await client.get(CONFIG_MAP, ref, { managedFields: true });
      expect(whole.metadata.managedFields).toEqual([{}]);
    });

    it('fills in the apiVersion and kind that lists leave out', async () => {
      server.set(path, '10', [{ metadata: { name: 'a', managedFields: [{}] } }]);
      const { items, resourceVersion } = await client.list(CONFIG_MAP, { namespace: 'shop' });
      expect(items).toEqual([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: '10' } }]);
      expect(resourceVersion).toBe('10');
    });

    it('takes a list of null as empty', async () => {
      server.on({ path }, { body: { metadata: { resourceVersion: '3' }, items: null } });
      expect(await client.list(CONFIG_MAP, { namespace: 'shop' })).toEqual({ items: [], resourceVersion: '3' });
    });

    it('names the version only on the first page', async () => {
      server.set(path, '10', [configMap('a'), configMap('b'), configMap('c')]);
      await client.list(CONFIG_MAP, { namespace: 'shop', limit: 2, resourceVersion: '0', labelSelector: 'x' });
      expect(server.requests.map((request) => request.query)).toEqual([
        { limit: '2', resourceVersion: '0', labelSelector: 'x' },
        { limit: '2', continue: '2', labelSelector: 'x' },
      ]);
    });

    it('reads any path', async () => {
      server.on({ path: '/version' }, { body: { major: '1' } });
      expect(await client.getJson('/version')).toEqual({ major: '1' });
    });

    it('asks for another form of an answer', async () => {
      server.on({ path: '/apis' }, { body: {} });
      await client.getJson('/apis', { accept: 'application/json;as=APIGroupDiscoveryList' });
      expect(server.requests[0]?.headers.accept).toBe('application/json;as=APIGroupDiscoveryList');
    });

    it('puts the path of the server before all paths', async () => {
      const proxied = new Client({ connection: { ...server.connection(), server: `${server.url}/k8s/c-1/` }, clock });
      await failureOf(proxied.get(NAMESPACE, { name: 'x' }));
      expect(server.requests[0]?.path).toBe('/k8s/c-1/api/v1/namespaces/x');
      proxied.close();
    });
  });

  describe('writing', () => {
    it('creates in the namespace of the object', async () => {
      await client.create(CONFIG_MAP, configMap('a'), { ...writer, dryRun: true, fieldValidation: 'Strict' });
      expect(server.requests[0]).toMatchObject({
        method: 'POST',
        path,
        query: { fieldManager: 'tester', dryRun: 'All', fieldValidation: 'Strict' },
        body: configMap('a'),
      });
    });

    it('creates subresources of a named object', async () => {
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace: 'shop', name: 'pod-1' } };
      await client.create(POD, eviction, { ...writer, subresource: 'eviction' });
      expect(server.requests[0]?.path).toBe('/api/v1/namespaces/shop/pods/pod-1/eviction');
    });

    it('applies on the server, forced only if asked', async () => {
      await client.apply(CONFIG_MAP, configMap('a'), writer);
      await client.apply(CONFIG_MAP, configMap('a'), { ...writer, force: true, subresource: 'status' });
      expect(server.requests).toMatchObject([
        { method: 'PATCH', path: `${path}/a`, query: { fieldManager: 'tester' } },
        { method: 'PATCH', path: `${path}/a/status`, query: { fieldManager: 'tester', force: 'true' } },
      ]);
      expect(server.requests[0]?.headers['content-type']).toBe('application/apply-patch+yaml');
    });

    it('applies strings that YAML would read otherwise than JSON', async () => {
      const text = 'a\u2028b\u0085c\u007fd\ufeffe "quoted" \\u0041 😀';
      server.on({ method: 'PATCH' }, (request) => ({ body: request.body }));
      const applied = await client.apply<never>(
        CONFIG_MAP as never,
        { ...configMap('a'), data: { text } } as never,
        writer,
      );
      expect(applied).toMatchObject({ data: { text } });
      expect(Number(server.requests[0]?.headers['content-length'])).toBeGreaterThan(0);
    });

    it('tells a failed test of a JSON patch as a conflict', async () => {
      const message = 'the server rejected our request due to an error in our request';
      server.on({ method: 'PATCH' }, { status: 422, body: { ...status(422, 'Invalid', {}), message } });
      const error = await failureOf(
        client.jsonPatch(CONFIG_MAP, ref, [{ op: 'test', path: '/metadata/resourceVersion', value: '1' }], writer),
      );
      expect(isConflict(error)).toBe(true);
      expect((error as Error).cause).toMatchObject({ code: 422 });
    });

    it.each([
      ['validation', status(422, 'Invalid', { causes: [{ field: 'data' }] })],
      ['an admission webhook', { ...status(422, ''), message: 'admission webhook "a" denied the request: no ticket' }],
      [
        'an admission webhook in the words of the server',
        {
          ...status(422, 'Invalid'),
          message:
            'admission webhook "a" denied the request: the server rejected our request due to an error in our request',
        },
      ],
    ])('leaves a JSON patch that %s refuses invalid', async (_who, body) => {
      server.on({ method: 'PATCH' }, { status: 422, body });
      const error = await failureOf(
        client.jsonPatch(CONFIG_MAP, ref, [{ op: 'test', path: '/metadata/resourceVersion', value: '1' }], writer),
      );
      expect(isInvalid(error)).toBe(true);
    });

    it('deletes only the object that was meant', async () => {
      await client.delete(CONFIG_MAP, ref, { uid: 'u1', resourceVersion: '4', propagationPolicy: 'Foreground' });
      expect(server.requests[0]).toMatchObject({
        method: 'DELETE',
        path: `${path}/a`,
        body: { preconditions: { uid: 'u1', resourceVersion: '4' }, propagationPolicy: 'Foreground' },
      });
    });

    it('writes nothing once its guard throws, and still reads', async () => {
      let leader = true;
      const guarded = client.guarded(() => {
        if (!leader) throw new Error('not the leader');
      });
      await guarded.apply(CONFIG_MAP, configMap('a'), writer);
      leader = false;
      await expect(guarded.apply(CONFIG_MAP, configMap('a'), writer)).rejects.toThrow('not the leader');
      await expect(guarded.create(CONFIG_MAP, configMap('a'), writer)).rejects.toThrow('not the leader');
      await expect(guarded.delete(CONFIG_MAP, ref)).rejects.toThrow('not the leader');
      await expect(guarded.jsonPatch(CONFIG_MAP, ref, [], writer)).rejects.toThrow('not the leader');
      await guarded.get(CONFIG_MAP, ref);
      expect(server.requests.map((request) => request.method)).toEqual(['PATCH', 'GET']);
    });

    it('asks its guard again before it repeats a write', async () => {
      let leader = true;
      const guarded = client.guarded(() => {
        if (!leader) throw new Error('not the leader');
      });
      server.on({ method: 'PATCH' }, { status: 429, headers: { 'retry-after': '1' } });
      const refused = failureOf(guarded.apply(CONFIG_MAP, configMap('a'), writer));
      await until(() => responses.length === 1);
      leader = false;
      await clock.advance(2_000);
      expect(await refused).toMatchObject({ message: 'not the leader' });
      expect(server.requests).toHaveLength(1);
    });
  });

  describe('errors', () => {
    it.each([
      [404, undefined, isNotFound],
      [403, undefined, isForbidden],
      [409, undefined, isConflict],
      [409, 'AlreadyExists', isAlreadyExists],
      [410, undefined, isGone],
      [422, undefined, isInvalid],
    ])('of status %i %s are recognised by their predicate alone', async (code, reason, predicate) => {
      server.on({}, { status: code, body: status(code, reason) });
      const error = await failureOf(client.get(CONFIG_MAP, ref));
      const all = [isNotFound, isForbidden, isConflict, isAlreadyExists, isGone, isInvalid];
      expect(all.filter((each) => each(error))).toEqual([predicate]);
      expect(error).toMatchObject({ code, message: expect.stringContaining('get configmaps shop/a') as string });
    });

    it('quote an answer that is not from the API server, shortened', async () => {
      server.on({}, { status: 502, body: `<html>${'x'.repeat(5_000)}` });
      const error = (await failureOf(client.get(CONFIG_MAP, ref))) as ApiError;
      expect(error).toMatchObject({ code: 502, reason: 'Unknown' });
      expect(error.message.length).toBeLessThan(400);
    });

    it('keep the cause when the connection breaks', async () => {
      server.on({}, { reset: true });
      const error = await failureOf(client.create(CONFIG_MAP, configMap('a'), writer));
      expect(error).toBeInstanceOf(TransportError);
      expect((error as Error).cause).toMatchObject({ code: 'ECONNRESET' });
      expect(responses).toMatchObject([{ verb: 'create', code: 0 }]);
    });

    it('say that nobody listens', async () => {
      const nobody = new Client({ connection: { ...server.connection(), server: 'http://127.0.0.1:1' }, clock });
      const error = await failureOf(nobody.get(CONFIG_MAP, ref));
      expect(error).toBeInstanceOf(TransportError);
      expect((error as Error).message).toBe('get configmaps shop/a: the connection was refused');
    });

    it('tell an answer that is not JSON', async () => {
      server.on({}, { body: 'hello' });
      expect(await failureOf(client.get(CONFIG_MAP, ref))).toBeInstanceOf(TransportError);
    });
  });

  describe('time', () => {
    it('gives up after the deadline', async () => {
      server.on({}, { hang: true });
      const refused = failureOf(client.get(CONFIG_MAP, ref, { timeoutMs: 5_000 }));
      await until(() => server.requests.length === 1);
      await clock.advance(5_000);
      const error = await refused;
      expect(error).toBeInstanceOf(TransportError);
      expect((error as Error).message).toContain('no answer within 5000 ms');
    });

    it('gives up with the reason of the signal', async () => {
      server.on({}, { hang: true });
      const stop = new AbortController();
      const refused = failureOf(client.get(CONFIG_MAP, ref, { signal: stop.signal }));
      await until(() => server.requests.length === 1);
      const reason = new Error('shutting down');
      stop.abort(reason);
      expect(await refused).toBe(reason);
      expect(await failureOf(client.get(CONFIG_MAP, ref, { signal: stop.signal }))).toBe(reason);
      expect(server.requests).toHaveLength(1);
    });

    it('does not wait for credentials past the deadline', async () => {
      const connection = { ...server.connection(), headers: () => new Promise<never>(() => {}) };
      const stuck = new Client({ connection, clock });
      const refused = failureOf(stuck.get(CONFIG_MAP, ref, { timeoutMs: 1_000 }));
      await clock.advance(1_000);
      expect(await refused).toBeInstanceOf(TransportError);
    });

    it.each(['get', 'create'] as const)('repeats a %s refused with 429 when the server says', async (verb) => {
      server.on({}, { status: 429, headers: { 'retry-after': '3' } });
      const call = verb === 'get' ? client.get(CONFIG_MAP, ref) : client.create(CONFIG_MAP, configMap('a'), writer);
      await until(() => responses.length === 1);
      await clock.advance(2_900);
      expect(server.requests).toHaveLength(1);
      await clock.advance(800);
      expect(await call).toMatchObject({ kind: 'ConfigMap' });
      expect(responses.map((info) => info.code)).toEqual([429, 200]);
    });

    it('repeats at most four times', async () => {
      server.on({}, { status: 429, headers: { 'retry-after': '1' } }, 100);
      const refused = failureOf(client.get(CONFIG_MAP, ref));
      for (let n = 1; n <= 4; n++) {
        await until(() => responses.length === n);
        await settle();
        await clock.advance(1_300);
      }
      expect(await refused).toMatchObject({ code: 429, retryAfterMs: 1_000 });
      expect(server.requests).toHaveLength(5);
    });

    it('does not begin a wait that would end after the deadline', async () => {
      server.on({}, { status: 429, headers: { 'retry-after': '60' } });
      const error = await failureOf(client.get(CONFIG_MAP, ref));
      expect(error).toMatchObject({ code: 429, retryAfterMs: 60_000 });
      expect(server.requests).toHaveLength(1);
    });

    it('does not take a disruption budget for a busy server', async () => {
      const details = { causes: [{ reason: 'DisruptionBudget' }], retryAfterSeconds: 10 };
      server.on({}, { status: 429, body: status(429, 'TooManyRequests', details) });
      const error = await failureOf(client.create(POD, configMap('a'), { ...writer, subresource: 'eviction' }));
      expect(error).toMatchObject({ code: 429, retryAfterMs: 10_000 });
      expect(server.requests).toHaveLength(1);
    });

    it('repeats what may happen twice after a 503 with Retry-After, and nothing else', async () => {
      server.on({}, { status: 503, headers: { 'retry-after': '1' } }, 2);
      const call = client.get(CONFIG_MAP, ref);
      await until(() => responses.length === 1);
      await settle();
      expect(await failureOf(client.create(CONFIG_MAP, configMap('b'), writer))).toMatchObject({ code: 503 });
      await clock.advance(1_300);
      expect(await call).toMatchObject({ kind: 'ConfigMap' });
    });

    it('asks for new credentials once after a 401', async () => {
      let token = 'old';
      const connection = {
        ...server.connection(),
        headers: async () => ({ authorization: `Bearer ${token}` }),
        credentialsRejected: () => ((token = 'new'), true),
      };
      const expiring = new Client({ connection, clock });
      server.on({}, { status: 401 });
      await expiring.get(CONFIG_MAP, ref);
      expect(server.requests.map((request) => request.headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
      server.on({}, { status: 401 }, 2);
      expect(await failureOf(expiring.get(CONFIG_MAP, ref))).toMatchObject({ code: 401 });
      expiring.close();
    });
  });

  describe('connections', () => {
    it('are used again', async () => {
      for (let n = 0; n < 20; n++) await client.get(CONFIG_MAP, ref);
      expect(server.connections).toBe(1);
    });

    it('are at most 32, however many calls are made at once', async () => {
      await Promise.all(Array.from({ length: 100 }, () => client.get(CONFIG_MAP, ref)));
      expect(server.connections).toBeLessThanOrEqual(32);
      expect(server.requests).toHaveLength(100);
    });

    it('of watches are their own, so that many watches do not hold up a request', async () => {
      const stop = new AbortController();
      const watches = Array.from({ length: 40 }, async () => {
        for await (const event of client.watch(CONFIG_MAP, { namespace: 'shop', signal: stop.signal })) void event;
      });
      await server.watch(40);
      await client.get(CONFIG_MAP, ref);
      stop.abort();
      const ends = await Promise.allSettled(watches);
      expect(ends.every((end) => end.status === 'rejected' && end.reason === stop.signal.reason)).toBe(true);
      expect(server.connections).toBe(41);
    });

    it('are opened anew when the certificates change', async () => {
      let cert = 'one';
      const connection = {
        ...server.connection(),
        get cert() {
          return cert;
        },
      };
      const renewed = new Client({ connection, clock });
      await renewed.get(CONFIG_MAP, ref);
      await renewed.get(CONFIG_MAP, ref);
      expect(server.connections).toBe(1);
      cert = 'two';
      await renewed.get(CONFIG_MAP, ref);
      expect(server.connections).toBe(2);
      renewed.close();
    });

    it('of a client set apart are its own, so that slow requests do not hold it up; guard and certificates are shared', async () => {
      let cert = 'one';
      const connection = {
        ...server.connection(),
        get cert() {
          return cert;
        },
      };
      const slow = new Client({ connection, clock });
      const guarded = slow.guarded(() => {
        throw new Error('not now');
      });
      const [apart, guardedApart] = [slow.apart(), guarded.apart()];
      server.on({ method: 'POST' }, { hang: true }, 32);
      const writes = Array.from({ length: 32 }, () => failureOf(slow.create(CONFIG_MAP, configMap('b'), writer)));
      await until(() => server.requests.length === 32);
      await apart.get(CONFIG_MAP, ref);
      expect(server.connections).toBe(33);
      cert = 'two';
      await apart.get(CONFIG_MAP, ref);
      expect(server.connections).toBe(34);
      expect(await failureOf(guardedApart.create(CONFIG_MAP, configMap('b'), writer))).toMatchObject({
        message: 'not now',
      });
      slow.close();
      await Promise.all(writes);
      await apart.get(CONFIG_MAP, ref);
      expect(server.connections).toBe(34);
      apart.close();
    });

    it('that the server has just closed are replaced unnoticed for a call that may happen twice', async () => {
      await client.get(CONFIG_MAP, ref);
      server.on({}, { reset: true });
      await client.get(CONFIG_MAP, ref);
      server.on({}, { reset: true });
      expect(await failureOf(client.create(CONFIG_MAP, configMap('a'), writer))).toBeInstanceOf(TransportError);
    });
  });

  describe('watching', () => {
    it('yields events without managedFields and closes the stream when the loop is left', async () => {
      const names: string[] = [];
      const reading = (async () => {
        for await (const event of client.watch(CONFIG_MAP, { namespace: 'shop', resourceVersion: '10' })) {
          if (event.type === 'BOOKMARK') break;
          expect(event.object.metadata.managedFields).toBeUndefined();
          names.push(event.object.metadata.name);
        }
      })();
      const watch = await server.watch(1);
      watch.send('ADDED', configMap('a', { resourceVersion: '11', managedFields: [{}] }));
      watch.send('ADDED', configMap('b', { resourceVersion: '12' }));
      watch.bookmark('13');
      await reading;
      expect(names).toEqual(['a', 'b']);
      await until(() => watch.closed);
      expect(responses).toMatchObject([{ verb: 'watch', code: 200 }]);
    });

    it('throws when it is refused', async () => {
      server.on({ watch: true }, { status: 410 });
      const events = client.watch(DEPLOYMENT)[Symbol.asyncIterator]();
      expect(isGone(await failureOf(events.next()))).toBe(true);
    });

    it('throws when the server does not answer in time', async () => {
      server.on({ watch: true }, { hang: true });
      const first = client.watch(CONFIG_MAP)[Symbol.asyncIterator]().next();
      const refused = failureOf(first);
      await until(() => server.requests.length === 1);
      await clock.advance(30_000);
      expect(await refused).toBeInstanceOf(TransportError);
    });

    it('reads characters and lines that are split between chunks', async () => {
      const events = client.watch(CONFIG_MAP, { namespace: 'shop' })[Symbol.asyncIterator]();
      const first = events.next();
      const watch = await server.watch(1);
      const event = { type: 'ADDED', object: configMap('größe😀', { resourceVersion: '1' }) };
      const bytes = Buffer.from(`${JSON.stringify(event)}\n`);
      for (const byte of bytes) {
        watch.sendRaw(Buffer.from([byte]));
        await settle();
      }
      expect(await first).toMatchObject({ value: { object: { metadata: { name: 'größe😀' } } } });
      await events.return?.();
    });

    it('throws when the stream ends in the middle of an event', async () => {
      const events = client.watch(CONFIG_MAP, { namespace: 'shop' })[Symbol.asyncIterator]();
      const refused = failureOf(events.next());
      const watch = await server.watch(1);
      watch.sendRaw('{"type":"ADD');
      watch.end();
      expect(await refused).toBeInstanceOf(TransportError);
    });
  });
});
