import { describe, expect, it } from 'vitest';
import { canonicalAddresses, formatAddress, formatPrefix, masked, parseAddress, parsePrefix } from './ip-address.js';

describe('an IP address', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['FD00:0:0::1', 'fd00::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['1:0:0:2:0:0:3:4', '1::2:0:0:3:4'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['0:0:1:2:3:4:5:6', '::1:2:3:4:5:6'],
    ['::', '::'],
    ['1::', '1::'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['::10.0.0.1', '::a00:1'],
    ['1::ffff:10.0.0.1', '1::ffff:a00:1'],
    ['::ff00:10.0.0.1', '::ff00:a00:1'],
    ['::ff:10.0.0.1', '::ff:a00:1'],
    ['::fffe:10.0.0.1', '::fffe:a00:1'],
    ['::feff:10.0.0.1', '::feff:a00:1'],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
  ])('%s is written %s', (text, canonical) => {
    expect(formatAddress(parseAddress(text)!)).toBe(canonical);
  });

  it.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.01',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '::1.2.3',
    '1:2:3:4:5:6:7::8',
    'fe80::1%eth0',
    '10.0.0.1::',
    '::10.0.0.1:1',
    '1:2:3:4:5:6:7:8:9',
    ':1',
  ])('%s is none', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it.each([
    ['10.1.2.3/8', '10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/20', '10.1.2.3/20', '10.1.0.0/20'],
    ['fd00::ffff/0', 'fd00::ffff/0', '::/0'],
    ['fd00::ffff/128', 'fd00::ffff/128', 'fd00::ffff/128'],
  ])('%s is the prefix %s, masked %s', (text, whole, block) => {
    const prefix = parsePrefix(text)!;
    expect([formatPrefix(prefix), formatPrefix(masked(prefix))]).toEqual([whole, block]);
  });

  it.each(['10.0.0.1', '10.0.0.0/33', '::/129', '10.0.0.0/08', '10.0.0.0/', '/8'])('%s is no prefix', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });

  it('spoils a list if it is none', () => {
    expect(canonicalAddresses(['10.0.0.1', 'FD00::1'])).toEqual(['10.0.0.1', 'fd00::1']);
    expect(canonicalAddresses(['10.0.0.1', 'x'])).toEqual([]);
  });
});
