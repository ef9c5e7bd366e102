/** Whether a text is one that a pattern of a policy means. */
export type TextMatch = (text: string) => boolean;

/**
 * The match of Istio's patterns: `*` any text that is not empty, `*x` an end, `x*` a beginning, else the whole text.
 *
 * @see istio/istio pilot/pkg/security/authz/matcher/string.go, StringMatcher
 */
export function textMatch(pattern: string): TextMatch {
  return pattern === '*' ? (text) => text !== '' : headerMatch(pattern);
}

/**
 * The match of a header's value. `*` means that the header is there, be it empty.
 *
 * @see istio/istio pilot/pkg/security/authz/matcher/header.go, HeaderMatcher
 */
export function headerMatch(pattern: string): TextMatch {
  if (pattern.startsWith('*')) {
    const end = pattern.slice(1);
    return (text) => text.endsWith(end);
  }
  if (pattern.endsWith('*')) {
    const start = pattern.slice(0, -1);
    return (text) => text.startsWith(start);
  }
  return (text) => text === pattern;
}

/**
 * The match of a host: as of a header, and case does not matter. A port is a part of the text, on both sides.
 *
 * @see istio/istio pilot/pkg/security/authz/matcher/header.go, HostMatcher
 */
export function hostMatch(pattern: string): TextMatch {
  const matches = headerMatch(pattern.toLowerCase());
  return (host) => matches(host.toLowerCase());
}

/** A text as a regular expression for itself. */
export function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
