import { describe, expect, it } from 'vitest';
import { custom, gets, ofApi, policy, scope as defaults } from '../../../test/support/forms.js';
import type { AskedWaypoint } from '../asked-waypoint.js';
import { podTemplates } from '../pod-templates.js';
import { asRecord, asRecords, type PolicyObject } from '../policy-object.js';
import { namespaceTranslation, type NamespaceTranslation } from './namespace-translation.js';

const object = (kind: string, name: string, spec: object = {}, more: object = {}): PolicyObject => ({
  kind,
  metadata: { name, namespace: 'shop', ...more },
  spec,
});
const deployment = (name: string, pod: object = {}, metadata: object = {}): PolicyObject =>
  object('Deployment', name, {
    template: { metadata: { labels: { app: name }, ...metadata }, spec: { containers: [], ...pod } },
  });
const service = (name: string, spec: object = {}, metadata: object = {}): PolicyObject =>
  object('Service', name, { selector: { app: name }, ports: [{ name: 'http', port: 80 }], ...spec }, metadata);
const routing = (host: string, route: object[], name = host): PolicyObject =>
  object('VirtualService', name, { hosts: [host], http: [{ route }] });
const to = (host: string, subset?: string): object => ({ destination: { host, ...(subset && { subset }) } });
const route = (kind: string, parent: string, backend: string): PolicyObject =>
  object(kind, 'r', {
    parentRefs: [{ group: '', kind: 'Service', name: parent }],
    rules: [{ backendRefs: [{ name: backend, port: 80 }] }],
  });
const subsets = object('DestinationRule', 'api', {
  host: 'api',
  subsets: [{ name: 'v1', labels: { version: 'v1' } }],
});
const denied = policy({ ...ofApi, action: 'DENY', rules: [gets] });

const workloads = [deployment('web'), deployment('api')];
const waypoint: AskedWaypoint = {
  ...defaults.waypoint,
  className: 'istio-waypoint',
  isWanted: true,
  isTranslating: true,
};

/** Namespace `shop`: `web` and `api`, and Services of both. */
function translation(
  objects: readonly PolicyObject[],
  asked: Partial<AskedWaypoint> = {},
  templates: readonly PolicyObject[] = workloads,
): NamespaceTranslation {
  return namespaceTranslation(
    'shop',
    podTemplates(templates),
    { ...waypoint, ...asked },
    {
      objects: [service('web'), service('api'), ...objects],
      rootNamespace: defaults.rootNamespace,
      settings: defaults.mesh,
    },
  );
}

const reasons = (...objects: PolicyObject[]): string =>
  translation([denied, ...objects])
    .forms.untranslated.flatMap((one) => one.reasons)
    .join('; ');
const targets = (objects: readonly PolicyObject[] = []): unknown[] =>
  objects.flatMap(({ spec }) => asRecords(asRecord(spec)['targetRefs']).map(({ name }) => name));

describe('pods of a namespace', () => {
  it('have the labels, the account and the ports of all containers of their template', () => {
    const containers = [{ ports: [{ name: 'http', containerPort: 8080 }] }, {}, { ports: [{ containerPort: 9090 }] }];
    const template = deployment('web', { serviceAccountName: 'shopper', containers });
    expect(translation([], {}, [template, deployment('api')]).pods).toEqual([
      {
        name: 'Deployment/web',
        labels: { app: 'web' },
        account: 'shopper',
        ports: [{ name: 'http', containerPort: 8080 }, { containerPort: 9090 }],
      },
      { name: 'Deployment/api', labels: { app: 'api' }, account: 'default', ports: [] },
    ]);
  });

  it.each<[string, object, object, number]>([
    ['on the host network', { hostNetwork: true }, {}, 0],
    ['on their own network', { hostNetwork: false }, {}, 1],
    ['of a gateway', {}, { annotations: { 'inject.istio.io/templates': 'gateway' } }, 0],
  ])('%s', (_, pod, metadata, count) => {
    expect(translation([], {}, [deployment('edge', pod, metadata)]).pods).toHaveLength(count);
  });
});

