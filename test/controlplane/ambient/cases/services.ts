import { container, endpointSlice, pod, service } from '../objects.js';
import { type AmbientCase, workloadIn, serviceIn, port80, app } from './case.js';

/** Services of all kinds. */
export const services: readonly AmbientCase[] = [
  {
    title: 'a headless Service has no address, one without pods no workloads, an ExternalName is none',
    objects: () => [
      service('headless', { clusterIP: 'None', selector: { app: 'a' }, ports: port80 }),
      service('external', { type: 'ExternalName', externalName: 'example.com' }),
      pod('a', app('a')),
    ],
    look: (config) => [
      serviceIn('headless')(config)?.vips,
      serviceIn('external')(config),
      workloadIn('a')(config)?.services,
    ],
    is: (namespace) => [[], undefined, { [`${namespace}/headless.${namespace}.svc.cluster.local`]: { 80: 8080 } }],
  },
  {
    title: 'named target ports are those of the pod, missing ones are left out',
    objects: () => [
      service('a', {
        selector: { app: 'a' },
        ports: [
          { name: 'http', port: 80, targetPort: 'web' },
          { name: 'grpc', port: 90, targetPort: 'missing' },
          { name: 'dns', port: 53, protocol: 'UDP', targetPort: 5353 },
          { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 5354 },
          { name: 'late', port: 99, targetPort: 'sidecar' },
        ],
      }),
      pod('a', app('a'), {
        containers: [container({ web: 8080 })],
        initContainers: [
          { ...container({ sidecar: 9999 }), name: 'sidecar', restartPolicy: 'Always' },
          { ...container({ missing: 1 }), name: 'init' },
        ],
      }),
    ],
    look: (config) => [serviceIn('a')(config)?.ports, Object.values(workloadIn('a')(config)?.services ?? {})],
    is: () => [{ 53: 5354, 80: 0, 90: 0, 99: 0 }, [{ 53: 5354, 80: 8080, 99: 9999 }]],
  },
  {
    title: 'traffic is kept near by fields, annotations of Service and namespace, in this order',
    marks: { annotations: { 'networking.istio.io/traffic-distribution': 'PreferSameNode' } },
    objects: () => [
      service('local', { internalTrafficPolicy: 'Local', trafficDistribution: 'PreferClose', ports: port80 }),
      service('field', { trafficDistribution: 'PreferClose', publishNotReadyAddresses: true, ports: port80 }),
      service(
        'own',
        { ports: port80 },
        { annotations: { 'networking.istio.io/traffic-distribution': 'prefersamezone' } },
      ),
      service(
        'unknown',
        { publishNotReadyAddresses: true, ports: port80 },
        { annotations: { 'networking.istio.io/traffic-distribution': 'Any' } },
      ),
      service('inherits', { ports: port80 }),
    ],
    look: (config) =>
      ['local', 'field', 'own', 'unknown', 'inherits'].map((name) => {
        const { mode, routingPreferences, healthPolicy } = serviceIn(name)(config)!.loadBalancer!;
        return [mode, routingPreferences.at(-1), healthPolicy];
      }),
    is: () => [
      ['Strict', 'Node', 'OnlyHealthy'],
      ['Failover', 'Zone', 'AllowAll'],
      ['Failover', 'Zone', 'OnlyHealthy'],
      ['Standard', undefined, 'AllowAll'],
      ['Failover', 'Node', 'OnlyHealthy'],
    ],
  },
  {
    title: 'a pod belongs to the Service whose endpoints name it, though none selects it',
    objects: () => [
      pod('a', app('a')),
      service('by-hand', { ports: [{ name: 'http', port: 80, targetPort: 8080 }] }),
      endpointSlice('by-hand-1', 'by-hand', {
        addressType: 'IPv4',
        endpoints: [{ addresses: ['192.168.7.9'], targetRef: { name: 'a' } }],
        ports: [{ name: 'http', port: 9999, protocol: 'TCP' }],
      }),
    ],
    look: ({ workloads }) => workloads.map(({ name, services }) => [name, Object.values(services)]),
    is: () => [['a', [{ 80: 8080 }]]],
  },
  {
    title: 'endpoints that people write are workloads, unless they name a pod',
    objects: () => [
      service('by-hand', { ports: [{ name: 'http', port: 80 }] }),
      endpointSlice('by-hand-1', 'by-hand', {
        addressType: 'IPv4',
        endpoints: [
          { addresses: ['192.168.7.1'] },
          { addresses: ['192.168.7.2'], conditions: { ready: false } },
          { addresses: ['192.168.7.1'] },
        ],
        ports: [
          { name: 'http', port: 8080, protocol: 'TCP' },
          { name: 'other', port: 1, protocol: 'TCP' },
        ],
      }),
      endpointSlice('by-name', 'by-hand', {
        addressType: 'FQDN',
        endpoints: [{ addresses: ['a.example.com'] }],
        ports: [],
      }),
      endpointSlice('orphan', 'nobody', {
        addressType: 'IPv4',
        endpoints: [{ addresses: ['192.168.7.3'] }],
        ports: [],
      }),
    ],
    look: ({ workloads }) => workloads.map(({ uid, status, services }) => [uid, status, Object.values(services)]),
    is: (namespace) => [
      [`Kubernetes/discovery.k8s.io/EndpointSlice/${namespace}/by-hand-1/192.168.7.1`, undefined, [{ 80: 8080 }]],
      [`Kubernetes/discovery.k8s.io/EndpointSlice/${namespace}/by-hand-1/192.168.7.2`, 'Unhealthy', [{ 80: 8080 }]],
    ],
  },
];
