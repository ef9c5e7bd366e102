import { expect, test } from 'vitest';
import { canonicalQuantity } from './quantity.js';

// As Quantity.String() of apimachinery prints them.
test.each([
  ['2000m', '2'],
  ['100m', '100m'],
  ['0.5', '500m'],
  ['1.5', '1500m'],
  ['1024Mi', '1Gi'],
  ['1536Mi', '1536Mi'],
  ['1000', '1k'],
  ['1500', '1500'],
  ['0', '0'],
  ['0Mi', '0Mi'],
  ['128974848', '128974848'],
  ['2000k', '2M'],
  ['much', 'much'],
])('%s', (text, canonical) => {
  expect(canonicalQuantity(text)).toBe(canonical);
});
