import { describe, expect, it } from 'vitest';
import { pod } from '../../../test/support/observed.js';
import type { DaemonSet, Deployment, StatefulSet } from '../../kube/types.js';
import type { PodView } from './pods.js';
import {
  type Workload,
  daemonSetView,
  deploymentView,
  formatRestartMark,
  parseRestartMark,
  statefulSetView,
} from './workloads.js';

const metadata = { name: 'web', namespace: 'shop', generation: 2 };
const template = { spec: { containers: [] } };
const selector = { matchLabels: { app: 'web' } };

function deployment(spec: object = {}, status: object = {}): Deployment {
  const done = { observedGeneration: 2, replicas: 4, updatedReplicas: 4, availableReplicas: 4 };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { selector, template, replicas: 4, ...spec },
    status: { ...done, ...status },
  };
}

function statefulSet(spec: object = {}, status: object = {}): StatefulSet {
  const done = { observedGeneration: 2, replicas: 3, readyReplicas: 3, currentRevision: 'a', updateRevision: 'a' };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata,
    spec: { selector, template, replicas: 3, ...spec },
    status: { ...done, ...status },
  };
}

function daemonSet(spec: object = {}, status: object = {}): DaemonSet {
  const done = { observedGeneration: 2, desiredNumberScheduled: 5, updatedNumberScheduled: 5, numberAvailable: 5 };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata,
    spec: { selector, template, ...spec },
    status: { ...done, ...status },
  };
}

const rolling = (rollingUpdate: object): object => ({ strategy: { type: 'RollingUpdate', rollingUpdate } });

describe('how many pods a rollout takes away', () => {
  it.each<[string, { maxUnavailable: number }, number]>([
    ['a Deployment of 4: a quarter', deploymentView(deployment(), []), 1],
    ['a Deployment of 2: a quarter, rounded down', deploymentView(deployment({ replicas: 2 }), []), 0],
    [
      'a Deployment that may only surge',
      deploymentView(deployment(rolling({ maxUnavailable: 0, maxSurge: 1 })), []),
      0,
    ],
    [
      'a Deployment with both bounds at 0%',
      deploymentView(deployment(rolling({ maxUnavailable: '0%', maxSurge: '0%' })), []),
      1,
    ],
    ['a Deployment in numbers', deploymentView(deployment(rolling({ maxUnavailable: 2 })), []), 2],
    ['a Deployment that recreates', deploymentView(deployment({ strategy: { type: 'Recreate' } }), []), 4],
    ['a StatefulSet', statefulSetView(statefulSet(), []), 1],
    [
      'a StatefulSet with more',
      statefulSetView(statefulSet({ updateStrategy: { rollingUpdate: { maxUnavailable: 2 } } }), []),
      2,
    ],
    ['a DaemonSet', daemonSetView(daemonSet(), []), 1],
    [
      'a DaemonSet in percent, rounded up',
      daemonSetView(daemonSet({ updateStrategy: { rollingUpdate: { maxUnavailable: '30%' } } }), []),
      2,
    ],
    [
      'a DaemonSet that surges',
      daemonSetView(daemonSet({ updateStrategy: { rollingUpdate: { maxSurge: 1 } } }), []),
      0,
    ],
  ])('%s', (_, { maxUnavailable }, expected) => {
    expect(maxUnavailable).toBe(expected);
  });
});

describe('a changed template replaces no pod, or not all of them', () => {
  const parted = (partition: number): object => ({ updateStrategy: { rollingUpdate: { partition } } });
  it.each<[string, { obstacle: string | undefined }, string | undefined]>([
    ['of a Deployment that is paused', deploymentView(deployment({ paused: true }), []), 'Paused'],
    ['but of one that is not', deploymentView(deployment({ paused: false }), []), undefined],
    ['of a StatefulSet with a partition', statefulSetView(statefulSet(parted(1)), []), 'Partition'],
    ['but of one whose partition is 0', statefulSetView(statefulSet(parted(0)), []), undefined],
  ])('%s', (_, { obstacle }, expected) => {
    expect(obstacle).toBe(expected);
  });
});

