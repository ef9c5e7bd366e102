import { describe, expect, test } from 'vitest';
import { addQuantities, canonicalQuantity, isQuantity, quantityInNano } from './quantity.js';

describe('quantities', () => {
  test.each([
    [0.5, '500m'],
    ['0.5', '500m'],
    ['1024Mi', '1Gi'],
    ['1000Mi', '1000Mi'],
    ['1Gi', '1Gi'],
    ['0.5Gi', '512Mi'],
    ['1500m', '1500m'],
    ['2000m', '2'],
    ['1000', '1k'],
    ['1e3', '1e3'],
    ['12e6', '12e6'],
    ['100', '100'],
    ['0', '0'],
    ['0Gi', '0'],
    ['1023', '1023'],
    ['-1', '-1'],
    ['+1', '1'],
    ['.5', '500m'],
    ['1.', '1'],
    ['0.0000000001', '1n'],
    ['512Ki', '512Ki'],
    ['0.5Ki', '512'],
  ])('%s is printed as %s', (text, printed) => expect(canonicalQuantity(text)).toBe(printed));

  test.each(['', 'abc', '1 Gi', '1GiB', '--1', '1e', 'Ki'])('%j is none', (text) =>
    expect(isQuantity(text)).toBe(false),
  );

  test('different texts of the same amount are equal', () => {
    expect(quantityInNano('1Gi')).toBe(quantityInNano('1024Mi'));
    expect(quantityInNano('1')).toBe(quantityInNano('1000m'));
    expect(quantityInNano('1Gi') > quantityInNano('1G')).toBe(true);
  });

  test('a sum has the form of its first part', () => {
    expect(addQuantities(['512Mi', '512Mi'])).toBe('1Gi');
    expect(addQuantities(['500m', '1500m'])).toBe('2');
    expect(addQuantities([])).toBe('0');
  });
});
