import { container, pod, service, serviceEntry, workloadEntry } from '../objects.js';
import { type AmbientCase, workloadIn, serviceIn, port80, app } from './case.js';

/** Whatever is no Service of Kubernetes. */
export const entries: readonly AmbientCase[] = [
  {
    title: 'a ServiceEntry with endpoints: hosts, blocks of addresses, ports by name',
    objects: () => [
      serviceEntry('db', {
        hosts: ['db.example.com', 'db2.example.com'],
        addresses: ['240.1.1.1', '240.2.2.2/16', '2001:DB8:0::1'],
        ports: [
          { name: 'tcp', number: 5432, protocol: 'TCP' },
          { name: 'http', number: 80, targetPort: 8080, protocol: 'HTTP' },
        ],
        resolution: 'STATIC',
        subjectAltNames: ['spiffe://x/y'],
        endpoints: [
          { address: '192.168.8.1', ports: { tcp: 15432 }, locality: 'eu/eu-1', weight: 7, serviceAccount: 'db' },
          { address: '192.168.8.2', network: 'far' },
          { address: '192.168.8.3' },
        ],
      }),
    ],
    look: (config) => [
      config.services.map(({ hostname, vips, cidrVips, ports }) => [hostname, vips, cidrVips, ports]),
      config.workloads.map(({ uid, network, capacity, locality, serviceAccount }) => [
        uid.split('/').at(-1),
        network,
        capacity,
        locality,
        serviceAccount,
      ]),
      Object.values(config.workloads[0]!.services),
    ],
    is: () => [
      ['db.example.com', 'db2.example.com'].map((host) => [
        host,
        ['/240.1.1.1', '/2001:db8::1'],
        ['/240.2.0.0/16'],
        { 80: 8080, 5432: 5432 },
      ]),
      [
        ['192.168.8.1', undefined, 7, { region: 'eu', zone: 'eu-1', subzone: '' }, 'db'],
        ['192.168.8.2', 'far', undefined, undefined, 'default'],
        ['192.168.8.3', 'far', undefined, undefined, 'default'],
      ],
      [
        { 80: 8080, 5432: 15432 },
        { 80: 8080, 5432: 15432 },
      ],
    ],
  },
  {
    title: 'hosts resolved by DNS are workloads, those resolved by nobody pass through',
    objects: () => [
      serviceEntry('dns', {
        hosts: ['a.example.com', 'b.example.com'],
        ports: [{ name: 'tls', number: 443, protocol: 'TLS' }],
        resolution: 'DNS',
      }),
      serviceEntry('none', {
        hosts: ['*.wild.example.com'],
        addresses: ['240.3.3.0/24'],
        ports: [{ name: 'tls', number: 443, protocol: 'TLS' }],
      }),
    ],
    look: (config) => [
      config.workloads.map(({ hostname, services }) => [hostname, Object.values(services)]),
      serviceIn('none')(config)?.loadBalancer,
      serviceIn('dns')(config)?.vips.length,
    ],
    is: () => [
      [
        ['a.example.com', [{ 443: 443 }]],
        ['b.example.com', [{ 443: 443 }]],
      ],
      { routingPreferences: [], mode: 'Passthrough', healthPolicy: 'AllowAll' },
      2,
    ],
  },
  {
    title: 'ServiceEntries select pods, Services select WorkloadEntries',
    objects: () => [
      serviceEntry('both', {
        hosts: ['both.example.com'],
        ports: [{ name: 'web', number: 80, protocol: 'HTTP' }],
        resolution: 'STATIC',
        workloadSelector: { labels: { app: 'a' } },
      }),
      service('a', { selector: { app: 'a' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] }),
      pod('a', app('a'), { containers: [container({ web: 8080 })] }),
      workloadEntry('vm', { address: '192.168.9.1', labels: { app: 'a' }, ports: { web: 9090 } }),
      workloadEntry('name', { address: 'vm.example.com', labels: { app: 'x' } }, app('a')),
    ],
    look: (config) => [
      ...['a', 'vm', 'name'].map((name) => Object.values(workloadIn(name)(config)!.services)),
      workloadIn('name')(config)?.hostname,
    ],
    is: () => [[{ 80: 8080 }, { 80: 8080 }], [{ 80: 9090 }, { 80: 9090 }], [{}, { 80: 80 }], 'vm.example.com'],
  },
  {
    title: 'a ServiceEntry of a host that a Service has is only for its own namespace',
    objects: (namespace) => [
      service('own', { ports: port80 }),
      serviceEntry('same', {
        hosts: [`own.${namespace}.svc.cluster.local`],
        ports: [{ name: 'http', number: 81, protocol: 'HTTP' }],
        resolution: 'DNS',
      }),
      serviceEntry('other', {
        hosts: ['kubernetes.default.svc.cluster.local'],
        ports: [{ name: 'tls', number: 443, protocol: 'TLS' }],
        resolution: 'DNS',
      }),
    ],
    look: ({ services, workloads }) => [
      services.map(({ name, canonical }) => [name, canonical]),
      workloads.map(({ name }) => name),
    ],
    is: () => [
      [
        ['other', undefined],
        ['own', true],
      ],
      ['other'],
    ],
  },
];
