import { describe, expect, it } from 'vitest';
import { type AddedWaypoint, type Requests, savingFindings } from './savings.js';

const message = (workloads: readonly [number, Requests][], waypoint?: AddedWaypoint): string | undefined =>
  savingFindings(
    'shop',
    workloads.map(([replicas, requests]) => ({ replicas, requests })),
    waypoint,
  )[0]?.message;

describe('what a migration frees and adds', () => {
  it.each<[string, () => string | undefined, string | undefined]>([
    [
      'the sidecars of every replica',
      () =>
        message([
          [2, { cpu: '100m', memory: '128Mi' }],
          [1, { cpu: '1', memory: '1Gi' }],
        ]),
      '3 sidecars request 1200m of CPU and 1280Mi of memory, which becomes free',
    ],
    [
      'quantities in any notation',
      () => message([[1, { cpu: '0.5', memory: '1048576' }]]),
      '1 sidecar requests 500m of CPU and 1Mi of memory, which becomes free',
    ],
    [
      'sidecars of which some request nothing',
      () =>
        message([
          [1, { memory: '1Gi' }],
          [2, {}],
        ]),
      '3 sidecars request 1024Mi of memory, which becomes free',
    ],
    [
      'only what is requested',
      () => message([[4, { cpu: '25m' }]]),
      '4 sidecars request 100m of CPU, which becomes free',
    ],
    [
      'less a waypoint',
      () => message([[10, { cpu: '100m' }]], { name: 'waypoint', min: 2, requests: { cpu: '200m', memory: '256M' } }),
      '10 sidecars request 1000m of CPU, which becomes free; waypoint waypoint adds at least 400m of CPU and 489Mi of memory',
    ],
    [
      'less a waypoint for which nobody has said anything',
      () => message([[10, { cpu: '100m' }]], { name: 'waypoint', min: 2, requests: undefined }),
      '10 sidecars request 1000m of CPU, which becomes free; waypoint waypoint adds 2 replicas or more, as large as the mesh says',
    ],
    [
      'nothing, if sidecars request nothing',
      () => message([[3, {}]], { name: 'w', min: 2, requests: undefined }),
      undefined,
    ],
    ['nothing of workloads that are scaled to none', () => message([[0, { cpu: '100m' }]]), undefined],
  ])('%s', (_, found, expected) => {
    expect(found()).toBe(expected);
  });
});

describe('the finding', () => {
  it('is about the namespace', () => {
    expect(savingFindings('shop', [{ replicas: 1, requests: { cpu: '1' } }], undefined)).toEqual([
      {
        code: 'SST4027',
        object: 'Namespace/shop',
        message: '1 sidecar requests 1000m of CPU, which becomes free',
      },
    ]);
  });
});
