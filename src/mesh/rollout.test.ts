import { describe, expect, it } from 'vitest';
import {
  type DeploymentSpec,
  daemonSetRollout,
  deploymentRollout,
  type Rollout,
  type SetSpec,
  statefulSetRollout,
} from './rollout.js';

describe('the rollout of a Deployment', () => {
  const deployment = (
    replicas: number,
    maxUnavailable?: number | string,
    maxSurge?: number | string,
  ): DeploymentSpec => ({
    replicas,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } },
  });

  it.each<[string, DeploymentSpec, maxUnavailable: number, outage: boolean]>([
    ['of 1 pod surges', {}, 0, false],
    ['of 3 pods surges, for a quarter is less than a pod', { replicas: 3 }, 0, false],
    ['of 8 pods takes a quarter', { replicas: 8 }, 2, false],
    ['rounds down', deployment(3, '50%'), 1, false],
    ['takes as many as it may', deployment(3, 2, 1), 2, false],
    ['may take all', deployment(3, '100%'), 3, true],
    ['takes 1 if it could neither surge nor take any', deployment(3, 0, 0), 1, false],
    ['takes its only one if it could neither surge nor take any', deployment(1, '50%', 0), 1, true],
    ['surges where it may', deployment(3, 0, 1), 0, false],
    ['takes what it may, without a surge', deployment(4, '50%', 0), 2, false],
    ['surges by a share, rounded up', deployment(1, 0, '1%'), 0, false],
  ])('%s', (_, spec, maxUnavailable, outage) => {
    expect(deploymentRollout(spec)).toMatchObject({
      replicas: spec.replicas ?? 1,
      maxUnavailable,
      outage,
      recreates: false,
    });
  });

  it('ends all before it starts the first', () => {
    expect(deploymentRollout({ replicas: 3, strategy: { type: 'Recreate' } })).toEqual<Rollout>({
      replicas: 3,
      maxUnavailable: 3,
      obstacle: undefined,
      isOnDelete: false,
      outage: true,
      recreates: true,
    });
  });

  it('waits while it is paused', () => {
    expect(deploymentRollout({ paused: true }).obstacle).toBe('Paused');
    expect(deploymentRollout({ paused: false }).obstacle).toBeUndefined();
  });
});

describe('the rollout of a StatefulSet', () => {
  it.each<[string, SetSpec, Partial<Rollout>]>([
    ['takes one pod at a time', { replicas: 3 }, { maxUnavailable: 1, outage: false, obstacle: undefined }],
    ['takes the only one', {}, { replicas: 1, maxUnavailable: 1, outage: true }],
    [
      'takes as many as it may, rounded down',
      { replicas: 5, updateStrategy: { rollingUpdate: { maxUnavailable: '50%' } } },
      { maxUnavailable: 2 },
    ],
    [
      'takes at least one',
      { replicas: 3, updateStrategy: { rollingUpdate: { maxUnavailable: '10%' } } },
      { maxUnavailable: 1 },
    ],
    [
      'leaves pods below the partition',
      { replicas: 3, updateStrategy: { rollingUpdate: { partition: 1 } } },
      { obstacle: 'Partition' },
    ],
    [
      'leaves none below a partition of 0',
      { replicas: 3, updateStrategy: { rollingUpdate: { partition: 0 } } },
      { obstacle: undefined },
    ],
    [
      'is not by what is left of the other strategy',
      { replicas: 3, updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1, maxUnavailable: 3 } } },
      { isOnDelete: true, obstacle: undefined, maxUnavailable: 1 },
    ],
  ])('%s', (_, spec, expected) => {
    expect(statefulSetRollout(spec)).toMatchObject(expected);
  });
});

describe('the rollout of a DaemonSet', () => {
  const rolling = (rollingUpdate: object): SetSpec => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } });

  it.each<[string, SetSpec, Partial<Rollout>]>([
    ['takes one pod at a time', {}, { replicas: 4, maxUnavailable: 1, outage: true, isOnDelete: false }],
    ['takes as many as it may, rounded up', rolling({ maxUnavailable: '30%' }), { maxUnavailable: 2, outage: true }],
    ['takes at least one', rolling({ maxUnavailable: 0 }), { maxUnavailable: 1 }],
    ['surges', rolling({ maxUnavailable: 0, maxSurge: 1 }), { maxUnavailable: 0, outage: false }],
    ['surges by a share, rounded up', rolling({ maxSurge: '1%' }), { maxUnavailable: 0, outage: false }],
    [
      'is not by what is left of the other strategy',
      { updateStrategy: { type: 'OnDelete', rollingUpdate: { maxSurge: 1 } } },
      { maxUnavailable: 1, isOnDelete: true, outage: true },
    ],
  ])('%s', (_, spec, expected) => {
    expect(daemonSetRollout(spec, 4)).toMatchObject(expected);
  });
});
