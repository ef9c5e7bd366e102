import type { LocalConfig, LocalPolicy, LocalService, LocalWorkload } from '../../src/mesh/ztunnel-config.js';
import {
  authorizationPolicy,
  container,
  deployment,
  endpointSlice,
  job,
  type Marks,
  type MeshObject,
  peerAuthentication,
  pod,
  service,
  serviceEntry,
  unserved,
  waypoint,
  workloadEntry,
} from './ambient-objects.js';

/** A namespace, and what ztunnel is told of it. */
export interface AmbientCase {
  title: string;
  /** Labels and annotations of the namespace. */
  marks?: Marks;
  objects: (namespace: string) => MeshObject[];
  /** Objects of the root namespace; nothing else is looked at while they are there. */
  root?: MeshObject[];
  /** What of the configuration is the point of the case. */
  look: (config: LocalConfig) => unknown;
  is: (namespace: string) => unknown;
}

const policyIn =
  (name: string) =>
  ({ policies }: LocalConfig): LocalPolicy | undefined =>
    policies.find((policy) => policy.name === name);
const workloadIn =
  (name: string) =>
  ({ workloads }: LocalConfig): LocalWorkload | undefined =>
    workloads.find((workload) => workload.name === name);
const serviceIn =
  (name: string) =>
  ({ services }: LocalConfig): LocalService | undefined =>
    services.find((service) => service.name === name);
const rulesOf = (name: string) => (config: LocalConfig) => policyIn(name)(config)?.rules;
const attachedTo = (name: string) => (config: LocalConfig) => workloadIn(name)(config)?.authorizationPolicies;

const port80 = [{ name: 'http', port: 80, targetPort: 8080 }];
const app = (name: string): Marks => ({ labels: { app: name } });
const toService = (name: string, namespace: string): object => ({
  destination: `${namespace}/${name}.${namespace}.svc.cluster.local`,
  hboneMtlsPort: 15008,
});
const noPrincipal = { notPrincipals: [{ Presence: [] }] };
const uses = (waypoint: string, more: Record<string, string> = {}): Record<string, string> => ({
  'istio.io/use-waypoint': waypoint,
  ...more,
});

