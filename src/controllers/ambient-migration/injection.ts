import { matchesSelector } from '../../kube/selectors.js';
import type { MutatingWebhookConfiguration } from '../../kube/types.js';

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
  return configurations
    .flatMap((configuration) => configuration.webhooks ?? [])
    .filter((webhook) => webhook.name.endsWith(INJECTOR_SUFFIX))
    .some(
      (webhook) =>
        matchesSelector(webhook.namespaceSelector ?? {}, namespaceLabels) &&
        matchesSelector(webhook.objectSelector ?? {}, podLabels),
    );
}
