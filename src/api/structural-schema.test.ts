import { describe, expect, it, test } from 'vitest';
import * as z from 'zod';
import { atomicList, mapList, text, withRules } from './schema.js';
import { SchemaError, structuralSchema, withDefaults } from './structural-schema.js';

const tree = z.object({
  name: z.string(),
  get children() {
    return z.array(tree);
  },
});

describe('structuralSchema', () => {
  it('keeps descriptions, limits and extensions', () => {
    const schema = z.object({
      name: z.string().min(1).max(63).describe('The name.'),
      tags: atomicList(z.string()).max(8).describe('The tags.'),
    });
    expect(structuralSchema(schema, 'spec')).toEqual({
      type: 'object',
      required: ['name', 'tags'],
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 63, description: 'The name.' },
        tags: {
          type: 'array',
          items: { type: 'string' },
          maxItems: 8,
          description: 'The tags.',
          'x-kubernetes-list-type': 'atomic',
        },
      },
    });
  });

  it('makes fields with a default optional, and spells out the defaults inside an object', () => {
    const inner = z.object({ min: z.int32().default(2), max: z.int32().default(5) });
    expect(structuralSchema(z.object({ replicas: inner.prefault({}) }), 'spec')).toMatchObject({
      properties: { replicas: { default: { min: 2, max: 5 } } },
    });
    expect(structuralSchema(z.object({ replicas: inner.prefault({ max: 9 }) }), 'spec')).not.toHaveProperty('required');
    expect(structuralSchema(z.object({ replicas: inner.prefault({ max: 9 }) }), 'spec')).toMatchObject({
      properties: { replicas: { default: { min: 2, max: 9 } } },
    });
  });

  it('replaces the limits of a number type by its format, and keeps chosen ones', () => {
    const schema = z.object({ a: z.int32(), b: z.int(), c: z.int32().min(0).max(9) });
    expect(structuralSchema(schema, 'spec').properties).toEqual({
      a: { type: 'integer', format: 'int32' },
      b: { type: 'integer', format: 'int64' },
      c: { type: 'integer', format: 'int32', minimum: 0, maximum: 9 },
    });
  });

  it('writes a map as additionalProperties, and drops what strict objects say about unknown fields', () => {
    expect(structuralSchema(z.record(z.string(), z.string()), 'labels')).toEqual({
      type: 'object',
      additionalProperties: { type: 'string' },
    });
    expect(structuralSchema(z.strictObject({ a: z.string() }), 'spec')).not.toHaveProperty('additionalProperties');
  });

  it('keeps every rule of a field that got rules twice', () => {
    const twice = withRules(text(/^a/, 'must start with a', 9), {
      cel: 'self.endsWith("z")',
      holds: (value) => value.endsWith('z'),
      message: 'must end with z',
    });
    expect(structuralSchema(z.object({ twice }), 'spec').properties?.['twice']?.['x-kubernetes-validations']).toEqual([
      { rule: "self.matches('^a')", message: 'must start with a' },
      { rule: 'self.endsWith("z")', message: 'must end with z' },
    ]);
    expect(twice.safeParse('b').error?.issues.map(({ message }) => message)).toEqual([
      'must start with a',
      'must end with z',
    ]);
  });

  test.each<[string, z.ZodType, string]>([
    ['a union', z.object({ a: z.union([z.string(), z.int()]) }), 'spec.a: anyOf has no structural form'],
    ['a tuple', z.object({ a: z.tuple([z.string()]) }), 'spec.a[]: anyOf has no structural form'],
    ['anything', z.object({ a: z.any() }), 'spec.a: needs exactly one type'],
    ['an open object', z.object({ a: z.looseObject({ b: z.string() }) }), 'spec.a: is an open object'],
    ['an object without fields', z.object({ a: z.object({}) }), 'spec.a: has no fields'],
    [
      'a pattern with lookaround',
      z.object({ a: z.array(z.string().regex(/(?=x)/)) }),
      'spec.a[]: RE2 does not know lookaround',
    ],
    ['a rule with lookaround', z.object({ a: text(/(?!x)/, '', 9) }), 'spec.a: RE2 does not know lookaround'],
    ['two patterns', z.object({ a: z.string().regex(/a/).regex(/b/) }), 'spec.a: allOf has no structural form'],
    [
      'an optional key of a list',
      z.object({ a: mapList(z.object({ k: z.string().optional() }), ['k']) }),
      'spec.a: the key k must be required',
    ],
    ['a date', z.object({ a: z.date() }), 'spec.a: needs exactly one type'],
    ['recursion', tree, 'spec: Cycle detected'],
  ])('refuses %s, and names the field', (_name, schema, message) => {
    expect(() => structuralSchema(schema, 'spec')).toThrow(SchemaError);
    expect(() => structuralSchema(schema, 'spec')).toThrow(message);
  });
});

describe('withDefaults', () => {
  const schema = structuralSchema(
    z.object({
      a: z.string().default('x'),
      list: z.array(z.object({ n: z.int32().default(1) })).default([]),
      sub: z.object({ b: z.boolean().default(true) }).prefault({}),
    }),
    'spec',
  );

  it('fills in what is missing, and what is null, down to the items of lists', () => {
    expect(withDefaults(schema, { a: null, list: [{}, { n: 2 }] })).toEqual({
      a: 'x',
      list: [{ n: 1 }, { n: 2 }],
      sub: { b: true },
    });
  });

  it('leaves the value, and the schema, as they are', () => {
    const value = Object.freeze({});
    const filled = withDefaults(schema, value) as { list: unknown[] };
    filled.list.push('x');
    expect(withDefaults(schema, value)).toEqual({ a: 'x', list: [], sub: { b: true } });
  });
});
