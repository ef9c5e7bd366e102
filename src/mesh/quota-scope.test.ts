import { describe, expect, it } from 'vitest';
import type { PolicyObject } from './policy-object.js';
import { countsPod, type CountedPod, isBestEffort, isScoped, quotaAmounts } from './quota-scope.js';

const quota = (spec: object): PolicyObject => ({
  kind: 'ResourceQuota',
  metadata: { name: 'q', namespace: 'shop' },
  spec,
});
const selecting = (scopeName: string, operator: string, values?: string[]): object => ({
  scopeSelector: { matchExpressions: [{ scopeName, operator, ...(values && { values }) }] },
});

describe('a ResourceQuota', () => {
  const pods: Readonly<Record<string, CountedPod>> = {
    burstable: { isBestEffort: false },
    'best effort': { isBestEffort: true },
    high: { isBestEffort: false, priorityClass: 'high' },
    low: { isBestEffort: false, priorityClass: 'low' },
  };
  const all = Object.keys(pods);

  it.each<[object, string[]]>([
    [{}, all],
    [{ scopes: ['NotTerminating'] }, all],
    [{ scopes: ['Terminating'] }, []],
    [{ scopes: ['CrossNamespacePodAffinity'] }, []],
    [{ scopes: ['BestEffort'] }, ['best effort']],
    [{ scopes: ['NotBestEffort'] }, ['burstable', 'high', 'low']],
    [{ scopes: ['PriorityClass'] }, ['high', 'low']],
    [{ scopes: ['NotBestEffort', 'PriorityClass'] }, ['high', 'low']],
    [{ scopes: ['BestEffort', 'PriorityClass'] }, []],
    [selecting('PriorityClass', 'Exists'), ['high', 'low']],
    [selecting('PriorityClass', 'DoesNotExist'), ['burstable', 'best effort']],
    [selecting('PriorityClass', 'In', ['high']), ['high']],
    [selecting('PriorityClass', 'NotIn', ['high']), ['burstable', 'best effort', 'low']],
    [selecting('BestEffort', 'Exists'), ['best effort']],
  ])('with %j counts %j', (spec, expected) => {
    expect(all.filter((name) => countsPod(quota(spec), pods[name]!))).toEqual(expected);
  });

  it('is about some pods only if it has scopes', () => {
    expect(isScoped(quota({}))).toBe(false);
    expect(isScoped(quota({ scopes: [] }))).toBe(false);
    expect(isScoped(quota({ scopes: ['BestEffort'] }))).toBe(true);
    expect(isScoped(quota(selecting('PriorityClass', 'Exists')))).toBe(true);
  });

  it('calls requests of CPU and memory by two names', () => {
    expect(quotaAmounts({ cpu: 1n, memory: 2n, 'nvidia.com/gpu': 3n }, { cpu: 4n })).toEqual({
      cpu: 1n,
      'requests.cpu': 1n,
      memory: 2n,
      'requests.memory': 2n,
      'requests.nvidia.com/gpu': 3n,
      'limits.cpu': 4n,
    });
  });
});

describe('a pod of best effort', () => {
  const none = { requests: {}, limits: {} };

  it.each<[object, boolean]>([
    [{}, true],
    [{ requests: { cpu: '0' } }, true],
    [{ requests: { 'ephemeral-storage': '1Gi' } }, true],
    [{ requests: { cpu: '1m' } }, false],
    [{ requests: { memory: '1' } }, false],
    [{ limits: { cpu: '1' } }, false],
    [{ limits: { memory: '1' }, requests: { memory: '0' } }, false],
  ])('has %j: %s', (resources, expected) => {
    expect(isBestEffort({ containers: [{ resources }] }, none)).toBe(expected);
  });

  it('is none where LimitRanges give it something', () => {
    expect(isBestEffort({ containers: [{}] }, { ...none, requests: { cpu: '1' } })).toBe(false);
    expect(isBestEffort({ containers: [{}] }, { ...none, limits: { memory: '1' } })).toBe(false);
  });
});
