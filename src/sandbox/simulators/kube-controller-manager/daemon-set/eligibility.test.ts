import { expect, test } from 'vitest';
import type { Node, Taint } from '../../nodes.js';
import type { Affinity } from '../../node-constraints.js';
import type { DaemonSet } from '../kinds.js';
import { eligibility, tolerationsOf } from './eligibility.js';

function daemon(pod: object = {}): DaemonSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent' },
    spec: { selector: {}, template: { spec: { containers: [], ...pod } } },
  };
}

function node(labels: Record<string, string> = {}, taints: Taint[] = []): Node {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', labels }, spec: { taints } };
}

const required = (terms: object[]): { affinity: Affinity } => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
});

const yes = { shouldRun: true, mayStay: true };
const stays = { shouldRun: false, mayStay: true };
const no = { shouldRun: false, mayStay: false };

test.each<[string, DaemonSet, Node, object]>([
  ['nothing is asked for', daemon(), node(), yes],
  ['a label is missing', daemon({ nodeSelector: { pool: 'a' } }), node(), no],
  ['the label is there', daemon({ nodeSelector: { pool: 'a' } }), node({ pool: 'a' }), yes],
  ['another node is named', daemon({ nodeName: 'node-2' }), node(), no],
  ['a taint keeps new pods away', daemon(), node({}, [{ key: 'x', effect: 'NoSchedule' }]), stays],
  ['a taint drives pods out', daemon(), node({}, [{ key: 'x', effect: 'NoExecute' }]), no],
  ['it only prefers not to', daemon(), node({}, [{ key: 'x', effect: 'PreferNoSchedule' }]), yes],
  ['a cordoned node', daemon(), node({}, [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }]), yes],
  ['a node that is not ready', daemon(), node({}, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }]), yes],
  [
    'the taint is tolerated by its value',
    daemon({ tolerations: [{ key: 'x', value: '1' }] }),
    node({}, [{ key: 'x', value: '1', effect: 'NoSchedule' }]),
    yes,
  ],
  [
    'one of the terms fits',
    daemon(required([{ matchExpressions: [{ key: 'cpus', operator: 'Gt', values: ['8'] }] }, { matchFields: [] }])),
    node({ cpus: '16' }),
    yes,
  ],
  [
    'no term fits',
    daemon(required([{ matchExpressions: [{ key: 'cpus', operator: 'Lt', values: ['8'] }] }, { matchFields: [] }])),
    node({ cpus: '16' }),
    no,
  ],
])('%s', (_, set, on, expected) => {
  expect(eligibility(set, on)).toEqual(expected);
});

test('pods on the network of the host start before the network is there', () => {
  const keys = (pod: object): (string | undefined)[] => tolerationsOf(daemon(pod).spec.template).map(({ key }) => key);
  expect(keys({ hostNetwork: true })).toContain('node.kubernetes.io/network-unavailable');
  expect(keys({})).not.toContain('node.kubernetes.io/network-unavailable');
});
