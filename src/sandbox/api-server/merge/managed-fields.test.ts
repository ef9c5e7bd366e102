import { describe, expect, it } from 'vitest';
import { FieldSet } from './field-set.js';
import {
  type Managed,
  type Managers,
  capUpdateManagers,
  encodeManagedFields,
  identifier,
  managerOfUserAgent,
} from './managed-fields.js';

const manager = (name: string, rest: Partial<Managed> = {}): Managed => ({
  manager: name,
  operation: 'Update',
  apiVersion: 'v1',
  subresource: '',
  fields: FieldSet.of([`f:${name}`]),
  ...rest,
});

const managersOf = (...all: Managed[]): Managers => new Map(all.map((each) => [identifier(each), each]));

const names = (managers: Managers): unknown[] => encodeManagedFields(managers).map((entry) => entry.manager);

describe('managed fields', () => {
  it('come with Apply first, then by time, manager, version and subresource', () => {
    const late = '2026-01-01T00:00:02Z';
    const early = '2026-01-01T00:00:01Z';
    const sorted = managersOf(
      manager('c', { time: early }),
      manager('b', { time: late, subresource: 'status' }),
      manager('b', { time: late }),
      manager('a', { time: late }),
      manager('z', { time: late, operation: 'Apply' }),
      manager('none'),
    );
    expect(encodeManagedFields(sorted).map((entry) => [entry.manager, entry.subresource])).toEqual([
      ['z', undefined],
      ['none', undefined],
      ['c', undefined],
      ['a', undefined],
      ['b', undefined],
      ['b', 'status'],
    ]);
  });

  it('keep ten managers of updates, and only put those of one version together', () => {
    const ten = Array.from({ length: 10 }, (_, i) => manager(`m${i}`, { time: `2026-01-01T00:00:0${i}Z` }));
    expect(names(capUpdateManagers(managersOf(...ten)))).toHaveLength(10);
    const oldest = manager('oldest', { time: '2025-01-01T00:00:00Z' });
    const capped = capUpdateManagers(managersOf(...ten, oldest));
    expect(names(capped)).toEqual(['ancient-changes', ...ten.slice(1).map((each) => each.manager)]);
    const [first] = encodeManagedFields(capped);
    expect(first).toMatchObject({ time: '2026-01-01T00:00:00Z', fieldsV1: { 'f:m0': {}, 'f:oldest': {} } });
    const versions = ten.map((each, i) => ({ ...each, apiVersion: `v${i}` }));
    expect(capUpdateManagers(managersOf(...versions, manager('more', { apiVersion: 'v99' }))).size).toBe(11);
  });

  it.each([
    ['kubectl/v1.35.2 (linux/amd64) kubernetes/x', 'kubectl'],
    ['Mozilla', 'Mozilla'],
    [undefined, 'unknown'],
    ['/x', 'unknown'],
    ['a\tb/1', 'ab'],
    ['x'.repeat(200), 'x'.repeat(128)],
  ])('of user agent %j belong to %s', (agent, expected) => {
    expect(managerOfUserAgent(agent)).toBe(expected);
  });
});
