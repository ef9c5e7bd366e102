import { expect, test } from 'vitest';

import { formatIndexes, parseIndexes } from './indexes.js';

test.each([
  [[], ''],
  [[3], '3'],
  [[0, 1], '0,1'],
  [[2, 0, 1, 5, 7, 8], '0-2,5,7,8'],
])('%j is %s, and back', (indexes, text) => {
  expect(formatIndexes(indexes)).toBe(text);
  expect(parseIndexes(text)).toEqual([...indexes].sort((a, b) => a - b));
});
