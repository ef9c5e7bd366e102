import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FieldPath, FieldSet, displayPath } from './field-set.js';
import { fieldElement, keyElement, valueElement } from './path-element.js';

const path = fc.array(fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:1'), { minLength: 1, maxLength: 3 });
const set = fc.array(path, { maxLength: 8 }).map((paths) => FieldSet.of(...paths));

const texts = (fields: FieldSet): string[] =>
  fields
    .paths()
    .map((each) => each.join(' '))
    .sort();

describe('FieldSet', () => {
  it('writes what it reads, in the form of managedFields', () => {
    const fields = {
      'f:metadata': { 'f:finalizers': { '.': {}, 'v:"example.com/a"': {} } },
      'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } }, 'f:replicas': {} },
    };
    expect(FieldSet.fromFieldsV1(fields).toFieldsV1()).toEqual(fields);
  });

  it.each([[null], ['f:a'], [{ a: {} }], [{ 'x:a': {} }], [{ 'f:a': 1 }]])('refuses %j', (fields) => {
    expect(() => FieldSet.fromFieldsV1(fields)).toThrow();
  });

  it('sorts items by the values of their keys, numbers as numbers', () => {
    const items = [443, 80, 9].map((port): FieldPath => [keyElement({ port })]);
    expect(Object.keys(FieldSet.of(...items).toFieldsV1())).toEqual([
      'k:{"port":9}',
      'k:{"port":80}',
      'k:{"port":443}',
    ]);
  });

  it('shows paths as messages of the API server do', () => {
    const shown: FieldPath = [
      fieldElement('spec'),
      keyElement({ protocol: 'TCP', port: 80 }),
      fieldElement('x'),
      valueElement('a'),
      'i:3',
    ];
    expect(displayPath(shown)).toBe('.spec[port=80,protocol="TCP"].x[="a"][3]');
  });

  it('has the operations of a set, whatever lies below what', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const [left, right] = [texts(a), texts(b)];
        expect(texts(a.union(b))).toEqual([...new Set([...left, ...right])].sort());
        expect(texts(a.intersection(b))).toEqual(left.filter((text) => right.includes(text)));
        expect(texts(a.difference(b))).toEqual(left.filter((text) => !right.includes(text)));
        expect(texts(a.without(b))).toEqual(
          left.filter((text) => !right.some((root) => text === root || text.startsWith(`${root} `))),
        );
      }),
    );
  });

  it('is empty when it has no member, also after everything is taken away', () => {
    fc.assert(
      fc.property(set, (fields) => {
        expect(fields.difference(fields).empty).toBe(true);
        expect(fields.difference(fields).toFieldsV1()).toEqual({});
      }),
    );
  });
});
