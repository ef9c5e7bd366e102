import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { LineSplitter } from './watch-stream.js';

describe('LineSplitter', () => {
  it('gives the same lines however the text is cut', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify({ text }));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(200)), (lines, cuts) => {
        const text = lines.map((each) => `${each}\n`).join('');
        const splitter = new LineSplitter();
        const bounds = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
        const found = bounds.slice(1).flatMap((end, index) => splitter.push(text.slice(bounds[index], end)));
        expect(found).toEqual(lines);
        expect(splitter.pending).toBe(false);
      }),
    );
  });

  it('skips empty lines and knows of an unfinished one', () => {
    const splitter = new LineSplitter();
    expect(splitter.push('\n\r\n{"a":1}\r\n{"b"')).toEqual(['{"a":1}\r']);
    expect(splitter.pending).toBe(true);
  });

  it('refuses a line that never ends', () => {
    const splitter = new LineSplitter();
    const chunk = 'x'.repeat(16 * 1024 * 1024);
    for (let n = 0; n < 4; n++) splitter.push(chunk);
    expect(() => splitter.push(chunk)).toThrow('too long');
  });
});
