import { expect, test } from 'vitest';
import { BoundedCache } from './bounded-cache.js';

test('what was not asked for lately is computed again', () => {
  const computed: string[] = [];
  const cache = new BoundedCache((key) => computed.push(key), 2);
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) cache.get(key);
  expect(computed).toEqual(['a', 'b', 'c', 'b']);
});
