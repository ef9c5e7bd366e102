import { RE2JS, RE2JSSyntaxException } from '@bufbuild/re2';
import { BoundedCache } from '../bounded-cache.js';

const cache = new BoundedCache(compile, 1_000);

/**
 * Compiles a regular expression of RE2, which is matched in linear time whatever it is, or tells what is wrong with it, as
 * Go words it.
 */
export function compileRe2(pattern: string): RE2JS | { readonly problem: string } {
  return cache.get(pattern);
}

function compile(pattern: string): RE2JS | { problem: string } {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return { problem: `${error.error}: \`${error.input ?? ''}\`` };
    throw error;
  }
}

/**
 * The same in JavaScript, as the library of {@link compileRe2} tells whether there is a match but not where. What RE2 writes
 * differently is translated: flags at the beginning, `\z`, `\A`, named groups, classes.
 *
 * @throws {SyntaxError} JavaScript has nothing like it
 */
export function inJavaScript(pattern: string): RegExp {
  const leading = /^(\^?)\(\?([ims]+)\)/.exec(pattern);
  const body = (leading ? `${leading[1] ?? ''}${pattern.slice(leading[0].length)}` : pattern)
    .replaceAll('(?P<', '(?<')
    .replace(/\\A/g, '^')
    .replace(/\\z/g, '$')
    .replaceAll('[:alnum:]', 'a-zA-Z0-9')
    .replaceAll('[:alpha:]', 'a-zA-Z')
    .replaceAll('[:digit:]', '0-9');
  return new RegExp(body, `g${leading?.[2] ?? ''}`);
}
