import type { Pod, PodTemplate } from '../../../../kube/types.js';
import type { Draft } from '../cluster.js';
import type { ClaimTemplate, StatefulSet } from '../kinds.js';
import { podFromTemplate } from '../pods.js';

const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';
const revisionLabel = 'controller-revision-hash';

/** The number at the end of a pod's name; -1 if the name is not one of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number {
  const [, parent, ordinal] = /^(.*)-([0-9]+)$/.exec(pod.metadata.name) ?? [];
  return parent === set.metadata.name ? Number(ordinal) : -1;
}

/** The ordinals that the set wants. */
export function wantedOrdinals({ spec }: StatefulSet): number[] {
  const start = spec.ordinals?.start ?? 0;
  return Array.from({ length: spec.replicas ?? 1 }, (_, index) => start + index);
}

/** The name of the pod with that ordinal. */
export const podName = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`;

/** The revision that a pod was made from. */
export const podRevision = (pod: Pod): string => pod.metadata.labels?.[revisionLabel] ?? '';

const claimName = (set: StatefulSet, template: ClaimTemplate, ordinal: number): string =>
  `${template.metadata.name}-${podName(set, ordinal)}`;

/** The claims of the pod with that ordinal. */
export function claimsFor(set: StatefulSet, ordinal: number): (Draft & { metadata: { name: string } })[] {
  const { namespace = '' } = set.metadata;
  return (set.spec.volumeClaimTemplates ?? []).map((template) => ({
    metadata: {
      ...template.metadata,
      name: claimName(set, template, ordinal),
      namespace,
      labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
    },
    spec: template.spec,
  }));
}

function volumesFor(set: StatefulSet, template: PodTemplate, ordinal: number): object[] {
  const claimed = (set.spec.volumeClaimTemplates ?? []).map((claim) => ({
    name: claim.metadata.name,
    persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) },
  }));
  const names = new Set(claimed.map(({ name }) => name));
  return [...claimed, ...(template.spec.volumes ?? []).filter(({ name }) => !names.has(name))];
}

/** The pod with that ordinal, of a revision. */
export function podFor(set: StatefulSet, ordinal: number, revision: { name: string; template: PodTemplate }): Draft {
  const { template } = revision;
  const draft = podFromTemplate(template, set);
  const name = podName(set, ordinal);
  const volumes = volumesFor(set, template, ordinal);
  return {
    metadata: {
      ...draft.metadata,
      name,
      labels: {
        ...draft.metadata.labels,
        [revisionLabel]: revision.name,
        [podNameLabel]: name,
        [podIndexLabel]: String(ordinal),
      },
    },
    spec: {
      ...template.spec,
      hostname: name,
      ...(set.spec.serviceName !== undefined && { subdomain: set.spec.serviceName }),
      ...(volumes.length > 0 && { volumes }),
    },
  };
}

/** The labels of a pod's identity that it lacks, as it happens to an adopted pod. */
export function missingIdentity(set: StatefulSet, pod: Pod): Record<string, string> {
  const name = pod.metadata.name;
  if (pod.metadata.labels?.[podNameLabel] === name) return {};
  return { [podNameLabel]: name, [podIndexLabel]: String(ordinalOf(set, pod)) };
}