/** Policies alone: what becomes of their rules. */
const policies: AmbientCase[] = [
  {
    title: 'an ALLOW policy loses the rules with HTTP, and refuses what they allowed',
    objects: () => [
      authorizationPolicy('p', {
        rules: [
          { to: [{ operation: { methods: ['GET'], ports: ['80'] } }] },
          { from: [{ source: { principals: ['a'] } }], to: [{ operation: { ports: ['81'] } }] },
        ],
      }),
    ],
    look: rulesOf('p'),
    is: () => [[[{ destinationPorts: [81] }], [{ principals: [{ Exact: 'a' }] }]]],
  },
  {
    title: 'a DENY policy with HTTP only is left with an empty match, which never matches',
    objects: () => [
      authorizationPolicy('p', { action: 'DENY', rules: [{ to: [{ operation: { methods: ['GET'] } }] }] }),
    ],
    look: rulesOf('p'),
    is: () => [[[{}]]],
  },
  {
    title: 'a DENY policy with a method and a port denies the port',
    objects: () => [
      authorizationPolicy('p', {
        action: 'DENY',
        rules: [{ to: [{ operation: { methods: ['GET'], ports: ['80'] } }, { operation: { paths: ['/x'] } }] }],
      }),
    ],
    look: rulesOf('p'),
    is: () => [[[{ destinationPorts: [80] }, {}]]],
  },
  {
    title: 'conditions of HTTP are empty clauses of DENY',
    objects: () => [
      authorizationPolicy('p', {
        action: 'DENY',
        rules: [
          {
            from: [{ source: { namespaces: ['a'] } }],
            when: [{ key: 'request.headers[x]', values: ['y'] }],
          },
        ],
      }),
    ],
    look: rulesOf('p'),
    is: () => [[[{ namespaces: [{ Exact: 'a' }] }], [{}]]],
  },
  {
    title: 'each condition is a clause of its own, with values and without',
    objects: () => [
      authorizationPolicy('p', {
        rules: [
          {
            when: [
              { key: 'source.ip', values: ['10.0.0.1'], notValues: ['10.0.0.0/24'] },
              { key: 'source.namespace', values: ['a*'] },
              { key: 'source.principal', notValues: ['*'] },
              { key: 'destination.ip', values: ['fd00::/8'] },
              { key: 'destination.port', notValues: ['443'] },
            ],
          },
        ],
      }),
    ],
    look: rulesOf('p'),
    is: () => [
      [
        [{ sourceIps: ['10.0.0.1/32'], notSourceIps: ['10.0.0.0/24'] }],
        [{ namespaces: [{ Prefix: 'a' }] }],
        [noPrincipal],
        [{ destinationIps: ['fd00::/8'] }],
        [{ notDestinationPorts: [443] }],
      ],
    ],
  },
  {
    title: 'the trust domain of a source is neither converted nor noticed',
    objects: () => [
      authorizationPolicy('p', {
        rules: [
          { from: [{ source: { trustDomains: ['other'] } }, { source: { trustDomains: ['x'], namespaces: ['b'] } }] },
        ],
      }),
    ],
    look: rulesOf('p'),
    is: () => [[[{}, { namespaces: [{ Exact: 'b' }] }]]],
  },
  {
    title: 'service accounts are of their own namespace, or of the one before the slash',
    objects: () => [
      authorizationPolicy('p', {
        rules: [{ from: [{ source: { serviceAccounts: ['a', 'x/b'], notServiceAccounts: ['c'] } }] }],
      }),
    ],
    look: rulesOf('p'),
    is: (namespace) => [
      [
        [
          {
            serviceAccounts: [
              { namespace, serviceAccount: 'a' },
              { namespace: 'x', serviceAccount: 'b' },
            ],
            notServiceAccounts: [{ namespace, serviceAccount: 'c' }],
          },
        ],
      ],
    ],
  },
  {
    title: 'stars are any, a beginning or an end',
    objects: () => [
      authorizationPolicy('p', {
        rules: [{ from: [{ source: { principals: ['*', '*/sa/a', 'td/*', 'td/ns/b/sa/c'] } }] }],
      }),
    ],
    look: rulesOf('p'),
    is: () => [
      [[{ principals: [{ Presence: [] }, { Suffix: '/sa/a' }, { Prefix: 'td/' }, { Exact: 'td/ns/b/sa/c' }] }]],
    ],
  },
  {
    title: 'what is no port and no address is dropped, and may leave nothing',
    objects: () => [
      authorizationPolicy('p', {
        action: 'DENY',
        rules: [
          {
            to: [{ operation: { ports: ['http', '70000', '080'] } }, { operation: { notPorts: ['-1'] } }],
            from: [
              { source: { ipBlocks: ['10.0.0.1/33', '10.0.0.300', '::1', '10.1.2.3/8'] } },
              { source: { notIpBlocks: ['x'] } },
            ],
          },
        ],
      }),
    ],
    look: rulesOf('p'),
    is: () => [
      [
        [{ destinationPorts: [80] }, {}],
        [{ sourceIps: ['::1/128', '10.1.2.3/8'] }, {}],
      ],
    ],
  },
  {
    title: 'a rule of nothing allows all, no rules allow nothing',
    objects: () => [authorizationPolicy('all', { rules: [{}] }), authorizationPolicy('nothing', {})],
    look: (config) => [rulesOf('all')(config), rulesOf('nothing')(config)],
    is: () => [[[]], []],
  },
  {
    title: 'CUSTOM, AUDIT, dry runs and what is for a waypoint are not sent',
    objects: () => [
      authorizationPolicy('audit', { action: 'AUDIT', rules: [{}] }),
      authorizationPolicy('custom', { action: 'CUSTOM', provider: { name: 'x' }, rules: [{}] }),
      authorizationPolicy('dry', { rules: [{}] }, { annotations: { 'istio.io/dry-run': 'true' } }),
      authorizationPolicy('target', { targetRefs: [{ group: '', kind: 'Service', name: 'x' }], rules: [{}] }),
      authorizationPolicy('wet', { rules: [{}] }, { annotations: { 'istio.io/dry-run': 'yes' } }),
      authorizationPolicy('other', { rules: [{}] }, { labels: { 'istio.io/rev': 'other' } }),
    ],
    look: ({ policies }) => policies.filter(({ scope }) => scope === 'Namespace').map(({ name }) => name),
    is: () => ['wet'],
  },
  {
    title: 'a selector attaches, an empty map of labels to all, an empty selector to none',
    objects: () => [
      authorizationPolicy('by-label', { selector: { matchLabels: { app: 'a' } }, rules: [{}] }),
      authorizationPolicy('by-nothing', { selector: { matchLabels: {} }, rules: [{}] }),
      authorizationPolicy('empty', { selector: {}, rules: [{}] }),
      pod('a', app('a')),
      pod('b', app('b')),
    ],
    look: (config) => [attachedTo('a')(config), attachedTo('b')(config), policyIn('empty')(config)?.scope],
    is: (namespace) => [
      [`${namespace}/by-label`, `${namespace}/by-nothing`],
      [`${namespace}/by-nothing`],
      'WorkloadSelector',
    ],
  },
  {
    title: 'to a pod without labels every policy with a selector is attached',
    objects: () => [
      authorizationPolicy('by-label', { selector: { matchLabels: { app: 'a' } }, rules: [{}] }),
      authorizationPolicy('empty', { selector: {}, rules: [{}] }),
      pod('without'),
      workloadEntry('entry', { address: '10.9.9.1' }),
      workloadEntry('labelled', { address: '10.9.9.2', labels: { app: 'x' } }),
    ],
    look: (config) => ['without', 'entry', 'labelled'].map((name) => attachedTo(name)(config)),
    is: (namespace) => [[`${namespace}/by-label`], [`${namespace}/by-label`], undefined],
  },
  {
    title: 'policies of the root namespace hold for all, its selectors in all namespaces',
    root: [
      authorizationPolicy('global', { action: 'DENY', rules: [{ from: [{ source: { namespaces: ['bad'] } }] }] }),
      authorizationPolicy('selected', { selector: { matchLabels: { app: 'a' } }, rules: [{}] }),
    ],
    objects: () => [pod('a', app('a')), authorizationPolicy('own', { rules: [] })],
    look: (config) => [config.policies.map(({ name, scope }) => [name, scope]), attachedTo('a')(config)],
    is: () => [
      [
        ['own', 'Namespace'],
        ['global', 'Global'],
        ['selected', 'WorkloadSelector'],
      ],
      ['istio-system/selected'],
    ],
  },
];

