import { describe, expect, it } from 'vitest';
import type { PolicyObject } from '../../policy-object.js';
import { writtenRoutes, type WrittenRoutes } from './written-routes.js';

const object = (kind: string, name: string, spec: object, namespace = 'shop'): PolicyObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace },
  spec,
});
const service = (name: string, namespace?: string): PolicyObject =>
  object('Service', name, { selector: { app: name }, ports: [{ name: 'http', port: 80 }] }, namespace);
const to = (host: string, subset?: string): object => ({ destination: { host, ...(subset && { subset }) } });
const routing = (name: string, http: object, fields: object = {}, namespace?: string): PolicyObject =>
  object('VirtualService', name, { hosts: ['web'], http: [http], ...fields }, namespace);
const plain = routing('plain', { route: [to('web')], timeout: '3s' });
const canary = routing('canary', {
  route: [
    { ...to('web', 'v1'), weight: 9 },
    { ...to('web', 'v2'), weight: 1 },
  ],
});
const subsets = object('DestinationRule', 'web', {
  host: 'web',
  subsets: ['v1', 'v2'].map((name) => ({ name, labels: { version: name } })),
});
const attached = (kind: string, target: string, namespace?: string): PolicyObject =>
  object(kind, 'attached', { targetRefs: [{ kind: target, name: 'x' }] }, namespace);

const edgeRoute = (kind: string, rule: object, parentRefs: object[] = [{ name: 'edge' }]): PolicyObject =>
  object(kind, 'edge', { parentRefs, rules: [rule] });

const routesOf = (...objects: PolicyObject[]): WrittenRoutes =>
  writtenRoutes({ namespace: 'shop', objects: [service('web'), ...objects] });
const namesOf = ({ written }: WrittenRoutes): string[] =>
  written.map(({ object: { kind, metadata }, source }) => `${kind}/${metadata.name} for ${source.metadata.name}`);

