import { describe, expect, it } from 'vitest';
import { policyObject } from '../../../test/support/policies.js';
import type { Resources } from '../pod-resources.js';
import type { Quantities } from '../quantity.js';
import type { NewWaypoint } from './limit-range.js';
import { quotaFindings } from './resource-quota.js';
import type { Requests } from './savings.js';

const waypoint: NewWaypoint = {
  name: 'waypoint',
  min: 2,
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '2' } },
};
const NO_DEFAULTS: Required<Resources> = { requests: {}, limits: {} };
const found = (
  hard: Quantities,
  used: Quantities,
  {
    spec = {},
    of = waypoint,
    defaults = NO_DEFAULTS,
    losing = [],
  }: {
    spec?: object;
    of?: NewWaypoint | undefined;
    defaults?: Required<Resources>;
    losing?: { replicas: number; requests: Requests }[];
  } = {},
): string[] => {
  const quota = { ...policyObject('ResourceQuota', { hard, ...spec }, { name: 'team' }), status: { used } };
  return quotaFindings([quota], losing, of, defaults).map(({ code, message }) => `${code} ${message}`);
};
const full = (what: string): string[] => [`SST5009 ResourceQuota/team has no room for waypoint waypoint: ${what}`];

describe('a ResourceQuota and a new waypoint', () => {
  it.each<[string, Quantities, Quantities, string[]]>([
    ['with room for all its pods, and for one that replaces another', { pods: '10' }, { pods: '7' }, []],
    [
      'with room for all but that',
      { pods: '10' },
      { pods: '8' },
      full('field spec.hard[pods], 3 of the 2 that are left'),
    ],
    ['that is over-full', { pods: '1' }, { pods: '4' }, full('field spec.hard[pods], 3 of the 0 that are left')],
    ['with CPU for all', { 'requests.cpu': '1' }, { 'requests.cpu': '700m' }, []],
    [
      'without CPU for all',
      { 'requests.cpu': '1', cpu: '1' },
      { 'requests.cpu': '701m', cpu: '0.9' },
      full(
        'field spec.hard[requests.cpu], 300m of the 299m that are left; field spec.hard[cpu], 300m of the 100m that are left',
      ),
    ],
    [
      'with no room for what they may use',
      { 'limits.cpu': '5' },
      {},
      full('field spec.hard[limits.cpu], 6000m of the 5000m that are left'),
    ],
    [
      'for something that they leave open',
      { 'limits.memory': '8Gi' },
      {},
      full('field spec.hard[limits.memory], of which its container says nothing'),
    ],
    ['for other things', { 'requests.storage': '1Gi', secrets: '0', 'requests.nvidia.com/gpu': '0' }, {}, []],
    [
      'without room for its Service',
      { services: '5' },
      { services: '5' },
      full('field spec.hard[services], 1 of the 0 that are left'),
    ],
  ])('%s', (_, hard, used, expected) => {
    expect(found(hard, used)).toEqual(expected);
  });

  it.each<[string, object, boolean]>([
    ['that run until they are stopped', { scopes: ['NotTerminating'] }, true],
    ['that request something', { scopes: ['NotBestEffort'] }, true],
    ['that end', { scopes: ['Terminating'] }, false],
    ['that request nothing', { scopes: ['BestEffort'] }, false],
    [
      'of a priority',
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
      false,
    ],
  ])('is for pods %s', (_, spec, isFor) => {
    expect(found({ pods: '0' }, {}, { spec })).toHaveLength(isFor ? 1 : 0);
  });

  it('leaves a waypoint alone that gets its limits from a LimitRange, and one that is there', () => {
    const hard = { 'limits.memory': '8Gi' };
    expect(found(hard, {}, { defaults: { requests: {}, limits: { memory: '1Gi' } } })).toEqual([]);
    expect(quotaFindings([policyObject('ResourceQuota', { hard: { pods: '0' } })], [], undefined, NO_DEFAULTS)).toEqual(
      [],
    );
  });
});

describe('a ResourceQuota that counts sidecars', () => {
  const losing = [
    { replicas: 3, requests: { cpu: '100m', memory: '128Mi' } },
    { replicas: 1, requests: { cpu: '50m' } },
  ];
  const roomy = { name: 'waypoint', min: 1, resources: {} };
  it.each<[string, Quantities, object, string[]]>([
    [
      'says how much becomes free',
      { 'requests.cpu': '2', memory: '1Gi' },
      {},
      [
        'SST4036 ResourceQuota/team counts sidecars: field spec.hard[requests.cpu], 350m of 2000m; field spec.hard[memory], 384Mi of 1024Mi',
      ],
    ],
    ['says nothing of what they do not request', { pods: '9', 'limits.cpu': '9' }, {}, []],
    ['is not one for pods that end', { 'requests.cpu': '2' }, { scopes: ['Terminating'] }, []],
  ])('%s', (_, hard, spec, expected) => {
    const all = found(hard, {}, { spec, losing, of: roomy });
    expect(all.filter((one) => one.startsWith('SST4036'))).toEqual(expected);
  });
});
