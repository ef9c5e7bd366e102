import { matchesSelector } from '../../kube/selectors.js';
import type { MutatingWebhookConfiguration } from '../../kube/types.js';
import { perVersion } from '../../runtime/per-version.js';

/** Istio names every rule of its injector `<case>.sidecar-injector.istio.io`. */
const INJECTOR_SUFFIX = 'sidecar-injector.istio.io';

type Labels = Readonly<Record<string, string>>;

/**
 * Whether one of Istio's five webhook rules would inject a pod with these labels into a namespace with those. It decides
 * what to expect; a dry run against the API server, whose own view may lag, confirms it before anything is restarted.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml
 */
export function wouldInject(
  configurations: readonly MutatingWebhookConfiguration[],
  namespaceLabels: Labels,
  podLabels: Labels,
): boolean {
  return podSelectors(configurations)(namespaceLabels).some((selector) => matchesSelector(selector, podLabels));
}

/**
 * Name of the configuration by which a pod is injected, or would be with Istio's own if none does: there is one for each revision and tag.
 */
export function injectorOf(
  configurations: readonly MutatingWebhookConfiguration[],
  namespaceLabels: Labels,
  podLabels: Labels,
): string {
  const asked = configurations.find((one) => wouldInject([one], namespaceLabels, podLabels));
  return asked?.metadata.name ?? 'istio-sidecar-injector';
}

/** Pod selectors of the rules that match a namespace: the same for each of its pods. */
const podSelectors = perVersion((configurations: readonly MutatingWebhookConfiguration[]) =>
  perVersion((namespaceLabels: Labels) =>
    configurations
      .flatMap(({ webhooks = [] }) => webhooks)
      .filter(({ name }) => name.endsWith(INJECTOR_SUFFIX))
      .filter(({ namespaceSelector = {} }) => matchesSelector(namespaceSelector, namespaceLabels))
      .map(({ objectSelector = {} }) => objectSelector),
  ),
);
