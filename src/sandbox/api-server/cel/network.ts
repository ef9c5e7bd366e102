import { isIP } from 'node:net';
import type { Declarations } from './overloads.js';
import { CelEvaluationError } from './syntax.js';
import { Opaque } from './values.js';

/** The parts of a URL that can be asked for. */
interface UrlParts {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

type Url = Opaque<UrlParts>;

/** An address as a number of 32 or 128 bits. */
interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

type Ip = Opaque<Address>;
type Cidr = Opaque<Address & { readonly length: number }>;

/** Go's `url.ParseRequestURI`: absolute, or a path. */
function parseUrl(text: string): Url | undefined {
  const parts = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):(?:\/\/([^/?]*))?)?(\/[^?]*)?(?:\?(.*))?$/.exec(text);

  if (!parts || /[\s\x00-\x1f\x7f]/.test(text)) return undefined;
  const [, scheme = '', host = '', path = '', query = ''] = parts;
  if (scheme === '' && path === '') return undefined;
  const authority = host.slice(host.lastIndexOf('@') + 1);
  if (/:(?!\d*$)/.test(authority.replace(/^\[.*\]/, ''))) return undefined;
  return new Opaque('kubernetes.URL', text, { scheme: scheme.toLowerCase(), host: authority, path, query });
}

function url(text: string): Url {
  const parsed = parseUrl(text);
  if (!parsed)
    throw new CelEvaluationError(
      `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
    );
  return parsed;
}

function queryOf({ data }: Url): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [key, value] of new URLSearchParams(data.query)) values.set(key, [...(values.get(key) ?? []), value]);
  return values;
}

const all = { 4: 2n ** 32n - 1n, 6: 2n ** 128n - 1n } as const;
const widths = { 4: 32, 6: 128 } as const;

function parseIp(text: string): Address | undefined {
  const family = isIP(text);
  if (family === 4) return { family, bits: text.split('.').reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n) };
  // Zones and IPv4 inside of IPv6 are refused.
  if (family !== 6 || text.includes('%') || text.includes('.')) return undefined;
  const [head = '', tail] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const middle = Array.from({ length: 8 - first.length - last.length }, () => '0');
  const bits = [...first, ...middle, ...last].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
  return { family, bits };
}

function ipText({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt((7 - i) * 16)) & 0xffffn).toString(16));
  const zeros = [...groups.join(':').matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].sort(
    (a, b) => b[0].length - a[0].length,
  )[0];
  const text = groups.join(':');
  if (!zeros) return text;
  return `${text.slice(0, zeros.index).replace(/:$/, '')}::${text.slice(zeros.index + zeros[0].length).replace(/^:/, '')}`;
}

const ipOf = (address: Address): Ip => new Opaque('net.IP', ipText(address), address);

function ip(text: string): Ip {
  const address = parseIp(text);
  if (!address)
    throw new CelEvaluationError(
      `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
    );
  return ipOf(address);
}

function parseCidr(text: string): Cidr | undefined {
  const [head = '', length = ''] = text.split('/');
  const address = parseIp(head);
  if (!address || !/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > widths[address.family]) return undefined;
  return cidrOf({ ...address, length: Number(length) });
}

const cidrOf = (data: Cidr['data']): Cidr => new Opaque('net.CIDR', `${ipText(data)}/${data.length}`, data);

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed)
    throw new CelEvaluationError(
      `network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): no '/'`,
    );
  return parsed;
}

function masked({ family, bits, length }: Cidr['data']): bigint {
  return bits & (all[family] ^ (all[family] >> BigInt(length)));
}

function holds({ data }: Cidr, address: Address, length = widths[address.family] as number): boolean {
  return (
    data.family === address.family &&
    data.length <= length &&
    masked({ ...address, length: data.length }) === masked(data)
  );
}

const inside = (address: Address, range: string): boolean => holds(cidr(range), address);
const either = (address: Address, v4: string, v6: string): boolean => inside(address, address.family === 4 ? v4 : v6);

/** URLs, IP addresses and networks. */
export const network: Declarations = {
  'url(string) -> kubernetes.URL': url,
  'isURL(string) -> bool': (text: string) => parseUrl(text) !== undefined,
  'kubernetes.URL!getScheme() -> string': ({ data }: Url) => data.scheme,
  'kubernetes.URL!getHost() -> string': ({ data }: Url) => data.host,
  'kubernetes.URL!getHostname() -> string': ({ data }: Url) =>
    data.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'),
  'kubernetes.URL!getPort() -> string': ({ data }: Url) => /:(\d*)$/.exec(data.host)?.[1] ?? '',
  'kubernetes.URL!getEscapedPath() -> string': ({ data }: Url) => encodeURI(decodeURI(data.path)),
  'kubernetes.URL!getQuery() -> map<string, list<string>>': queryOf,
  'ip(string) -> net.IP': ip,
  'isIP(string) -> bool': (text: string) => parseIp(text) !== undefined,
  'ip.isCanonical(string) -> bool': (text: string) => ip(text).key === text,
  'net.IP!family() -> int': ({ data }: Ip) => BigInt(data.family),
  'net.IP!isUnspecified() -> bool': ({ data }: Ip) => data.bits === 0n,
  'net.IP!isLoopback() -> bool': ({ data }: Ip) => either(data, '127.0.0.0/8', '::1/128'),
  'net.IP!isLinkLocalMulticast() -> bool': ({ data }: Ip) => either(data, '224.0.0.0/24', 'ff02::/16'),
  'net.IP!isLinkLocalUnicast() -> bool': ({ data }: Ip) => either(data, '169.254.0.0/16', 'fe80::/10'),
  'net.IP!isGlobalUnicast() -> bool': ({ data }: Ip) =>
    data.bits !== 0n &&
    !either(data, '127.0.0.0/8', '::1/128') &&
    !either(data, '224.0.0.0/4', 'ff00::/8') &&
    !either(data, '169.254.0.0/16', 'fe80::/10') &&
    !(data.family === 4 && data.bits === all[4]),
  'cidr(string) -> net.CIDR': cidr,
  'isCIDR(string) -> bool': (text: string) => parseCidr(text) !== undefined,
  'net.CIDR!containsIP(string) -> bool': (range: Cidr, text: string) => holds(range, ip(text).data),
  'net.CIDR!containsIP(net.IP) -> bool': (range: Cidr, { data }: Ip) => holds(range, data),
  'net.CIDR!containsCIDR(string) -> bool': (range: Cidr, text: string) =>
    holds(range, cidr(text).data, cidr(text).data.length),
  'net.CIDR!containsCIDR(net.CIDR) -> bool': (range: Cidr, { data }: Cidr) => holds(range, data, data.length),
  'net.CIDR!ip() -> net.IP': ({ data }: Cidr) => ipOf(data),
  'net.CIDR!prefixLength() -> int': ({ data }: Cidr) => BigInt(data.length),
  'net.CIDR!masked() -> net.CIDR': ({ data }: Cidr) => cidrOf({ ...data, bits: masked(data) }),
};
