import { formatAddress, type IpBytes, masked, parseBlock } from '../ambient-index/ip-address.js';

/** Of a block for documentation, which nobody's policy should name. */
const PLAIN = '203.0.113.1';

/**
 * Addresses that lie in these blocks in every way in which an address can: where a block begins, and where one has just ended, it may
 * change, and nowhere else.
 */
export function addressWitnesses(blocks: readonly string[]): string[] {
  const cuts = blocks.flatMap((text) => {
    const block = parseBlock(text);
    if (!block) return [];
    const start = masked(block).address;
    return [start, addressAfter(start, block.length)].flatMap((address) => (address ? [formatAddress(address)] : []));
  });
  return [...new Set([PLAIN, ...cuts])];
}

/** The first address after a block; undefined if it is the last block. */
function addressAfter(start: IpBytes, length: number): IpBytes | undefined {
  const next = [...start];
  let carry = length === 0 ? 256 : 1 << (7 - ((length - 1) % 8));
  for (let index = Math.max(0, Math.ceil(length / 8) - 1); index >= 0 && carry > 0; index--) {
    const sum = next[index]! + carry;
    next[index] = sum & 0xff;
    carry = sum >> 8;
  }
  return carry > 0 ? undefined : next;
}
