import { parse } from 'yaml';
import type { KubeObject } from '../../../kube/resource.js';
import { strategicMerge } from '../injector/strategic-merge.js';
import { managedLabel } from './gateway-classes.js';
import { objectLabels, podSelector, type GatewayInput } from './gateway-input.js';
import { routerPod } from './router-pod.js';
import { waypointPod } from './waypoint-pod.js';

/** A rendered object, without what the API server adds. */
export interface RenderedObject extends Omit<KubeObject, 'spec'> {
  spec?: object;
}

/** Keys of a parameters ConfigMap: patches by the kind that they change. */
const overlayKeys: Record<string, string> = {
  ServiceAccount: 'serviceAccount',
  Deployment: 'deployment',
  Service: 'service',
  HorizontalPodAutoscaler: 'horizontalPodAutoscaler',
  PodDisruptionBudget: 'podDisruptionBudget',
};

/** Rendered only where a patch asks for them. */
const optional = ['HorizontalPodAutoscaler', 'PodDisruptionBudget'];

/**
 * The objects that run the proxy of a managed Gateway, in the order in which they are applied.
 *
 * @param overlays  `data` of ConfigMaps with strategic merge patches in YAML, applied one after the other
 * @throws {Error} a ConfigMap has a key that means nothing
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/{waypoint,kube-gateway}.yaml
 */
export function gatewayObjects(input: GatewayInput, overlays: Record<string, string>[]): RenderedObject[] {
  const unknown = overlays.flatMap(Object.keys).find((key) => !Object.values(overlayKeys).includes(key));
  if (unknown !== undefined) throw new Error(`unsupported overlay "${unknown}"`);
  const rendered = [serviceAccount(input), deployment(input), service(input), autoscaler(input), budget(input)];
  return rendered.flatMap((object) => {
    const patches = overlays.flatMap((data) => data[overlayKeys[object.kind] ?? ''] ?? []);
    if (patches.length === 0 && optional.includes(object.kind)) return [];
    return [patches.reduce((merged, patch) => strategicMerge(merged, parse(patch) as object), object)];
  });
}

function metadataOf(input: GatewayInput, name: string): KubeObject['metadata'] {
  const { metadata } = input.gateway;
  return {
    name,
    namespace: input.namespace,
    annotations: input.annotations,
    labels: { ...objectLabels(input), [managedLabel]: input.info.managedLabel },
    ownerReferences: [
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        name: metadata.name,
        uid: metadata.uid ?? '',
      },
    ],
  };
}

function serviceAccount(input: GatewayInput): RenderedObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadataOf(input, input.serviceAccount) };
}

function deployment(input: GatewayInput): RenderedObject {
  const pod = input.info.template === 'waypoint' ? waypointPod(input) : routerPod(input);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(input, input.name),
    spec: {
      selector: { matchLabels: podSelector(input) },
      template: {
        metadata: {
          annotations: {
            ...input.annotations,
            'istio.io/rev': input.config.values.revision || 'default',
            'prometheus.io/path': '/stats/prometheus',
            'prometheus.io/port': '15020',
            'prometheus.io/scrape': 'true',
          },
          labels: podLabels(input),
        },
        spec: pod,
      },
    },
  };
}

function podLabels(input: GatewayInput): Record<string, string> {
  return {
    'sidecar.istio.io/inject': 'false',
    ...(input.info.template === 'waypoint' && { 'istio.io/dataplane-mode': 'none' }),
    'service.istio.io/canonical-name': input.name,
    'service.istio.io/canonical-revision': 'latest',
    ...objectLabels(input),
    [managedLabel]: input.info.managedLabel,
  };
}

function service(input: GatewayInput): RenderedObject {
  const metadata = metadataOf(input, input.name);
  const near = input.info.template === 'waypoint' && { 'networking.istio.io/traffic-distribution': 'PreferClose' };
  const [address] = input.gateway.spec.addresses ?? [];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...metadata, annotations: { ...near, ...metadata.annotations } },
    spec: {
      ipFamilyPolicy: 'PreferDualStack',
      ports: input.ports,
      selector: podSelector(input),
      ...(address && input.serviceType === 'LoadBalancer' && { loadBalancerIP: address.value }),
      type: input.serviceType,
    },
  };
}

function autoscaler(input: GatewayInput): RenderedObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadataOf(input, input.name),
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: input.name }, maxReplicas: 1 },
  };
}

function budget(input: GatewayInput): RenderedObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(input, input.name),
    spec: { selector: { matchLabels: podSelector(input) } },
  };
}
