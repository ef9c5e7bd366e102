import { describe, expect, it } from 'vitest';
import { amountOf, shownAmount } from './quantity.js';

describe('a quantity', () => {
  it.each<[string, bigint]>([
    ['1', 1_000_000_000n],
    ['100m', 100_000_000n],
    ['0.1', 100_000_000n],
    ['.5', 500_000_000n],
    ['1n', 1n],
    ['0.5n', 1n],
    ['1.0n', 1n],
    ['2k', 2_000_000_000_000n],
    ['1e3', 1_000_000_000_000n],
    ['1e10', 10n ** 19n],
    ['1E', 10n ** 27n],
    ['1e-3', 1_000_000n],
    ['1Ki', 1_024_000_000_000n],
    ['1.5Gi', 1_610_612_736_000_000_000n],
    ['much', 0n],
    ['1x', 0n],
    ['x1', 0n],
    ['', 0n],
  ])('%s is %s billionths', (text, expected) => {
    expect(amountOf(text)).toBe(expected);
  });

  it('is exact in sums', () => {
    expect(amountOf('0.1') + amountOf('0.2')).toBe(amountOf('300m'));
  });

  it.each([
    ['requests.cpu', '0.25', '250m'],
    ['limits.memory', '1Gi', '1024Mi'],
    ['memory', '1048577', '2Mi'],
    ['pods', '3', '3'],
  ])('of %s is shown as people say it', (name, quantity, shown) => {
    expect(shownAmount(name, amountOf(quantity))).toBe(shown);
  });
});
