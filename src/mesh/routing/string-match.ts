import { asRecord } from '../policy-object.js';

/**
 * A regular expression of RE2 as one of JavaScript; undefined if it is none, or has no counterpart. The flag that RE2 writes in front
 * is understood.
 */
export function regexOf(re2: string, flags = ''): RegExp | undefined {
  const [, isAnyCase, rest] = /^(\(\?i\))?(.*)$/s.exec(re2)!;
  try {
    return new RegExp(rest!.replaceAll('(?P<', '(?<'), `${flags}${isAnyCase ? 'i' : ''}`);
  } catch {
    return undefined;
  }
}

/** Whether a regular expression matches a whole text. One that is none matches nothing: neither Istio nor Envoy takes it. */
export function isWhole(regex: string, text: string): boolean {
  const isAnyCase = regex.startsWith('(?i)');
  return regexOf(`${isAnyCase ? '(?i)' : ''}^(?:${isAnyCase ? regex.slice(4) : regex})$`)?.test(text) === true;
}

/**
 * Whether a text is what a `StringMatch` of Istio asks for. One without a form, and the regular expression `*`, ask only for presence.
 *
 * @param text  undefined: it is not there
 * @see istio/istio pilot/pkg/networking/core/route/route.go, canBeConvertedToPresentMatch
 */
export function isLike(match: unknown, text: string | undefined): boolean {
  if (text === undefined) return false;
  const { exact, prefix, regex } = asRecord(match);
  if (typeof exact === 'string') return text === exact;
  if (typeof prefix === 'string') return text.startsWith(prefix);
  return typeof regex !== 'string' || regex === '*' || isWhole(regex, text);
}
