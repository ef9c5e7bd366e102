import { describe, expect, it } from 'vitest';
import type { HttpRequest } from '../enforcement/request.js';
import { headerOf, queryOf, withHeaders, withPath } from './request-changes.js';
import { isLike, isWhole, regexOf } from './string-match.js';

const http = (path = '/', headers: HttpRequest['headers'] = {}): HttpRequest => ({
  method: 'GET',
  host: 'web',
  path,
  headers,
});

describe('headers', () => {
  const before = { a: ['1'], b: ['1', '2'] };
  const changes = { set: [], add: [], remove: [] };
  it.each<[string, Partial<Parameters<typeof withHeaders>[1]>, HttpRequest['headers']]>([
    ['as they are', {}, before],
    ['without one', { remove: ['B'] }, { a: ['1'] }],
    ['with another value', { set: [['A', '2']] }, { ...before, a: ['2'] }],
    ['with one more', { set: [['C', '']] }, { ...before, c: [''] }],
    ['with another value of one', { add: [['A', '2']] }, { ...before, a: ['1', '2'] }],
    ['with the first value of one', { add: [['C', '2']] }, { ...before, c: ['2'] }],
    [
      'with what is added to what is set',
      { remove: ['a'], set: [['a', '2']], add: [['a', '3']] },
      { ...before, a: ['2', '3'] },
    ],
  ])('are %s', (_, change, expected) => {
    expect(withHeaders(http('/', before), { ...changes, ...change })).toEqual(http('/', expected));
    expect(before).toEqual({ a: ['1'], b: ['1', '2'] });
  });

  it('have one value, by whatever case of their names, or none', () => {
    const some = http('/', { a: ['1', '2'], empty: [''] });
    expect(['A', 'a', 'empty', 'b'].map((name) => headerOf(some, name))).toEqual(['1,2', '1,2', '', undefined]);
  });
});

describe('a path', () => {
  it.each([
    ['/a', '/b'],
    ['/a?q=1', '/b?q=1'],
    ['/a#x', '/b#x'],
    ['/a?q=/a', '/b?q=/a'],
  ])('keeps what is behind it: %s', (path, expected) => {
    expect(withPath(http(path), '/b')).toEqual(http(expected));
  });

  it.each<[string, string, string | undefined]>([
    ['/', 'q', undefined],
    ['/?q=1', 'q', '1'],
    ['/?p=0&q=1', 'q', '1'],
    ['/?q=1&q=2', 'q', '1'],
    ['/?q', 'q', ''],
    ['/?q=', 'q', ''],
    ['/?q=a=b', 'q', 'a=b'],
    ['/?q=1#q=2&p=3', 'q', '1'],
    ['/?q=1#q=2&p=3', 'p', undefined],
    ['/?qq=1', 'q', undefined],
    ['/?Q=1', 'q', undefined],
    ['/?', '', undefined],
    ['/?&=1', '', '1'],
    ['/q=1', 'q', undefined],
  ])('%s has of parameter `%s` the value %s', (path, name, expected) => {
    expect(queryOf(http(path), name)).toBe(expected);
  });
});

describe('a regular expression', () => {
  it.each<[string, string, boolean]>([
    ['/a.c', '/abc', true],
    ['/a.c', '/abcd', false],
    ['/a.c', 'x/abc', false],
    ['/a|/b', '/b', true],
    ['/a|/b', '/ab', false],
    ['/a', '/A', false],
    ['(?i)/a|/b', '/A', true],
    ['(?i)/a|/b', '/B', true],
    ['(?i)/a|/b', '/Bx', false],
    ['(?P<name>a)+', 'aa', true],
    ['(', '(', false],
    ['', '', true],
  ])('%s is the whole of %s: %s', (regex, text, expected) => {
    expect(isWhole(regex, text)).toBe(expected);
  });

  it('has the flags that it is given, and that of RE2', () => {
    expect([regexOf('a', 'g')?.flags, regexOf('(?i)a')?.flags, regexOf('(?i)a', 'g')?.flags]).toEqual(['g', 'i', 'gi']);
    expect(regexOf('(')).toBeUndefined();
  });
});

describe('a match of a text', () => {
  it.each<[object | undefined, string | undefined, boolean]>([
    [{ exact: 'a' }, 'a', true],
    [{ exact: 'a' }, 'ab', false],
    [{ exact: '' }, '', true],
    [{ exact: '' }, 'a', false],
    [{ prefix: 'a' }, 'ab', true],
    [{ prefix: 'a' }, 'ba', false],
    [{ regex: 'a.' }, 'ab', true],
    [{ regex: 'a.' }, 'abc', false],
    [{ regex: '*' }, 'any', true],
    [{}, '', true],
    [undefined, 'any', true],
    [{}, undefined, false],
    [{ regex: '*' }, undefined, false],
    [{ exact: 'undefined' }, undefined, false],
  ])('%j of %j: %s', (match, text, expected) => {
    expect(isLike(match, text)).toBe(expected);
  });
});
