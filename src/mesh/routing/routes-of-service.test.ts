import { describe, expect, it } from 'vitest';
import type { PolicyObject } from '../policy-object.js';
import type { Router } from './routed.js';
import { routesOfService } from './routes-of-service.js';

/** Requests to `web` of `shop`, on port 80. */
const called = { namespace: 'shop', name: 'web' };
const sidecar: Router = { kind: 'Sidecar', namespace: 'apps', labels: {} };
const waypoint: Router = { kind: 'Waypoint', namespace: 'shop', labels: {} };

type Metadata = Partial<PolicyObject['metadata']>;

const object = (kind: string, name: string, spec: object, metadata: Metadata = {}): PolicyObject => ({
  kind,
  metadata: { name, namespace: 'shop', ...metadata },
  spec,
});
const virtualService = (name: string, spec: object = {}, metadata?: Metadata): PolicyObject =>
  object(
    'VirtualService',
    name,
    { hosts: ['web'], http: [{ route: [{ destination: { host: name } }] }], ...spec },
    metadata,
  );
const httpRoute = (name: string, parent: object = {}, metadata?: Metadata): PolicyObject => {
  const parentRefs = [{ kind: 'Service', name: 'web', ...parent }];
  return object('HTTPRoute', name, { parentRefs, rules: [{ backendRefs: [{ name }] }] }, metadata);
};
const born = (second: number, more: Metadata = {}): Metadata => ({
  creationTimestamp: `2026-01-01T00:00:0${second}Z`,
  ...more,
});

/** The route that decides; undefined if there is none. */
function by(objects: readonly PolicyObject[], router: Router = sidecar, port = 80): string | undefined {
  const http = { method: 'GET', host: 'web', path: '/', headers: {} };
  const routed = routesOfService(objects, router, called)?.({ http, port });
  return routed?.by.replace(/, rule 0$/, '');
}

describe('HTTPRoutes of a Service', () => {
  it.each<[boolean, string, PolicyObject]>([
    [true, 'it is their parent', httpRoute('a')],
    [true, 'it is their parent by its namespace', httpRoute('a', { namespace: 'shop' })],
    [
      true,
      'it is their parent from the namespace of the caller',
      httpRoute('a', { namespace: 'shop' }, { namespace: 'apps' }),
    ],
    [false, 'a Service of their own namespace is', httpRoute('a', {}, { namespace: 'apps' })],
    [false, 'one elsewhere is', httpRoute('a', { namespace: 'other' })],
    [false, 'another one is', httpRoute('a', { name: 'api' })],
    [false, 'a Gateway is', httpRoute('a', { kind: 'Gateway' })],
    [false, 'they are in a third namespace', httpRoute('a', { namespace: 'shop' }, { namespace: 'other' })],
    [false, 'they are of another kind', { ...httpRoute('a'), kind: 'GRPCRoute' }],
    [true, 'its port is', httpRoute('a', { port: 80 })],
    [false, 'another port is', httpRoute('a', { port: 81 })],
  ])('are there (%s) where %s', (isThere, _, route) => {
    expect(by([route]) !== undefined).toBe(isThere);
  });

  it('are looked at from the oldest on, those of the caller alone where there are any', () => {
    const [young, old] = [httpRoute('young', {}, born(2)), httpRoute('old', {}, born(1))];
    const own = httpRoute('own', { namespace: 'shop' }, born(3, { namespace: 'apps' }));
    expect(by([young, old])).toBe('HTTPRoute shop/old');
    expect(by([young, old, own])).toBe('HTTPRoute apps/own');
    expect(by([young, old, own], { ...waypoint, namespace: 'apps' })).toBe('HTTPRoute shop/old');
  });

  it('leave other ports to VirtualServices, and to nobody where there are none', () => {
    const onPort = httpRoute('a', { port: 80 });
    expect([by([onPort, virtualService('b')]), by([onPort, virtualService('b')], sidecar, 81)]).toEqual([
      'HTTPRoute shop/a',
      'VirtualService shop/b',
    ]);
    expect(by([onPort], sidecar, 81)).toBeUndefined();
  });
});

