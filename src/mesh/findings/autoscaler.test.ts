import { describe, expect, it } from 'vitest';
import { autoscalerFindings } from './autoscaler.js';

const found = (...metrics: object[]): string[] => {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  const scaler = { kind: 'HorizontalPodAutoscaler', metadata: { name: 'x' }, spec: { scaleTargetRef, metrics } };
  return autoscalerFindings([scaler], new Set(['Deployment/web'])).map(
    ({ code, object, message }) => `${code} ${object}: ${message}`,
  );
};
const container = (name: string): object => ({
  type: 'ContainerResource',
  containerResource: { container: name, name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
});
const whole = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };
const named = (type: string, name: string): object => ({ type, [type.toLowerCase()]: { metric: { name } } });
const X = 'HorizontalPodAutoscaler/x';

describe('an autoscaler', () => {
  it.each<[string, object, string]>([
    ['of whole pods', whole, `SST4023 ${X}: ${X} scales Deployment/web by spec.metrics[0] (cpu of whole pods)`],
    [
      'of the sidecar',
      container('istio-proxy'),
      `SST4022 ${X}: ${X} scales Deployment/web by spec.metrics[0] (cpu of istio-proxy)`,
    ],
    [
      'of requests that the sidecar counts',
      named('Pods', 'istio_requests_per_second'),
      `SST4022 ${X}: ${X} scales Deployment/web by spec.metrics[0] (metric istio_requests_per_second)`,
    ],
    [
      'of such a metric from outside',
      named('External', 'envoy_cluster_upstream_rq'),
      `SST4022 ${X}: ${X} scales Deployment/web by spec.metrics[0] (metric envoy_cluster_upstream_rq)`,
    ],
  ])('%s is found', (_, metric, expected) => {
    expect(found(metric)).toEqual([expected]);
  });

  it.each([
    ['of the application', container('app')],
    ['of a metric of the application', named('Object', 'requests_per_second')],
  ])('%s is none', (_, metric) => {
    expect(found(metric)).toEqual([]);
  });

  it('is found once for each code, with every metric', () => {
    expect(found(whole, container('app'), container('istio-proxy'), named('Pods', 'istio_requests'))).toEqual([
      `SST4022 ${X}: ${X} scales Deployment/web by spec.metrics[2] (cpu of istio-proxy), spec.metrics[3] (metric istio_requests)`,
      `SST4023 ${X}: ${X} scales Deployment/web by spec.metrics[0] (cpu of whole pods)`,
    ]);
  });

  it('of a workload that has no sidecar is none', () => {
    const spec = { scaleTargetRef: { kind: 'Deployment', name: 'web' }, metrics: [whole] };
    const scaler = { kind: 'HorizontalPodAutoscaler', metadata: { name: 'x' }, spec };
    expect(autoscalerFindings([scaler], new Set(['StatefulSet/web']))).toEqual([]);
  });
});
