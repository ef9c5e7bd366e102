import type { Declarations } from './overloads.js';
import { compileRe2, inJavaScript } from './re2.js';
import { CelEvaluationError, Uint } from './syntax.js';
import { Duration, durationText, kindOf, Timestamp, timestampText, TypeValue, type Value } from './values.js';

const failed = (message: string): never => {
  throw new CelEvaluationError(message);
};

function matches(text: string, pattern: string): boolean {
  const compiled = compileRe2(pattern);
  return 'problem' in compiled ? failed(`error parsing regexp: ${compiled.problem}`) : compiled.test(text);
}

/** All that matches, in the order of the text. */
function found(text: string, pattern: string): string[] {
  if (!matches(text, pattern)) return [];
  try {
    return text.match(inJavaScript(pattern)) ?? [];
  } catch (error) {
    return failed(String(error));
  }
}

/** Positions count code points. */
function indexOf(text: string, part: string, from = 0n): bigint {
  const points = [...text];
  if (from < 0n || from > points.length) failed(`index out of range: ${from}`);
  const at = points.slice(Number(from)).join('').indexOf(part);
  return at < 0 ? -1n : from + BigInt([...points.slice(Number(from)).join('').slice(0, at)].length);
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  if (from !== undefined && (from < 0n || from > [...text].length)) failed(`index out of range: ${from}`);
  const at = text.lastIndexOf(part, from === undefined ? undefined : Number(from));
  return at < 0 ? -1n : BigInt([...text.slice(0, at)].length);
}

function substring(text: string, start: bigint, end?: bigint): string {
  const points = [...text];
  const last = end ?? BigInt(points.length);
  if (start < 0n || start > points.length) failed(`index out of range: ${start}`);
  if (last < 0n || last > points.length) failed(`index out of range: ${last}`);
  if (start > last) failed(`invalid substring range. start: ${start}, end: ${last}`);
  return points.slice(Number(start), Number(last)).join('');
}

function replace(text: string, from: string, to: string, limit = -1n): string {
  let left = limit;
  return text.replaceAll(from, () => (left === 0n ? from : (left--, to)));
}

function split(text: string, separator: string, limit = -1n): string[] {
  if (limit === 0n) return [];
  const parts = separator === '' ? [...text] : text.split(separator);
  if (limit < 0n || parts.length <= limit) return parts;
  const kept = Number(limit) - 1;
  return [...parts.slice(0, kept), parts.slice(kept).join(separator)];
}

const ascii = (text: string, letters: RegExp, change: (letter: string) => string): string =>
  text.replace(letters, change);

/** Strings: the standard's methods, the extension of cel-go (version 2), and regular expressions of Kubernetes. */
export const strings: Declarations = {
  'string!contains(string) -> bool': (text: string, part: string) => text.includes(part),
  'string!startsWith(string) -> bool': (text: string, part: string) => text.startsWith(part),
  'string!endsWith(string) -> bool': (text: string, part: string) => text.endsWith(part),
  'string!matches(string) -> bool': matches,
  'matches(string, string) -> bool': matches,
  'string!find(string) -> string': (text: string, pattern: string) => found(text, pattern)[0] ?? '',
  'string!findAll(string) -> list<string>': found,
  'string!findAll(string, int) -> list<string>': (text: string, pattern: string, limit: bigint) =>
    found(text, pattern).slice(0, limit < 0n ? undefined : Number(limit)),
  'string!charAt(int) -> string': (text: string, at: bigint) =>
    at < 0n || at > [...text].length ? failed(`index out of range: ${at}`) : ([...text][Number(at)] ?? ''),
  'string!indexOf(string) -> int': indexOf,
  'string!indexOf(string, int) -> int': indexOf,
  'string!lastIndexOf(string) -> int': lastIndexOf,
  'string!lastIndexOf(string, int) -> int': lastIndexOf,
  'string!lowerAscii() -> string': (text: string) => ascii(text, /[A-Z]/g, (letter) => letter.toLowerCase()),
  'string!upperAscii() -> string': (text: string) => ascii(text, /[a-z]/g, (letter) => letter.toUpperCase()),
  'string!replace(string, string) -> string': replace,
  'string!replace(string, string, int) -> string': replace,
  'string!split(string) -> list<string>': split,
  'string!split(string, int) -> list<string>': split,
  'string!substring(int) -> string': substring,
  'string!substring(int, int) -> string': substring,
  'string!trim() -> string': (text: string) => text.trim(),
  'list<string>!join() -> string': (list: string[]) => list.join(''),
  'list<string>!join(string) -> string': (list: string[], separator: string) => list.join(separator),
  'strings.quote(string) -> string': (text: string) => JSON.stringify(text),
  'string!format(list<dyn>) -> string': format,
};

function format(pattern: string, args: Value[]): string {
  let next = 0;
  return pattern.replace(
    /%(%|(?:\.(\d+))?([a-zA-Z]))/g,
    (_whole, percent: string, precision: string | undefined, verb: string) => {
      if (percent === '%') return '%';
      if (next >= args.length) return failed(`index ${next} out of range`);
      return formatted(args[next++], verb, precision === undefined ? 6 : Number(precision));
    },
  );
}

function formatted(value: Value, verb: string, precision: number): string {
  const number = value instanceof Uint ? value.value : (value as bigint | number);
  switch (verb) {
    case 's':
      return text(value);
    case 'd':
      return text(value);
    case 'f':
      return Number(number).toFixed(precision);
    case 'e':
      return Number(number)
        .toExponential(precision)
        .replace(/e([-+])(\d)$/, 'e$10$2');
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : number.toString(2);
    case 'o':
      return number.toString(8);
    case 'x':
      return typeof value === 'string' ? Buffer.from(value).toString('hex') : number.toString(16);
    case 'X':
      return formatted(value, 'x', precision).toUpperCase();
    default:
      return failed(`unrecognized formatting clause "${verb}"`);
  }
}

/** What `%s` makes of a value. */
function text(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(text).join(', ')}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, inner]) => `${text(key)}: ${text(inner)}`).sort();
    return `{${entries.join(', ')}}`;
  }
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (value instanceof TypeValue) return value.typeName;
  if (value === null || ['string', 'bigint', 'number', 'boolean'].includes(typeof value)) return String(value);
  return failed(
    `string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${kindOf(value)}`,
  );
}
