import { describe, expect, it } from 'vitest';
import { parseJsonPath } from './json-path.js';

const object = {
  spec: {
    n: 3,
    'a.b': 'dotted',
    items: [
      { name: 'a', v: 1 },
      { name: 'b', v: 2 },
    ],
    empty: [],
  },
  conditions: [
    { type: 'Ready', status: 'True' },
    { type: 'Other', status: 'False' },
  ],
};

describe('parseJsonPath', () => {
  it.each([
    ['.spec.n', [3]],
    ['spec.n', [3]],
    ['.spec.missing.deeper', []],
    ['.spec.a\\.b', ['dotted']],
    [".spec['a.b']", ['dotted']],
    ['.spec.items[0].name', ['a']],
    ['.spec.items[-1].name', ['b']],
    ['.spec.items[*].name', ['a', 'b']],
    ['.conditions[?(@.type=="Ready")].status', ['True']],
    [".conditions[?(@.type == 'Other')].status", ['False']],
    ['.spec.items[?(@.v>1)].name', ['b']],
    ['.spec.items[?(@.v)].name', ['a', 'b']],
  ])('finds %s', (path, found) => {
    expect(parseJsonPath(path)(object)).toEqual(found);
  });

  it('refuses what is none', () => {
    expect(() => parseJsonPath('.spec[')).toThrow('unrecognized JSONPath');
  });
});
