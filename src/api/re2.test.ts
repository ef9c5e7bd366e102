import { describe, expect, it, test } from 'vitest';
import { re2Objection } from './re2.js';

describe('what RE2 does not know', () => {
  test.each([
    ['(?=a)b', 'lookaround'],
    ['a(?!b)', 'lookaround'],
    ['(?<=a)b', 'lookaround'],
    ['(?<!a)b', 'lookaround'],
    ['(a)\\1', 'a backreference'],
    ['(?<n>a)\\k<n>', 'a backreference'],
    ['\\u0041', 'a \\u or \\c escape'],
    ['[^]', 'an empty class'],
    ['a[]b', 'an empty class'],
    ['\\S', 'the blanks that JavaScript means by \\s (\\v, and those of Unicode)'],
    ['a{1001}', 'a repetition above 1000'],
    ['a{1,2000}', 'a repetition above 1000'],
  ])('%s is refused for %s', (pattern, objection) => {
    expect(re2Objection(pattern)).toBe(objection);
  });

  test.each(['^[a-z]([-a-z0-9]*[a-z0-9])?$', '^(?:a|b){1,4}$', '\\d+\\.\\w', '\\\\1', 'a{1000}', '[^a]', '[\\]]'])(
    '%s passes',
    (pattern) => {
      expect(re2Objection(pattern)).toBeUndefined();
    },
  );

  it('does not take an escaped backslash for the start of a backreference', () => {
    expect(re2Objection('\\\\2')).toBeUndefined();
  });
});
