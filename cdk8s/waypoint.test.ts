import { describe, expect, it } from 'vitest';
import type { Gateway } from '../src/api/gateway-api.js';
import { waypointInputs, type WaypointInputs } from '../src/mesh/waypoint-inputs.js';
import { type Parameters, ParametersError, requestedReplicas } from './waypoint-parameters.js';
import { waypoint } from './waypoint.js';

/*
 * That the objects equal istiod's is shown by test/controlplane/waypoint-rendering.test.ts; here is what it cannot show.
 */

const inputs = waypointInputs(
  {},
  {
    global: {
      hub: 'hub',
      tag: '1.31.0',
      istioNamespace: 'istio-system',
      pilotCertProvider: 'istiod',
      logging: { level: 'default:info' },
      proxy: { clusterDomain: 'cluster.local', logLevel: 'warning' },
    },
  },
);

interface Given {
  metadata?: Partial<Gateway['metadata']>;
  spec?: Partial<Gateway['spec']>;
  inputs?: Partial<WaypointInputs>;
  parameters?: Parameters['data'];
}

function rendered(given: Given = {}) {
  const gateway: Gateway = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'w', namespace: 'app', uid: 'u', ...given.metadata },
    spec: {
      gatewayClassName: 'istio',
      listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }],
      ...given.spec,
    },
  };
  const parameters = given.parameters && [{ source: 'ConfigMap app/options', data: given.parameters }];
  const objects = waypoint({ gateway, inputs: { ...inputs, ...given.inputs }, ...(parameters && { parameters }) });
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- looks into all kinds
  return Object.fromEntries(objects.map((object) => [object.kind, object as any]));
}

describe('a waypoint', () => {
  it('is called as its Gateway, whatever the class, and belongs to it', () => {
    const objects = rendered();
    expect(Object.keys(objects)).toEqual(['ServiceAccount', 'Deployment', 'Service']);
    for (const { metadata } of Object.values(objects)) {
      expect(metadata).toMatchObject({ name: 'w', namespace: 'app' });
      expect(metadata.ownerReferences).toEqual([
        { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name: 'w', uid: 'u' },
      ]);
    }
  });

  it('is the same for every class but for the label that names it', () => {
    const of = (gatewayClassName: string) => rendered({ spec: { gatewayClassName }, inputs: { network: 'west' } });
    const text = JSON.stringify(of('istio')).replaceAll('class-name":"istio"', 'class-name":"istio-waypoint"');
    expect(JSON.parse(text)).toEqual(of('istio-waypoint'));
  });

  it('is scaled and protected if parameters only have the key', () => {
    const objects = rendered({ parameters: { horizontalPodAutoscaler: null, podDisruptionBudget: {} } });
    expect(objects.HorizontalPodAutoscaler.spec.maxReplicas).toBe(1);
    expect(objects.PodDisruptionBudget.spec).toEqual({ selector: objects.Deployment.spec.selector });
  });

  it('carries our mark on objects, and the mark of istiod only where it hands nothing over', () => {
    const labels = {
      'gateway.istio.io/managed': 'istio.io-gateway-controller',
      'app.kubernetes.io/managed-by': 'Helm',
    };
    const objects = rendered({
      metadata: { labels },
      parameters: { horizontalPodAutoscaler: {}, podDisruptionBudget: {} },
    });
    for (const [kind, { metadata }] of Object.entries(objects)) {
      const expected = kind === 'Service' ? 'istio.io-mesh-controller' : undefined;
      expect(metadata.labels['gateway.istio.io/managed'], kind).toBe(expected);
      expect(metadata.labels['app.kubernetes.io/managed-by'], kind).toBe('sidestep');
    }
    const { selector, template } = objects.Deployment.spec;
    expect(template.metadata.labels).toMatchObject({
      'gateway.networking.k8s.io/gateway-name': 'w',
      'gateway.networking.k8s.io/gateway-class-name': 'istio',
      'gateway.istio.io/managed': 'istio.io-mesh-controller',
      'istio.io/dataplane-mode': 'none',
      'sidecar.istio.io/inject': 'false',
      'app.kubernetes.io/managed-by': 'Helm',
    });
    expect(selector.matchLabels).toEqual({ 'gateway.networking.k8s.io/gateway-name': 'w' });
    expect(objects.Service.spec.selector).toEqual(selector.matchLabels);
  });

  it('keeps its marks against parameters', () => {
    const metadata = { labels: { 'gateway.istio.io/managed': 'x', 'app.kubernetes.io/managed-by': null } };
    const { Deployment, Service } = rendered({ parameters: { deployment: { metadata }, service: { metadata } } });
    expect(Deployment.metadata.labels).not.toHaveProperty(['gateway.istio.io/managed']);
    expect(Service.metadata.labels).toMatchObject({
      'gateway.istio.io/managed': 'istio.io-mesh-controller',
      'app.kubernetes.io/managed-by': 'sidestep',
    });
  });

  it('does not copy what the Gateway tells the operator', () => {
    const own = { 'sidestep.dev/serve': 'true', kept: 'yes' };
    for (const given of [
      { metadata: { labels: own, annotations: own } },
      { spec: { infrastructure: { labels: own, annotations: own } } },
    ]) {
      const text = JSON.stringify(rendered(given));
      expect(text).toContain('"kept":"yes"');
      expect(text).not.toContain('sidestep.dev/');
    }
  });

  it('has no replicas, which parameters may ask for', () => {
    const data = { deployment: { spec: { replicas: 3 } } };
    expect(rendered({ parameters: data }).Deployment.spec).not.toHaveProperty('replicas');
    expect(
      requestedReplicas([
        { source: 'a', data },
        { source: 'b', data: { deployment: {} } },
      ]),
    ).toBe(3);
    expect(requestedReplicas([])).toBeUndefined();
  });

  it('has no address for its Service if that is the name of the Service itself', () => {
    const annotations = { 'networking.istio.io/service-type': 'LoadBalancer' };
    const addressed = (type: string, value: string) =>
      rendered({ metadata: { annotations }, spec: { addresses: [{ type, value }] } }).Service.spec.loadBalancerIP;
    expect(addressed('Hostname', 'w.app.svc.cluster.local')).toBeUndefined();
    expect(addressed('IPAddress', '192.0.2.7')).toBe('192.0.2.7');
  });

  it('takes the last of two environment variables of one name, as a pod would', () => {
    const proxyConfig = { proxyMetadata: { CA_ADDR: 'mine', ISTIO_META_CLUSTER_ID: 'mine' } };
    const { env } = rendered({ inputs: { proxyConfig } }).Deployment.spec.template.spec.containers[0];
    const valuesOf = (name: string) => env.filter((one: { name: string }) => one.name === name);
    expect(valuesOf('CA_ADDR')).toEqual([{ name: 'CA_ADDR', value: 'mine' }]);
    expect(valuesOf('ISTIO_META_CLUSTER_ID')).toEqual([{ name: 'ISTIO_META_CLUSTER_ID', value: 'Kubernetes' }]);
  });

  it('loses nothing that is newer than the typed classes', () => {
    const affinity = { podAffinity: { a: [{ podAffinityTerm: { matchLabelKeys: ['k'] }, newer: 1 }] } };
    const parameters = { service: { spec: { trafficDistribution: 'PreferSameZone', newer: { than: 'this' } } } };
    const { Deployment, Service } = rendered({ inputs: { affinity }, parameters });
    expect(Deployment.spec.template.spec.affinity).toEqual(affinity);
    expect(Service.spec).toMatchObject(parameters.service.spec);
  });

  it('is equal for equal input', () => {
    const labels = { a: '1', b: '2' };
    const swapped = { b: '2', a: '1' };
    expect(JSON.stringify(rendered({ metadata: { labels } }))).toBe(
      JSON.stringify(rendered({ metadata: { labels: swapped } })),
    );
  });
});