describe('a rollout is an outage', () => {
  const none = rolling({ maxUnavailable: 1, maxSurge: 0 });
  it.each<[string, { outage: boolean }, boolean]>([
    ['of a Deployment that recreates', deploymentView(deployment({ strategy: { type: 'Recreate' } }), []), true],
    ['of a Deployment of one that may be away', deploymentView(deployment({ replicas: 1, ...none }), []), true],
    ['not of a Deployment of one that surges', deploymentView(deployment({ replicas: 1 }), []), false],
    [
      'not of a Deployment of two, one of which may be away',
      deploymentView(deployment({ replicas: 2, ...none }), []),
      false,
    ],
    ['of a StatefulSet of one', statefulSetView(statefulSet({ replicas: 1 }), []), true],
    ['not of a StatefulSet of two', statefulSetView(statefulSet({ replicas: 2 }), []), false],
    [
      'of a StatefulSet all of which may be away',
      statefulSetView(statefulSet({ updateStrategy: { rollingUpdate: { maxUnavailable: '100%' } } }), []),
      true,
    ],
    ['of a DaemonSet', daemonSetView(daemonSet(), []), true],
    [
      'not of a DaemonSet that surges',
      daemonSetView(daemonSet({ updateStrategy: { rollingUpdate: { maxSurge: 1 } } }), []),
      false,
    ],
  ])('%s', (_, { outage }, expected) => {
    expect(outage).toBe(expected);
  });
});

describe('a rollout is finished', () => {
  it.each<[string, { finished: boolean }, boolean]>([
    ['when a Deployment says so', deploymentView(deployment(), []), true],
    ['not before the generation is observed', deploymentView(deployment({}, { observedGeneration: 1 }), []), false],
    ['not while an old pod is left', deploymentView(deployment({}, { replicas: 5 }), []), false],
    ['not while a new pod is unavailable', deploymentView(deployment({}, { availableReplicas: 3 }), []), false],
    [
      'for a Deployment of none',
      deploymentView(deployment({ replicas: 0 }, { replicas: 0, updatedReplicas: 0, availableReplicas: 0 }), []),
      true,
    ],
    ['when a StatefulSet says so', statefulSetView(statefulSet(), []), true],
    ['not while a StatefulSet has two revisions', statefulSetView(statefulSet({}, { updateRevision: 'b' }), []), false],
    [
      'not while a pod of a StatefulSet is not ready',
      statefulSetView(statefulSet({}, { readyReplicas: 2 }), []),
      false,
    ],
    ['when a DaemonSet says so', daemonSetView(daemonSet(), []), true],
    ['not while a DaemonSet has old pods', daemonSetView(daemonSet({}, { updatedNumberScheduled: 4 }), []), false],
  ])('%s', (_, { finished }, expected) => {
    expect(finished).toBe(expected);
  });
});

