import type { Pod } from '../../../kube/types.js';

/** Namespaces whose pods are never injected. */
const ignoredNamespaces = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'];

/** Label, and deprecated annotation, by which a pod opts in or out. */
const inject = 'sidecar.istio.io/inject';

/**
 * Whether a pod that the webhook has been asked about is injected: not on the network of its host, not in a namespace of
 * the system, and not opted out; the label beats the annotation.
 *
 * @see istio/istio pkg/kube/inject/inject.go, injectRequired (policy `enabled`, no selectors)
 */
export function isInjectionRequired(pod: Pod, namespace: string): boolean {
  if (pod.spec.hostNetwork === true || ignoredNamespaces.includes(namespace)) return false;
  return (pod.metadata.labels?.[inject] ?? pod.metadata.annotations?.[inject]) !== 'false';
}
