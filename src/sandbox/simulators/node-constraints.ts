import { matchesSelector, type LabelSelector } from '../../kube/selectors.js';
import type { PodSpec } from '../../kube/types.js';
import type { Node, Taint } from './nodes.js';

/** A taint that a pod puts up with. */
export interface Toleration {
  key?: string;
  operator?: 'Exists' | 'Equal';
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
}

interface NodeRequirement {
  key: string;
  operator: string;
  values?: string[];
}

/** Nodes whose labels and whose name meet all of this. */
export interface NodeTerm {
  matchExpressions?: NodeRequirement[];
  matchFields?: NodeRequirement[];
}

/** A pod's `affinity`, the part that binds it to nodes. */
export interface Affinity {
  nodeAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeTerm[] };
    [other: string]: unknown;
  };
  [other: string]: unknown;
}

/** The terms of which a pod's node must meet one; undefined if there are none. */
export function requiredTerms({ affinity }: PodSpec): NodeTerm[] | undefined {
  return (affinity as Affinity | undefined)?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    ?.nodeSelectorTerms;
}

/**
 * Whether a node is one that a pod asks for, by selector and by affinity.
 *
 * @see k8s.io/component-helpers/scheduling/corev1/nodeaffinity, `RequiredNodeAffinity.Match`
 */
export function matchesNode(spec: PodSpec, { metadata }: Node): boolean {
  const { name, labels = {} } = metadata;
  if (!matchesSelector({ matchLabels: spec.nodeSelector ?? {} }, labels)) return false;
  const terms = requiredTerms(spec);
  if (terms === undefined) return true;
  return terms.some(({ matchExpressions = [], matchFields = [] }) => {
    // A term without requirements matches nothing.
    if (matchExpressions.length + matchFields.length === 0) return false;
    return meets(matchExpressions, labels) && meets(matchFields, { 'metadata.name': name });
  });
}

/** Node selectors know two operators more than label selectors. */
function meets(requirements: readonly NodeRequirement[], values: Record<string, string>): boolean {
  return requirements.every((requirement) => {
    const { key, operator, values: [bound] = [] } = requirement;
    if (operator === 'Gt') return Number(values[key]) > Number(bound);
    if (operator === 'Lt') return Number(values[key]) < Number(bound);
    return matchesSelector({ matchExpressions: [requirement] } as LabelSelector, values);
  });
}

/**
 * Whether one of the tolerations covers the taint.
 *
 * @see k8s.io/component-helpers/scheduling/corev1, `TolerationsTolerateTaint`
 */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some(
    ({ key, operator = 'Equal', value = '', effect }) =>
      (!effect || effect === taint.effect) &&
      (!key || key === taint.key) &&
      (operator === 'Exists' || value === (taint.value ?? '')),
  );
}
