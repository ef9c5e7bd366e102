import type { Pod } from '../../../kube/types.js';
import type { Node, Taint } from '../node.js';

interface Requirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  values?: string[];
}

interface NodeTerm {
  matchExpressions?: Requirement[];
  matchFields?: Requirement[];
}

interface Toleration {
  key?: string;
  operator?: 'Exists' | 'Equal';
  value?: string;
  effect?: string;
}

const unschedulable: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/**
 * Why a pod cannot run on a node, in the scheduler's words; undefined if it can. Looked at are the node's name, labels,
 * taints, and whether it is cordoned; amounts, ports and other pods are not.
 *
 * @see kubernetes pkg/scheduler/framework/plugins: nodeunschedulable, tainttoleration, nodeaffinity
 */
export function whyUnfit(pod: Pod, node: Node): string | undefined {
  const terms = requiredTerms(pod);
  if (isNamedElsewhere(terms, node)) return "node(s) didn't satisfy plugin(s) [NodeAffinity]";
  const tolerations = (pod.spec.tolerations ?? []) as Toleration[];
  const isTolerated = (taint: Taint): boolean => tolerations.some((toleration) => tolerates(toleration, taint));
  if (node.spec?.unschedulable === true && !isTolerated(unschedulable)) return 'node(s) were unschedulable';
  const hard = (node.spec?.taints ?? []).filter(({ effect }) => effect !== 'PreferNoSchedule');
  if (!hard.every(isTolerated)) return 'node(s) had untolerated taint(s)';
  const labels = node.metadata.labels ?? {};
  const isSelected = Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  const isLiked = terms === undefined || terms.some((term) => matches(term, node));
  return isSelected && isLiked ? undefined : "node(s) didn't match Pod's node affinity/selector";
}

function requiredTerms(pod: Pod): NodeTerm[] | undefined {
  const affinity = pod.spec.affinity as
    | { nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeTerm[] } } }
    | undefined;
  return affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
}

/** Whether every term names nodes, as for pods of a DaemonSet, and this is none of them: others are not even looked at. */
function isNamedElsewhere(terms: NodeTerm[] | undefined, node: Node): boolean {
  if (terms === undefined || terms.length === 0) return false;
  return terms.every(({ matchFields = [] }) =>
    matchFields.some((field) => field.operator === 'In' && field.values?.includes(node.metadata.name) === false),
  );
}

function matches({ matchExpressions = [], matchFields = [] }: NodeTerm, { metadata }: Node): boolean {
  // A term without requirements matches nothing.
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels = metadata.labels ?? {};
  const fields: Record<string, string> = { 'metadata.name': metadata.name };
  return (
    matchExpressions.every((requirement) => satisfies(requirement, labels[requirement.key])) &&
    matchFields.every((requirement) => satisfies(requirement, fields[requirement.key]))
  );
}

function satisfies({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number(value) > Number(values[0]);
    case 'Lt':
      return Number(value) < Number(values[0]);
  }
}

function tolerates({ key, operator = 'Equal', value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && effect !== '' && effect !== taint.effect) return false;
  if (key === undefined || key === '') return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''));
}