describe('with OnDelete', () => {
  const updateStrategy = { type: 'OnDelete', rollingUpdate: { maxSurge: 1, maxUnavailable: 0, partition: 1 } };
  const three = ['db-0', 'db-1', 'db-2'].map((name) => pod({ name }));
  const five = ['a', 'b', 'c', 'd', 'e'].map((name) => pod({ name }));
  // What a StatefulSet says whose pods have all been replaced: its revisions stay apart.
  const replaced = { currentRevision: 'a', updateRevision: 'b', updatedReplicas: 3, availableReplicas: 3 };
  const db = (pods: readonly PodView[], status: object = {}): Workload =>
    statefulSetView(statefulSet({ updateStrategy }, { ...replaced, ...status }), pods);
  const agent = (pods: readonly PodView[], status: object = {}): Workload =>
    daemonSetView(daemonSet({ updateStrategy }, status), pods);

  it.each<[string, Workload, boolean]>([
    ['a StatefulSet is finished when every pod is there and available', db(three), true],
    ['not when a pod is not ready', db([...three.slice(1), pod({ name: 'db-0', ready: false })]), false],
    ['not when one is gone, which its status has not seen', db(three.slice(1)), false],
    ['not when one goes', db([...three.slice(1), pod({ name: 'db-0', live: false })]), false],
    ['not when one is ready, and not for minReadySeconds yet', db(three, { availableReplicas: 2 }), false],
    ['not before the generation is observed', db(three, { observedGeneration: 1 }), false],
    ['a DaemonSet is, with pods of older revisions', agent(five, { updatedNumberScheduled: 0 }), true],
    ['not when a pod is gone', agent(five.slice(1), {}), false],
    ['not when one is not available', agent(five, { numberAvailable: 4 }), false],
  ])('%s', (_, { finished }, expected) => {
    expect(finished).toBe(expected);
  });

  it('one pod is away at a time, whatever is left of another strategy', () => {
    expect(db(three)).toMatchObject({ maxUnavailable: 1, obstacle: undefined, outage: false });
    expect(agent(five)).toMatchObject({ maxUnavailable: 1, obstacle: undefined, outage: true });
  });

  it('it is known for how many pods changes of the template wait', () => {
    expect(db(three).onDelete).toEqual({ outdated: 0 });
    expect(db(three, { updatedReplicas: undefined }).onDelete).toEqual({ outdated: 3 });
    expect(agent(five, { updatedNumberScheduled: 3 }).onDelete).toEqual({ outdated: 2 });
    expect(statefulSetView(statefulSet(), three).onDelete).toBeUndefined();
  });
});

describe('what somebody has set back', () => {
  const given = (own: string | undefined, inTemplate: string | undefined): Deployment => {
    const annotations = (mark: string | undefined): object =>
      mark ? { annotations: { 'sidestep.dev/restart': mark } } : {};
    const marked = { metadata: annotations(inTemplate), spec: { containers: [] } };
    return { ...deployment({ template: marked }), metadata: { ...metadata, ...annotations(own) } };
  };
  it.each<[string, string | undefined, string | undefined, boolean]>([
    ['nothing, if both marks are the same', 'ambient.1.1', 'ambient.1.1', false],
    ['the pod template, if our mark is gone from it', 'ambient.1.1', undefined, true],
    ['the pod template, if an older mark is in it', 'sidecar.2.1', 'ambient.1.1', true],
    ['nothing, if an older version of Sidestep has marked the template only', undefined, 'ambient.1.1', false],
    ['nothing, if both name the migration', 'ambient.1.1.aaaaaaaa', 'ambient.1.1.aaaaaaaa', false],
    ['the pod template, if the mark in it is of another', 'ambient.1.1.aaaaaaaa', 'ambient.1.1.bbbbbbbb', true],
    ['nothing, if we never restarted it', undefined, undefined, false],
  ])('%s', (_, own, inTemplate, reverted) => {
    const view = deploymentView(given(own, inTemplate), []);
    expect(view).toMatchObject({ reverted, templateMark: inTemplate });
    expect(view.restartMark && formatRestartMark(view.restartMark)).toBe(own ?? inTemplate);
  });
});

describe('a restart mark', () => {
  it.each(['ambient.12.2.0c1f2e3d', 'ambient.12.2'])('is written as it was read: %s', (text) => {
    const mark = parseRestartMark(text);
    expect(mark).toMatchObject({ goal: 'ambient', generation: 12, attempt: 2 });
    expect(mark && formatRestartMark(mark)).toBe(text);
  });

  it.each([undefined, '', 'ambient', 'up.1.1', 'ambient.1', 'ambient.1.1.1.1', '2026-11-21T09:00:00Z'])(
    'is not made of %s',
    (text) => {
      expect(parseRestartMark(text)).toBeUndefined();
    },
  );
});
