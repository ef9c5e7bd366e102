import { re2Objection } from '../../../api/re2.js';

const cache = new Map<string, RegExp | { problem: string }>();

/** Compiles a regular expression of RE2, or tells what is wrong with it, as Go words it where that is common. */
export function compileRe2(pattern: string, flags = ''): RegExp | { problem: string } {
  const key = `${flags}/${pattern}`;
  let compiled = cache.get(key);
  if (compiled === undefined) cache.set(key, (compiled = compile(pattern, flags)));
  return compiled;
}

function compile(pattern: string, flags: string): RegExp | { problem: string } {
  const perl = /\(\?(?:<?[=!]|[^:iUsmP<-])/.exec(pattern);
  if (perl) return { problem: `invalid or unsupported Perl syntax: \`${perl[0]}\`` };
  const objection = re2Objection(pattern);
  if (objection !== undefined) return { problem: `${objection}: \`${pattern}\`` };
  try {
    return translated(pattern, flags);
  } catch (error) {
    return {
      problem: /missing \)|Unterminated group/.test(String(error))
        ? `missing closing ): \`${pattern}\``
        : String(error),
    };
  }
}

/** What RE2 writes differently: flags at the beginning, `\z`, `\A`, named groups, classes. */
function translated(pattern: string, flags: string): RegExp {
  const leading = /^(\^?)\(\?([ims]+)\)/.exec(pattern);
  const body = (leading ? `${leading[1] ?? ''}${pattern.slice(leading[0].length)}` : pattern)
    .replaceAll('(?P<', '(?<')
    .replace(/\\A/g, '^')
    .replace(/\\z/g, '$')
    .replaceAll('[:alnum:]', 'a-zA-Z0-9')
    .replaceAll('[:alpha:]', 'a-zA-Z')
    .replaceAll('[:digit:]', '0-9');
  return new RegExp(body, flags + (leading?.[2] ?? ''));
}
