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
      [subsets, attached('RequestAuthentication', 'GatewayClass', 'istio-system')],
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
});
