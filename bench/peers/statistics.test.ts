import { describe, expect, it } from 'vitest';
import { csv, median, percentile, table } from './statistics.js';

describe('percentile', () => {
  const oneToTwoHundred = Array.from({ length: 200 }, (_, index) => 200 - index);

  it.each([
    [0, 1],
    [50, 100],
    [99, 198],
    [99.9, 200],
    [100, 200],
  ])('takes the nearest rank: %s percent', (percent, expected) => {
    expect(percentile(oneToTwoHundred, percent)).toBe(expected);
  });

  it('sorts numbers as numbers, and leaves the list as it was', () => {
    const values = [10, 9, 100];
    expect(percentile(values, 100)).toBe(100);
    expect(values).toEqual([10, 9, 100]);
  });

  it('has no answer for no values', () => {
    expect(() => percentile([], 50)).toThrow(RangeError);
  });
});

it.each([
  [[7], 7],
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[5, 4, 3, 2, 1, 0, 0], 2 + 0],
])('median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

it('writes CSV that spreadsheets read', () => {
  expect(
    csv([
      { name: 'a, "b"', value: 1.5 },
      { name: 'c\nd', value: 0 },
    ]),
  ).toBe('name,value\r\n"a, ""b""",1.5\r\n"c\nd",0\r\n');
});

it('aligns a table', () => {
  expect(
    table([
      ['', 'ms'],
      ['long name', '1.5'],
      ['b', '10.25'],
    ]),
  ).toBe('              ms\nlong name    1.5\nb          10.25');
});
