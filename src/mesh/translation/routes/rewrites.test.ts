import { describe, expect, it } from 'vitest';
import { anything, type Condition } from './match.js';
import { Remarks } from './remarks.js';
import { duration, isHostName, rewriteFilters } from './rewrites.js';
import type { TextPattern } from './text-pattern.js';

const long = (length: number): string => 'a.'.repeat(Math.ceil(length / 2)).slice(0, length);

describe('a name', () => {
  it.each(['a', 'ab', 'abc', 'a-b', 'a.b', 'a.bc', 'a.b-c', '1.x9', 'web-1.shop.example.com', long(253)])(
    'is one of hosts: %s',
    (name) => {
      expect(isHostName(name)).toBe(true);
    },
  );

  it.each([
    '',
    '-a',
    'a-',
    'a..b',
    'a.',
    '.a',
    'a.-b',
    'a.b-',
    'A',
    'a_b',
    'a.b_c',
    '*.a',
    'a:80',
    long(255),
    undefined,
    7,
  ])('is none of hosts: %s', (name) => {
    expect(isHostName(name)).toBe(false);
  });
});

describe('a rewrite', () => {
  const of = (...paths: TextPattern[]): Condition[] => paths.map((path) => ({ ...anything('x'), path }));
  const full = (replaceFullPath: string): object => ({ path: { type: 'ReplaceFullPath', replaceFullPath } });
  const rewrite = (urlRewrite: object): object[] => [{ type: 'URLRewrite', urlRewrite }];
  const longest = `/${'a'.repeat(1023)}`;

  it.each<[string, unknown, object[]]>([
    ['that is not there', undefined, []],
    ['of Helm that is not there', null, []],
    ['of nothing', { uri: '', authority: '' }, []],
    ['of the path', { uri: '/b' }, rewrite(full('/b'))],
    ['of the longest path', { uri: longest }, rewrite(full(longest))],
    ['of the host', { authority: 'b' }, rewrite({ hostname: 'b' })],
    ['of both', { uri: '/b', authority: 'b' }, rewrite({ hostname: 'b', ...full('/b') })],
  ])('%s is said', (_, given, filters) => {
    const remarks = new Remarks();
    expect(rewriteFilters(given, of({ exact: '/a' }), 'x', remarks)).toEqual(filters);
    expect(remarks.refused).toEqual([]);
  });

  const prefix = 'a prefix of a VirtualService is one of texts, that of an HTTPRoute one of segments';
  const noPath = 'is a path that an HTTPRoute cannot have';
  it.each<[string, object, TextPattern, string, string]>([
    ['of a prefix', { uri: '/b' }, { prefix: '/a' }, 'x.uri', prefix],
    ['with a backslash', { uri: '/\\1' }, { exact: '/b' }, 'x.uri', noPath],
    ['of a path that is too long', { uri: `${longest}a` }, { exact: '/b' }, 'x.uri', noPath],
    ['of the host with a port', { authority: 'b:80' }, { exact: '/b' }, 'x.authority', 'is no host name'],
    [
      'of parts',
      { uriRegexRewrite: { match: 'a', rewrite: 'b' } },
      { exact: '/b' },
      'x.uriRegexRewrite',
      'an HTTPRoute rewrites no parts of a path',
    ],
  ])('%s is refused, if only for one of several matches', (_, given, path, at, message) => {
    const remarks = new Remarks();
    rewriteFilters(given, of({ exact: '/a' }, path), 'x', remarks);
    expect(remarks.refused).toEqual([{ at, message }]);
  });

  it('of the host alone may be for a prefix', () => {
    const remarks = new Remarks();
    rewriteFilters({ authority: 'b' }, of({ prefix: '/a' }), 'x', remarks);
    expect(remarks.refused).toEqual([]);
  });
});

describe('a duration', () => {
  it.each([
    ['1h', '3600s'],
    ['1m', '60s'],
    ['1.25s', '1s250ms'],
    ['1.s', '1s'],
    ['20ms', '20ms'],
    ['1000us', '1ms'],
    ['1000µs', '1ms'],
    ['1000000ns', '1ms'],
    ['1h1m1s1ms', '3661s1ms'],
    ['99999s', '99999s'],
  ])('%s is said: %s', (given, expected) => {
    expect(duration(given, 'x', new Remarks())).toBe(expected);
  });

  it.each<[unknown, string]>([
    ['1.5us', 'is shorter than an HTTPRoute can say'],
    ['0.25ms', 'is shorter than an HTTPRoute can say'],
    ['100000s', 'is longer than an HTTPRoute can say'],
    ['', 'is no duration'],
    ['10', 'is no duration'],
    ['x1s', 'is no duration'],
    ['1sx', 'is no duration'],
    [10, 'is no duration'],
    [null, 'is no duration'],
  ])('%j is refused', (given, message) => {
    const remarks = new Remarks();
    expect(duration(given, 'x', remarks)).toBeUndefined();
    expect(remarks.refused).toEqual([{ at: 'x', message }]);
  });
});
