import { describe, expect, it } from 'vitest';
import { policyObject } from '../../../test/support/policies.js';
import type { Resources } from '../pod-resources.js';
import type { Quantities } from '../quantity.js';
import type { NewWaypoint } from './limit-range.js';
import { type CountedWorkload, quotaFindings } from './resource-quota.js';

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
    losing?: CountedWorkload[];
  } = {},
): string[] => {
  const quota = { ...policyObject('ResourceQuota', { hard, ...spec }, { name: 'team' }), status: { used } };
  return quotaFindings([quota], losing, of, defaults).map(({ code, message }) => `${code} ${message}`);
};
const priority = (operator: string, ...values: string[]): object => {
  return { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, values }] } };
};
const app = (resources: Resources): CountedWorkload['spec'] => ({ containers: [{ resources }] });
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
    ['of a priority', priority('In', 'high'), false],
    ['of any priority', priority('Exists'), false],
    ['of no priority', priority('DoesNotExist'), true],
    ['of other priorities', priority('NotIn', 'high'), true],
    [
      'that must be placed beside those of other namespaces',
      { scopes: ['CrossNamespacePodAffinity', 'NotBestEffort'] },
      false,
    ],
  ])('is for pods %s', (_, spec, isFor) => {
    expect(found({ pods: '0' }, {}, { spec })).toHaveLength(isFor ? 1 : 0);
  });

  it('for pods that request nothing is for a waypoint that requests nothing', () => {
    const of = { ...waypoint, resources: {} };
    expect(found({ pods: '2' }, {}, { spec: { scopes: ['BestEffort'] }, of })).toEqual(
      full('field spec.hard[pods], 3 of the 2 that are left'),
    );
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
  const spec = app({});
  const losing: CountedWorkload[] = [
    { name: 'Deployment/a', replicas: 3, requests: { cpu: '100m', memory: '128Mi' }, spec },
    { name: 'Deployment/b', replicas: 1, requests: { cpu: '50m' }, spec: { ...spec, priorityClassName: 'high' } },
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
    [
      'counts those of a priority only',
      { 'requests.cpu': '2' },
      priority('In', 'high'),
      ['SST4036 ResourceQuota/team counts sidecars: field spec.hard[requests.cpu], 50m of 2000m'],
    ],
    ['is not one for pods that request nothing', { 'requests.cpu': '2' }, { scopes: ['BestEffort'] }, []],
    ['is not one for pods that end', { 'requests.cpu': '2' }, { scopes: ['Terminating'] }, []],
  ])('%s', (_, hard, spec, expected) => {
    const all = found(hard, {}, { spec, losing, of: roomy });
    expect(all.filter((one) => one.startsWith('SST4036'))).toEqual(expected);
  });
});

describe('a ResourceQuota for pods that request nothing', () => {
  const bare = (more: Partial<CountedWorkload> = {}): CountedWorkload => {
    return { name: 'Deployment/a', replicas: 3, requests: { cpu: '100m' }, spec: app({}), ...more };
  };
  const short = (
    losing: CountedWorkload[],
    { spec = { scopes: ['BestEffort'] }, used = '3', ...more } = {},
  ): string[] =>
    found({ pods: '5' }, { pods: used }, { spec, losing, of: undefined, ...more }).filter((one) =>
      one.startsWith('SST4039'),
    );

  it('has no room for more than are left, with those of all workloads', () => {
    expect(short([bare()])).toEqual([
      'SST4039 ResourceQuota/team has no room for pods of Deployment/a, which request nothing without sidecar: field spec.hard[pods], 3 of the 2 that are left',
    ]);
    const two = [bare({ replicas: 1 }), bare({ name: 'Deployment/b', replicas: 2 })];
    expect(short(two)[0]).toMatch(/pods of Deployment\/a, Deployment\/b, which .* 3 of the 2 that are left/);
    const four = ['a', 'b', 'c', 'd'].map((name) => bare({ name: `Deployment/${name}`, replicas: 1 }));
    expect(short(four)[0]).toMatch(/pods of Deployment\/a, Deployment\/b, Deployment\/c and 1 more, which/);
  });

  it.each<[string, CountedWorkload, object?]>([
    ['with room for all', bare({ replicas: 2 })],
    ['and pods that request something themselves', bare({ spec: app({ requests: { memory: '1Mi' } }) })],
    ['and pods with nothing but a limit', bare({ spec: app({ limits: { cpu: '1' } }) })],
    ['and pods whose sidecars request nothing, which it counts today', bare({ requests: {} })],
    [
      'and a LimitRange that makes them request something',
      bare(),
      { defaults: { requests: { cpu: '1m' }, limits: {} } },
    ],
    ['of another priority', bare(), { spec: { scopes: ['BestEffort'], ...priority('Exists') } }],
    ['and of others', bare(), { spec: {} }],
  ])('%s says nothing', (_, losing, more) => {
    expect(short([losing], more)).toEqual([]);
  });
});
