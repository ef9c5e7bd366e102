import { PROXY_CONTAINER } from '../dataplane.js';
import type { Finding } from '../findings.js';
import { type PolicyObject, asRecord, asRecords, stringAt } from '../policy-object.js';

/** What Istio's proxies report about themselves. @see istio.io, reference/config/metrics */
const METRICS_OF_PROXIES = /^(istio|envoy)_/;

/**
 * HorizontalPodAutoscalers that would scale otherwise without sidecars.
 *
 * @param autoscalers  of the namespace, as `autoscaling/v2`
 * @param losing       workloads that lose their sidecar, `Kind/name`
 */
export function autoscalerFindings(autoscalers: readonly PolicyObject[], losing: ReadonlySet<string>): Finding[] {
  return autoscalers.flatMap(({ metadata: { name }, spec }) => {
    const { scaleTargetRef, metrics } = asRecord(spec);
    const { kind, name: target } = asRecord(scaleTargetRef);
    const workload = `${String(kind)}/${String(target)}`;
    if (!losing.has(workload)) return [];
    const object = `HorizontalPodAutoscaler/${name}`;
    const found = asRecords(metrics).map((metric, index) => ({ ...judged(metric), path: `spec.metrics[${index}]` }));
    return (['SST4022', 'SST4023'] as const).flatMap((code) => {
      const of = found.filter((one) => one.code === code);
      if (of.length === 0) return [];
      const what = of.map(({ path, text }) => `${path} (${text})`).join(', ');
      return [{ code, object, message: `${object} scales ${workload} by ${what}` }];
    });
  });
}

/** What becomes of one entry of `spec.metrics`; the API server writes the default, 80 % of CPU, into an empty list. */
function judged(metric: Readonly<Record<string, unknown>>): { code?: 'SST4022' | 'SST4023'; text?: string } {
  const source = (field: string): Readonly<Record<string, unknown>> => asRecord(metric[field]);
  switch (metric['type']) {
    case 'Resource':
      return { code: 'SST4023', text: `${stringAt(source('resource'), 'name') ?? ''} of whole pods` };
    case 'ContainerResource': {
      const { container, name } = source('containerResource');
      return container === PROXY_CONTAINER ? { code: 'SST4022', text: `${String(name)} of ${PROXY_CONTAINER}` } : {};
    }
    case 'Pods':
    case 'Object':
    case 'External': {
      const field = String(metric['type']).toLowerCase();
      const name = stringAt(asRecord(source(field)['metric']), 'name') ?? '';
      return METRICS_OF_PROXIES.test(name) ? { code: 'SST4022', text: `metric ${name}` } : {};
    }
    default:
      return {};
  }
}
