/** Bytes of an IP address: 4, or 16. */
export type IpBytes = readonly number[];

/** An address with the length of its prefix, in bits. */
export interface Prefix {
  readonly address: IpBytes;
  readonly length: number;
}

/**
 * The bytes of an address as istiod parses it; undefined if it is none. Addresses with a zone are none.
 *
 * @see Go's net/netip, ParseAddr: no leading zeros, no shortened IPv4
 */
export function parseAddress(text: string): IpBytes | undefined {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

/** The address and length of `address/length`, not masked; undefined if it is none. */
export function parsePrefix(text: string): Prefix | undefined {
  const [, head = '', tail] = /^(.*)\/(0|[1-9][0-9]{0,2})$/.exec(text) ?? [];
  const address = parseAddress(head);
  if (!address || Number(tail) > address.length * 8) return undefined;
  return { address, length: Number(tail) };
}

/** An address, as a prefix that holds it alone, or a prefix; undefined if it is neither. */
export function parseBlock(text: string): Prefix | undefined {
  if (text.includes('/')) return parsePrefix(text);
  const address = parseAddress(text);
  return address && { address, length: address.length * 8 };
}

/** The prefix with all bits after its length at zero. */
export function masked({ address, length }: Prefix): Prefix {
  const bytes = address.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, length - index * 8));
    return byte & (0xff << (8 - kept)) & 0xff;
  });
  return { address: bytes, length };
}

/** The address in its one canonical form: the longest run of zeros of IPv6 shortened, lower case. */
export function formatAddress(bytes: IpBytes): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff) {
    return `::ffff:${bytes.slice(12).join('.')}`;
  }
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[index * 2]! << 8) | bytes[index * 2 + 1]!);
  const { start, length } = longestZeros(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** Addresses in canonical form; none at all if one of them is no address. */
export function canonicalAddresses(texts: readonly string[]): string[] {
  const parsed = texts.map(parseAddress);
  return parsed.includes(undefined) ? [] : parsed.map((address) => formatAddress(address ?? []));
}

/** `address/length`, as ztunnel's configuration has it. */
export function formatPrefix({ address, length }: Prefix): string {
  return `${formatAddress(address)}/${length}`;
}

function parseV4(text: string): IpBytes | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseV6(text: string): IpBytes | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
  if (!head) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  if (!tail || head.length + tail.length > 14) return undefined;
  return [...head, ...Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

/** The bytes of groups between colons; the last may be an IPv4 address. */
function groupsOf(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
      continue;
    }
    const v4 = isLast && index === groups.length - 1 ? parseV4(group) : undefined;
    if (!v4) return undefined;
    bytes.push(...v4);
  }
  return bytes;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  }
  return longest;
}
