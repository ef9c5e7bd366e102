import { describe, expect, it } from 'vitest';
import type { Json } from '../object.js';
import type { OpenApiSchema } from '../schema.js';
import { atomicType, deducedType, mergeType } from './merge-type.js';
import { merged } from './merged.js';

const named: OpenApiSchema = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  items: { type: 'object', properties: { name: { type: 'string' }, value: { type: 'integer' } } },
};
const list = (text: string): Json => [...text].map((name) => ({ name }));
const names = (items: Json): string => (items as { name: string }[]).map(({ name }) => name).join('');

describe('merged', () => {
  // Orders that the real server gives, see structured-merge-diff, typed/merge_test.go.
  it.each([
    ['abc', 'd', 'abcd'],
    ['abc', 'b', 'abc'],
    ['abc', 'cb', 'acb'],
    ['abc', 'xb', 'axbc'],
    ['abc', 'cba', 'cba'],
    ['', 'ab', 'ab'],
    ['ab', '', 'ab'],
    ['abcd', 'dxa', 'bcdxa'],
  ])('items %s with %s over them become %s', (under, over, expected) => {
    expect(names(merged(list(under), list(over), mergeType(named)))).toBe(expected);
  });

  it('merges items that have the same key', () => {
    const under = [{ name: 'a', value: 1 }];
    expect(merged(under, [{ name: 'a' }], mergeType(named))).toEqual(under);
    expect(merged(under, [{ name: 'a', value: 2 }], mergeType(named))).toEqual([{ name: 'a', value: 2 }]);
  });

  it('merges objects without schema by field and takes their lists as a whole', () => {
    const under = { a: { b: 1, c: [1, 2] }, d: 1 };
    expect(merged(under, { a: { c: [3] } }, deducedType)).toEqual({ a: { b: 1, c: [3] }, d: 1 });
    expect(merged(under, { a: { c: [3] } }, atomicType)).toEqual({ a: { c: [3] } });
  });

  it('lets a value of another type win', () => {
    expect(merged({ a: { b: 1 } }, { a: 'text' }, deducedType)).toEqual({ a: 'text' });
    expect(merged({ a: 'text' }, { a: { b: 1 } }, deducedType)).toEqual({ a: { b: 1 } });
  });
});
