import { describe, expect, it } from 'vitest';
import type { PolicyObject } from './policy-object.js';
import { type PolicyScope, callerDemands, policyFindings } from './policies.js';

const scope: PolicyScope = {
  namespace: 'shop',
  rootNamespace: 'istio-system',
  workloadLabels: [{ app: 'web' }],
  mesh: {
    trustDomain: 'cluster.local',
    trustDomainAliases: [],
    outboundTrafficPolicy: 'ALLOW_ANY',
    enableAutoMtls: true,
    object: 'ConfigMap/istio-system/istio',
  },
};

function object(kind: string, spec: object = {}, metadata: Partial<PolicyObject['metadata']> = {}): PolicyObject {
  return { kind, metadata: { name: 'x', namespace: 'shop', ...metadata }, spec };
}

const rule = (part: object): object => ({ rules: [part] });
const from = (source: object): object => rule({ from: [{ source }] });
const to = (operation: object): object => rule({ to: [{ operation }] });
const when = (key: string, values: string[] = ['x']): object => rule({ when: [{ key, values }] });

function found(given: PolicyObject, inScope: PolicyScope = scope): string[] {
  return policyFindings([given], inScope).map(
    ({ code, message }) => `${code} ${/field (.*):/.exec(message)?.[1] ?? ''}`,
  );
}

describe('an AuthorizationPolicy that ztunnel reads exactly as a sidecar does', () => {
  it.each([
    ['allow nothing', {}],
    ['allow everything', { rules: [{}] }],
    ['principals', from({ principals: ['cluster.local/ns/a/sa/b'], notPrincipals: ['*'] })],
    ['namespaces and service accounts', from({ namespaces: ['a', 'b-*'], notServiceAccounts: ['a/b'] })],
    ['addresses', from({ ipBlocks: ['10.0.0.0/8', '::1'] })],
    ['ports, denied', { action: 'DENY', ...to({ ports: ['80'], notPorts: ['443'] }) }],
    [
      'L4 conditions',
      rule({
        when: [
          { key: 'source.ip', values: ['10.1.2.3'] },
          { key: 'destination.port', notValues: ['80'] },
          { key: 'source.namespace', values: ['a'] },
        ],
      }),
    ],
  ])('%s', (_, spec) => {
    expect(found(object('AuthorizationPolicy', spec))).toEqual([]);
  });
});

