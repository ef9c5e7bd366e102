import { withoutQuery } from '../enforcement/path.js';
import type { HttpRequest } from '../enforcement/request.js';

/** What a route does to headers of a request, by names as they are written. */
export interface HeaderChanges {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** The request with changed headers. */
export function withHeaders(http: HttpRequest, { set, add, remove }: HeaderChanges): HttpRequest {
  const headers: Record<string, readonly string[]> = { ...http.headers };
  for (const name of remove) delete headers[name.toLowerCase()];
  for (const [name, value] of set) headers[name.toLowerCase()] = [value];
  for (const [name, value] of add) headers[name.toLowerCase()] = [...(headers[name.toLowerCase()] ?? []), value];
  return { ...http, headers };
}

/** The request with another path; its query stays. */
export function withPath(http: HttpRequest, path: string): HttpRequest {
  return { ...http, path: path + http.path.slice(withoutQuery(http.path).length) };
}

/** The value of a header; several are one with commas. */
export function headerOf({ headers }: HttpRequest, name: string): string | undefined {
  return headers[name.toLowerCase()]?.join(',');
}

/** The first value of a query parameter, as it is written. */
export function queryOf({ path }: HttpRequest, name: string): string | undefined {
  const query = path.slice(withoutQuery(path).length + 1);
  const parameters = query
    .split('#')[0]!
    .split('&')
    .map((one) => /^([^=]*)=?(.*)$/s.exec(one)!);
  return parameters.find(([all, found]) => all !== '' && found === name)?.[2];
}
