import { describe, expect, test } from 'vitest';

import type { Deployment, ReplicaSet } from '../kinds.js';
import { desiredAnnotation, maxAnnotation } from './revisions.js';
import { fenceposts, isScalingEvent, newSetSize, rescale, scaleDownOld, totalSize } from './rollout.js';

function deployment(replicas: number, maxSurge: number | string, maxUnavailable: number | string): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'd' },
    spec: {
      replicas,
      selector: {},
      template: { spec: { containers: [] } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
    },
  };
}

interface Sizes {
  size: number;
  available?: number;
  desired?: number;
  max?: number;
}

function set(name: string, { size, available = size, desired, max }: Sizes): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      creationTimestamp: `2026-01-01T00:00:0${name.at(-1)}Z`,
      annotations: {
        ...(desired !== undefined && { [desiredAnnotation]: String(desired) }),
        ...(max !== undefined && { [maxAnnotation]: String(max) }),
      },
    },
    spec: { replicas: size, selector: {}, template: { spec: { containers: [] } } },
    status: { replicas: size, availableReplicas: available },
  };
}

const sizes = (scalings: { set: ReplicaSet; replicas: number }[]): Record<string, number> =>
  Object.fromEntries(scalings.map(({ set: { metadata }, replicas }) => [metadata.name, replicas]));

describe('fenceposts', () => {
  test.each([
    [10, '25%', '25%', 3, 2],
    [1, '25%', '25%', 1, 0],
    [3, 0, 0, 0, 1],
    [2, 0, '10%', 0, 1],
    [2, 1, 5, 1, 2],
  ])('%d replicas, surge %s, unavailable %s', (replicas, maxSurge, maxUnavailable, surge, unavailable) => {
    expect(fenceposts(deployment(replicas, maxSurge, maxUnavailable))).toEqual({ surge, unavailable });
  });

  test('Recreate has neither', () => {
    const recreate = deployment(3, 1, 1);
    recreate.spec.strategy = { type: 'Recreate' };
    expect(fenceposts(recreate)).toEqual({ surge: 0, unavailable: 0 });
  });
});

describe('newSetSize', () => {
  test.each([
    ['there is room for the surge only', 3, 1, 3, 0, 1],
    ['there is no room', 3, 1, 3, 1, 1],
    ['never more than wanted', 3, 5, 0, 0, 3],
    ['what has gone makes room', 3, 0, 2, 0, 1],
  ])('%s', (_, replicas, maxSurge, old, current, expected) => {
    expect(newSetSize(deployment(replicas, maxSurge, 1), [set('old1', { size: old })], current)).toBe(expected);
  });
});

describe('scaleDownOld', () => {
  test('as many go as the new ones replace', () => {
    const steps = scaleDownOld(deployment(3, 1, 0), [set('old1', { size: 3 })], set('new2', { size: 1 }));
    expect(sizes(steps)).toEqual({ old1: 2 });
  });

  test('none goes while the new ones are not available', () => {
    const fresh = set('new2', { size: 1, available: 0 });
    expect(scaleDownOld(deployment(3, 1, 0), [set('old1', { size: 3 })], fresh)).toEqual([]);
  });

  test('those that are not available go first, the oldest set first', () => {
    const old = [set('old1', { size: 2, available: 2 }), set('old2', { size: 2, available: 0 })];
    const steps = scaleDownOld(deployment(4, 1, 1), old, set('new3', { size: 1, available: 0 }));
    expect(sizes(steps)).toEqual({ old2: 1 });
  });
});

describe('rescale', () => {
  test('the only active set gets everything', () => {
    const steps = rescale(deployment(5, 1, 1), [set('old1', { size: 0 })], set('new2', { size: 3 }));
    expect(sizes(steps)).toEqual({ new2: 5 });
  });

  test('old sets go when the new one has all', () => {
    const full = set('new2', { size: 3, desired: 3 });
    expect(sizes(rescale(deployment(3, 1, 1), [set('old1', { size: 1 })], full))).toEqual({ old1: 0 });
  });

  test('the example of the documentation: 10 to 15 in the middle of a rollout', () => {
    const old = set('old1', { size: 8, desired: 10, max: 13 });
    const fresh = set('new2', { size: 5, available: 0, desired: 10, max: 13 });
    const steps = rescale(deployment(15, 3, 2), [old], fresh);
    expect(sizes(steps)).toEqual({ old1: 11, new2: 7 });
  });

  test('to nothing', () => {
    const old = set('old1', { size: 8, desired: 10, max: 13 });
    const fresh = set('new2', { size: 5, available: 0, desired: 10, max: 13 });
    expect(sizes(rescale(deployment(0, 3, 2), [old], fresh))).toEqual({ old1: 0, new2: 0 });
  });

  test('what rounding leaves goes to the largest', () => {
    const old = [1, 2, 3].map((age) => set(`old${age}`, { size: 3, desired: 9, max: 10 }));
    const steps = rescale(deployment(10, 1, 0), old, set('new4', { size: 1, desired: 9, max: 10 }));
    expect(totalSize(steps.map(({ set: scaled, replicas }) => set(scaled.metadata.name, { size: replicas })))).toBe(11);
  });
});

test('a changed size is known by the annotation of active sets', () => {
  const wanted = deployment(5, 1, 1);
  expect(isScalingEvent(wanted, [set('a1', { size: 3, desired: 3 })])).toBe(true);
  expect(isScalingEvent(wanted, [set('a1', { size: 3, desired: 5 }), set('b2', { size: 0, desired: 3 })])).toBe(false);
});
