import type { Pod, PodTemplate } from '../../../../kube/types.js';
import type { Node, Taint } from '../../nodes.js';
import { isTolerated, matchesNode, requiredTerms, type Affinity, type Toleration } from '../../node-constraints.js';
import type { DaemonSet } from '../kinds.js';

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
    ({ key, operator, effect }) =>
      !own.some((each) => each.key === key && each.operator === operator && each.effect === effect),
  );
  return [...own, ...added];
}

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
  const { nodeName } = template.spec;
  const fits = (nodeName === undefined || nodeName === node.metadata.name) && matchesNode(template.spec, node);
  if (!fits) return { shouldRun: false, mayStay: false };
  const tolerations = tolerationsOf(template);
  const refused = (effects: Taint['effect'][]): boolean =>
    (node.spec?.taints ?? []).some((taint) => effects.includes(taint.effect) && !isTolerated(taint, tolerations));
  return { shouldRun: !refused(['NoSchedule', 'NoExecute']), mayStay: !refused(['NoExecute']) };
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
  return requiredTerms(spec)
    ?.flatMap(({ matchFields = [] }) => matchFields)
    .find(({ key, operator, values = [] }) => key === 'metadata.name' && operator === 'In' && values.length === 1)
    ?.values?.[0];
}
