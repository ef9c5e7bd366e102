import { expect, test } from 'vitest';
import type { Service } from '../../../kube/types.js';
import { gatewayInstances, type ServiceView } from './gateway-instances.js';
import type { EndpointSlice } from './kinds.js';

const host = 'edge.shop.svc.cluster.local';

function view(spec: Partial<Service['spec']>, ready: boolean[], status: Service['status'] = {}): ServiceView {
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'edge', namespace: 'shop' },
    spec: { clusterIPs: ['10.96.0.9'], ports: [{ name: 'http', port: 80 }], ...spec },
    status,
  };
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'edge-1' },
    endpoints: ready.map((each) => ({ addresses: ['10.244.0.1'], conditions: { ready: each } })),
    ports: [{ name: 'http', port: 8080 }],
  };
  return {
    service: (namespace, name) => (namespace === 'shop' && name === 'edge' ? service : undefined),
    endpointSlices: () => [slice],
  };
}

test('a Service with a ready pod is where the Gateway is', () => {
  expect(gatewayInstances(view({}, [false, true]), 'shop', [host], [80])).toEqual({
    internal: [`${host}:80`],
    internalIps: ['10.96.0.9'],
    external: [],
    pending: [],
    warnings: [],
    allUsable: true,
  });
});

test('a load balancer without an address is waited for; with one it is told', () => {
  const waiting = gatewayInstances(view({ type: 'LoadBalancer' }, [true]), 'shop', [host], [80]);
  expect(waiting).toMatchObject({ pending: [host], warnings: [`address pending for hostname "${host}"`] });
  const balanced = view({ type: 'LoadBalancer' }, [true], { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } });
  expect(gatewayInstances(balanced, 'shop', [host], [80])).toMatchObject({ external: ['1.2.3.4'], warnings: [] });
});

test.each<[string, ServiceView, string, number, string, boolean]>([
  ['no ready pod', view({}, [false]), host, 80, `no instances found for hostname "${host}"`, true],
  ['another port', view({}, [true]), host, 81, `port 81 not found for hostname "${host}"`, false],
  [
    'no Service',
    view({}, [true]),
    'no.shop.svc.cluster.local',
    80,
    'hostname "no.shop.svc.cluster.local" not found',
    false,
  ],
  ['no host of the cluster', view({}, [true]), 'example.com', 80, 'hostname "example.com" not found', false],
])('%s', (_, services, name, port, warning, allUsable) => {
  expect(gatewayInstances(services, 'shop', [name], [port])).toMatchObject({
    internal: [],
    warnings: [warning],
    allUsable,
  });
});

test('the port of the pods, named by mistake, gets a hint', () => {
  const { warnings } = gatewayInstances(view({}, [true]), 'shop', [host], [8080]);
  expect(warnings[0]).toContain('Did you mean one of these ports: [80]?');
});

test('a Service of another namespace cannot be used', () => {
  const { warnings, allUsable } = gatewayInstances(view({}, [true]), 'other', [host], [80]);
  expect(warnings).toEqual([
    `hostname "${host}" not found in namespace "other", but it was found in namespace(s) "shop"`,
  ]);
  expect(allUsable).toBe(false);
});
