import { describe, expect, it } from 'vitest';
import {
  type Finding,
  type FindingCode,
  compareFindings,
  compareWorstFirst,
  isAcknowledged,
  isBlocking,
  isHealthFinding,
} from './findings.js';

const finding = (code: FindingCode, object = 'Service/web'): Finding => ({ code, object, message: '' });
const shown = (findings: readonly Finding[]): string[] => findings.map(({ code, object }) => `${code} ${object}`);

describe('findings', () => {
  it('come by code, then by object', () => {
    const given = [
      finding('SST2006', 'Service/a'),
      finding('SST2005', 'Service/c'),
      finding('SST2005', 'Service/b'),
      finding('SST1008', 'Service/z'),
      finding('SST2005', 'Service/b'),
    ];
    const expected = [
      'SST1008 Service/z',
      'SST2005 Service/b',
      'SST2005 Service/b',
      'SST2005 Service/c',
      'SST2006 Service/a',
    ];
    expect(shown(given.toSorted(compareFindings))).toEqual(expected);
    expect(shown(given.toReversed().toSorted(compareFindings))).toEqual(expected);
    expect(compareFindings(given[2]!, given[4]!)).toBe(0);
    expect(compareFindings(given[1]!, given[2]!)).toBe(1);
  });

  it('are shown worst first', () => {
    const given = [finding('SST1010'), finding('SST1009'), finding('SST1008')];
    expect(shown(given.toSorted(compareWorstFirst))).toEqual([
      'SST1009 Service/web',
      'SST1008 Service/web',
      'SST1010 Service/web',
    ]);
  });

  it.each<[FindingCode, boolean]>([
    ['SST1008', true],
    ['SST1009', true],
    ['SST2005', false],
    ['SST5001', false],
  ])('of code %s are of the health of the cluster: %s', (code, expected) => {
    expect(isHealthFinding(finding(code))).toBe(expected);
  });
});

describe('an acknowledgement', () => {
  it.each<[string, { code: string; object?: string }, boolean]>([
    ['of the code', { code: 'SST2007' }, true],
    ['of the code on that object', { code: 'SST2007', object: 'Service/web' }, true],
    ['of the code on another object', { code: 'SST2007', object: 'Service/api' }, false],
    ['of another code', { code: 'SST2008', object: 'Service/web' }, false],
  ])('%s accepts a finding: %s', (_, acknowledged, expected) => {
    expect(isAcknowledged(finding('SST2007'), [acknowledged])).toBe(expected);
  });

  it('accepts nothing that must be fixed, and lets only what blocks stop a migration', () => {
    expect(isAcknowledged(finding('SST1009'), [{ code: 'SST1009' }])).toBe(false);
    expect(isBlocking(finding('SST1009'), [{ code: 'SST1009' }])).toBe(true);
    expect(isBlocking(finding('SST2007'), [{ code: 'SST2007' }])).toBe(false);
    expect(isBlocking(finding('SST2007'), [])).toBe(true);
    expect(isBlocking(finding('SST1008'), [])).toBe(false);
  });
});
