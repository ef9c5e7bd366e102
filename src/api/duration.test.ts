import { describe, expect, test } from 'vitest';
import { duration, durationAtLeast, parseDuration } from './duration.js';

describe('durations', () => {
  test.each([
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1h1m1s1ms', 3_661_001],
    ['90m', 5_400_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
    expect(duration().safeParse(text).success).toBe(true);
  });

  test.each(['', '5', '5 minutes', '-5s', '1.5h', '5S', '1d', '1h1m1s1ms1ms', '100000s'])('%j is none', (text) => {
    expect(() => parseDuration(text)).toThrow(RangeError);
    expect(
      duration()
        .safeParse(text)
        .error?.issues.map(({ message }) => message),
    ).toEqual(['must be a duration such as 30s, 10m or 1h30m (units: h, m, s, ms)']);
  });

  test('a lower limit refuses what is shorter, and says why', () => {
    const schema = durationAtLeast('5s', 'no pod starts that fast');
    expect(schema.safeParse('5000ms').success).toBe(true);
    expect(schema.safeParse('4s').error?.issues[0]?.message).toBe('must be at least 5s: no pod starts that fast');
  });

  test('what is no duration gets one message, and not that of the limit as well', () => {
    expect(durationAtLeast('5s', '').safeParse('soon').error?.issues).toHaveLength(1);
  });
});
