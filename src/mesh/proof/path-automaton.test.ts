import { describe, expect, it } from 'vitest';
import { isTemplate, pathWitnesses } from './path-automaton.js';

describe('paths', () => {
  it.each<[string, string[], string[]]>([
    ['a path', ['/a'], ['/', '/a']],
    ['a beginning', ['/a*'], ['/', '/a']],
    ['an end', ['*/a'], ['/', '/a']],
    ['every path', ['*'], ['/']],
    ['a segment', ['/{*}'], ['/', '/x']],
    ['any segments', ['/{**}'], ['/']],
    ['a segment behind another', ['/a/{*}'], ['/', '/a/a']],
    ['segments behind another', ['/a/{**}'], ['/', '/a/']],
    ['a segment before another', ['/{*}/b'], ['/', '/b/b']],
    ['a segment that ends with a letter', ['/{*}b'], ['/', '/bb']],
    ['stars among templates, which are templates, too', ['/*/{*}'], ['/', '/x/x']],
    ['two stars among templates', ['/**/{*}b'], ['/', '/b/bb']],
    ['a template and one of its paths', ['/a/{*}', '/a/b'], ['/', '/a/a', '/a/b']],
    ['a path with a query, which is none', ['/a?b', '/{*}'], ['/', '/a']],
    ['a segment that ends with a dot', ['/{*}.'], ['/', '/x.']],
    ['a segment that begins with one', ['/{**}/.a'], ['/', '/a/.a']],
    ['segments of dots, which no path has', ['/..', '/{*}', '*/.'], ['/', '/x']],
    ['empty segments, which no path has', ['/{*}//'], ['/']],
    ['what may not be in a segment', ['/é*', '/{*}'], ['/', '/é', '/x']],
    ['the same twice', ['/a', '/a'], ['/', '/a']],
    ['nothing', [], ['/']],
  ])('that answer %s in every way are the shortest', (_, patterns, paths) => {
    expect(pathWitnesses(patterns, 'x')).toEqual(paths);
  });

  it('have templates', () => {
    expect(['/{*}', '/{**}/a', '/a*', '/{a}', '*', '/{***}'].map(isTemplate)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