const peer = (name: string, mode?: string, ports: Record<number, string> = {}, selected = true): MeshObject =>
  peerAuthentication(name, {
    ...(selected && { selector: { matchLabels: { app: 'a' } } }),
    ...(mode !== undefined && { mtls: { mode } }),
    ...(Object.keys(ports).length > 0 && {
      portLevelMtls: Object.fromEntries(Object.entries(ports).map(([port, of]) => [port, { mode: of }])),
    }),
  });
const converted = 'converted_peer_authentication_own';
const strict = 'istio-system/istio_converted_static_strict';

/** PeerAuthentications: what becomes of their modes. */
const peers: AmbientCase[] = [
  {
    title: 'a STRICT namespace has the one policy for all that is STRICT',
    objects: () => [peer('wide', 'STRICT', {}, false), pod('a', app('a'))],
    look: (config) => [attachedTo('a')(config), rulesOf('istio_converted_static_strict')(config)],
    is: () => [[strict], [[[noPrincipal]]]],
  },
  {
    title: 'a PERMISSIVE workload in a STRICT namespace has none',
    objects: () => [
      peer('wide', 'STRICT', {}, false),
      peer('own', 'PERMISSIVE'),
      pod('a', app('a')),
      pod('b', app('b')),
    ],
    look: (config) => [attachedTo('a')(config), attachedTo('b')(config)],
    is: () => [undefined, [strict]],
  },
  {
    title: 'a STRICT workload with open ports has a policy of its own',
    objects: () => [peer('own', 'STRICT', { 8080: 'PERMISSIVE', 9090: 'DISABLE', 7070: 'STRICT' }), pod('a', app('a'))],
    look: (config) => [attachedTo('a')(config), rulesOf(converted)(config)],
    is: (namespace) => [
      [`${namespace}/${converted}`],
      [[[noPrincipal], [{ notDestinationPorts: [8080] }], [{ notDestinationPorts: [9090] }]]],
    ],
  },
  {
    title: 'STRICT ports of a PERMISSIVE workload are a rule each',
    objects: () => [peer('own', 'PERMISSIVE', { 9090: 'STRICT', 8080: 'STRICT' }), pod('a', app('a'))],
    look: (config) => [attachedTo('a')(config), rulesOf(converted)(config)],
    is: (namespace) => [
      [`${namespace}/${converted}`],
      [[[{ ...noPrincipal, destinationPorts: [8080] }]], [[{ ...noPrincipal, destinationPorts: [9090] }]]],
    ],
  },
  {
    title: 'an open port of a workload without mode is taken from what the namespace demands',
    objects: () => [
      peer('wide', 'STRICT', {}, false),
      peer('own', undefined, { 8080: 'PERMISSIVE' }),
      pod('a', app('a')),
    ],
    look: (config) => [attachedTo('a')(config), rulesOf(converted)(config)],
    is: (namespace) => [[`${namespace}/${converted}`], [[[{ notDestinationPorts: [8080] }], [noPrincipal]]]],
  },
  {
    title: 'a DISABLED port of a workload without mode does not open it',
    objects: () => [peer('wide', 'STRICT', {}, false), peer('own', undefined, { 8080: 'DISABLE' }), pod('a', app('a'))],
    look: attachedTo('a'),
    is: () => [strict],
  },
  {
    title: 'STRICT ports alone add nothing to a STRICT workload',
    objects: () => [peer('own', 'STRICT', { 8080: 'STRICT' }), pod('a', app('a'))],
    look: (config) => [attachedTo('a')(config), policyIn(converted)(config)],
    is: () => [[strict], undefined],
  },
  {
    title: 'a STRICT mesh drops the STRICT port of a PERMISSIVE workload: what is attached is not there',
    root: [peer('mesh', 'STRICT', {}, false)],
    objects: () => [peer('own', 'PERMISSIVE', { 8080: 'STRICT' }), pod('a', app('a')), pod('b', app('b'))],
    look: (config) => [attachedTo('a')(config), policyIn(converted)(config), attachedTo('b')(config)],
    is: (namespace) => [[`${namespace}/${converted}`], undefined, [strict]],
  },
];

