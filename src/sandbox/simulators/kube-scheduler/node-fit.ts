import type { Pod } from '../../../kube/types.js';
import { isTolerated, matchesNode, requiredTerms, type Toleration } from '../node-constraints.js';
import type { Node, Taint } from '../nodes.js';

const unschedulable: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/**
 * Why a pod cannot run on a node, in the scheduler's words; undefined if it can. Looked at are the node's name, labels,
 * taints, and whether it is cordoned; amounts, ports and other pods are not.
 *
 * @see kubernetes pkg/scheduler/framework/plugins: nodeunschedulable, tainttoleration, nodeaffinity
 */
export function whyUnfit(pod: Pod, node: Node): string | undefined {
  if (isNamedElsewhere(pod, node)) return "node(s) didn't satisfy plugin(s) [NodeAffinity]";
  const tolerations = (pod.spec.tolerations ?? []) as Toleration[];
  const isCordoned = node.spec?.unschedulable === true;
  if (isCordoned && !isTolerated(unschedulable, tolerations)) return 'node(s) were unschedulable';
  const hard = (node.spec?.taints ?? []).filter(({ effect }) => effect !== 'PreferNoSchedule');
  if (!hard.every((taint) => isTolerated(taint, tolerations))) return 'node(s) had untolerated taint(s)';
  return matchesNode(pod.spec, node) ? undefined : "node(s) didn't match Pod's node affinity/selector";
}

/** Whether every term names nodes, as for pods of a DaemonSet, and this is none of them: others are not even looked at. */
function isNamedElsewhere({ spec }: Pod, node: Node): boolean {
  const terms = requiredTerms(spec) ?? [];
  if (terms.length === 0) return false;
  return terms.every(({ matchFields = [] }) =>
    matchFields.some((field) => field.operator === 'In' && field.values?.includes(node.metadata.name) === false),
  );
}
