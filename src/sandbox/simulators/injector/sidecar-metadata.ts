import type { TemplateInput } from './template-input.js';

/**
 * Labels and annotations that a pod gets with its sidecar.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml
 */
export function sidecarMetadata(input: TemplateInput): {
  labels: Record<string, string>;
  annotations: Record<string, string>;
} {
  const { labels = {} } = input.pod.metadata;
  const canonicalName =
    labels['service.istio.io/canonical-name'] || labels['app.kubernetes.io/name'] || labels.app || input.workload.name;
  const canonicalRevision =
    labels['service.istio.io/canonical-revision'] || labels['app.kubernetes.io/version'] || labels.version || 'latest';
  const speaksHbone = input.proxyConfig.proxyMetadata?.ISTIO_META_ENABLE_HBONE === 'true';
  return {
    labels: {
      'security.istio.io/tlsMode': labels['security.istio.io/tlsMode'] || 'istio',
      ...(speaksHbone && { 'networking.istio.io/tunnel': labels['networking.istio.io/tunnel'] || 'http' }),
      'service.istio.io/canonical-name': canonicalName.slice(0, 63).replace(/^[-_.]+|[-_.]+$/g, ''),
      'service.istio.io/canonical-revision': canonicalRevision,
    },
    annotations: { 'istio.io/rev': input.config.values.revision || 'default', ...defaultContainers(input) },
  };
}

/** So that `kubectl logs` and `exec` still mean the application. */
function defaultContainers({ applications, has }: TemplateInput): Record<string, string> {
  const [first] = applications;
  if (first === undefined) return {};
  const names = ['kubectl.kubernetes.io/default-logs-container', 'kubectl.kubernetes.io/default-container'];
  return Object.fromEntries(names.filter((name) => !has(name)).map((name) => [name, first]));
}
