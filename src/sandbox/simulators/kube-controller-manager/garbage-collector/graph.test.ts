import { describe, expect, test } from 'vitest';

import type { KubeObject, OwnerReference } from '../../../../kube/resource.js';
import { CONFIG_MAP } from '../../../../kube/types.js';
import { blockingDependents, Graph, judge, type Node } from './graph.js';

const owner = (uid: string, blockOwnerDeletion = false): OwnerReference => {
  return { apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid, blockOwnerDeletion };
};

const object = (uid: string, metadata: Partial<KubeObject['metadata']> = {}): KubeObject => {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: uid, namespace: 'shop', uid, ...metadata } };
};

const node = (of: KubeObject): Node => ({ type: CONFIG_MAP, object: of });

describe('Graph', () => {
  const uids = (nodes: Node[]): (string | undefined)[] => nodes.map((each) => each.object.metadata.uid);

  test('dependents are known before and after their owner', () => {
    const graph = new Graph();
    graph.put(node(object('child', { ownerReferences: [owner('parent')] })));
    graph.put(node(object('parent')));
    expect(uids(graph.dependentsOf('parent'))).toEqual(['child']);
    graph.remove('parent');
    expect(uids(graph.dependentsOf('parent'))).toEqual(['child']);
    graph.put(node(object('child')));
    expect(graph.dependentsOf('parent')).toEqual([]);
  });

  test('only those that say so block', () => {
    const graph = new Graph();
    graph.put(node(object('a', { ownerReferences: [owner('parent', true)] })));
    graph.put(node(object('b', { ownerReferences: [owner('parent')] })));
    expect(uids(blockingDependents(graph, 'parent'))).toEqual(['a']);
  });
});

describe('judge', () => {
  const none = { solid: [], dangling: [], waiting: [] };
  const foreground = { deletionTimestamp: 'now', finalizers: ['foregroundDeletion'] };

  test.each<[string, KubeObject, Parameters<typeof judge>[1], Node[], object]>([
    ['an owner is there', object('x'), { ...none, solid: [owner('a')] }, [], { do: 'nothing' }],
    [
      'one is there, another is gone, a third waits',
      object('x'),
      { solid: [owner('a')], dangling: [owner('b')], waiting: [owner('c')] },
      [],
      { do: 'drop-owners', uids: ['b', 'c'] },
    ],
    [
      'all are gone',
      object('x'),
      { ...none, dangling: [owner('a')] },
      [],
      { do: 'delete', propagation: 'Background', unblock: false },
    ],
    [
      'the owner waits, and there are dependents',
      object('x'),
      { ...none, waiting: [owner('a')] },
      [node(object('y'))],
      { do: 'delete', propagation: 'Foreground', unblock: false },
    ],
    [
      'a circle of owners that wait',
      object('x'),
      { ...none, waiting: [owner('a')] },
      [node(object('y', foreground))],
      { do: 'delete', propagation: 'Foreground', unblock: true },
    ],
    [
      'the owner waits, and nothing depends on it',
      object('x'),
      { ...none, waiting: [owner('a')] },
      [],
      { do: 'delete', propagation: 'Background', unblock: false },
    ],
    [
      'its own dependents are to be let go',
      object('x', { finalizers: ['orphan'] }),
      { ...none, dangling: [owner('a')] },
      [],
      { do: 'delete', propagation: 'Orphan', unblock: false },
    ],
  ])('%s', (_, of, owners, dependents, expected) => {
    expect(judge(of, owners, dependents)).toEqual(expected);
  });
});