describe('a policy', () => {
  it('has its copies for Services of its namespace', () => {
    const others = [
      service('api-2', { selector: { app: 'api' } }),
      service('api-3', { selector: { app: 'api' } }, { namespace: 'other' }),
      object('Gateway', 'edge', { selector: { app: 'api' } }),
    ];
    expect(targets(translation([denied, ...others]).of(denied)?.copies)).toEqual(['api', 'api-2']);
  });

  it('has copies for Services that stand for subsets where people write them, each once', () => {
    const canary = routing('web', [to('api', 'v1')]);
    const all = [denied, subsets, canary];
    const pods = [deployment('web'), deployment('api', {}, { labels: { app: 'api', version: 'v1' } })];
    const byHand = translation(all, { isTranslating: false }, pods);
    expect(targets(byHand.of(denied)?.copies)).toEqual(['api', 'api-v1']);
    expect(byHand.forms).toEqual({ forms: [], untranslated: [] });
    expect(byHand.routes).toBeUndefined();
    const applied = [...all, ...(byHand.of(canary)?.copies ?? [])];
    expect(targets(translation(applied, { isTranslating: false }, pods).of(denied)?.copies)).toEqual(['api', 'api-v1']);
    expect(targets(translation(all, {}, pods).of(denied)?.copies)).toEqual(['api']);
  });

  it.each<[string, PolicyObject[], string]>([
    ['a route', [route('HTTPRoute', 'web', 'api')], 'HTTPRoute/r sends requests for Service web to api'],
    ['a route for gRPC', [route('GRPCRoute', 'web', 'api')], 'GRPCRoute/r sends requests for Service web to api'],
    ['what is written for a VirtualService', [routing('web', [to('api')])], 'HTTPRoute/web sends requests'],
    [
      'the host of a ServiceEntry',
      [object('ServiceEntry', 'alias', { hosts: ['x.com'], workloadSelector: { labels: { app: 'api' } } })],
      'ServiceEntry/alias leads to pods',
    ],
    [
      'the endpoints of a Service without selector',
      [
        service('legacy', { selector: undefined }),
        object('Pod', 'api-1', {}, { labels: { app: 'api' } }),
        {
          ...object('EndpointSlice', 'legacy-1', {}, { labels: { 'kubernetes.io/service-name': 'legacy' } }),
          endpoints: [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: 'api-1' } }],
        } as PolicyObject,
      ],
      'Service/legacy has no selector',
    ],
  ])('has no form where its pods are reached by %s', (_, objects, reason) => {
    expect(reasons(...objects)).toMatch(reason);
  });

  it('has one beside routes that waypoints do not carry out', () => {
    expect(reasons(route('TCPRoute', 'web', 'api'))).toBe('');
  });

  it('has its form, and what that loses', () => {
    const asked = custom('ext', [gets]);
    const made = translation([asked]);
    const [form] = made.forms.forms;
    expect(made.of(asked)).toEqual({ copies: form?.objects, differences: form?.lost });
    expect(form?.lost).toHaveLength(2);
  });
});

describe('a VirtualService', () => {
  const web = routing('web', [to('web')]);
  const api = routing('api', [to('api')]);

  it('has the HTTPRoutes that are written for it, and not those of others', () => {
    const made = translation([web, api]);
    for (const one of [web, api])
      expect(made.of(one)?.copies.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
        `HTTPRoute/${one.metadata.name}`,
      ]);
  });

  it('has the same where people write them, and what cannot be said', () => {
    const faulty = object('VirtualService', 'faulty', { hosts: ['api'], http: [{ route: [to('api')], fault: {} }] });
    const made = translation([web, faulty], { isTranslating: false });
    expect(made.of(web)).toMatchObject({ copies: [{ kind: 'HTTPRoute' }], differences: [], leftOut: [] });
    expect(made.of(faulty)).toEqual({
      copies: [],
      differences: [{ at: 'spec.http[0].fault', message: 'an HTTPRoute makes no faults' }],
      leftOut: [],
    });
  });
});

describe('calls to addresses of pods', () => {
  const all = { labels: { 'istio.io/waypoint-for': 'all' } };
  const gateway = (spec: object, metadata: object = all, name = 'waypoint', kind = 'Gateway'): PolicyObject =>
    object(kind, name, spec, metadata);
  const ofClass = (gatewayClassName: string): object => ({ gatewayClassName });
  const gatewayClass = (name: string): PolicyObject =>
    object('GatewayClass', name, {}, { ...all, namespace: undefined });

  it.each<[string, PolicyObject[]]>([
    ['its Gateway says so', [gateway(ofClass('istio-waypoint'))]],
    ['the class of a Gateway that is not there yet says so', [gatewayClass('istio-waypoint')]],
    ['the class of its Gateway says so', [gateway(ofClass('mine'), {}), gatewayClass('mine')]],
  ])('go through a waypoint where %s', (_, objects) => {
    expect(reasons(...objects)).toMatch(/^Gateway\/waypoint takes calls to addresses of pods/);
  });

  it.each<[string, PolicyObject[]]>([
    ['nobody says so', []],
    ['another Gateway says so', [gateway(ofClass('istio-waypoint'), all, 'other')]],
    ['one of another namespace says so', [gateway(ofClass('istio-waypoint'), { ...all, namespace: 'other' })]],
    ['another object of its name says so', [gateway(ofClass('istio-waypoint'), all, 'waypoint', 'Other')]],
    ['a Gateway of Istio says so', [gateway({ selector: { istio: 'ingressgateway' } })]],
    ['another class says so', [gatewayClass('mine')]],
    ['another object with the name of the class says so', [gateway({}, all, 'istio-waypoint', 'Other')]],
    ['its Gateway is of another class than asked for', [gateway(ofClass('mine'), {}), gatewayClass('istio-waypoint')]],
    [
      'its Gateway says otherwise than its class',
      [
        gateway(ofClass('istio-waypoint'), { labels: { 'istio.io/waypoint-for': 'service' } }),
        gatewayClass('istio-waypoint'),
      ],
    ],
  ])('do not where %s', (_, objects) => {
    expect(reasons(...objects)).toBe('');
  });
});
