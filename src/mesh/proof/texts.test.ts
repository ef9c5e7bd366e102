import { describe, expect, it } from 'vitest';
import { byLength, fillerFor, textWitnesses } from './texts.js';

describe('witnesses of texts', () => {
  it.each<[string, string[], string[]]>([
    ['nothing', [], ['x']],
    ['a text', ['a'], ['x', 'a']],
    ['a text, twice', ['a', 'a'], ['x', 'a']],
    ['any text', ['*'], ['x', '*']],
    ['a beginning', ['ab*'], ['x', 'abx', 'ab*']],
    ['an end', ['*ab'], ['x', 'xab', '*ab']],
    ['a beginning and an end', ['a*', '*b'], ['x', 'xb', 'ax', 'axb', 'a*', '*b']],
    ['a text between stars, which is an end with a star', ['*a*'], ['x', 'xa*', '*a*']],
    ['a text that is empty', [''], ['x']],
    ['what has the filler in it', ['x*', 'Y'], ['z', 'xz', 'x*', 'Y']],
  ])('answer %s', (_, patterns, witnesses) => {
    expect(textWitnesses(patterns)).toEqual(witnesses);
  });

  it.each<[string, string[], string]>([
    ['the first letter that is in none', ['a', 'b'], 'x'],
    ['the next, in whatever case one is used', ['aXa', 'y'], 'z'],
    ['none that two patterns have between them', ['x', 'y', 'z'], 'q'],
    [
      'a text longer than all, where every letter is used',
      ['xyzqjkvw0123456789_~', 'abcdefghilmnoprstu'],
      'x'.repeat(21),
    ],
  ])('are filled with %s', (_, patterns, filler) => {
    expect(fillerFor(patterns)).toBe(filler);
  });

  it('are in order of length, then of letters', () => {
    expect(['b', 'ab', 'a', '', 'aa', 'a', 'b'].sort(byLength)).toEqual(['', 'a', 'a', 'b', 'b', 'aa', 'ab']);
    expect([byLength('a', 'b'), byLength('b', 'a'), byLength('a', 'a')]).toEqual([-1, 1, 0]);
  });
});
