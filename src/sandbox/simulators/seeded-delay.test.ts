import { expect, test } from 'vitest';
import { seededDelay } from './seeded-delay.js';

test('a number is that number', () => {
  expect(seededDelay(250, 1, 'pod')).toBe(250);
});

test('a delay depends on seed and purpose only, and is in its range', () => {
  const delays = Array.from({ length: 50 }, (_, index) => seededDelay([100, 200], 7, `pod-${index}`));
  expect(delays).toEqual(Array.from({ length: 50 }, (_, index) => seededDelay([100, 200], 7, `pod-${index}`)));
  expect(new Set(delays).size).toBeGreaterThan(20);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(100);
  expect(Math.max(...delays)).toBeLessThanOrEqual(200);
  expect(seededDelay([100, 200], 8, 'pod-0')).not.toBe(delays[0]);
});
