import { describe, expect, it } from 'vitest';
import { Remarks } from './remarks.js';
import { mayMeet, regexOf, type TextPattern, textPattern } from './text-pattern.js';

const any = { prefix: '' };
const none = 'is not one of exact, prefix and regex';

describe('a StringMatch', () => {
  it.each<[string, unknown, TextPattern]>([
    ['of one text', { exact: 'a' }, { exact: 'a' }],
    ['of beginnings', { prefix: 'a' }, { prefix: 'a' }],
    ['of the beginning *', { prefix: '*' }, { prefix: '*' }],
    ['of a regular expression', { regex: 'a.*' }, { regex: 'a.*' }],
    ['of what Istio takes for presence', { regex: '*' }, any],
    ['without form', {}, any],
    ['that is not there', undefined, any],
    ['as Helm writes it', { exact: 'a', prefix: null, regex: undefined }, { exact: 'a' }],
    ['as Helm writes one without form', { exact: null }, any],
  ])('%s is a pattern', (_, match, pattern) => {
    const remarks = new Remarks();
    expect(textPattern(match, 'x', remarks)).toEqual(pattern);
    expect(remarks.refused).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['two forms', { exact: 'a', prefix: 'b' }],
    ['a form that nobody knows', { suffix: 'a' }],
    ['something else than a text', { exact: 1 }],
  ])('with %s is none', (_, match) => {
    const remarks = new Remarks();
    expect(textPattern(match, 'x', remarks)).toBeUndefined();
    expect(remarks.refused).toEqual([{ at: 'x', message: none }]);
  });
});

describe('a pattern', () => {
  it.each<[TextPattern, string]>([
    [{ exact: '/a.b' }, '/a\\.b'],
    [{ prefix: '/a+' }, '/a\\+.*'],
    [{ regex: '/a+' }, '/a+'],
  ])('%j is the regular expression %s', (pattern, regex) => {
    expect(regexOf(pattern)).toBe(regex);
  });

  it.each<[TextPattern, TextPattern, boolean]>([
    [{ exact: 'a' }, { exact: 'a' }, true],
    [{ exact: 'a' }, { exact: 'ab' }, false],
    [{ exact: 'ab' }, { prefix: 'a' }, true],
    [{ exact: 'a' }, { prefix: 'ab' }, false],
    [{ exact: 'ba' }, { prefix: 'a' }, false],
    [{ prefix: 'a' }, { prefix: 'ab' }, true],
    [{ prefix: 'a' }, { prefix: 'ba' }, false],
    [{ exact: 'b' }, { regex: 'a|b' }, true],
    [{ exact: 'a' }, { regex: 'ab*' }, true],
    [{ exact: 'a' }, { regex: 'ab?' }, true],
    [{ exact: 'a' }, { regex: 'ab{0,1}' }, true],
    [{ exact: 'b' }, { regex: 'ab*' }, false],
    [{ exact: 'b' }, { regex: 'a[b]*' }, false],
    [{ exact: 'x' }, { regex: '.*' }, true],
    [{ prefix: '/w' }, { regex: '/v[0-9]' }, false],
    [{ prefix: '/v1' }, { regex: '/v[0-9]' }, true],
    [{ regex: '/a.*' }, { regex: '/b.*' }, false],
  ])('may be met by what meets another: %j, %j', (a, b, expected) => {
    expect([mayMeet(a, b), mayMeet(b, a)]).toEqual([expected, expected]);
  });
});
