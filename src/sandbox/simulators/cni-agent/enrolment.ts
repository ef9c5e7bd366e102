import { matchesSelector, type LabelSelector } from '../../../kube/selectors.js';
import type { Namespace, Pod } from '../../../kube/types.js';

/*
 * What the chart istio-cni sets with profile ambient (Istio 1.27 and newer): `values.ambient.enablementSelectors`,
 * `values.excludeNamespaces`, and where ztunnel runs.
 */

/** A pod is selected if any of these matches; a selector that is missing matches everything. */
const enablementSelectors: readonly { podSelector: LabelSelector; namespaceSelector?: LabelSelector }[] = [
  { podSelector: { matchLabels: { 'istio.io/dataplane-mode': 'ambient' } } },
  {
    podSelector: { matchExpressions: [{ key: 'istio.io/dataplane-mode', operator: 'NotIn', values: ['none'] }] },
    namespaceSelector: { matchLabels: { 'istio.io/dataplane-mode': 'ambient' } },
  },
];
const excludedNamespaces = ['kube-system'];
const systemNamespace = 'istio-system';

/** Annotation by which the CNI agent says that a pod is captured; nobody else writes it. */
export const redirectionAnnotation = 'ambient.istio.io/redirection';

/**
 * Annotation of the sidecar injector. Its presence alone, with any content, keeps a pod out of ambient, wherever its
 * `istio-proxy` is: among the containers, or as a native sidecar among the init containers.
 */
const sidecarStatusAnnotation = 'sidecar.istio.io/status';

/** What is to be done with the annotation of a pod: nothing, set it, remove it. */
export type EnrolmentChange = 'none' | 'enrol' | 'unenrol';

/**
 * Whether a pod belongs into ambient, whatever state it is in.
 *
 * @param namespaceLabels  labels of the pod's namespace
 * @see istio/istio `cni/pkg/util/enablement_selector.go` (`Matches`), `cni/pkg/nodeagent/informers.go` (`reconcilePod`)
 */
export function shouldBeEnrolled(pod: Pod, namespaceLabels: Namespace['metadata']['labels']): boolean {
  if (pod.spec.hostNetwork === true) return false;
  if (pod.metadata.annotations?.[sidecarStatusAnnotation] !== undefined) return false;
  if (excludedNamespaces.includes(pod.metadata.namespace ?? '')) return false;
  if (isZtunnel(pod)) return false;
  const { labels } = pod.metadata;
  return enablementSelectors.some(
    ({ podSelector, namespaceSelector }) =>
      matchesSelector(podSelector, labels) && matchesSelector(namespaceSelector ?? {}, namespaceLabels),
  );
}

/**
 * What the agent does about a pod that is running already, because its labels or those of its namespace say something
 * else than its annotation (`ambient.istio.io/redirection`: `enabled`, or `pending` for half done).
 */
export function enrolmentChange(pod: Pod, namespaceLabels: Namespace['metadata']['labels']): EnrolmentChange {
  const redirection = pod.metadata.annotations?.[redirectionAnnotation];
  const isEnrolled = redirection === 'enabled';
  const isPartly = redirection === 'pending';
  if (isTerminal(pod)) return isEnrolled || isPartly ? 'unenrol' : 'none';

  const should = shouldBeEnrolled(pod, namespaceLabels);
  if (isEnrolled === should && !isPartly) return 'none';
  if (!should) return 'unenrol';
  // A pod without an address cannot be captured in place; the event that brings the address asks again.
  return hasAddress(pod) ? 'enrol' : 'none';
}

/** Whether all containers of a pod have ended for good. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function isZtunnel(pod: Pod): boolean {
  return pod.metadata.namespace === systemNamespace && pod.metadata.labels?.app === 'ztunnel';
}

function hasAddress(pod: Pod): boolean {
  return (pod.status?.podIPs?.length ?? 0) > 0 || (pod.status?.podIP ?? '') !== '';
}
