import { describe, expect, it } from 'vitest';
import type { PatchedFields } from './merge-keys.js';
import { strategicMerge } from './strategic-merge.js';

const fields: PatchedFields = {
  list: { mergeKey: 'name', fields: { inner: { mergeKey: 'id' } } },
  selector: { replaces: true },
};
const merge = (original: Record<string, unknown>, patch: Record<string, unknown>) =>
  strategicMerge(original, patch, fields);
const named = (...names: string[]) => names.map((name) => ({ name }));

describe('a strategic merge patch', () => {
  // Results are those of k8s.io/apimachinery pkg/util/strategicpatch.
  it.each([
    ['merges maps', { a: { x: 1, y: 2 } }, { a: { y: 3, z: 4 } }, { a: { x: 1, y: 3, z: 4 } }],
    ['removes by null', { a: 1, b: { c: 2 } }, { a: null, b: { c: null } }, { b: {} }],
    ['drops nulls of what is new', {}, { a: { b: null, c: [{ d: null }] } }, { a: { c: [{}] } }],
    ['replaces a list without a key', { a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['replaces what has another type', { a: { b: 1 } }, { a: [1] }, { a: [1] }],
    ['replaces a map that is replaced', { selector: { a: 1 } }, { selector: { b: 2 } }, { selector: { b: 2 } }],
    ['puts new elements first', { list: named('a', 'b') }, { list: named('c') }, { list: named('c', 'a', 'b') }],
    [
      'keeps the place of changed elements',
      { list: named('a', 'b', 'c') },
      { list: [{ name: 'b', x: 1 }] },
      { list: [{ name: 'a' }, { name: 'b', x: 1 }, { name: 'c' }] },
    ],
    [
      'merges lists in elements',
      { list: [{ name: 'a', inner: [{ id: 1, x: 1 }] }] },
      { list: [{ name: 'a', inner: [{ id: 1, y: 2 }] }] },
      { list: [{ name: 'a', inner: [{ id: 1, x: 1, y: 2 }] }] },
    ],
    [
      'deletes an element',
      { list: named('a', 'b') },
      { list: [{ name: 'a', $patch: 'delete' }] },
      { list: named('b') },
    ],
    [
      'replaces a list',
      { list: named('a', 'b') },
      { list: [{ $patch: 'replace' }, { name: 'c' }] },
      { list: named('c') },
    ],
    ['replaces a map', { a: { x: 1 } }, { a: { $patch: 'replace', y: 2 } }, { a: { y: 2 } }],
    ['empties a map', { a: { x: 1 } }, { a: { $patch: 'delete' } }, { a: {} }],
    [
      'passes over directives on nothing',
      {},
      { a: { $patch: 'delete' }, list: [{ name: 'a', $patch: 'delete' }] },
      { list: [] },
    ],
    ['retains keys', { a: { x: 1, y: 2 } }, { a: { $retainKeys: ['y', 'z'], z: 3 } }, { a: { y: 2, z: 3 } }],
    ['deletes from a list of texts', { a: ['x', 'y'] }, { '$deleteFromPrimitiveList/a': ['x'] }, { a: ['y'] }],
    [
      'sets the order of a list',
      { list: named('a', 'b', 'c') },
      { '$setElementOrder/list': named('c', 'd', 'a'), list: named('d') },
      { list: named('b', 'c', 'd', 'a') },
    ],
  ])('%s', (_, original, patch, merged) => {
    const before = structuredClone([original, patch]);
    expect(merge(original, patch)).toEqual(merged);
    expect([original, patch]).toEqual(before);
  });

  it.each([
    [{ list: [{ x: 1 }] }, '/list[0] lacks the field name, by which the list is merged; add it'],
    [{ list: ['a'] }, '/list[0] must be a map with the field name'],
    [
      { list: [{ name: 'a', $patch: 'merge' }] },
      '/list[0]/$patch is "merge"; in a list it must be "replace" or "delete"',
    ],
    [{ a: { $patch: 'erase' } }, '/a/$patch is "erase"; in a map it must be "replace" or "delete"'],
    [{ a: { $retainKeys: ['x'], y: 1 } }, '/a/$retainKeys must list every field of the patch beside it'],
    [{ '$setElementOrder/list': 'a' }, '/$setElementOrder/list must be a list'],
  ])('says what is wrong with %j', (patch, message) => {
    expect(() => merge({ list: named('a'), a: { x: 1 } }, patch)).toThrow(message);
  });
});
