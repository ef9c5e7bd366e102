import { describe, expect, it } from 'vitest';
import { Remarks } from './remarks.js';

describe('a field of which nobody has said what becomes of it', () => {
  const refused = (value: unknown): object[] => {
    const remarks = new Remarks();
    remarks.refuseOthers({ known: 1, novelty: value }, 'spec', ['known'], { retries: 'waypoints retry' });
    return remarks.refused;
  };

  it.each([[undefined], [null], [false], [''], [0], [[]]])('says the same as its absence: %j', (value) => {
    expect(refused(value)).toEqual([]);
  });

  it.each([[true], ['x'], [1], [-1], [{}], [{ a: 1 }], [['x']]])('is refused: %j', (value) => {
    expect(refused(value)).toEqual([{ at: 'spec.novelty', message: 'nobody knows here what this field means' }]);
  });

  it('is refused for the reason that is known', () => {
    const remarks = new Remarks();
    remarks.refuseOthers({ retries: {}, toString: 'x' }, 'spec', [], { retries: 'waypoints retry' });
    expect(remarks.refused).toEqual([
      { at: 'spec.retries', message: 'waypoints retry' },
      { at: 'spec.toString', message: 'nobody knows here what this field means' },
    ]);
  });
});

it('a remark is made once', () => {
  const remarks = new Remarks();
  for (const at of ['a', 'b', 'a']) {
    remarks.refuse(at, 'no');
    remarks.leaveOut(at, 'tells nothing');
  }
  expect(remarks.refused).toEqual([
    { at: 'a', message: 'no' },
    { at: 'b', message: 'no' },
  ]);
  expect(remarks.leftOut).toEqual([
    { at: 'a', message: 'tells nothing' },
    { at: 'b', message: 'tells nothing' },
  ]);
});
