/** What JavaScript's expressions know and RE2, the engine of the API server, does not or reads differently; each with its name in messages. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/\(\?<?[=!]/, 'lookaround'],
  [/\\[1-9]|\\k</, 'a backreference'],
  [/\\u|\\c[A-Za-z]/, 'a \\u or \\c escape'],
  [/\[\^?\](?!\])|\[\]/, 'an empty class'],
  [/\\[pP](?![A-Z{])/, 'a \\p without a class'],
  [/\\[sS]/, 'the blanks that JavaScript means by \\s (\\v, and those of Unicode)'],
];

/** Highest count that RE2 accepts in a repetition. */
const MAX_REPEAT = 1_000;

/**
 * Why the API server would refuse a regular expression, or undefined if it would accept it. It looks for what JavaScript
 * accepts and RE2 does not, in an expression that JavaScript has compiled.
 *
 * @see google/re2 wiki, Syntax
 */
export function re2Objection(pattern: string): string | undefined {
  // An escaped backslash would make the character after it look escaped.
  const unescaped = pattern.replaceAll('\\\\', '_');
  const foreign = FOREIGN.find(([expression]) => expression.test(unescaped));
  if (foreign) return foreign[1];
  const counts = [...unescaped.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].flatMap(([, least, most]) => [
    Number(least),
    Number(most ?? 0),
  ]);
  return counts.some((count) => count > MAX_REPEAT) ? `a repetition above ${MAX_REPEAT}` : undefined;
}
