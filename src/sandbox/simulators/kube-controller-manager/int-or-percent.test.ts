import { expect, test } from 'vitest';

import { scaledValue } from './int-or-percent.js';

test.each([
  [3, 10, 3, 3],
  ['25%', 10, 3, 2],
  ['100%', 7, 7, 7],
  ['0%', 7, 0, 0],
  ['30%', 5, 2, 1],
])('%s of %d', (value, total, up, down) => {
  expect([scaledValue(value, total, 'up'), scaledValue(value, total, 'down')]).toEqual([up, down]);
});

test('anything else is refused', () => {
  expect(() => scaledValue('25', 10, 'up')).toThrow('invalid value for IntOrString: "25"');
});
