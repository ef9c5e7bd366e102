import { expect, test } from 'vitest';
import { PodAddresses } from './pod-addresses.js';

test('each pod has an address of its own, always the same', () => {
  const addresses = new PodAddresses();
  expect(addresses.of('a')).toBe('10.244.0.1');
  expect(addresses.of('b')).toBe('10.244.0.2');
  expect(addresses.of('a')).toBe('10.244.0.1');
});

test('addresses that pods have already are not given away', () => {
  const addresses = new PodAddresses();
  addresses.keep('a', '10.244.0.1');
  expect(addresses.of('b')).toBe('10.244.0.2');
  expect(addresses.of('a')).toBe('10.244.0.1');
});

test('an address is free again when its pod is gone, and comes last', () => {
  const addresses = new PodAddresses();
  addresses.of('a');
  addresses.release('a');
  expect(addresses.of('b')).toBe('10.244.0.2');
  for (let index = 0; index < 65_532; index++) addresses.of(`pod-${index}`);
  expect(addresses.of('last')).toBe('10.244.0.1');
  expect(() => addresses.of('one too many')).toThrow('all addresses of 10.244.0.0/16 are taken');
});
