import { describe, expect, it } from 'vitest';
import { duplicateFields, duplicateKeys } from './duplicate-fields.js';

describe('duplicateFields', () => {
  it.each([
    ['{"a":1,"b":{"a":1}}', []],
    ['{"a":1,"a":2,"a":3}', ['a', 'a']],
    [' { "a" : [ { "b\\"" : 1 , "b\\"" : [ ] } ] } ', ['a[0].b"']],
    ['{"a":"}{\\"a\\":1,","b":[1,-2.5e3,true,null],"b":{}}', ['b']],
    ['{"\\u0061":1,"a":2}', ['a']],
    ['[]', []],
    ['1', []],
  ])('finds those of %s', (json, found) => {
    expect(duplicateFields(json)).toEqual(found);
  });
});

describe('duplicateKeys', () => {
  it('tells the line of the second', () => {
    expect(duplicateKeys('a: 1\nb:\n  - c: 1\n    c: 2\na: 3\n')).toEqual([
      'line 4: key "c" already set in map',
      'line 5: key "a" already set in map',
    ]);
  });
});
