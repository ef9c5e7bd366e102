import { authorizationPolicy, pod, workloadEntry } from '../objects.js';
import { type AmbientCase, policyIn, rulesOf, attachedTo, app, noPrincipal } from './case.js';

/** Policies alone: what becomes of their rules. */
export const policies: readonly AmbientCase[] = [
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
      // A node with labels of its place gives them to its pods.
      pod('without', {}, { nodeName: 'node-2' }),
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