describe('routes that a migration writes', () => {
  it('say what a VirtualService says, with Services for subsets that the waypoint lets pass', () => {
    const routes = routesOf(canary, subsets);
    expect(namesOf(routes)).toEqual([
      'Service/web-v1 for canary',
      'Service/web-v2 for canary',
      'HTTPRoute/canary for canary',
    ]);
    expect(routes.written.map(({ object: { metadata } }) => metadata.labels)).toEqual([
      { 'istio.io/use-waypoint': 'none' },
      { 'istio.io/use-waypoint': 'none' },
      undefined,
    ]);
    expect([routes.says(canary), routes.saysSubsets(subsets)]).toEqual([true, true]);
  });

  it.each<[what: string, virtualService: PolicyObject, others: PolicyObject[], at: string, why: RegExp]>([
    [
      'what an HTTPRoute cannot say',
      routing('x', { route: [to('web')], fault: {} }),
      [],
      'spec.http[0].fault',
      /no faults/,
    ],
    [
      'what a gateway does as well',
      routing('x', { route: [to('web')] }, { gateways: ['edge', 'mesh'] }),
      [],
      'spec.gateways',
      /^edge /,
    ],
    [
      'what another namespace has to grant',
      routing('x', { route: [to('web.other.svc.cluster.local')] }),
      [service('web', 'other')],
      'spec.http',
      /has to grant/,
    ],
    [
      'what requests of a gateway would meet first today, by a VirtualService',
      plain,
      [routing('edge', { route: [to('web.shop.svc.cluster.local')] }, { hosts: ['*'], gateways: ['edge'] }, 'edge')],
      'spec.hosts',
      /^VirtualService\/edge\/edge /,
    ],
    [
      'what requests of a gateway would meet first today, by an HTTPRoute',
      plain,
      [object('HTTPRoute', 'edge', { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: 'web' }] }] })],
      'spec.hosts',
      /^HTTPRoute\/edge /,
    ],
    [
      'what requests of a gateway would meet first today, by a GRPCRoute of a set of listeners',
      plain,
      [
        edgeRoute('GRPCRoute', { backendRefs: [{ name: 'other' }, { name: 'web' }] }, [
          { kind: 'ListenerSet', name: 'x' },
        ]),
      ],
      'spec.hosts',
      /^GRPCRoute\/edge sends requests of a gateway there, which nobody routes by this today$/,
    ],
    [
      'what copies of requests of a gateway would meet first today',
      plain,
      [
        edgeRoute('HTTPRoute', { filters: [{ requestMirror: { backendRef: { name: 'web' } } }] }, [
          { kind: 'Service', name: 'front' },
          { name: 'edge' },
        ]),
      ],
      'spec.hosts',
      /^HTTPRoute\/edge /,
    ],
    [
      'what requests of a gateway would meet first today, from another namespace',
      plain,
      [
        {
          ...edgeRoute('HTTPRoute', { backendRefs: [{ name: 'web', namespace: 'shop' }] }),
          metadata: { name: 'edge', namespace: 'edge' },
        },
      ],
      'spec.hosts',
      /^HTTPRoute\/edge\/edge /,
    ],
    [
      'subsets past a policy of a Service',
      canary,
      [subsets, attached('AuthorizationPolicy', 'Service')],
      'spec.http',
      /^who calls Service web-v1, .* AuthorizationPolicy\/attached$/,
    ],
    [
      'subsets past a filter of a waypoint',
      canary,
      [subsets, attached('WasmPlugin', 'Gateway')],
      'spec.http',
      / WasmPlugin\/attached$/,
    ],
    [
      'subsets past a policy of all waypoints',
      canary,
      [
        subsets,
        object(
          'RequestAuthentication',
          'attached',
          { targetRefs: [{ kind: 'Other' }, { kind: 'GatewayClass' }] },
          'istio-system',
        ),
      ],
      'spec.http',
      /RequestAuthentication\/istio-system\/attached$/,
    ],
  ])('leave out %s', (_, virtualService, others, at, why) => {
    const routes = routesOf(virtualService, ...others);
    expect(routes.written).toEqual([]);
    expect(routes.refused.get(virtualService)).toEqual({ at, message: expect.stringMatching(why) as string });
    expect([routes.says(virtualService), routes.saysSubsets(subsets)]).toEqual([false, virtualService !== canary]);
  });

  it.each<[what: string, virtualService: PolicyObject, other: PolicyObject]>([
    [
      'a gateway sends requests to another Service',
      plain,
      routing('edge', { route: [to('web')] }, { hosts: ['*'], gateways: ['edge'] }, 'edge'),
    ],
    [
      'a route of the mesh sends requests there',
      plain,
      object('HTTPRoute', 'front', {
        parentRefs: [{ kind: 'Service', name: 'front' }],
        rules: [{ backendRefs: [{ name: 'web' }] }],
      }),
    ],
    [
      'a gateway has another namespace’s Service of that name for its backend',
      plain,
      object('HTTPRoute', 'edge', {
        parentRefs: [{ name: 'edge' }],
        rules: [{ backendRefs: [{ name: 'web', namespace: 'other' }] }],
      }),
    ],
    [
      'a VirtualService of the mesh leads to what it routes',
      plain,
      routing(
        'front',
        { route: [to('web.shop.svc.cluster.local')] },
        { hosts: ['front'], gateways: ['mesh'] },
        'other',
      ),
    ],
    ['what is no route has parents and backends', plain, edgeRoute('TLSRoute', { backendRefs: [{ name: 'web' }] })],
    ['a policy for pods is met by their callers', canary, object('AuthorizationPolicy', 'own', { rules: [] })],
    ['what decides nothing is for a Service', canary, attached('BackendTLSPolicy', 'Service')],
    [
      'a policy of another namespace is for a Gateway beside its Services',
      canary,
      object('AuthorizationPolicy', 'far', { targetRefs: [{ kind: 'Service' }, { kind: 'Gateway' }] }, 'other'),
    ],
    ['a policy of Services has no subset to fear for', plain, attached('AuthorizationPolicy', 'Service')],
    [
      'a policy of another namespace is for its own Services',
      canary,
      attached('AuthorizationPolicy', 'Service', 'other'),
    ],
  ])('are written where %s', (_, virtualService, other) => {
    const routes = routesOf(virtualService, subsets, other);
    expect(routes.says(virtualService)).toBe(true);
    expect([...routes.refused]).toEqual([]);
  });

  it('leave subsets to a DestinationRule that other routes name, those of gateways and of other namespaces too', () => {
    const edge = routing('edge', { route: [to('web', 'v1')] }, { gateways: ['edge'] });
    const caller = routing('caller', { route: [to('web.shop.svc.cluster.local', 'v2')] }, {}, 'other');
    for (const user of [edge, caller]) expect(routesOf(subsets, user).saysSubsets(subsets)).toBe(false);
    expect(routesOf(subsets).saysSubsets(subsets)).toBe(true);
    expect(routesOf(subsets).saysSubsets(object('DestinationRule', 'far', { host: 'web' }, 'other'))).toBe(false);
  });

  it('are in the order of names, each object once, for the first that asks for it', () => {
    const [b, a] = ['b', 'a'].map((name) => routing(name, { route: [to('web', 'v1')] }, { hosts: [name] }));
    const names = ['Service/web-v1 for a', 'HTTPRoute/a for a', 'HTTPRoute/b for b'];
    for (const both of [
      [a!, b!],
      [b!, a!],
    ])
      expect(namesOf(routesOf(service('a'), service('b'), subsets, ...both))).toEqual(names);
  });

  it('are none for VirtualServices of other namespaces, and for gateways only', () => {
    const far = routing(
      'far',
      { route: [to('web.shop.svc.cluster.local')] },
      { hosts: ['web.shop.svc.cluster.local'] },
      'other',
    );
    const edge = routing('edge', { route: [to('web')] }, { gateways: ['edge'] });
    const routes = routesOf(far, edge);
    expect([routes.written, [...routes.refused]]).toEqual([[], []]);
  });

  it('keep labels of what stands for a subset, and nothing of the rest is touched', () => {
    const [made] = routesOf(canary, subsets).written;
    expect(made?.object).toMatchObject({ kind: 'Service', metadata: { name: 'web-v1', namespace: 'shop' } });
    expect(routesOf(plain).written.map((one) => one.object.metadata)).toEqual([{ name: 'plain', namespace: 'shop' }]);
  });

  it('stand for subsets of a Service whatever others name of another', () => {
    const rule = (host: string): PolicyObject => object('DestinationRule', host, { host, subsets: [{ name: 'v1' }] });
    const edge = routing('edge', { route: [to('web-2', 'v1')] }, { gateways: ['edge'] });
    const routes = routesOf(service('web-2'), edge);
    expect(['web', 'web-2', 'web-2.other.svc.cluster.local'].map((host) => routes.saysSubsets(rule(host)))).toEqual([
      true,
      false,
      false,
    ]);
    const far = { ...rule('web.shop.svc.cluster.local'), metadata: { name: 'far', namespace: 'other' } };
    expect(routes.saysSubsets(far)).toBe(false);
  });
});
