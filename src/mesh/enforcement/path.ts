import type { ProxySettings } from './request.js';
import { quoted, textMatch, type TextMatch } from './text-match.js';

/** What a `{*}` of a template stands for, at least once: what RFC 3986 allows in a segment. */
const IN_SEGMENT = "[a-zA-Z0-9\\-._~%!$&'()*+,;:@=]";
const ESCAPED_SLASH = /%2f/gi;
const ESCAPED_BACKSLASH = /%5c/gi;
/** What need not be escaped, and so is not. The dot is not of them, except in `.` and `..`. */
const UNRESERVED = /^[a-zA-Z0-9\-_~]$/;

/**
 * The match of `paths`: a template if `{*}` or `{**}` is in it, else one of Istio's patterns. It is given a path without query.
 *
 * @see envoyproxy/envoy source/extensions/path/uri_template_lib/uri_template_internal.cc, toRegexPattern
 */
export function pathMatch(pattern: string): TextMatch {
  if (!/\{\*\*?\}/.test(pattern)) return textMatch(pattern);
  const parts = pattern.split(/(\{\*\*?\}|\*\*?)/).map((part) => {
    if (part === '{**}' || part === '**') return `(?:${IN_SEGMENT}|/)*`;
    return part === '{*}' || part === '*' ? `${IN_SEGMENT}+` : quoted(part);
  });
  const regex = new RegExp(`^${parts.join('')}$`);
  return (path) => regex.test(path);
}

/** A path without its query. */
export function withoutQuery(path: string): string {
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
}

/**
 * A path, query included, as policies see it.
 *
 * @see istio/istio pilot/pkg/networking/core/listener_builder.go, "Setup normalization"
 * @see envoyproxy/envoy source/common/http/path_utility.cc
 */
export function normalizedPath(path: string, normalization: ProxySettings['pathNormalization']): string {
  if (normalization === 'NONE') return path;
  const start = path.indexOf('?');
  const query = start < 0 ? '' : path.slice(start);
  const before = start < 0 ? path : path.slice(0, start);
  return formOf(before, normalization) + query;
}

function formOf(path: string, normalization: ProxySettings['pathNormalization']): string {
  if (normalization === 'MERGE_SLASHES') return merged(canonical(path));
  if (normalization !== 'DECODE_AND_MERGE_SLASHES') return canonical(path);
  return merged(canonical(path.replace(ESCAPED_SLASH, '/').replace(ESCAPED_BACKSLASH, '\\')));
}

const merged = (path: string): string => path.replace(/\/{2,}/g, '/');

/** What Chromium's `CanonicalizePath` makes of a path: no backslashes, no `.` and `..`, and nothing escaped without need. */
function canonical(path: string): string {
  const kept: string[] = [];
  const segments = path.replaceAll('\\', '/').split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const dots = segment.replace(/%2e/gi, '.');
    if (dots === '..') kept.pop();
    if (dots !== '.' && dots !== '..') kept.push(escapedWhereNeeded(segment));
    // A directory stays one.
    else if (index === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
}

function escapedWhereNeeded(segment: string): string {
  return segment
    .replace(/%[0-9a-fA-F]{2}/g, (escape) => {
      const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
      return UNRESERVED.test(character) ? character : escape;
    })
    .replace(/[ "<>`{}]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
