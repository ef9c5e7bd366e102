import { describe, expect, test } from 'vitest';
import type { Pod } from '../../../../kube/types.js';
import type { StatefulSet } from '../kinds.js';
import { statefulSetStatus, stepsOf, type Step } from './steps.js';

const nowMs = Date.UTC(2026, 0, 2);

function set(spec: Partial<StatefulSet['spec']> = {}): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'shop', uid: 's', generation: 3 },
    spec: { replicas: 3, selector: {}, template: { spec: { containers: [] } }, ...spec },
  };
}

interface Sketch {
  ready?: boolean;
  deleting?: boolean;
  revision?: string;
  phase?: 'Pending' | 'Running' | 'Failed';
}

function pod(
  ordinal: number,
  { ready = true, deleting = false, revision = 'v1', phase = 'Running' }: Sketch = {},
): Pod {
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `db-${ordinal}`,
      labels: { 'controller-revision-hash': revision },
      ...(deleting && { deletionTimestamp: lastTransitionTime }),
    },
    spec: { containers: [] },
    status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }] },
  };
}

/** Without looks at the identity, which every pod gets. */
const steps = (of: StatefulSet, pods: Pod[], updateRevision = 'v1'): string[] =>
  stepsOf({ set: of, pods, updateRevision, nowMs })
    .filter((step) => step.do !== 'identity')
    .map((step: Step) => `${step.do} ${'pod' in step ? step.pod.metadata.name : step.ordinal}`);

describe('ordered', () => {
  test.each<[string, StatefulSet, Pod[], string[]]>([
    ['the first pod', set(), [], ['create 0']],
    ['the next pod waits', set(), [pod(0, { ready: false })], []],
    ['the next pod', set(), [pod(0)], ['create 1']],
    ['a gap is filled first', set(), [pod(0), pod(2)], ['create 1']],
    ['a failed pod goes', set(), [pod(0), pod(1, { phase: 'Failed' })], ['delete db-1']],
    ['claims of a pending pod', set(), [pod(0, { ready: false, phase: 'Pending' })], ['claims 0']],
    ['the highest of the surplus goes', set({ replicas: 1 }), [pod(0), pod(1), pod(2)], ['delete db-2']],
    ['the next of the surplus waits', set({ replicas: 1 }), [pod(0), pod(1), pod(2, { deleting: true })], []],
    [
      'the highest goes, whatever is below it',
      set({ replicas: 1 }),
      [pod(0), pod(1, { ready: false }), pod(2)],
      ['delete db-2'],
    ],
    [
      'one that is not ready waits for a lower one',
      set({ replicas: 1 }),
      [pod(0), pod(1, { ready: false }), pod(2, { ready: false })],
      [],
    ],
    ['the lowest that is not ready may go', set({ replicas: 1 }), [pod(0), pod(1, { ready: false })], ['delete db-1']],
    ['other ordinals', set({ replicas: 2, ordinals: { start: 5 } }), [pod(5)], ['create 6']],
  ])('%s', (_, of, pods, expected) => {
    expect(steps(of, pods)).toEqual(expected);
  });
});

test('in parallel all come and go at once', () => {
  const parallel = { podManagementPolicy: 'Parallel' } as const;
  expect(steps(set(parallel), [])).toEqual(['create 0', 'create 1', 'create 2']);
  expect(steps(set({ ...parallel, replicas: 0 }), [pod(0), pod(1)])).toEqual(['delete db-1', 'delete db-0']);
});

describe('updates', () => {
  const three = [pod(0), pod(1), pod(2)];
  const partition = (number: number): Partial<StatefulSet['spec']> => ({
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: number } },
  });

  test.each<[string, StatefulSet, Pod[], string[]]>([
    ['from the highest ordinal', set(), three, ['delete db-2']],
    ['the next one when it is ready', set(), [pod(0), pod(1), pod(2, { revision: 'v2' })], ['delete db-1']],
    ['down to the partition', set(partition(2)), [pod(0), pod(1), pod(2, { revision: 'v2' })], []],
    ['not by itself', set({ updateStrategy: { type: 'OnDelete' } }), three, []],
    ['a broken one blocks', set(), [pod(0), pod(1), pod(2, { revision: 'v2', ready: false })], []],
  ])('%s', (_, of, pods, expected) => {
    expect(steps(of, pods, 'v2')).toEqual(expected);
  });
});

describe('statefulSetStatus', () => {
  const status = (pods: Pod[]): object =>
    statefulSetStatus({ set: set(), pods, currentRevision: 'v1', updateRevision: 'v2', collisions: 0, nowMs });

  test('in the middle of an update', () => {
    expect(status([pod(0), pod(1, { deleting: true }), pod(2, { revision: 'v2' })])).toEqual({
      observedGeneration: 3,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 1,
      updatedReplicas: 1,
      currentRevision: 'v1',
      updateRevision: 'v2',
      collisionCount: 0,
    });
  });

  test('at its end the new revision is the current one', () => {
    const updated = [0, 1, 2].map((ordinal) => pod(ordinal, { revision: 'v2' }));
    expect(status(updated)).toMatchObject({ currentReplicas: 3, updatedReplicas: 3, currentRevision: 'v2' });
  });
});
