import { asRecord } from '../../policy-object.js';
import type { Remarks } from './remarks.js';

/** What a text has to be: one text, or what begins with one, or what a regular expression (RE2) matches as a whole. */
export type TextPattern = { readonly exact: string } | { readonly prefix: string } | { readonly regex: string };

/** A pattern that each text matches. */
export const ANY_TEXT: TextPattern = { prefix: '' };

const FORMS = ['exact', 'prefix', 'regex'];

/**
 * The pattern of a `StringMatch` of Istio; undefined, and refused, if it is none.
 *
 * One without a form asks only for presence, and so does the regular expression `*`, which is none: Istio takes it for that.
 *
 * @see istio/istio pilot/pkg/networking/core/route/route.go, canBeConvertedToPresentMatch
 */
export function textPattern(match: unknown, at: string, remarks: Remarks): TextPattern | undefined {
  const given = Object.entries(asRecord(match)).filter(([, value]) => value !== undefined && value !== null);
  const [first, ...others] = given;
  if (first === undefined) return ANY_TEXT;
  const [form, value] = first;
  if (others.length > 0 || !FORMS.includes(form) || typeof value !== 'string')
    return remarks.refuse(at, 'is not one of exact, prefix and regex');
  return form === 'regex' && value === '*' ? ANY_TEXT : ({ [form]: value } as unknown as TextPattern);
}

/** A pattern as a regular expression. */
export function regexOf(pattern: TextPattern): string {
  if ('regex' in pattern) return pattern.regex;
  return 'exact' in pattern ? escaped(pattern.exact) : `${escaped(pattern.prefix)}.*`;
}

/** @see Go's regexp.QuoteMeta, which escapes for RE2 */
const escaped = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');

/** Whether a text may match both. Of regular expressions only the beginning is read: what is not known counts as yes. */
export function mayMeet(a: TextPattern, b: TextPattern): boolean {
  if ('exact' in a && 'exact' in b) return a.exact === b.exact;
  const [begins, other] = [beginningOf(a), beginningOf(b)];
  if ('exact' in a) return a.exact.startsWith(other);
  if ('exact' in b) return b.exact.startsWith(begins);
  return begins.startsWith(other) || other.startsWith(begins);
}

function beginningOf(pattern: TextPattern): string {
  if ('exact' in pattern) return pattern.exact;
  if ('prefix' in pattern) return pattern.prefix;
  if (pattern.regex.includes('|')) return '';
  const [literal = ''] = /^[^\\.+*?()[\]{}^$]*/.exec(pattern.regex) ?? [];
  // A quantifier behind it may take its last character away.
  return /^[*?{+]/.test(pattern.regex.slice(literal.length)) ? literal.slice(0, -1) : literal;
}
