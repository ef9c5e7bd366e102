import { describe, expect, it } from 'vitest';
import type { PolicyObject } from './policy-object.js';
import { isServed, namesWaypoint, targetsOf, waypointNeed } from './waypoint-needs.js';

const policy = {
  kind: 'AuthorizationPolicy',
  metadata: { name: 'deny', namespace: 'shop' },
  spec: { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' }] },
};

it('a policy for a Gateway is enforced by that of its own namespace, and by no other of the same name', () => {
  const code = (namespace: string): string | undefined =>
    waypointNeed(policy, { name: 'waypoint', namespace, account: 'waypoint' }, 'shop')?.code;
  expect(code('shop')).toBe('SST5001');
  expect(code('infra')).toBeUndefined();
});

const waypoint = { name: 'waypoint', namespace: 'shop', account: 'waypoint' };
const USE = 'istio.io/use-waypoint';
const made = (kind: string, spec: object, namespace = 'shop'): PolicyObject => ({
  kind,
  metadata: { name: 'x', namespace },
  spec,
});
const route = (...parentRefs: object[]): PolicyObject => made('HTTPRoute', { parentRefs });
const web = { group: '', kind: 'Service', name: 'web' };
const gate = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' };
const labelled = (kind: string, labels: Record<string, string>, annotations: Record<string, string> = {}) => ({
  kind,
  metadata: {
    name: kind === 'Namespace' ? 'shop' : 'web',
    labels,
    annotations,
    ...(kind === 'Service' && { namespace: 'shop' }),
  },
});
const use = { [USE]: 'waypoint' };

describe('what asks for a waypoint', () => {
  it.each<[string, PolicyObject, string]>([
    [
      'a policy for a Service',
      made('AuthorizationPolicy', { targetRefs: [web] }),
      'SST5001 AuthorizationPolicy/x: AuthorizationPolicy x is enforced by the waypoint',
    ],
    [
      'a policy with its only target in the older field',
      made('RequestAuthentication', { targetRef: gate }),
      'SST5001 RequestAuthentication/x: RequestAuthentication x is enforced by the waypoint',
    ],
    [
      'a policy for a Service and for the waypoint',
      made('Telemetry', { targetRefs: [web, gate] }),
      'SST5001 Telemetry/x: Telemetry x is enforced by the waypoint',
    ],
    [
      'a plugin',
      made('WasmPlugin', { targetRefs: [gate] }),
      'SST5001 WasmPlugin/x: WasmPlugin x is enforced by the waypoint',
    ],
    [
      'an extension',
      made('TrafficExtension', { targetRefs: [gate] }),
      'SST5001 TrafficExtension/x: TrafficExtension x is enforced by the waypoint',
    ],
    ['a route of a Service', route(web), 'SST5002 HTTPRoute/x: HTTPRoute x is carried out by the waypoint'],
    [
      'a route of a Service of gRPC',
      made('GRPCRoute', { parentRefs: [{ ...web, namespace: 'shop' }] }),
      'SST5002 GRPCRoute/x: GRPCRoute x is carried out by the waypoint',
    ],
    [
      'a route of a Service, and of a Gateway for ingress',
      route({ name: 'ingress' }, { kind: 'Gateway', name: 'ingress' }, web),
      'SST5002 HTTPRoute/x: HTTPRoute x is carried out by the waypoint',
    ],
    [
      'a namespace that names it',
      labelled('Namespace', use),
      'SST5003 Namespace/shop: Namespace shop names the waypoint waypoint',
    ],
    [
      'a Service that names it',
      labelled('Service', use),
      'SST5003 Service/web: Service web names the waypoint waypoint',
    ],
  ])('is %s', (_, object, expected) => {
    const { code, object: name, message } = waypointNeed(object, waypoint, 'shop')!;
    expect(`${code} ${name}: ${message}`).toBe(expected);
  });

  it.each<[string, PolicyObject]>([
    ['a policy of another namespace', made('AuthorizationPolicy', { targetRefs: [web] }, 'other')],
    ['a policy for pods', made('AuthorizationPolicy', { selector: {} })],
    ['a policy for another Gateway', made('AuthorizationPolicy', { targetRefs: [{ ...gate, name: 'ingress' }] })],
    [
      'a policy for another kind of that name',
      made('AuthorizationPolicy', { targetRefs: [{ ...gate, kind: 'GatewayClass' }] }),
    ],
    [
      'a policy for another Gateway, too',
      made('AuthorizationPolicy', { targetRefs: [web, { ...gate, name: 'ingress' }] }),
    ],
    ['an object that no waypoint reads', made('PeerAuthentication', { targetRefs: [web] })],
    ['a route of a Gateway for ingress', route({ kind: 'Gateway', name: 'ingress' })],
    ['a route of a Gateway whose kind it does not name', route({ name: 'ingress' })],
    ['a route of nobody', route()],
    ['a route of a ServiceEntry', route({ kind: 'ServiceEntry', name: 'web' })],
    ['a route of a Service and of a ServiceEntry', route(web, { kind: 'ServiceEntry', name: 'web' })],
    ['a route of a Service elsewhere', route({ ...web, namespace: 'other' })],
    ['a route of another kind', made('TCPRoute', { parentRefs: [web] })],
    [
      'another namespace that names it',
      {
        ...labelled('Namespace', use),
        metadata: { name: 'other', labels: { ...use, 'istio.io/use-waypoint-namespace': 'shop' } },
      },
    ],
    ['a Service that names another', labelled('Service', { [USE]: 'own' })],
    ['a Service that names none', labelled('Service', {})],
    ['a Service that names one elsewhere', labelled('Service', { ...use, 'istio.io/use-waypoint-namespace': 'edge' })],
    ['a pod that names it', { ...labelled('Service', use), kind: 'Pod' }],
    ['a Service that its account has bound', labelled('Service', use, { 'sidestep.dev/bound-waypoint': 'waypoint' })],
    [
      'a Service that a migration has bound',
      labelled('Service', use, { 'sidestep.dev/waypoint-labels': JSON.stringify({ labels: use }) }),
    ],
  ])('is not %s', (_, object) => {
    expect(waypointNeed(object, waypoint, 'shop')).toBeUndefined();
  });
});

describe('a policy', () => {
  it('has its targets in either field, the newer one first', () => {
    expect(targetsOf(made('WasmPlugin', { targetRefs: [web, gate] }))).toEqual([web, gate]);
    expect(targetsOf(made('WasmPlugin', { targetRef: web }))).toEqual([web]);
    expect(targetsOf(made('WasmPlugin', { targetRefs: [], targetRef: web }))).toEqual([web]);
    expect(targetsOf(made('WasmPlugin', { targetRefs: [gate], targetRef: web }))).toEqual([gate]);
    expect(targetsOf(made('WasmPlugin', {}))).toEqual([]);
  });

  it('is served by a waypoint elsewhere for Services alone', () => {
    const elsewhere = { ...waypoint, namespace: 'edge' };
    expect([isServed(web, elsewhere, 'shop'), isServed(gate, elsewhere, 'shop')]).toEqual([true, false]);
  });
});

it('labels name a waypoint of their own namespace, or of the one that they name', () => {
  const edge = { name: 'waypoint', namespace: 'edge' };
  const far = labelled('Service', { ...use, 'istio.io/use-waypoint-namespace': 'edge' });
  expect([namesWaypoint(far, edge), namesWaypoint(far, waypoint)]).toEqual([true, false]);
  expect(namesWaypoint(labelled('Namespace', use), waypoint)).toBe(true);
  expect(namesWaypoint(labelled('Namespace', {}), waypoint)).toBe(false);
});
