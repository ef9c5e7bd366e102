import { asRecord, asStrings } from '../../policy-object.js';
import { isHostName } from './rewrites.js';
import type { Remarks } from './remarks.js';

type Fields = Readonly<Record<string, unknown>>;

/** Most entries of a list of headers. */
const MAX_HEADERS = 16;
const NAME = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/;

/** `headers` of a VirtualService as filters of an HTTPRoute. */
export function headerFilters(headers: unknown, at: string, remarks: Remarks): Fields[] {
  const { request, response, ...others } = asRecord(headers);
  remarks.refuseOthers(others, at, []);
  return [
    ...modifier('RequestHeaderModifier', request, `${at}.request`, remarks),
    ...modifier('ResponseHeaderModifier', response, `${at}.response`, remarks),
  ];
}

function modifier(type: string, changes: unknown, at: string, remarks: Remarks): Fields[] {
  const { set, add, remove, ...others } = asRecord(changes);
  remarks.refuseOthers(others, at, []);
  const lists = {
    set: valuesOf(set, `${at}.set`, remarks),
    add: valuesOf(add, `${at}.add`, remarks),
    remove: asStrings(remove),
  };
  for (const name of lists.remove) checkName(name, `${at}.remove`, remarks);
  for (const [list, entries] of Object.entries(lists))
    if (entries.length > MAX_HEADERS) remarks.refuse(`${at}.${list}`, `has more than ${MAX_HEADERS} entries`);
  const filled = Object.fromEntries(Object.entries(lists).filter(([, entries]) => entries.length > 0));
  if (Object.keys(filled).length === 0) return [];
  return [{ type, [`${type[0]!.toLowerCase()}${type.slice(1)}`]: filled }];
}

function valuesOf(headers: unknown, at: string, remarks: Remarks): { name: string; value: string }[] {
  const names = new Set<string>();
  return Object.entries(asRecord(headers)).map(([name, given]) => {
    const value = typeof given === 'string' ? given : '';
    const path = `${at}[${name}]`;
    checkName(name, path, remarks);
    if (names.has(name.toLowerCase())) remarks.refuse(path, 'is named twice');
    if (value === '') remarks.refuse(path, 'an HTTPRoute sets no empty value');
    if (value.includes('%')) remarks.refuse(path, 'what % stands for is not said by an HTTPRoute');
    names.add(name.toLowerCase());
    return { name, value };
  });
}

function checkName(name: string, at: string, remarks: Remarks): void {
  if (name.toLowerCase() === 'host') remarks.refuse(at, 'the host is changed by rewrite.authority');
  else if (!NAME.test(name)) remarks.refuse(at, `${name} is a name that an HTTPRoute cannot have`);
}

/** Codes that an HTTPRoute can redirect with. */
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * `redirect` of a VirtualService as a filter of an HTTPRoute.
 *
 * Without port and scheme an HTTPRoute keeps the port of the request, a VirtualService takes that of the protocol.
 *
 * @param ports  on which the redirected requests come
 * @see istio/istio pilot/pkg/config/kube/gateway/conversion.go, createRedirectFilter
 */
export function redirectFilter(redirect: unknown, ports: readonly number[], at: string, remarks: Remarks): Fields {
  const { uri, authority, scheme, port, derivePort, redirectCode = 301, ...others } = asRecord(redirect);
  remarks.refuseOthers(others, at, [], { prefixRewrite: 'prefixes of a VirtualService are not those of an HTTPRoute' });
  if (!REDIRECTS.includes(redirectCode as number)) remarks.refuse(`${at}.redirectCode`, 'is none of an HTTPRoute');
  if (authority && !isHostName(authority)) remarks.refuse(`${at}.authority`, 'is no host name');
  if (scheme && scheme !== 'http' && scheme !== 'https') remarks.refuse(`${at}.scheme`, 'is neither http nor https');
  const keepsPort = derivePort === 'FROM_REQUEST_PORT';
  if (keepsPort && scheme) remarks.refuse(`${at}.derivePort`, 'an HTTPRoute with a scheme takes the port of that');
  if (!port && !keepsPort && !scheme && ports.some((one) => one !== 80))
    remarks.refuse(at, 'has neither port nor scheme, and an HTTPRoute would keep the port of the request');
  return {
    type: 'RequestRedirect',
    requestRedirect: {
      ...(scheme ? { scheme } : {}),
      ...(authority ? { hostname: authority } : {}),
      ...(uri ? { path: { type: 'ReplaceFullPath', replaceFullPath: uri } } : {}),
      ...(port ? { port } : {}),
      statusCode: redirectCode || 301,
    },
  };
}
