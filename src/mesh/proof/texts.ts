/*
 * Witnesses: one text for each way in which a text can answer a set of patterns.
 */

/** What may stand between a beginning and an end without being part of either. */
const FILLERS = 'xyzqjkvw0123456789_~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghilmnoprstu';

/**
 * Texts that answer Istio's patterns (`*`, `x*`, `*x`, `x`) in every way in which a text that is not empty can: of all beginnings that
 * match only the longest counts, and of all ends; between them stands what no pattern knows.
 */
export function textWitnesses(patterns: readonly string[]): string[] {
  const distinct = [...new Set(patterns)];
  const starts = distinct.filter((one) => one.endsWith('*') && !one.startsWith('*')).map((one) => one.slice(0, -1));
  const ends = distinct.filter((one) => one.startsWith('*') && one !== '*').map((one) => one.slice(1));
  const filler = fillerFor(distinct);
  const joined = ['', ...starts].flatMap((start) => ['', ...ends].map((end) => `${start}${filler}${end}`));
  // A `*` in the middle, and in places where it is not special, is itself.
  return [...new Set([...joined, ...distinct])].filter((text) => text !== '');
}

/** A text that none of the patterns has any part of. */
export function fillerFor(patterns: readonly string[]): string {
  const used = new Set(patterns.join('').toLowerCase());
  const fresh = [...FILLERS].find((character) => !used.has(character.toLowerCase()));
  return fresh ?? 'x'.repeat(1 + Math.max(0, ...patterns.map(({ length }) => length)));
}

/** Shorter texts before longer ones. */
export function byLength(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}