describe('what cannot be rendered', () => {
  it.each<[string, Parameters['data'], string, string]>([
    ['an unknown key', { deploymnt: {} }, 'deploymnt', 'no such key; use deployment, service, serviceAccount'],
    ['a text', { service: 'metadata' }, 'service', 'must be YAML of a map'],
    ['a list', { service: [] }, 'service', 'must be YAML of a map'],
    ['another name', { service: { metadata: { name: 'x' } } }, 'service', 'illegal metadata change: metadata.name'],
    [
      'another owner',
      { deployment: { metadata: { ownerReferences: [{ uid: 'x' }] } } },
      'deployment',
      'illegal metadata change: metadata.ownerReferences cannot be changed; remove it',
    ],
    [
      'a finalizer',
      { podDisruptionBudget: { metadata: { finalizers: ['x'] } } },
      'podDisruptionBudget',
      'metadata.finalizers',
    ],
    ['no metadata', { serviceAccount: { metadata: null } }, 'serviceAccount', 'metadata.name'],
    [
      'an element without its key',
      { deployment: { spec: { template: { spec: { containers: [{ image: 'x' }] } } } } },
      'deployment',
      '/spec/template/spec/containers[0] lacks the field name',
    ],
  ])('%s among the parameters', (_, parameters, key, message) => {
    const render = () => rendered({ parameters });
    expect(render).toThrow(ParametersError);
    expect(render).toThrow(`ConfigMap app/options, key ${key}: `);
    expect(render).toThrow(message);
  });

  it('an unknown type of Service', () => {
    const annotations = { 'networking.istio.io/service-type': 'Balancer' };
    expect(() => rendered({ metadata: { annotations } })).toThrow(
      'annotation networking.istio.io/service-type: there is no type of Service Balancer; use ClusterIP, NodePort, LoadBalancer',
    );
  });

  it('a Gateway that is in no cluster', () => {
    const gateway = {
      metadata: { name: 'w' },
      spec: { gatewayClassName: 'istio', listeners: [] },
    } as unknown as Gateway;
    expect(() => waypoint({ gateway, inputs })).toThrow('Gateway w has no namespace or no uid');
  });
});
