import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../kube/resource.js';
import { ObjectStore } from './store.js';

interface Thing extends KubeObject {
  spec?: { node?: string };
}

function thing(name: string, version: number, fields: { uid?: string; node?: string; namespace?: string } = {}): Thing {
  const { uid = `uid-${name}`, node, namespace = 'shop' } = fields;
  return {
    apiVersion: 'v1',
    kind: 'Thing',
    metadata: { namespace, name, uid, resourceVersion: String(version) },
    ...(node !== undefined && { spec: { node } }),
  };
}

function storeOf(...objects: Thing[]): ObjectStore<Thing> {
  const store = new ObjectStore<Thing>({ node: ({ spec }) => (spec?.node ? [spec.node] : []) }, (error) => {
    throw error;
  });
  store.replace(objects);
  return store;
}

const a = { namespace: 'shop', name: 'a' };

describe('store', () => {
  test('objects are found by name, by namespace and by index, and no more after they changed or went', () => {
    const store = storeOf(
      thing('a', 1, { node: 'n1' }),
      thing('b', 2, { node: 'n1' }),
      thing('c', 3, { namespace: 'bank' }),
    );
    expect(store.get(a)?.metadata.resourceVersion).toBe('1');
    expect(store.list('shop').map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
    expect(store.list()).toHaveLength(3);
    expect(store.byIndex('node', 'n1')).toHaveLength(2);
    store.upsert(thing('a', 4, { node: 'n2' }));
    store.remove(thing('b', 5));
    expect(store.byIndex('node', 'n1')).toEqual([]);
    expect(store.byIndex('node', 'n2')).toHaveLength(1);
    expect(store.list('shop')).toHaveLength(1);
    expect(() => store.byIndex('zone', 'x')).toThrow('no watch declares the index "zone"');
  });

  test('an object cannot be changed by who reads it', () => {
    const store = storeOf(thing('a', 1, { node: 'n1' }));
    const held = store.get(a) as { spec: { node: string } };
    expect(() => (held.spec.node = 'n2')).toThrow(TypeError);
  });

  test('a list reports what came, changed and went, and nothing for what is the same', () => {
    const store = storeOf(thing('a', 1), thing('b', 2), thing('c', 3));
    const changes = store.replace([thing('a', 1), thing('b', 7), thing('d', 8)], '8');
    expect(changes.map(({ old, new: now }) => [old?.metadata.name, now?.metadata.name])).toEqual([
      ['c', undefined],
      ['b', 'b'],
      [undefined, 'd'],
    ]);
  });

  test('a written object is there at once, and older events of the watch do not take it back', () => {
    const store = storeOf(thing('a', 5));
    expect(store.record(thing('a', 9))).toHaveLength(1);
    expect(store.upsert(thing('a', 7))).toEqual([]);
    expect(store.get(a)?.metadata.resourceVersion).toBe('9');
    expect(store.upsert(thing('a', 9))).toEqual([]);
    expect(store.upsert(thing('a', 11))).toHaveLength(1);
    expect(store.get(a)?.metadata.resourceVersion).toBe('11');
  });

  test('the answer of a write that is older than the watch is ignored', () => {
    const store = storeOf(thing('a', 9));
    expect(store.record(thing('a', 7))).toEqual([]);
    expect(store.get(a)?.metadata.resourceVersion).toBe('9');
  });

  test('the answer of a write does not bring back what the watch saw deleted', () => {
    const store = storeOf(thing('a', 5));
    store.remove(thing('a', 8));
    expect(store.record(thing('a', 7))).toEqual([]);
    expect(store.get(a)).toBeUndefined();
  });

  test('an object that the watch shows again after a delete takes the answers of writes again', () => {
    const store = storeOf(thing('a', 5));
    store.remove(thing('a', 8));
    store.upsert(thing('a', 9));
    expect(store.record(thing('a', 12))).toHaveLength(1);
    expect(store.get(a)?.metadata.resourceVersion).toBe('12');
  });

  test('a list from before a write does not take the written object out; a later one does', () => {
    const store = storeOf(thing('b', 3));
    store.record(thing('a', 20));
    expect(store.replace([], '19').map(({ old }) => old?.metadata.name)).toEqual(['b']);
    expect(store.get(a)?.metadata.resourceVersion).toBe('20');
    expect(store.record(thing('a', 25))).toHaveLength(1);
    expect(store.replace([], '25').map(({ old }) => old?.metadata.name)).toEqual(['a']);
  });

  test('a list without a version, of a kind that is absent, takes everything out', () => {
    const store = storeOf();
    store.record(thing('a', 20));
    store.replace([]);
    expect(store.list()).toEqual([]);
  });

  test('the delete of a former object of the same name does not remove the one just created', () => {
    const store = storeOf(thing('a', 5, { uid: 'old' }));
    store.record(thing('a', 10, { uid: 'new' }));
    expect(store.remove(thing('a', 8, { uid: 'old' }))).toEqual([]);
    expect(store.get(a)?.metadata.uid).toBe('new');
  });

  test('versions that go back (etcd restored from a backup) are believed', () => {
    const store = storeOf(thing('a', 900));
    expect(store.replace([thing('a', 12)])).toHaveLength(1);
    expect(store.get(a)?.metadata.resourceVersion).toBe('12');
  });

  test('where versions have begun anew, the same version is another state, and no write of before is newer', () => {
    const store = storeOf(thing('a', 20, { node: 'n1' }));
    store.record(thing('b', 30, { node: 'n1' }));
    expect(store.replace([thing('a', 20, { node: 'n2' }), thing('b', 10, { node: 'n2' })])).toHaveLength(2);
    expect(store.byIndex('node', 'n2')).toHaveLength(2);
    expect(store.replace([thing('a', 20), thing('b', 10)], '40')).toEqual([]);
  });

  test('an object that an index function cannot read is held all the same', () => {
    const errors: unknown[] = [];
    const store = new ObjectStore<Thing>(
      {
        node: ({ spec }) => {
          if (!spec) throw new TypeError('no spec');
          return [spec.node as string];
        },
      },
      (error) => errors.push(error),
    );
    store.upsert(thing('a', 1));
    expect(store.get(a)).toBeDefined();
    expect(errors).toHaveLength(1);
  });
});