/** Which waypoint serves what. */
const waypoints: AmbientCase[] = [
  {
    title: 'a waypoint of istiod is that of the Services of its namespace, and not of itself',
    marks: { labels: uses('waypoint', { 'istio.io/dataplane-mode': 'ambient' }) },
    objects: () => [
      waypoint('waypoint'),
      service('a', { selector: { app: 'a' }, ports: port80 }),
      service('none', { ports: port80 }, { labels: uses('none') }),
      service('missing', { ports: port80 }, { labels: uses('missing') }),
      pod('a', app('a')),
    ],
    look: (config) => [
      ...['a', 'none', 'missing', 'waypoint'].map((name) => serviceIn(name)(config)?.waypoint),
      workloadIn('a')(config)?.waypoint,
      workloadIn('a')(config)?.protocol,
    ],
    is: (namespace) => [toService('waypoint', namespace), undefined, undefined, undefined, undefined, 'HBONE'],
  },
  {
    title: 'a waypoint for workloads is that of pods and WorkloadEntries',
    objects: () => [
      waypoint('waypoint', { labels: { 'istio.io/waypoint-for': 'workload' } }),
      service('a', { ports: port80 }, { labels: uses('waypoint') }),
      pod('a', { labels: uses('waypoint') }),
      workloadEntry('entry', { address: '10.9.9.1', labels: uses('waypoint') }),
      workloadEntry('without', { address: '10.9.9.2' }),
    ],
    look: (config) => [
      serviceIn('a')(config)?.waypoint,
      ...['a', 'entry', 'without'].map((name) => workloadIn(name)(config)?.waypoint),
    ],
    is: (namespace) => [undefined, toService('waypoint', namespace), toService('waypoint', namespace), undefined],
  },
  {
    title: 'a waypoint of another namespace serves only whom it admits, and comes along with its pods',
    objects: () => [
      service('admitted', { ports: port80 }, { labels: uses('open', { 'istio.io/use-waypoint-namespace': 'shared' }) }),
      service(
        'refused',
        { ports: port80 },
        { labels: uses('closed', { 'istio.io/use-waypoint-namespace': 'shared' }) },
      ),
    ],
    look: (config) => [
      serviceIn('admitted')(config)?.waypoint,
      serviceIn('refused')(config)?.waypoint,
      serviceIn('open')(config)?.namespace,
      config.workloads.map(({ namespace, canonicalName }) => [namespace, canonicalName]),
    ],
    is: () => [toService('open', 'shared'), undefined, 'shared', [['shared', 'open']]],
  },
  {
    title: 'a Gateway with an address serves, by its host name rather than by its address',
    objects: () => [
      unserved('by-ip', [{ type: 'IPAddress', value: '10.5.5.5' }]),
      unserved('by-name', [
        { type: 'IPAddress', value: '10.5.5.6' },
        { type: 'Hostname', value: 'waypoint.example.com' },
      ]),
      unserved('none-yet', []),
      service('a', { ports: port80 }, { labels: uses('by-ip') }),
      service('b', { ports: port80 }, { labels: uses('by-name') }),
      service('c', { ports: port80 }, { labels: uses('none-yet') }),
    ],
    look: (config) => ['a', 'b', 'c'].map((name) => serviceIn(name)(config)?.waypoint?.destination),
    is: (namespace) => ['/10.5.5.5', `${namespace}/waypoint.example.com`, undefined],
  },
  {
    title: 'a Gateway admits namespaces by their labels',
    marks: { labels: { team: 'a' } },
    objects: () => [
      unserved('mine', [{ type: 'IPAddress', value: '10.5.5.5' }], {}, selecting({ matchLabels: { team: 'a' } })),
      unserved('theirs', [{ type: 'IPAddress', value: '10.5.5.6' }], {}, selecting({ matchLabels: { team: 'b' } })),
      service('a', { ports: port80 }, { labels: uses('mine') }),
      service('b', { ports: port80 }, { labels: uses('theirs') }),
    ],
    look: (config) => ['a', 'b'].map((name) => serviceIn(name)(config)?.waypoint?.destination),
    is: () => ['/10.5.5.5', undefined],
  },
  {
    title: 'pods of a Gateway get its tunnel, not its waypoint',
    marks: { labels: uses('sandwich') },
    objects: () => [
      unserved('sandwich', [{ type: 'IPAddress', value: '10.5.5.5' }], {
        labels: { 'istio.io/waypoint-for': 'all' },
        annotations: { 'ambient.istio.io/waypoint-inbound-binding': 'PROXY/15088' },
      }),
      pod('gateway', { labels: { 'gateway.networking.k8s.io/gateway-name': 'sandwich' } }),
      pod('a'),
    ],
    look: (config) =>
      ['gateway', 'a'].map((name) => {
        const { applicationTunnel, waypoint } = workloadIn(name)(config)!;
        return [applicationTunnel, waypoint?.destination];
      }),
    is: () => [
      [{ protocol: 'PROXY', port: 15088 }, undefined],
      [undefined, '/10.5.5.5'],
    ],
  },
  {
    title: 'a canary has its share',
    marks: {
      labels: uses('primary', { 'istio.io/use-waypoint-canary': 'canary' }),
      annotations: { 'istio.io/use-waypoint-canary-weight': '30' },
    },
    objects: () => [
      unserved('primary', [{ type: 'IPAddress', value: '10.5.5.5' }]),
      unserved('canary', [{ type: 'Hostname', value: 'canary.example.com' }]),
      service('inherits', { ports: port80 }),
      service('own', { ports: port80 }, { labels: uses('primary') }),
      service('weighs', { ports: port80 }, { annotations: { 'istio.io/use-waypoint-canary-weight': '101' } }),
    ],
    look: (config) => ['inherits', 'own', 'weighs'].map((name) => serviceIn(name)(config)?.weightedWaypoints),
    is: (namespace) => [
      [
        { destination: { destination: '/10.5.5.5', hboneMtlsPort: 15008 }, weight: 70 },
        { destination: { destination: `${namespace}/canary.example.com`, hboneMtlsPort: 15008 }, weight: 30 },
      ],
      undefined,
      undefined,
    ],
  },
];

