import type { Headers, HttpRequest } from './request.js';

/** Where a token may be. */
export type Location =
  { readonly header: string; readonly prefix: string } | { readonly param: string } | { readonly cookie: string };

/** What tokens are looked for in. */
export interface Credentials {
  readonly headers: Headers;
  readonly path: string;
  readonly tokens: NonNullable<HttpRequest['tokens']>;
}

/** The texts at these locations, in order; what they are is not looked at. */
export function tokensAt(
  locations: readonly Location[],
  credentials: Credentials,
): { text: string; location: Location }[] {
  return locations.flatMap((location) => textsAt(location, credentials).map((text) => ({ text, location })));
}

function textsAt(location: Location, { headers, path }: Credentials): readonly string[] {
  if ('header' in location) {
    const values = headers[location.header] ?? [];
    return location.prefix === '' ? values : values.flatMap((value) => afterPrefix(value, location.prefix));
  }
  if ('param' in location) {
    const value = new URLSearchParams(queryOf(path)).get(location.param);
    return value === null ? [] : [value];
  }
  const value = cookiesOf(headers).find(([name]) => name === location.cookie)?.[1];
  return value === undefined ? [] : [value];
}

/** What follows the prefix, wherever it is, from the first character that can begin a token; all if none can. */
function afterPrefix(value: string, prefix: string): readonly string[] {
  const found = value.indexOf(prefix);
  if (found < 0) return [];
  const rest = value.slice(found + prefix.length).replace(/^[^A-Za-z0-9\-_.]+/, '');
  return [rest === '' ? value : rest];
}

const queryOf = (path: string): string => (path.includes('?') ? path.slice(path.indexOf('?') + 1) : '');

function cookiesOf(headers: Headers): readonly (readonly [name: string, value: string])[] {
  const pairs = (headers['cookie'] ?? []).flatMap((line) => line.split(';'));
  return pairs.flatMap((pair) => {
    const [, name = '', value] = /^\s*([^=]*?)\s*=\s*"?(.*?)"?\s*$/.exec(pair) ?? [];
    return value === undefined ? [] : [[name, value] as const];
  });
}

/** Headers and path without the token; a cookie stays. */
export function without(location: Location, { headers, path }: Credentials): { headers: Headers; path: string } {
  if ('header' in location) {
    return { headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== location.header)), path };
  }
  if (!('param' in location)) return { headers, path };
  const [before = ''] = path.split('?');
  const kept = queryOf(path)
    .split('&')
    .filter((pair) => pair.split('=')[0] !== location.param);
  return { headers, path: kept.length > 0 ? `${before}?${kept.join('&')}` : before };
}
