import { describe, expect, it } from 'vitest';
import { WAYPOINT, foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import type { PolicyObject } from '../policy-object.js';

const bound = policyScope({ waypoint: WAYPOINT });
const entry = (spec: object): PolicyObject =>
  policyObject('ServiceEntry', { hosts: ['api.example.com'], resolution: 'DNS', ...spec });

describe('a VirtualService', () => {
  it.each<[string, object, string, string[]]>([
    ['for hosts of both', { hosts: ['web', 'web.other.svc.cluster.local'] }, 'shop', ['SST3003 spec.hosts']],
    ['for the outside', { hosts: ['api.example.com'] }, 'other', ['SST3003 spec.hosts']],
    ['for everybody', { hosts: ['*'] }, 'other', ['SST3003 spec.hosts']],
    ['of a caller', { hosts: ['web.shop.svc.cluster.local'] }, 'other', ['SST3003 spec.hosts']],
    ['for others', { hosts: ['web.other.svc.cluster.local'] }, 'shop', ['SST3004 spec.hosts']],
    ['that is delegated to', { http: [] }, 'shop', ['SST3003 spec.hosts']],
    ['for the mesh and a gateway', { hosts: ['web'], gateways: ['mesh', 'ingress'] }, 'shop', ['SST3003 spec.hosts']],
    ['for a gateway', { hosts: ['*'], gateways: ['istio-ingress/public'] }, 'shop', []],
  ])('%s', (_, spec, namespace, expected) => {
    expect(foundIn(policyObject('VirtualService', spec, { namespace }))).toEqual(expected);
  });
});

describe('a VirtualService of another namespace, for its own Service', () => {
  const home = { namespace: 'other' };
  const route = (subset: string): object => ({ http: [{ route: [{ destination: { host: 'web', subset } }] }] });
  const routed = policyObject('VirtualService', { hosts: ['web'], ...route('v1') }, { ...home, name: 'routed' });
  const rule = policyObject('DestinationRule', { host: 'web', subsets: [{ name: 'v1' }] }, home);
  const scope = policyScope({ routedElsewhere: new Set(['other/routed']) });

  it('asks for nothing once a migration has written HTTPRoutes for it there, nor do its subsets', () => {
    expect(foundIn([routed, rule])).toEqual(['SST3004 spec.hosts', 'SST3008 spec.subsets']);
    expect(foundIn([routed, rule], scope)).toEqual([]);
  });

  it('leaves subsets that another one names', () => {
    const another = policyObject('VirtualService', { hosts: ['web'], ...route('v1') }, { ...home, name: 'another' });
    expect(foundIn([routed, another, rule], scope)).toEqual(['SST3004 spec.hosts', 'SST3008 spec.subsets']);
    const atGateway = { ...another, spec: { hosts: ['*'], gateways: ['edge'], ...route('v1') } };
    expect(foundIn([routed, atGateway, rule], scope)).toEqual([]);
    expect(foundIn([rule], scope)).toEqual(['SST3008 spec.subsets']);
  });
});

describe('a Sidecar', () => {
  it.each<[string, object, string[]]>([
    [
      'with everything',
      { ingress: [{}], outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
      ['SST3012 spec.outboundTrafficPolicy.mode', 'SST3013 spec.ingress'],
    ],
    [
      'without a mode, which means REGISTRY_ONLY',
      { outboundTrafficPolicy: {} },
      ['SST3012 spec.outboundTrafficPolicy.mode'],
    ],
    ['with limits inbound', { inboundConnectionPool: {} }, ['SST3013 spec.inboundConnectionPool']],
    [
      'with a listener outbound',
      { egress: [{ hosts: ['./*'] }, { hosts: ['a/*'], bind: '127.0.0.1' }] },
      ['SST3013 spec.egress[1].bind'],
    ],
    [
      'with a proxy for egress',
      { outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy: {} } },
      ['SST2001 spec.outboundTrafficPolicy.egressProxy'],
    ],
    [
      'of hosts',
      { egress: [{ hosts: ['./*'] }], outboundTrafficPolicy: { mode: 'ALLOW_ANY' } },
      ['SST3011 spec.egress'],
    ],
    ['of tomorrow', { egress: [{ hosts: ['*/*'] }], tomorrow: 1 }, ['SST2001 spec.tomorrow']],
  ])('%s', (_, spec, expected) => {
    expect(foundIn(policyObject('Sidecar', spec))).toEqual(expected);
  });
});

describe('an EnvoyFilter', () => {
  const patch = (applyTo: string, context?: string): object => ({ applyTo, match: { ...(context && { context }) } });
  it.each([
    ['of gateways', [patch('LISTENER', 'GATEWAY'), patch('CLUSTER', 'GATEWAY')], 0],
    ['of gateways and sidecars', [patch('LISTENER', 'GATEWAY'), patch('CLUSTER', 'SIDECAR_OUTBOUND')], 1],
    ['of the bootstrap', [patch('BOOTSTRAP', 'GATEWAY')], 1],
    ['of anything', [patch('CLUSTER')], 1],
    ['of nothing', [], 1],
  ])('%s', (_, configPatches, count) => {
    expect(foundIn(policyObject('EnvoyFilter', { configPatches }))).toHaveLength(count);
  });
});

describe('a Telemetry', () => {
  it('is taken by a waypoint of its namespace, or from the root namespace', () => {
    const shared = policyScope({ waypoint: { ...WAYPOINT, namespace: 'edge' } });
    const root = policyObject('Telemetry', {}, { namespace: 'istio-system' });
    expect(foundIn(policyObject('Telemetry'), bound)).toEqual(['SST3018 spec']);
    expect(foundIn(policyObject('Telemetry'), shared)).toEqual(['SST3017 spec']);
    expect(foundIn(root, shared)).toEqual(['SST3018 spec']);
  });

  it('of the root namespace with a selector is for pods of that namespace only', () => {
    const selector = { matchLabels: { app: 'web' } };
    const root = { namespace: 'istio-system' };
    expect(foundIn(policyObject('Telemetry', { selector }, root))).toEqual([]);
    expect(foundIn(policyObject('WasmPlugin', { selector }, root))).toEqual(['SST3016 spec']);
  });
});

describe('what is outside the cluster', () => {
  it.each<[string, object, string]>([
    ['by DNS', {}, 'SST3020 spec.hosts'],
    ['without an address', { resolution: undefined }, 'SST3021 spec.resolution'],
    ['with one of many addresses', { resolution: 'DNS_ROUND_ROBIN' }, 'SST3021 spec.resolution'],
    ['by a socket', { resolution: 'STATIC', endpoints: [{ address: 'unix:///run/x' }] }, 'SST3021 spec.endpoints'],
    ['in the mesh', { location: 'MESH_INTERNAL' }, 'SST3023 spec.location'],
  ])('a ServiceEntry %s', (_, spec, expected) => {
    expect(foundIn(entry(spec))).toEqual([expected]);
  });

  it.each<[string, object, PolicyObject[], string]>([
    ['has an account of the mesh', { serviceAccount: 'a' }, [], 'SST3023 spec'],
    ['is chosen by a Service too', {}, [policyObject('Service', { selector: { app: 'vm' } })], 'SST3023 spec'],
    [
      'is chosen for the mesh too',
      {},
      [entry({ location: 'MESH_INTERNAL', workloadSelector: { labels: {} } })],
      'SST3023 spec',
    ],
    [
      'is chosen for the outside only',
      {},
      [policyObject('Service', { selector: { app: 'web' } })],
      'SST3020 spec.address',
    ],
  ])('a WorkloadEntry %s', (_, spec, others, expected) => {
    const workload = policyObject('WorkloadEntry', { address: '192.0.2.1', labels: { app: 'vm' }, ...spec });
    const chosen = entry({ resolution: 'STATIC', workloadSelector: { labels: { app: 'vm' } } });
    expect(foundIn([workload, chosen, ...others])[0]).toBe(expected);
  });
});

describe('a headless Service', () => {
  const headless = policyObject('Service', { clusterIP: 'None', selector: { app: 'web' } }, { name: 'web' });
  const routed = policyObject('HTTPRoute', { parentRefs: [{ kind: 'Service', name: 'web' }] });
  it('that a route names is past the waypoint', () => {
    expect(foundIn([headless, routed], bound)).toEqual(['SST5002', 'SST3026 spec.clusterIP']);
    expect(foundIn([headless, routed])).toEqual(['SST3024 spec.parentRefs', 'SST3025 spec.clusterIP']);
  });

  it('of another namespace, or one with an address, is nobody’s concern', () => {
    expect(foundIn({ ...headless, metadata: { name: 'web', namespace: 'other' } })).toEqual([]);
    expect(foundIn(policyObject('Service', { clusterIP: '10.0.0.1', selector: { app: 'web' } }))).toEqual([]);
  });
});
