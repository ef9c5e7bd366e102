import { describe, expect, it } from 'vitest';
import { askedShare, inShare } from './share.js';

const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

describe('a share', () => {
  it('is all, unless one is asked for', () => {
    expect(inShare(all, askedShare(''))).toEqual(all);
  });

  it('is the nth of every so many, and all shares together are all', () => {
    expect(inShare(all, askedShare('2/4'))).toEqual([1, 5, 9]);
    expect(['1/4', '2/4', '3/4', '4/4'].flatMap((text) => inShare(all, askedShare(text))).toSorted()).toEqual(all);
  });

  it.each(['0/4', '5/4', '1/0', '4', 'a/b', '1/4 '])('is not %j', (text) => {
    expect(() => askedShare(text)).toThrow(`SHARE: "${text}" is no share; say 2/4 for the second of every four`);
  });
});
