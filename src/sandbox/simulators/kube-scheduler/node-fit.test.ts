import { expect, test } from 'vitest';
import type { Pod, PodSpec } from '../../../kube/types.js';
import type { Node } from '../nodes.js';
import { whyUnfit } from './node-fit.js';

const pod = (spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'app' }], ...spec },
});
const node = (spec: Node['spec'] = {}, labels: Record<string, string> = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1', labels },
  spec,
});
const affinity = (term: object): Partial<PodSpec> => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } } },
});
const expression = (key: string, operator: string, ...values: string[]): Partial<PodSpec> =>
  affinity({ matchExpressions: [{ key, operator, values }] });
const named = (name: string): Partial<PodSpec> =>
  affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] });

const selector = "node(s) didn't match Pod's node affinity/selector";
const taint = 'node(s) had untolerated taint(s)';
const tainted = node({ taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] });

test.each<[string, Pod, Node, string | undefined]>([
  ['any node', pod(), node(), undefined],
  ['a selector', pod({ nodeSelector: { a: 'b' } }), node({}, { a: 'b' }), undefined],
  ['a selector that does not match', pod({ nodeSelector: { a: 'b' } }), node(), selector],
  ['In', pod(expression('a', 'In', 'b', 'c')), node({}, { a: 'c' }), undefined],
  ['In, without the label', pod(expression('a', 'In', 'b')), node(), selector],
  ['NotIn, without the label', pod(expression('a', 'NotIn', 'b')), node(), undefined],
  ['Exists', pod(expression('a', 'Exists')), node(), selector],
  ['DoesNotExist', pod(expression('a', 'DoesNotExist')), node(), undefined],
  ['Gt', pod(expression('a', 'Gt', '3')), node({}, { a: '4' }), undefined],
  ['Lt', pod(expression('a', 'Lt', '3')), node({}, { a: '4' }), selector],
  ['an empty term', pod(affinity({})), node(), selector],
  ['the name', pod(named('node-1')), node(), undefined],
  ['another name', pod(named('node-2')), node(), "node(s) didn't satisfy plugin(s) [NodeAffinity]"],
  ['cordoned', pod(), node({ unschedulable: true }), 'node(s) were unschedulable'],
  [
    'cordoned, tolerated',
    pod({ tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] }),
    node({ unschedulable: true }),
    undefined,
  ],
  ['a taint', pod(), tainted, taint],
  ['a taint by value', pod({ tolerations: [{ key: 'a', value: 'b' }] }), tainted, undefined],
  ['a taint by another value', pod({ tolerations: [{ key: 'a', value: 'c' }] }), tainted, taint],
  ['a taint by another effect', pod({ tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] }), tainted, taint],
  ['all taints', pod({ tolerations: [{ operator: 'Exists' }] }), tainted, undefined],
  ['a soft taint', pod(), node({ taints: [{ key: 'a', effect: 'PreferNoSchedule' }] }), undefined],
])('%s', (_, wanted, offered, why) => {
  expect(whyUnfit(wanted, offered)).toBe(why);
});
