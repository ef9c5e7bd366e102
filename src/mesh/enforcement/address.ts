import type { IpBytes, Prefix } from '../ambient-index/ip-address.js';

/** Whether an address is in a block. Nothing is in no block, and one of IPv4 is never in one of IPv6. */
export function isInside(address: IpBytes | undefined, block: Prefix | undefined): boolean {
  if (!block || address?.length !== block.address.length) return false;
  return block.address.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, block.length - index * 8));
    return ((byte ^ address[index]!) & (0xff << (8 - bits)) & 0xff) === 0;
  });
}