describe('an AuthorizationPolicy that it does not read so', () => {
  it.each([
    ['methods', to({ methods: ['GET'] }), 'spec.rules[0].to[0].operation.methods'],
    ['hosts beside ports', to({ ports: ['80'], hosts: ['a'] }), 'spec.rules[0].to[0].operation.hosts'],
    ['request principals', from({ requestPrincipals: ['*'] }), 'spec.rules[0].from[0].source.requestPrincipals'],
    ['remote addresses', from({ remoteIpBlocks: ['10.0.0.0/8'] }), 'spec.rules[0].from[0].source.remoteIpBlocks'],
    [
      'trust domains, which ztunnel ignores silently',
      from({ trustDomains: ['td'] }),
      'spec.rules[0].from[0].source.trustDomains',
    ],
    ['a header condition', when('request.headers[x]'), 'spec.rules[0].when[0].key'],
    ['source.serviceAccount, unknown to ztunnel', when('source.serviceAccount'), 'spec.rules[0].when[0].key'],
    ['an address that istiod would drop', from({ ipBlocks: ['ten'] }), 'spec.rules[0].from[0].source.ipBlocks'],
    ['a port that istiod would drop', to({ ports: ['http'] }), 'spec.rules[0].to[0].operation.ports'],
    ['an empty source, anybody to one and nobody to the other', from({}), 'spec.rules[0].from[0].source'],
    ['CUSTOM', { action: 'CUSTOM', provider: { name: 'opa' } }, 'spec.provider'],
    ['AUDIT', { action: 'AUDIT' }, 'spec.action'],
    ['targetRefs', { targetRefs: [{ kind: 'Service', name: 'web' }] }, 'spec.targetRefs'],
    ['a field of tomorrow', rule({ until: 'noon' }), 'spec.rules[0].until'],
  ])('%s', (_, spec, field) => {
    expect(found(object('AuthorizationPolicy', spec))).toEqual([`SST2001 ${field}`]);
  });

  it('names the dry-run annotation', () => {
    const dryRun = object('AuthorizationPolicy', {}, { annotations: { 'istio.io/dry-run': 'true' } });
    expect(found(dryRun)).toEqual(['SST2001 metadata.annotations[istio.io/dry-run]']);
  });

  it('names principals where sidecars rewrite trust domains', () => {
    const aliased = { ...scope, mesh: { ...scope.mesh, trustDomainAliases: ['old'] } };
    expect(found(object('AuthorizationPolicy', from({ principals: ['old/ns/a/sa/b'] })), aliased)).toEqual([
      'SST2001 spec.rules[0].from[0].source.principals',
    ]);
  });
});

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
    ['a DestinationRule exported to us', object('DestinationRule', { exportTo: ['shop'] }, { namespace: 'other' }), 1],
    ['an HTTPRoute of a Service', object('HTTPRoute', { parentRefs: [{ kind: 'Service', name: 'web' }] }), 1],
    ['an HTTPRoute of a Gateway', object('HTTPRoute', { parentRefs: [{ name: 'ingress' }] }), 0],
    ['a NetworkPolicy here', object('NetworkPolicy', { podSelector: {} }), 1],
    ['a NetworkPolicy elsewhere', object('NetworkPolicy', { podSelector: {} }, { namespace: 'other' }), 0],
    ['a Service bound to a waypoint', object('Service', {}, { labels: { 'istio.io/use-waypoint': 'waypoint' } }), 1],
    ['a Service that opts out of waypoints', object('Service', {}, { labels: { 'istio.io/use-waypoint': 'none' } }), 0],
    ['a Telemetry of the root namespace', object('Telemetry', {}, { namespace: 'istio-system' }), 1],
  ])('%s', (_, given, count) => {
    expect(found(given)).toHaveLength(count);
  });

  it('names kind, object and field of what it does not understand', () => {
    const [finding] = policyFindings([object('EnvoyFilter', {}, { name: 'lua', namespace: 'istio-system' })], scope);
    expect(finding).toEqual({
      code: 'SST2001',
      object: 'EnvoyFilter/istio-system/lua',
      message: 'EnvoyFilter lua, field spec: applies to this namespace and is not yet understood',
    });
  });

  it('finds mesh settings that ztunnel does not honour', () => {
    const closed = { ...scope, mesh: { ...scope.mesh, outboundTrafficPolicy: 'REGISTRY_ONLY', enableAutoMtls: false } };
    expect(policyFindings([], closed).map(({ code, object: name }) => `${code} ${name}`)).toEqual([
      'SST2001 ConfigMap/istio-system/istio',
      'SST2001 ConfigMap/istio-system/istio',
    ]);
  });
});

describe('PeerAuthentication', () => {
  it.each([
    ['STRICT', { mtls: { mode: 'STRICT' } }, []],
    ['PERMISSIVE', { mtls: { mode: 'PERMISSIVE' } }, []],
    ['UNSET', {}, []],
    ['DISABLE', { mtls: { mode: 'DISABLE' } }, ['SST2002 spec.mtls.mode']],
    ['DISABLE on a port', { portLevelMtls: { 80: { mode: 'DISABLE' } } }, ['SST2002 spec.portLevelMtls.80.mode']],
    ['other modes on a port', { portLevelMtls: { 80: { mode: 'STRICT' } } }, ['SST2001 spec.portLevelMtls']],
  ])('%s', (_, spec, expected) => {
    expect(found(object('PeerAuthentication', spec))).toEqual(expected);
  });

  it('is strict by the namespace before the mesh', () => {
    const strictMesh = object('PeerAuthentication', { mtls: { mode: 'STRICT' } }, { namespace: 'istio-system' });
    const permissive = object('PeerAuthentication', { mtls: { mode: 'PERMISSIVE' } });
    const workload = object('PeerAuthentication', {
      mtls: { mode: 'STRICT' },
      selector: { matchLabels: { app: 'web' } },
    });
    expect(callerDemands([strictMesh], scope).strict).toBe(true);
    expect(callerDemands([strictMesh, permissive], scope).strict).toBe(false);
    expect(callerDemands([strictMesh, permissive, workload], scope).strict).toBe(true);
  });

  it('knows policies that decide by identity', () => {
    expect(callerDemands([object('AuthorizationPolicy', from({ principals: ['a'] }))], scope).identityBased).toBe(true);
    expect(callerDemands([object('AuthorizationPolicy', to({ ports: ['80'] }))], scope).identityBased).toBe(false);
  });
});
