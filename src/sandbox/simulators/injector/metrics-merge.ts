import type { Pod } from '../../../kube/types.js';
import type { MeshConfig } from './injection-config.js';
import { defaultStatusPort } from './proxy-config.js';
import { findProxy } from './containers.js';

const own = {
  'prometheus.io/port': String(defaultStatusPort),
  'prometheus.io/path': '/stats/prometheus',
  'prometheus.io/scrape': 'true',
};

/** Annotations that Prometheus takes for the same, as `prometheus_io_port`. */
const sameForPrometheus = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_');

/**
 * Makes Prometheus ask the agent of the proxy, which adds the metrics of the application to its own: the annotations
 * for Prometheus go into the proxy's environment, and others take their place. Changes the pod.
 *
 * @see istio/istio pkg/kube/inject/webhook.go, applyPrometheusMerge
 */
export function mergeMetrics(pod: Pod, mesh: MeshConfig): void {
  const annotations = (pod.metadata.annotations ??= {});
  const read = (name: string): string | undefined =>
    Object.entries(annotations).find(([key]) => sameForPrometheus(key) === sameForPrometheus(name))?.[1];
  if (isFalse(read('prometheus.io/scrape'))) return;
  const wanted = annotations['prometheus.istio.io/merge-metrics'];
  if (wanted === undefined ? !mesh.enablePrometheusMerge : isFalse(wanted)) return;
  const configured = {
    scrape: read('prometheus.io/scrape') ?? '',
    path: read('prometheus.io/path') ?? '',
    port: read('prometheus.io/port') ?? '',
  };
  if (configured.port === own['prometheus.io/port']) return;
  if (Object.values(configured).some((value) => value !== '')) {
    findProxy(pod)?.env?.push({ name: 'ISTIO_PROMETHEUS_ANNOTATIONS', value: JSON.stringify(configured) });
  }
  const replaced = Object.keys(own).map(sameForPrometheus);
  for (const name of Object.keys(annotations)) if (replaced.includes(sameForPrometheus(name))) delete annotations[name];
  Object.assign(annotations, own);
}

/** As Go's strconv.ParseBool reads it. */
function isFalse(text: string | undefined): boolean {
  return text !== undefined && ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text);
}
