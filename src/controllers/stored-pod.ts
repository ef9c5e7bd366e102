import { ANNOTATION } from '../api/labels.js';
import type { Pod } from '../kube/types.js';

/** The fields of a pod that controllers read; everything else is not cached (100,000 pods must fit in 500 MB). */
export function trimPod(pod: Pod): Pod {
  const { metadata, spec, status } = pod;
  const nameOnly = ({ name }: { name: string }): { name: string } => ({ name });
  return {
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata: {
      name: metadata.name,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      ...(metadata.uid !== undefined && { uid: metadata.uid }),
      ...(metadata.resourceVersion !== undefined && { resourceVersion: metadata.resourceVersion }),
      ...(metadata.creationTimestamp !== undefined && { creationTimestamp: metadata.creationTimestamp }),
      ...(metadata.deletionTimestamp !== undefined && { deletionTimestamp: metadata.deletionTimestamp }),
      ...(metadata.labels && { labels: metadata.labels }),
      ...(metadata.annotations && { annotations: keptAnnotations(metadata.annotations) }),
      ...(metadata.ownerReferences && { ownerReferences: metadata.ownerReferences }),
    },
    spec: {
      ...(spec?.nodeName !== undefined && { nodeName: spec.nodeName }),
      ...(spec?.serviceAccountName !== undefined && { serviceAccountName: spec.serviceAccountName }),
      ...(spec?.hostNetwork !== undefined && { hostNetwork: spec.hostNetwork }),
      containers: (spec?.containers ?? []).map(nameOnly),
      ...(spec?.initContainers && { initContainers: spec.initContainers.map(nameOnly) }),
    },
    status: {
      ...(status?.phase !== undefined && { phase: status.phase }),
      ...(status?.conditions && {
        conditions: status.conditions.filter(({ type }) => type === 'Ready' || type === 'PodScheduled'),
      }),
      ...(status?.containerStatuses && {
        containerStatuses: status.containerStatuses.map(({ name, ready, restartCount, state }) => ({
          name,
          ready,
          restartCount,
          ...(state?.waiting && { state: { waiting: state.waiting } }),
        })),
      }),
    },
  };
}

const KEPT_ANNOTATIONS = [ANNOTATION.injectTemplates, ANNOTATION.redirection, ANNOTATION.restart];

/** The sidecar's status annotation is a few hundred bytes of which only the presence matters. */
function keptAnnotations(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const kept = KEPT_ANNOTATIONS.flatMap((key) =>
    annotations[key] === undefined ? [] : [[key, annotations[key]] as const],
  );
  const sidecar = annotations[ANNOTATION.sidecarStatus] === undefined ? [] : [[ANNOTATION.sidecarStatus, ''] as const];
  return Object.fromEntries([...kept, ...sidecar]);
}
