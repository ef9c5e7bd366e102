import { describe, expect, it } from 'vitest';
import type { StatusError } from '../errors.js';
import type { Json } from '../object.js';
import { jsonPatch } from './json-patch.js';
import { mergePatch } from './merge-patch.js';

const codeOf = (run: () => unknown): number => {
  try {
    run();
  } catch (error) {
    return (error as StatusError).code;
  }
  return 200;
};

describe('jsonPatch', () => {
  it.each<[string, Json, Json[], Json]>([
    ['replaces the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 1 } }], { b: 1 }],
    ['counts negative indices from the end', { l: [1, 2, 3] }, [{ op: 'remove', path: '/l/-1' }], { l: [1, 2] }],
    ['inserts at the end by index', { l: [1] }, [{ op: 'add', path: '/l/1', value: 2 }], { l: [1, 2] }],
    ['moves between lists', { a: [1], b: [] }, [{ op: 'move', from: '/a/0', path: '/b/-' }], { a: [], b: [1] }],
    [
      'copies by value',
      { a: { x: 1 } },
      [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'add', path: '/b/x', value: 2 },
      ],
      { a: { x: 1 }, b: { x: 2 } },
    ],
    ['takes a missing value for null', {}, [{ op: 'add', path: '/a' }], { a: null }],
  ])('%s', (_what, live, operations, expected) => {
    const text = JSON.stringify(live);
    expect(jsonPatch(live, operations)).toEqual(expected);
    expect(JSON.stringify(live)).toBe(text);
  });

  it.each<[Json]>([
    [{ op: 'add', path: '/l/3', value: 1 }],
    [{ op: 'add', path: '/l/x', value: 1 }],
    [{ op: 'replace', path: '/l/2', value: 1 }],
    [{ op: 'remove', path: '/l/-3' }],
    [{ op: 'add', path: 'l', value: 1 }],
    [{ op: 'add', value: 1 }],
    [{ op: 'move', path: '/a' }],
    [{ op: 'test', path: '/l', value: [1] }],
    [{ op: 'test', path: '/l/0', value: null }],
  ])('answers 422 to %j', (operation) => {
    expect(codeOf(() => jsonPatch({ l: [1, 2] }, [operation]))).toBe(422);
  });

  it('refuses more operations than the real server', () => {
    const operations = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: null }));
    expect(codeOf(() => jsonPatch({}, operations))).toBe(413);
  });
});

describe('mergePatch', () => {
  it('drops nulls of new objects, also inside of lists', () => {
    expect(mergePatch({ a: 1 }, { b: { c: null, d: [{ e: null, f: 1 }] } })).toEqual({ a: 1, b: { d: [{ f: 1 }] } });
  });

  it('replaces what is no object', () => {
    expect(mergePatch({ a: [1], b: 1 }, { a: { c: 1 }, b: { d: null } })).toEqual({ a: { c: 1 }, b: {} });
  });
});