describe('VirtualServices of a Service', () => {
  const hosts = (...names: string[]): object => ({ hosts: names });
  it.each<[boolean, string, PolicyObject]>([
    [true, 'its name', virtualService('a')],
    [true, 'its name and its namespace', virtualService('a', hosts('web.shop.svc'), { namespace: 'apps' })],
    [true, 'its full name, among others', virtualService('a', hosts('api', 'web.shop.svc.cluster.local'))],
    [true, 'the end of its name', virtualService('a', hosts('*.svc.cluster.local'))],
    [
      true,
      'its full name, from anywhere',
      virtualService('a', hosts('web.shop.svc.cluster.local'), { namespace: 'other' }),
    ],
    [false, 'the end of a longer name', virtualService('a', hosts('*.eb.shop.svc.cluster.local'))],
    [true, 'anything', virtualService('a', hosts('*'))],
    [false, 'its name in another namespace', virtualService('a', {}, { namespace: 'apps' })],
    [false, 'its name elsewhere', virtualService('a', hosts('web.apps.svc.cluster.local'))],
    [false, 'another name', virtualService('a', hosts('api'))],
    [false, 'the end of another name', virtualService('a', hosts('*.apps.svc.cluster.local'))],
    [false, 'nothing', virtualService('a', hosts())],
    [false, 'it for gateways only', virtualService('a', { gateways: ['ingress'] })],
    [true, 'it for gateways and the mesh', virtualService('a', { gateways: ['ingress', 'mesh'] })],
    [false, 'it, but are exported elsewhere', virtualService('a', { exportTo: ['.'] })],
    [true, 'it, and are exported to the caller', virtualService('a', { exportTo: ['apps'] })],
  ])('are there (%s) that name %s', (isThere, _, one) => {
    expect(by([one]) !== undefined).toBe(isThere);
  });

  it.each<[string, Metadata, string | undefined]>([
    ['of its own', { namespace: 'infra' }, 'VirtualService infra/a'],
    ['of the Service', {}, 'VirtualService shop/a'],
    ['of nobody', { namespace: 'apps' }, undefined],
  ])('are read by a waypoint in the namespace %s, if they are exported to its own', (_, metadata, expected) => {
    const readOf = (exportTo: string): string | undefined => {
      const spec = { ...hosts('web.shop.svc.cluster.local'), exportTo: [exportTo] };
      return by([virtualService('a', spec, metadata)], { ...waypoint, namespace: 'infra' });
    };
    expect([readOf('*'), readOf('infra'), readOf('nobody')]).toEqual([expected, expected, undefined]);
  });

  it('count by how exactly they name it, then by age', () => {
    const all = [
      virtualService('any', hosts('*'), born(1)),
      virtualService('wide', hosts('*.shop.svc.cluster.local', 'api'), born(2)),
      virtualService('young', {}, born(4)),
      virtualService('old', hosts('*', 'web'), born(3)),
    ];
    const order = ['old', 'young', 'wide', 'any'];
    for (const [index, name] of order.entries()) {
      const left = all.filter(({ metadata }) => order.indexOf(metadata.name) >= index);
      expect(by(left)).toBe(`VirtualService shop/${name}`);
      expect(by(left.toReversed())).toBe(`VirtualService shop/${name}`);
    }
  });

  it('are one for a sidecar, and for a waypoint all that name it in any way', () => {
    const none = { http: [{ match: [{ method: { exact: 'POST' } }] }] };
    const all = [
      virtualService('a', none, born(1)),
      virtualService('b', {}, born(2)),
      virtualService('c', hosts('*'), born(3)),
    ];
    expect(by(all)).toBe('VirtualService shop/a');
    expect(by(all, waypoint)).toBe('VirtualService shop/b');
    expect(by([all[0]!, all[2]!], waypoint)).toBe('VirtualService shop/c');
    expect(by(all.slice(0, 1), waypoint)).toBe('VirtualService shop/a');
  });

  it('find delegates by name and namespace, of their own kind', () => {
    const root = virtualService('root', { http: [{ delegate: { name: 'part' } }] });
    const parts = [
      virtualService('part', hosts(), { namespace: 'other' }),
      { ...virtualService('part', hosts()), kind: 'ServiceEntry' },
      virtualService('other', hosts()),
    ];
    expect(by([...parts, root])).toBeUndefined();
    expect(by([...parts, virtualService('part', hosts()), root])).toBe('VirtualService shop/part');
  });
});

describe('a subset of a Service', () => {
  const rule = (version: string, namespace: string, spec: object = {}, name = 'v1'): PolicyObject =>
    object(
      'DestinationRule',
      `${namespace}-${version}`,
      { host: 'web.shop.svc.cluster.local', subsets: [{ name, labels: { version } }], ...spec },
      { namespace },
    );
  /** The version that the subset `v1` is. */
  function versionBy(rules: readonly PolicyObject[]): string | undefined {
    const http = [{ route: [{ destination: { host: 'web', subset: 'v1' } }] }];
    const routes = routesOfService([virtualService('a', { http }), ...rules], sidecar, called, 'root');
    const [outcome] = routes!({ http: { method: 'GET', host: 'web', path: '/', headers: {} }, port: 80 })!.outcomes;
    return outcome && 'labels' in outcome ? outcome.labels['version'] : undefined;
  }

  it.each<[string, PolicyObject[], string | undefined]>([
    ['nothing', [], undefined],
    ['what the Service says', [rule('service', 'shop')], 'service'],
    ['what the mesh says', [rule('mesh', 'root')], 'mesh'],
    ['nothing that others say', [rule('other', 'other')], undefined],
    ['what the Service says before the mesh', [rule('mesh', 'root'), rule('service', 'shop')], 'service'],
    ['what the caller says before both', [rule('service', 'shop'), rule('mesh', 'root'), rule('own', 'apps')], 'own'],
    ['nothing where the caller says other things', [rule('service', 'shop'), rule('own', 'apps', {}, 'v2')], undefined],
    ['nothing that is not exported', [rule('service', 'shop', { exportTo: ['.'] })], undefined],
    [
      'what the mesh says where the rest is not exported',
      [rule('service', 'shop', { exportTo: ['.'] }), rule('mesh', 'root')],
      'mesh',
    ],
    ['what is exported to the caller', [rule('service', 'shop', { exportTo: ['apps'] })], 'service'],
    ['what the caller keeps for itself', [rule('own', 'apps', { exportTo: ['.'] })], 'own'],
    ['nothing of other Services', [rule('service', 'shop', { host: 'api' })], undefined],
    [
      'what is said of the Service before what is said of all',
      [rule('wide', 'shop', { host: '*.shop.svc.cluster.local' }), rule('service', 'shop')],
      'service',
    ],
    ['what is said of all', [rule('wide', 'shop', { host: '*.shop.svc.cluster.local' })], 'wide'],
    ['what is said first of the same', [rule('first', 'shop'), rule('second', 'shop')], 'first'],
    ['what is said in another rule of the same', [rule('other', 'shop', {}, 'v2'), rule('service', 'shop')], 'service'],
    ['what is said of everything', [rule('wide', 'shop', { host: '*' })], 'wide'],
    ['nothing of another kind', [{ ...rule('service', 'shop'), kind: 'Sidecar' }], undefined],
  ])('is %s', (_, rules, expected) => {
    expect(versionBy(rules)).toBe(expected);
  });
});
