import { expect, test } from 'vitest';
import type { Client } from '../kube/client.js';
import type { ResourceType } from '../kube/resource.js';
import { guardClient } from './client-guard.js';
import { MemoryApi } from './testing/memory-api.js';

const THING: ResourceType = { group: 'test.dev', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
const a = { namespace: 'shop', name: 'a' };
const fieldManager = 'test';

function guarded(assertWrite?: () => void): { api: MemoryApi; client: Client; end: AbortController } {
  const api = new MemoryApi().serve(THING);
  api.put(THING, { metadata: a });
  const end = new AbortController();
  return { api, client: guardClient(api.client(), { signal: end.signal, assertWrite }), end };
}

test('a guarded client works as the one beneath', async () => {
  const { client, api } = guarded();
  expect((await client.get(THING, a)).metadata.name).toBe('a');
  expect((await client.list(THING)).items).toHaveLength(1);
  await client.jsonPatch(THING, a, [{ op: 'add', path: '/spec', value: 1 }], { fieldManager });
  await client.delete(THING, a);
  expect(api.writes).toEqual(['jsonPatch things.test.dev shop/a', 'delete things.test.dev shop/a']);
});

test('after the end every call is refused with its reason, streams too', async () => {
  const { client, api, end } = guarded();
  end.abort(new Error('over'));
  await expect(client.get(THING, a)).rejects.toThrow('over');
  await expect(client.delete(THING, a)).rejects.toThrow('over');
  expect(() => client.watch(THING)).toThrow('over');
  expect(api.writes).toEqual([]);
});

test('only writes ask the fence', async () => {
  const { client, api } = guarded(() => {
    throw new Error('not leading');
  });
  await client.get(THING, a);
  await expect(client.delete(THING, a)).rejects.toThrow('not leading');
  expect(api.writes).toEqual([]);
});

test('a call under way ends with the guard, and with the signal of its caller', async () => {
  const end = new AbortController();
  const hanging = new MemoryApi().serve(THING).client(() => new Promise(() => {}));
  const client = guardClient(hanging, { signal: end.signal });
  const own = new AbortController();
  const byCaller = client.get(THING, a, { signal: own.signal });
  own.abort(new Error('caller'));
  await expect(byCaller).rejects.toThrow('caller');
  const byGuard = client.get(THING, a, { signal: new AbortController().signal });
  end.abort(new Error('guard'));
  await expect(byGuard).rejects.toThrow('guard');
});
