import { expect, it, vi } from 'vitest';
import { perVersion } from './per-version.js';

it('computes once for each object, also undefined; equal objects are others', () => {
  const compute = vi.fn(({ value }: { value: number }) => (value === 0 ? undefined : { value }));
  const once = perVersion(compute);
  const [zero, one, other] = [{ value: 0 }, { value: 1 }, { value: 1 }];
  expect([once(zero), once(zero)]).toEqual([undefined, undefined]);
  expect(once(one)).toBe(once(one));
  expect(once(other)).not.toBe(once(one));
  expect(compute).toHaveBeenCalledTimes(3);
});

it('computes again after an error', () => {
  let isBroken = true;
  const once = perVersion(() => {
    if (isBroken) throw new Error('broken');
    return 'whole';
  });
  const object = {};
  expect(() => once(object)).toThrow('broken');
  isBroken = false;
  expect(once(object)).toBe('whole');
});
