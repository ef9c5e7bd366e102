import { describe, expect, it } from 'vitest';
import { WAYPOINT, foundIn, policyObject as object, policyScope } from '../../test/support/policies.js';
import { type PolicyScope, callerDemands, policyFindings } from './policies.js';
import type { PolicyObject } from './policy-object.js';

const scope = policyScope();
const to = (operation: object): object => ({ rules: [{ to: [{ operation }] }] });
const from = (source: object): object => ({ rules: [{ from: [{ source }] }] });

describe('what applies to a namespace', () => {
  const l7 = to({ methods: ['GET'] });
  it.each([
    [
      'a selector of a workload here',
      object('AuthorizationPolicy', { ...l7, selector: { matchLabels: { app: 'web' } } }),
      1,
    ],
    [
      'a selector of no workload yet',
      object('AuthorizationPolicy', { ...l7, selector: { matchLabels: { app: 'other' } } }),
      1,
    ],
    ['the root namespace', object('AuthorizationPolicy', l7, { namespace: 'istio-system' }), 1],
    [
      'the root namespace, selecting nothing here',
      object(
        'AuthorizationPolicy',
        { ...l7, selector: { matchLabels: { istio: 'ingressgateway' } } },
        { namespace: 'istio-system' },
      ),
      0,
    ],
    ['another namespace', object('AuthorizationPolicy', l7, { namespace: 'other' }), 0],
    ['an EnvoyFilter of the root namespace', object('EnvoyFilter', {}, { namespace: 'istio-system' }), 1],
    [
      'an EnvoyFilter for a gateway elsewhere',
      object(
        'EnvoyFilter',
        { workloadSelector: { labels: { istio: 'ingressgateway' } } },
        { namespace: 'istio-system' },
      ),
      0,
    ],
    [
      'a VirtualService of another namespace, exported',
      object('VirtualService', { hosts: ['a'] }, { namespace: 'other' }),
      1,
    ],
    [
      'a VirtualService that stays at home',
      object('VirtualService', { hosts: ['a'], exportTo: ['.'] }, { namespace: 'other' }),
      0,
    ],
    ['a VirtualService of an ingress gateway', object('VirtualService', { hosts: ['a'], gateways: ['ingress'] }), 0],
    [
      'a DestinationRule exported to us',
      object(
        'DestinationRule',
        { host: 'a', exportTo: ['shop'], trafficPolicy: { connectionPool: {} } },
        { namespace: 'other' },
      ),
      1,
    ],
    ['an HTTPRoute of a Service', object('HTTPRoute', { parentRefs: [{ kind: 'Service', name: 'web' }] }), 1],
    ['an HTTPRoute of a Gateway', object('HTTPRoute', { parentRefs: [{ name: 'ingress' }] }), 0],
    ['a NetworkPolicy here', object('NetworkPolicy', { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] }), 1],
    [
      'a NetworkPolicy elsewhere',
      object('NetworkPolicy', { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] }, { namespace: 'other' }),
      0,
    ],
    ['a Service bound to a waypoint', object('Service', {}, { labels: { 'istio.io/use-waypoint': 'waypoint' } }), 1],
    ['a Service that opts out of waypoints', object('Service', {}, { labels: { 'istio.io/use-waypoint': 'none' } }), 0],
    ['a Telemetry of the root namespace', object('Telemetry', {}, { namespace: 'istio-system' }), 1],
  ])('%s', (_, given, count) => {
    expect(foundIn(given)).toHaveLength(count);
  });

  it('names kind, object and field of what it does not understand', () => {
    const [finding] = policyFindings([object('Novelty', {}, { name: 'new' })], scope);
    expect(finding).toEqual({
      code: 'SST2001',
      object: 'Novelty/new',
      message: 'Novelty new, field kind: applies to this namespace and is not yet understood',
      path: 'kind',
    });
  });

  it('finds mesh settings that ztunnel does not honour', () => {
    const closed = { ...scope, mesh: { ...scope.mesh, outboundTrafficPolicy: 'REGISTRY_ONLY', enableAutoMtls: false } };
    expect(policyFindings([], closed).map(({ code, object: name }) => `${code} ${name}`)).toEqual([
      'SST3012 ConfigMap/istio-system/istio',
      'SST3014 ConfigMap/istio-system/istio',
    ]);
  });

  it('keeps an L4 policy of the root namespace, and says that it is there', () => {
    const l4 = from({ namespaces: ['a'] });
    expect(foundIn(object('AuthorizationPolicy', l4, { namespace: 'istio-system' }))).toEqual([
      'SST2019 metadata.namespace',
    ]);
    expect(foundIn(object('AuthorizationPolicy', l4))).toEqual([]);
  });

  it.each(['WasmPlugin', 'TrafficExtension'])('takes a %s for what ztunnel does not run', (kind) => {
    expect(foundIn(object(kind, { selector: { matchLabels: { app: 'web' } } }))).toEqual(['SST3016 spec']);
  });

  it('has no groups of workloads outside the cluster', () => {
    expect(policyFindings([object('WorkloadGroup')], scope)).toEqual([
      {
        code: 'SST3023',
        object: 'WorkloadGroup/x',
        message: 'WorkloadGroup x, field spec: ambient mode has no workloads outside the cluster',
        path: 'spec',
      },
    ]);
  });

  const named = (name: string): Record<string, string> => ({ 'istio.io/use-waypoint': name });
  const space = (name: string): PolicyObject => ({ kind: 'Namespace', metadata: { name, labels: named('gate') } });
  const service = (name: string, annotations = {}): PolicyObject =>
    object('Service', {}, { name: 'web', labels: named(name), annotations });
  const byAccount = { 'sidestep.dev/bound-waypoint': 'waypoint' };
  const bound = policyScope({ waypoint: WAYPOINT, followers: new Set(['web', 'shop']) });
  it.each<[string, PolicyObject, PolicyScope, boolean]>([
    ['the namespace is bound to another waypoint', space('shop'), scope, true],
    ['the namespace has the name of a Service that a labelled account has bound', space('shop'), bound, true],
    ['another namespace is bound', space('other'), scope, false],
    ['a Service is bound to another waypoint', service('gate'), scope, true],
    [
      'an account has bound the Service to the same waypoint',
      service('waypoint', byAccount),
      policyScope({ waypoint: WAYPOINT }),
      false,
    ],
    ['a labelled account has bound the Service', service('gate'), bound, false],
    ['a labelled account has bound another Service', service('gate'), { ...bound, followers: new Set(['api']) }, true],
  ])('says whether %s', (_, given, of, isBound) => {
    expect(foundIn(given, of)).toEqual(isBound ? ['SST2004 metadata.labels[istio.io/use-waypoint]'] : []);
  });

  it('counts tokens, which ztunnel does not look at', () => {
    const jwt = { jwtRules: [{ issuer: 'a' }] };
    expect(foundIn(object('RequestAuthentication', jwt))).toEqual(['SST2017 spec']);
    expect(foundIn(object('RequestAuthentication', jwt, { namespace: 'other' }))).toEqual([]);
  });
});

describe('what policies demand of callers', () => {
  it('is an identity if one decides by it', () => {
    expect(callerDemands([object('AuthorizationPolicy', from({ principals: ['a'] }))], scope).identityBased).toBe(true);
    expect(callerDemands([object('AuthorizationPolicy', to({ ports: ['80'] }))], scope).identityBased).toBe(false);
  });

  it('is nothing, where one is for others', () => {
    const elsewhere = { namespace: 'other' };
    const policy = object('AuthorizationPolicy', from({ principals: ['a'] }), elsewhere);
    const peer = object(
      'PeerAuthentication',
      { mtls: { mode: 'STRICT' }, selector: { matchLabels: { app: 'web' } } },
      elsewhere,
    );
    expect(callerDemands([policy, peer], scope)).toEqual({ strict: false, identityBased: false });
  });
});
