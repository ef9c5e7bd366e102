import { expect, it } from 'vitest';
import { addressWitnesses } from './addresses.js';

it.each<[string, string[], string[]]>([
  ['nothing', [], []],
  ['an address', ['10.0.0.1'], ['10.0.0.1', '10.0.0.2']],
  ['a block', ['10.0.0.0/8'], ['10.0.0.0', '11.0.0.0']],
  ['a block that is named by an address in it', ['10.1.2.3/16'], ['10.1.0.0', '10.2.0.0']],
  ['a block that ends with a byte', ['10.0.255.0/24'], ['10.0.255.0', '10.1.0.0']],
  ['a block within a byte', ['10.0.0.64/26'], ['10.0.0.64', '10.0.0.128']],
  ['a block of two bytes and more', ['10.0.0.0/12'], ['10.0.0.0', '10.16.0.0']],
  ['every address', ['0.0.0.0/0'], ['0.0.0.0']],
  ['half of all', ['128.0.0.0/1'], ['128.0.0.0']],
  ['the last address', ['255.255.255.255'], ['255.255.255.255']],
  ['an address of IPv6', ['2001:db8::ffff'], ['2001:db8::ffff', '2001:db8::1:0']],
  ['what is no address', ['somewhere', '10.0.0.0/33'], []],
  ['blocks that touch, once', ['10.0.0.0/9', '10.128.0.0/9'], ['10.0.0.0', '10.128.0.0', '11.0.0.0']],
])('addresses where %s begins and ends', (_, blocks, expected) => {
  expect(addressWitnesses(blocks)).toEqual(['203.0.113.1', ...expected]);
});
