import { ANNOTATION } from '../api/labels.js';
import { OWN_ANNOTATION } from '../api/own-labels.js';
import type { Container, Pod } from '../kube/types.js';
import { PROXY_CONTAINER } from '../mesh/dataplane.js';

/** The fields of a pod that controllers read; everything else is not cached (100,000 pods must fit in 500 MB). */
export function trimPod(pod: Pod): Pod {
  const { metadata, spec, status } = pod;
  return {
    apiVersion: pod.apiVersion,
    kind: pod.kind,
    metadata: {
      name: metadata.name,
      ...(metadata.generateName !== undefined && { generateName: metadata.generateName }),
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
      containers: (spec?.containers ?? []).map(trimContainer),
      ...(spec?.initContainers && { initContainers: spec.initContainers.map(trimContainer) }),
    },
    status: {
      ...(status?.phase !== undefined && { phase: status.phase }),
      ...(status?.podIPs && { podIPs: status.podIPs }),
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

/** Services refer to ports by name; ports without one are never looked up. Of the sidecar it matters what it requests. */
function trimContainer({ name, ports = [], restartPolicy, resources }: Container): Container {
  const named = ports.filter((port) => port.name !== undefined && port.protocol !== 'UDP');
  return {
    name,
    ...(named.length > 0 && {
      ports: named.map(({ name: of = '', containerPort }) => ({ name: of, containerPort })),
    }),
    ...(restartPolicy !== undefined && { restartPolicy }),
    ...(name === PROXY_CONTAINER && resources?.requests && { resources: { requests: resources.requests } }),
  };
}

const KEPT_ANNOTATIONS = [ANNOTATION.injectTemplates, ANNOTATION.redirection, OWN_ANNOTATION.restart];

/** The sidecar's status annotation is a few hundred bytes of which only the presence matters. */
function keptAnnotations(annotations: Readonly<Record<string, string>>): Record<string, string> {
  const kept = KEPT_ANNOTATIONS.flatMap((key) =>
    annotations[key] === undefined ? [] : [[key, annotations[key]] as const],
  );
  const sidecar = annotations[ANNOTATION.sidecarStatus] === undefined ? [] : [[ANNOTATION.sidecarStatus, ''] as const];
  return Object.fromEntries([...kept, ...sidecar]);
}
