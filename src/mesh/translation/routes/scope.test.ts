import { describe, expect, it } from 'vitest';
import { object, service } from '../../../../test/support/routes/written.js';
import { hasWaypoint, httpPorts, isThere, objectAt } from './scope.js';

describe('a port of a Service', () => {
  it.each<[object, boolean]>([
    [{}, true],
    [{ name: 'http' }, true],
    [{ name: 'grpc-web' }, true],
    [{ name: 'tcpish' }, true],
    [{ protocol: 'TCP' }, true],
    [{ name: 'tcp', appProtocol: 'http' }, true],
    [{ name: 'tcp' }, false],
    [{ name: 'TCP-db' }, false],
    [{ name: 'https' }, false],
    [{ name: 'redis-cache' }, false],
    [{ name: 'http', appProtocol: 'tls' }, false],
    [{ name: 'http', protocol: 'UDP' }, false],
  ])('%j is one for HTTP: %s', (port, isOne) => {
    const ports = [{ port: 80, ...port }];
    expect(httpPorts(service('web', { ports }))).toEqual(isOne ? ports : []);
  });
});

describe('a Service', () => {
  it.each<[string, object, object, boolean]>([
    ['is called by its address', {}, {}, true],
    ['asks for a waypoint', {}, { labels: { 'istio.io/use-waypoint': 'mine' } }, true],
    ['asks for none', {}, { labels: { 'istio.io/use-waypoint': 'none' } }, false],
    ['is headless', { clusterIP: 'None' }, {}, false],
    ['is the name of another host', { type: 'ExternalName', externalName: 'x.com' }, {}, false],
  ])('that %s has a waypoint: %s', (_, spec, metadata, isOne) => {
    expect(hasWaypoint(service('web', spec, 'shop', metadata))).toBe(isOne);
  });
});

describe('an object', () => {
  const route = (spec: object): ReturnType<typeof object> => object('HTTPRoute', 'web', spec);
  const made = route({ rules: [{ name: 'a' }, { name: 'b' }], hostnames: null });

  it.each<[string, object, boolean]>([
    ['as it is made', { rules: [{ name: 'a' }, { name: 'b' }], hostnames: null }, true],
    [
      'with what others have added',
      { rules: [{ name: 'a', timeouts: {} }, { name: 'b' }], hostnames: null, more: 1 },
      true,
    ],
    ['with more in a list', { rules: [{ name: 'a' }, { name: 'b' }, { name: 'c' }], hostnames: null }, false],
    ['with something else in a list', { rules: [{ name: 'a' }, { name: 'c' }], hostnames: null }, false],
    ['without a list', { rules: 'none', hostnames: null }, false],
    ['without a field', { rules: [{ name: 'a' }, { name: 'b' }] }, false],
  ])('is there %s: %s', (_, spec, isOne) => {
    expect(isThere(made, { namespace: 'shop', objects: [route(spec)] })).toBe(isOne);
  });

  it('is not there where another one is', () => {
    const others = [
      object('GRPCRoute', 'web', {}),
      object('HTTPRoute', 'web', {}, 'other'),
      object('HTTPRoute', 'x', {}),
    ];
    const scope = { namespace: 'shop', objects: others };
    expect(isThere(object('HTTPRoute', 'web', {}), scope)).toBe(false);
    expect(objectAt(scope, 'HTTPRoute', 'other', 'web')).toBe(others[1]);
    expect(objectAt(scope, 'HTTPRoute', 'shop', undefined)).toBeUndefined();
  });
});
