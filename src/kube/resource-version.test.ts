import { expect, test } from 'vitest';
import { compareResourceVersions } from './resource-version.js';

test.each([
  ['9', '10', -1],
  ['10', '10', 0],
  ['100000000000000000001', '100000000000000000000', 1],
  ['0', '10', undefined],
  ['abc', '10', undefined],
  [undefined, '10', undefined],
  ['', '1', undefined],
])('resourceVersion %s against %s', (a, b, expected) => {
  const order = compareResourceVersions(a, b);
  expect(order === undefined ? undefined : Math.sign(order)).toBe(expected);
});
