import { asRecord, stringAt } from '../../policy-object.js';
import type { Condition } from './match.js';
import type { Remarks } from './remarks.js';

type Fields = Readonly<Record<string, unknown>>;

/** As the API server takes one, without wildcard. */
export const isHostName = (name: unknown): boolean =>
  typeof name === 'string' &&
  name.length <= 253 &&
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);

/**
 * `rewrite` of a VirtualService as filters of an HTTPRoute.
 *
 * A path that is matched as a whole is replaced as a whole. A prefix is not: what an HTTPRoute calls one ends with a segment.
 *
 * @param conditions  of the rule
 */
export function rewriteFilters(
  rewrite: unknown,
  conditions: readonly Condition[],
  at: string,
  remarks: Remarks,
): Fields[] {
  const fields = asRecord(rewrite);
  remarks.refuseOthers(fields, at, ['uri', 'authority'], {
    uriRegexRewrite: 'an HTTPRoute rewrites no parts of a path',
  });
  const [uri, authority] = [stringAt(fields, 'uri') ?? '', stringAt(fields, 'authority') ?? ''];
  if (uri !== '' && conditions.some(({ path }) => 'prefix' in path))
    remarks.refuse(`${at}.uri`, 'a prefix of a VirtualService is one of texts, that of an HTTPRoute one of segments');
  // In what istiod makes of it a backslash would stand for a part of the old path.
  if (uri.includes('\\') || uri.length > 1024) remarks.refuse(`${at}.uri`, 'is a path that an HTTPRoute cannot have');
  if (authority !== '' && !isHostName(authority)) remarks.refuse(`${at}.authority`, 'is no host name');
  if (uri === '' && authority === '') return [];
  const path = uri === '' ? {} : { path: { type: 'ReplaceFullPath', replaceFullPath: uri } };
  const hostname = authority === '' ? {} : { hostname: authority };
  return [{ type: 'URLRewrite', urlRewrite: { ...hostname, ...path } }];
}

const UNITS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/**
 * A duration of Istio as the Gateway API writes it: in whole milliseconds at least, without fractions.
 *
 * @returns undefined, and refused, if it cannot be written so
 */
export function duration(text: unknown, at: string, remarks: Remarks): string | undefined {
  const given = typeof text === 'string' ? text : '';
  if (!/^(\d+(\.\d*)?(h|m|s|ms|us|µs|ns))+$/.test(given)) return remarks.refuse(at, 'is no duration');
  const parts = [...given.matchAll(/(\d+(?:\.\d*)?)(h|ms|us|µs|ns|m|s)/g)];
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS[unit!]!, 0);
  const milliseconds = Math.round(total);
  if (Math.abs(milliseconds - total) > 1e-6) return remarks.refuse(at, 'is shorter than an HTTPRoute can say');
  const [seconds, rest] = [Math.floor(milliseconds / 1000), milliseconds % 1000];
  if (seconds > 99_999) return remarks.refuse(at, 'is longer than an HTTPRoute can say');
  return rest === 0 ? `${seconds}s` : `${seconds === 0 ? '' : `${seconds}s`}${rest}ms`;
}
