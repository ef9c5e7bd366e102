import { expect, test } from 'vitest';
import type { Pod } from '../../../kube/types.js';
import { rankForDeletion, rankJobPods } from './pod-ranking.js';

const now = Date.UTC(2026, 0, 2);
const at = (secondsAgo: number): string => new Date(now - secondsAgo * 1000).toISOString();

interface Sketch {
  node?: string;
  phase?: 'Pending' | 'Running';
  /** Ready since so many seconds. */
  readyFor?: number;
  cost?: number;
  age?: number;
  restarts?: number;
}

function pod(name: string, { node, phase = 'Running', readyFor, cost, age = 100, restarts = 0 }: Sketch): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: name,
      creationTimestamp: at(age),
      ...(cost !== undefined && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': String(cost) } }),
    },
    spec: { containers: [], ...(node !== undefined && { nodeName: node }) },
    status: {
      phase,
      containerStatuses: [{ name: 'app', ready: true, restartCount: restarts }],
      ...(readyFor !== undefined && {
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at(readyFor) }],
      }),
    },
  };
}

const names = (pods: readonly Pod[]): string[] => pods.map(({ metadata }) => metadata.name);

test.each<[string, Sketch, Sketch]>([
  ['without a node', {}, { node: 'a' }],
  ['pending', { node: 'a', phase: 'Pending' }, { node: 'a' }],
  ['not ready', { node: 'a' }, { node: 'a', readyFor: 5 }],
  ['cheap, though older', { node: 'a', readyFor: 900, cost: -1 }, { node: 'a', readyFor: 5 }],
  ['ready for a shorter time', { node: 'a', readyFor: 5 }, { node: 'a', readyFor: 900 }],
  ['restarted more often', { node: 'a', restarts: 3 }, { node: 'a' }],
  ['younger', { node: 'a', age: 5 }, { node: 'a', age: 900 }],
])('%s goes first', (_, first, second) => {
  const pods = [pod('second', second), pod('first', first)];
  expect(names(rankForDeletion(pods, [], now))).toEqual(['first', 'second']);
});

test('on a crowded node before one that is alone', () => {
  const [alone, one, two] = [pod('alone', { node: 'a' }), pod('one', { node: 'b' }), pod('two', { node: 'b' })];
  expect(names(rankForDeletion([alone, one], [alone, one, two], now))).toEqual(['one', 'alone']);
});

test('ages between the same powers of two are as good as equal: the uid decides', () => {
  const pods = [pod('b', { node: 'a', readyFor: 100 }), pod('a', { node: 'a', readyFor: 101 })];
  expect(names(rankForDeletion(pods, [], now))).toEqual(['a', 'b']);
});

test('Jobs look at no costs', () => {
  const pods = [pod('old', { node: 'a', readyFor: 900, cost: -5 }), pod('young', { node: 'a', readyFor: 5 })];
  expect(names(rankJobPods(pods, now))).toEqual(['young', 'old']);
});