function selecting(selector: object): object {
  return { allowedRoutes: { namespaces: { from: 'Selector', selector } } };
}

/** Services of all kinds. */
const services: AmbientCase[] = [
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

/** Whatever is no Service of Kubernetes. */
const entries: AmbientCase[] = [
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

/** Pods of all kinds. */
const pods: AmbientCase[] = [
  {
    title: 'a pod is named after its Deployment, Job or label',
    objects: () => [
      deployment('web', {
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web', 'app.kubernetes.io/name': 'shop', version: 'v2' } },
          spec: { containers: [container()] },
        },
      }),
      job('report-28123456', {
        template: {
          metadata: { annotations: { 'sidestep.dev/test': 'keep-running' } },
          spec: { containers: [container()], restartPolicy: 'Never' },
        },
      }),
      pod('bare', {
        labels: { 'service.istio.io/workload-name': 'given', 'service.istio.io/canonical-revision': 'r' },
      }),
    ],
    look: ({ workloads }) =>
      workloads.map(({ workloadName, canonicalName, canonicalRevision }) => [
        workloadName,
        canonicalName,
        canonicalRevision,
      ]),
    is: () => [
      ['given', 'given', 'r'],
      ['report', 'report', 'latest'],
      ['web', 'shop', 'v2'],
    ],
  },
  {
    title: 'a pod that is not ready is unhealthy, one that has ended or waits for a node is none',
    objects: () => [
      pod('never', { annotations: { 'sidestep.dev/test': 'never-ready' } }),
      pod('pending', {}, { nodeName: undefined, nodeSelector: { no: 'such' } }),
      job('done', { template: { spec: { containers: [container()], restartPolicy: 'Never' } } }),
      pod('host', {}, { hostNetwork: true, nodeName: 'node-2' }),
    ],
    look: ({ workloads }) => workloads.map(({ name, status, networkMode }) => [name, status, networkMode]),
    is: () => [
      ['host', undefined, 'HostNetwork'],
      ['never', 'Unhealthy', undefined],
    ],
  },
  {
    title: 'a sidecar speaks HBONE itself, a captured pod through its ztunnel',
    marks: { labels: { 'istio.io/dataplane-mode': 'ambient' } },
    objects: () => [
      pod('captured', { labels: { 'service.istio.io/canonical-name': 'c' } }, { serviceAccountName: 'default' }),
      pod('sidecar', { labels: { 'networking.istio.io/tunnel': 'http', 'istio.io/dataplane-mode': 'none' } }),
      pod('plain', { labels: { 'istio.io/dataplane-mode': 'none' } }),
    ],
    look: ({ workloads }) => workloads.map(({ name, protocol, nativeTunnel }) => [name, protocol, nativeTunnel]),
    is: () => [
      ['captured', 'HBONE', undefined],
      ['plain', undefined, undefined],
      ['sidecar', 'HBONE', true],
    ],
  },
  {
    title: 'a pod is where its node is',
    objects: () => [pod('near', {}, { nodeName: 'node-1' }), pod('nowhere', {}, { nodeName: 'node-2' })],
    look: ({ workloads }) => workloads.map(({ node, locality }) => [node, locality]),
    is: () => [
      ['node-1', { region: 'eu', zone: 'eu-1', subzone: '' }],
      ['node-2', undefined],
    ],
  },
];

/** All cases. */
export const ambientCases: readonly AmbientCase[] = [
  ...policies,
  ...peers,
  ...waypoints,
  ...services,
  ...entries,
  ...pods,
];
