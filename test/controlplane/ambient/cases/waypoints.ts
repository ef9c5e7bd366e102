import { pod, service, unserved, waypoint, workloadEntry } from '../objects.js';
import { type AmbientCase, workloadIn, serviceIn, port80, app, toService, uses } from './case.js';

/** Which waypoint serves what. */
export const waypoints: readonly AmbientCase[] = [
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
