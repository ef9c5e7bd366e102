import { describe, expect, it } from 'vitest';
import { rule, translated } from '../../../../test/support/routes/written.js';
import { asRecord, asRecords } from '../../policy-object.js';

const mirror = { host: 'web' };
const at = 'spec.http[0]';

/** What mirrors of a rule become. */
function mirrorsOf(fields: object): unknown[] {
  const { objects, refused, leftOut } = translated(rule(fields));
  expect([refused, leftOut]).toEqual([[], []]);
  const [first] = asRecords(asRecord(objects[0]?.spec)['rules']);
  return asRecords(first?.['filters']).map(({ requestMirror }) => {
    const { backendRef: _, ...share } = asRecord(requestMirror);
    return share;
  });
}

describe('a mirror', () => {
  it.each<[string, object, object[]]>([
    ['of all', { mirror }, [{}]],
    ['that is not there', { mirror: null }, []],
    ['of a share', { mirror, mirrorPercentage: { value: 5 } }, [{ percent: 5 }]],
    ['of a share that is all', { mirror, mirrorPercentage: { value: 100 } }, [{}]],
    ['of a share that is nothing', { mirror, mirrorPercentage: {} }, [{ percent: 0 }]],
    [
      'of a share in millionths',
      { mirror, mirrorPercentage: { value: 0.0001 } },
      [{ fraction: { numerator: 1, denominator: 1_000_000 } }],
    ],
    ['of a share as it was', { mirror, mirrorPercent: 5 }, [{ percent: 5 }]],
    ['of a share as it was at first', { mirror, mirror_percent: 5 }, [{ percent: 5 }]],
    [
      'of several',
      {
        mirrors: [
          { destination: mirror, percentage: { value: 50 } },
          { destination: mirror, percentage: {} },
        ],
      },
      [{ percent: 50 }, { percent: 0 }],
    ],
  ])('%s is said', (_, fields, shares) => {
    expect(mirrorsOf(fields)).toEqual(shares);
  });

  it.each<[string, object]>([
    ['mirrorPercentage.value', { mirror, mirrorPercentage: { value: 101 } }],
    ['mirrorPercentage.value', { mirror, mirrorPercentage: { value: -1 } }],
    ['mirrorPercentage.value', { mirror, mirrorPercentage: { value: '5' } }],
    ['mirrorPercent', { mirror, mirrorPercent: 101 }],
    [
      'mirrors[1].percentage.value',
      { mirrors: [{ destination: mirror }, { destination: mirror, percentage: { value: 1e-9 } }] },
    ],
  ])('with a share that nobody can say is refused: %s of %j', (field, fields) => {
    expect(translated(rule(fields)).refused).toEqual([
      { at: `${at}.${field}`, message: 'is no share that an HTTPRoute can say' },
    ]);
  });

  it('of a Service that nobody knows is refused, and none of the others is lost', () => {
    expect(
      translated(rule({ mirrors: [{ destination: { host: 'none' } }, { destination: mirror, novelty: 1 }] })).refused,
    ).toEqual([
      { at: `${at}.mirrors[1].novelty`, message: 'nobody knows here what this field means' },
      { at: `${at}.mirrors[0].destination.host`, message: 'none is no Service that is known' },
    ]);
  });

  it.each(['mirrorPercentage', 'mirrorPercent', 'mirror_percent'])('that is none has no %s', (field) => {
    expect(translated(rule({ [field]: 5 }))).toMatchObject({
      refused: [],
      leftOut: [{ at: `${at}.${field}`, message: 'nothing is mirrored' }],
    });
  });
});
