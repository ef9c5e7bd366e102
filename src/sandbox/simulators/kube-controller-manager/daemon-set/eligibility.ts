import { matchesSelector, type LabelSelector } from '../../../../kube/selectors.js';
import type { DaemonSet, Node, Pod, PodTemplate, Taint, Toleration } from '../kinds.js';

interface NodeSelectorTerm {
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
  matchFields?: { key: string; operator: string; values?: string[] }[];
}

/** The part of an affinity that a DaemonSet looks at. */
export interface Affinity {
  nodeAffinity?: {
    requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms: NodeSelectorTerm[] };
    [other: string]: unknown;
  };
  [other: string]: unknown;
}

const exists = (key: string, effect: Taint['effect']): Toleration => ({ key, operator: 'Exists', effect });

/** What daemons put up with: troubles of their node do not move them. `AddOrUpdateDaemonPodTolerations`. */
const daemonTolerations: readonly Toleration[] = [
  exists('node.kubernetes.io/not-ready', 'NoExecute'),
  exists('node.kubernetes.io/unreachable', 'NoExecute'),
  exists('node.kubernetes.io/disk-pressure', 'NoSchedule'),
  exists('node.kubernetes.io/memory-pressure', 'NoSchedule'),
  exists('node.kubernetes.io/pid-pressure', 'NoSchedule'),
  exists('node.kubernetes.io/unschedulable', 'NoSchedule'),
];

/** The tolerations of the daemon's pods: those of the template, and what daemons put up with. */
export function tolerationsOf({ spec }: PodTemplate): Toleration[] {
  const own = (spec.tolerations ?? []) as Toleration[];
  const network = spec.hostNetwork === true ? [exists('node.kubernetes.io/network-unavailable', 'NoSchedule')] : [];
  const added = [...daemonTolerations, ...network].filter(
    (toleration) => !own.some(({ key, operator, effect }) => sameToleration(toleration, { key, operator, effect })),
  );
  return [...own, ...added];
}

const sameToleration = (
  a: Toleration,
  b: { key: string | undefined; operator: string | undefined; effect: string | undefined },
): boolean => a.key === b.key && a.operator === b.operator && a.effect === b.effect;

/** Whether a daemon's pod should be started on a node, and whether one that is there may stay. */
export interface Eligibility {
  shouldRun: boolean;
  mayStay: boolean;
}

/**
 * Whether the daemon belongs on a node: its selectors and affinity fit, and it tolerates the taints (`NoSchedule` only
 * keeps new pods away).
 *
 * Rules: `NodeShouldRunDaemonPod` in kubernetes/pkg/controller/daemon/daemon_controller.go.
 */
export function eligibility({ spec }: DaemonSet, node: Node): Eligibility {
  const { template } = spec;
  const { nodeName, nodeSelector = {}, affinity } = template.spec;
  const labels = node.metadata.labels ?? {};
  const fits =
    (nodeName === undefined || nodeName === node.metadata.name) &&
    matchesSelector({ matchLabels: nodeSelector }, labels) &&
    fitsAffinity(affinity as Affinity | undefined, node);
  if (!fits) return { shouldRun: false, mayStay: false };
  const tolerations = tolerationsOf(template);
  const refused = (effects: Taint['effect'][]): boolean =>
    (node.spec?.taints ?? []).some((taint) => effects.includes(taint.effect) && !isTolerated(taint, tolerations));
  return { shouldRun: !refused(['NoSchedule', 'NoExecute']), mayStay: !refused(['NoExecute']) };
}

function fitsAffinity(affinity: Affinity | undefined, node: Node): boolean {
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return true;
  return required.nodeSelectorTerms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false;
    const fields = { 'metadata.name': node.metadata.name };
    return meets(matchExpressions, node.metadata.labels ?? {}) && meets(matchFields, fields);
  });
}

/** Node selectors know two operators more than label selectors. */
function meets(
  requirements: readonly { key: string; operator: string; values?: string[] }[],
  values: Record<string, string>,
): boolean {
  return requirements.every((requirement) => {
    const { key, operator, values: [bound] = [] } = requirement;
    if (operator === 'Gt') return Number(values[key]) > Number(bound);
    if (operator === 'Lt') return Number(values[key]) < Number(bound);
    return matchesSelector({ matchExpressions: [requirement] } as LabelSelector, values);
  });
}

/** Whether one of the tolerations covers the taint. */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some(
    ({ key, operator = 'Equal', value = '', effect }) =>
      (effect === undefined || effect === taint.effect) &&
      (key === undefined || key === '' || key === taint.key) &&
      (operator === 'Exists' || value === (taint.value ?? '')),
  );
}

/** The template of the daemon's pod on one node, with more labels: the scheduler is told which node by an affinity. */
export function templateOn(template: PodTemplate, node: string, labels: Record<string, string>): PodTemplate {
  const onNode = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] };
  const affinity = (template.spec.affinity ?? {}) as Affinity;
  return {
    ...template,
    metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } },
    spec: {
      ...template.spec,
      tolerations: tolerationsOf(template),
      affinity: {
        ...affinity,
        nodeAffinity: {
          ...affinity.nodeAffinity,
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [onNode] },
        },
      },
    },
  };
}

/** The node that a pod is on, or is meant for. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const required = (spec.affinity as Affinity | undefined)?.nodeAffinity
    ?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms
    .flatMap(({ matchFields = [] }) => matchFields)
    .find(({ key, operator, values = [] }) => key === 'metadata.name' && operator === 'In' && values.length === 1)
    ?.values?.[0];
}
