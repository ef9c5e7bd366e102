import { describe, expect, it } from 'vitest';
import { many, object, rule, service, translated } from '../../../../test/support/routes/written.js';
import type { PolicyObject } from '../../policy-object.js';
import { concernsMesh } from './parents.js';

const refusedOf = (spec: object, ...objects: PolicyObject[]): object[] =>
  translated({ ...rule({}), ...spec }, [service('web'), ...objects]).refused.map(({ at, message }) => ({
    at,
    message,
  }));
const route = (kind: string, name: string, parentRefs: object[], namespace?: string): PolicyObject =>
  object(kind, name, { parentRefs }, namespace);
const ofWeb = { group: '', kind: 'Service', name: 'web' };

describe('a host of a VirtualService', () => {
  it.each<[string, string, PolicyObject[], string]>([
    [
      'elsewhere',
      'web.other.svc.cluster.local',
      [],
      'a route of web.other.svc.cluster.local has to be in its namespace',
    ],
    ['unknown', 'cart', [], 'cart is no Service of the namespace'],
    ['headless', 'quiet', [service('quiet', { clusterIP: 'None' })], 'who calls quiet does so past the waypoint'],
    ['without HTTP', 'db', [service('db', { ports: [{ name: 'tcp', port: 1 }] })], 'db has no port for HTTP'],
  ])('that is %s is refused', (_, host, objects, message) => {
    expect(refusedOf({ hosts: ['web', host] }, ...objects)).toEqual([{ at: 'spec.hosts[1]', message }]);
  });

  it('is one of 32 at most, each counted once as a parent', () => {
    const services = many(33, (index) => service(`s${index}`));
    const hosts = services.map(({ metadata }) => metadata.name);
    expect(refusedOf({ hosts: hosts.slice(1) }, ...services)).toEqual([]);
    expect(refusedOf({ hosts }, ...services)).toEqual([{ at: 'spec.hosts', message: 'has more than 32 hosts' }]);
    expect(refusedOf({ hosts: [] })).toEqual([{ at: 'spec.hosts', message: 'names nothing' }]);
  });

  it.each<[string, PolicyObject, string]>([
    ['another VirtualService', object('VirtualService', 'x', { hosts: ['cart', 'web'] }), 'VirtualService x'],
    [
      'one of its name in another namespace',
      object('VirtualService', 'web', { hosts: ['web.shop.svc.cluster.local'] }, 'other'),
      'VirtualService other/web',
    ],
    ['an HTTPRoute', route('HTTPRoute', 'x', [{ kind: 'Gateway', name: 'edge' }, ofWeb]), 'HTTPRoute x'],
    ['a GRPCRoute of its name', route('GRPCRoute', 'web', [ofWeb]), 'GRPCRoute web'],
    [
      'an HTTPRoute of another namespace with its name',
      route('HTTPRoute', 'web', [{ ...ofWeb, namespace: 'shop' }], 'other'),
      'HTTPRoute other/web',
    ],
    ['an HTTPRoute whose name only begins so', route('HTTPRoute', 'web-2-beta', [ofWeb]), 'HTTPRoute web-2-beta'],
    ['an HTTPRoute whose name only ends so', route('HTTPRoute', 'my-web', [ofWeb]), 'HTTPRoute my-web'],
    ['an HTTPRoute with a number too many', route('HTTPRoute', 'web-80-2-1', [ofWeb]), 'HTTPRoute web-80-2-1'],
  ])('is refused where %s routes it, too', (_, other, name) => {
    expect(refusedOf({}, other)).toEqual([{ at: 'spec.hosts[0]', message: `${name} routes it, too` }]);
  });

  it.each<[string, PolicyObject]>([
    ['a VirtualService of another host', object('VirtualService', 'x', { hosts: ['cart'] })],
    ['one for gateways', object('VirtualService', 'x', { hosts: ['web'], gateways: ['edge'] })],
    ['one of another namespace for its own', object('VirtualService', 'x', { hosts: ['web'] }, 'other')],
    ['an HTTPRoute of a Gateway', route('HTTPRoute', 'x', [{ kind: 'Gateway', name: 'web' }])],
    ['one of another namespace for its own Service', route('HTTPRoute', 'x', [ofWeb], 'other')],
    ['one of another Service', route('HTTPRoute', 'x', [{ ...ofWeb, name: 'cart' }])],
    ['a TCPRoute', route('TCPRoute', 'x', [ofWeb])],
    ['its own HTTPRoute for a port, of an earlier look', route('HTTPRoute', 'web-8080', [ofWeb])],
    ['the second of those', route('HTTPRoute', 'web-8080-2', [ofWeb])],
  ])('stays where there is %s', (_, other) => {
    expect(refusedOf({}, other)).toEqual([]);
  });
});

it.each([
  [{}, true],
  [{ gateways: [] }, true],
  [{ gateways: ['edge', 'mesh'] }, true],
  [{ gateways: ['edge'] }, false],
])('a VirtualService %j is for callers in the mesh: %s', (spec, isOne) => {
  expect(concernsMesh(spec)).toBe(isOne);
});
