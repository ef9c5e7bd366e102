import { canonicalQuantity } from '../../quantity.js';
import type { TemplateInput } from './template-input.js';

/** Requests and limits of the proxy and of its init container: the pod's annotations, or if it has none the chart's. */
export function sidecarResources(input: TemplateInput): object {
  const annotated = {
    requests: amounts(input, 'sidecar.istio.io/proxyCPU', 'sidecar.istio.io/proxyMemory'),
    limits: amounts(input, 'sidecar.istio.io/proxyCPULimit', 'sidecar.istio.io/proxyMemoryLimit'),
  };
  const { requests, limits } = annotated;
  if (requests === undefined && limits === undefined) {
    return canonicalResources(input.config.values.global.proxy.resources);
  }
  return canonicalResources({ ...(requests && { requests }), ...(limits && { limits }) });
}

function amounts({ annotation, has }: TemplateInput, cpu: string, memory: string): Record<string, string> | undefined {
  if (!has(cpu) && !has(memory)) return undefined;
  return {
    ...(has(cpu) && { cpu: annotation(cpu, '') }),
    ...(has(memory) && { memory: annotation(memory, '') }),
  };
}

/** The amounts of `requests` and `limits` as the API server prints them. */
export function canonicalResources(resources: {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}): object {
  const canonical = (amounts: Record<string, string>): object =>
    Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, canonicalQuantity(amount)]));
  return {
    ...(resources.limits && { limits: canonical(resources.limits) }),
    ...(resources.requests && { requests: canonical(resources.requests) }),
  };
}
