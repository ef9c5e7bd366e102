import { describe, expect, test } from 'vitest';
import type { Commit } from './cluster-view.js';
import type { ApiObject } from '../object.js';
import { keyOf, Storage } from './storage.js';

const kind = '/things';

function thing(name: string, more: object = {}): ApiObject {
  const metadata = { name, namespace: 'ns', uid: name, resourceVersion: '', creationTimestamp: '' };
  return { apiVersion: 'v1', kind: 'Thing', metadata, ...more };
}

const add = (storage: Storage, name: string, more: object = {}): ApiObject =>
  storage.create(kind, keyOf('ns', name), thing(name, more))!;

const names = (objects: Iterable<ApiObject>): string[] => [...objects].map(({ metadata }) => metadata.name);

describe('Storage', () => {
  test('stamps every write with a revision of its own, and freezes what it keeps', () => {
    const storage = new Storage();
    const first = add(storage, 'a');
    const second = storage.update(kind, 'ns/a', first, thing('a', { spec: { size: 1 } }))!;
    expect(Number(second.metadata.resourceVersion)).toBe(Number(first.metadata.resourceVersion) + 1);
    expect(() => Object.assign(second.spec as object, { size: 2 })).toThrow(TypeError);
    expect(storage.get(kind, 'ns/a')).toBe(second);
  });

  test('a write that has not seen the current state is none', () => {
    const storage = new Storage();
    const first = add(storage, 'a');
    storage.update(kind, 'ns/a', first, thing('a'));
    const before = storage.revision;
    expect(storage.update(kind, 'ns/a', first, thing('a'))).toBeUndefined();
    expect(storage.delete(kind, 'ns/a', first)).toBeUndefined();
    expect(storage.create(kind, 'ns/a', thing('a'))).toBeUndefined();
    expect(storage.revision).toBe(before);
  });

  test('lists by key, from a prefix and after a key', () => {
    const storage = new Storage();
    for (const name of ['c', 'a', 'b']) add(storage, name);
    storage.create(kind, 'other/a', thing('elsewhere'));
    expect(names(storage.list(kind, 'ns/'))).toEqual(['a', 'b', 'c']);
    expect(names(storage.list(kind, 'ns/', { after: 'ns/a' }))).toEqual(['b', 'c']);
    expect(names(storage.list(kind, 'ns/', { after: 'ns/aa' }))).toEqual(['b', 'c']);
    expect(names(storage.list(kind))).toEqual(['a', 'b', 'c', 'elsewhere']);
  });

  test('lists the state of an older revision: what was deleted, changed and added since', () => {
    const storage = new Storage();
    const gone = add(storage, 'gone');
    const changed = add(storage, 'changed', { size: 1 });
    const then = storage.revision;
    storage.delete(kind, 'ns/gone', gone);
    const second = storage.update(kind, 'ns/changed', changed, thing('changed', { size: 2 }))!;
    storage.update(kind, 'ns/changed', second, thing('changed', { size: 3 }));
    add(storage, 'added');
    expect([...storage.list(kind, 'ns/', { at: then })].map(({ metadata, size }) => [metadata.name, size])).toEqual([
      ['changed', 1],
      ['gone', undefined],
    ]);
  });

  test('watches get changes in order, a deletion with its own revision', () => {
    const storage = new Storage();
    const seen: Commit[] = [];
    const stop = storage.watch(kind, (commit) => seen.push(commit));
    const object = add(storage, 'a');
    storage.delete(kind, 'ns/a', object);
    stop();
    add(storage, 'b');
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
    expect(seen[1]!.object.metadata.resourceVersion).toBe(String(seen[1]!.revision));
    expect(seen[1]!.previous).toBe(object);
  });

  test('watches get a change although somebody else fails about it', () => {
    const storage = new Storage();
    const seen: Commit[] = [];
    storage.onCommit(() => {
      throw new Error('not this one');
    });
    storage.watch(kind, (commit) => seen.push(commit));
    expect(() => add(storage, 'a')).toThrow('not this one');
    expect(seen.map(({ object }) => object)).toEqual([storage.get(kind, 'ns/a')]);
  });

  test('keeps a limited history, and says from where on', () => {
    const storage = new Storage(2);
    const revisions = Array.from({ length: 5 }, (_, index) =>
      Number(add(storage, `n${index}`).metadata.resourceVersion),
    );
    expect(storage.oldestRevision(kind)).toBe(revisions[2]);
    expect(storage.changesSince(kind, revisions[2]!)).toHaveLength(2);
  });

  test('compaction forgets everything, for all kinds', () => {
    const storage = new Storage();
    storage.begin([kind, '/quiet']);
    add(storage, 'a');
    storage.compact();
    expect(storage.oldestRevision(kind)).toBe(storage.revision);
    expect(storage.oldestRevision('/quiet')).toBe(storage.revision);
  });

  test('the history of a kind begins with the kind', () => {
    const storage = new Storage();
    add(storage, 'a');
    storage.begin(['/late']);
    expect(storage.oldestRevision('/late')).toBe(storage.revision);
    expect(storage.oldestRevision(kind)).toBeLessThan(storage.revision);
  });
});
