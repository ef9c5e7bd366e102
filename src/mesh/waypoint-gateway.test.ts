import { describe, expect, test } from 'vitest';
import type { Gateway } from '../api/gateway-api.js';
import { isAddressed, isProgrammed, isServable, serviceHost, servingOf } from './waypoint-gateway.js';

const HOST = 'wp.shop.svc.cluster.local';

const gateway = (spec: Partial<Gateway['spec']> = {}, metadata: Partial<Gateway['metadata']> = {}): Gateway => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'wp', namespace: 'shop', ...metadata },
  spec: { gatewayClassName: 'istio', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }], ...spec },
});
const listener = { name: 'mesh', port: 15008, protocol: 'HBONE' };

describe('Gateways that Sidestep may serve', () => {
  test('are of class istio, with one HBONE listener on 15008', () => {
    expect(isServable(gateway())).toBe(true);
  });

  test.each<[string, Partial<Gateway['spec']>]>([
    ['another class', { gatewayClassName: 'istio-waypoint' }],
    ['another port', { listeners: [{ ...listener, port: 8080 }] }],
    ['another protocol', { listeners: [{ ...listener, protocol: 'HTTP' }] }],
    ['a second listener', { listeners: [listener, { name: 'http', port: 80, protocol: 'HTTP' }] }],
    ['no listener', { listeners: [] }],
  ])('are not those with %s', (_, spec) => {
    expect(isServable(gateway(spec))).toBe(false);
  });
});

describe('what becomes of them', () => {
  test('they are deployed, with our address as without', () => {
    expect(serviceHost(gateway(), 'cluster.local')).toBe(HOST);
    expect(isAddressed(gateway())).toBe(false);
    expect(isAddressed(gateway({ addresses: [{ type: 'Hostname', value: HOST }] }))).toBe(true);
    expect(servingOf(gateway())).toEqual({ kind: 'deployed' });
    expect(servingOf(gateway({ addresses: [{ type: 'Hostname', value: HOST }] }))).toEqual({ kind: 'deployed' });
  });

  test.each<[string, Gateway, RegExp]>([
    ['OptedOut', gateway({}, { annotations: { 'sidestep.dev/serve': 'false' } }), /sidestep\.dev\/serve/],
    ['AddressTaken', gateway({ addresses: [{ type: 'Hostname', value: 'other.example.com' }] }), /other\.example\.com/],
    ['AddressTaken', gateway({ addresses: [{ value: HOST }] }), /remove it/],
    ['UnsupportedName', gateway({}, { annotations: { 'gateway.istio.io/name-override': 'x' } }), /name-override/],
    ['UnsupportedName', gateway({}, { name: 'shop.v2' }), /a Service cannot be called shop\.v2/],
    ['UnsupportedName', gateway({}, { name: 'w'.repeat(64) }), /at most 63 characters/],
    [
      'UnsupportedName',
      gateway({ gatewayClassName: 'sidestep-waypoint' }, { name: '1st' }),
      /the first of them a letter/,
    ],
    [
      'UnsupportedListener',
      gateway({ listeners: [{ ...listener, tls: { mode: 'Terminate' } }] }),
      /listeners\[0\]\.tls/,
    ],
    [
      'UnsupportedNetwork',
      gateway({}, { labels: { 'topology.istio.io/network': 'n1' } }),
      /topology\.istio\.io\/network/,
    ],
  ])('%s is told with the field', (reason, object, message) => {
    const serving = servingOf(object);
    expect(serving).toMatchObject({ kind: 'declined', reason });
    expect(serving).toHaveProperty('message', expect.stringMatching(message));
  });
});

describe('Gateways that istiod deploys', () => {
  const waypoint = (metadata: Partial<Gateway['metadata']>, spec: Partial<Gateway['spec']> = {}): Gateway =>
    gateway({ gatewayClassName: 'istio-waypoint', ...spec }, metadata);
  const asked = (key: string, value: string): Partial<Gateway['metadata']> => ({ annotations: { [key]: value } });
  const created = { labels: { 'app.kubernetes.io/managed-by': 'sidestep' } };

  test.each([created, asked('sidestep.dev/sizing', '{}'), asked('sidestep.dev/serve', 'true')])(
    'are sized with %j',
    (metadata) => {
      expect(servingOf(waypoint(metadata))).toEqual({ kind: 'sized' });
      const address = { addresses: [{ type: 'IPAddress', value: '10.1.2.3' }] };
      expect(servingOf(waypoint(metadata, address))).toEqual({ kind: 'sized' });
    },
  );

  test('are left alone if nobody asks, somebody opts out, or they are no waypoints', () => {
    expect(servingOf(waypoint({}))).toBeUndefined();
    expect(servingOf(waypoint({ ...created, ...asked('sidestep.dev/serve', 'false') }))).toBeUndefined();
    expect(servingOf(waypoint(created, { listeners: [{ ...listener, port: 80 }] }))).toBeUndefined();
    expect(servingOf(waypoint(created, { gatewayClassName: 'istio-east-west' }))).toBeUndefined();
    expect(servingOf(waypoint(created, { addresses: [{ type: 'Hostname', value: HOST }] }))).toBeUndefined();
  });

  test('are deployed by us, and not by istiod, with an address that is a name', () => {
    const asks = asked('sidestep.dev/serve', 'true');
    expect(servingOf(waypoint(asks, { addresses: [{ type: 'Hostname', value: HOST }] }))).toEqual({ kind: 'deployed' });
    const foreign = waypoint(asks, { addresses: [{ type: 'Hostname', value: 'other.example.com' }] });
    expect(servingOf(foreign)).toMatchObject({ kind: 'declined', reason: 'AddressTaken' });
  });

  test('of class sidestep-waypoint are ours, whatever they look like', () => {
    const own = (spec: Partial<Gateway['spec']>): Gateway =>
      waypoint({}, { gatewayClassName: 'sidestep-waypoint', ...spec });
    expect(servingOf(own({}))).toEqual({ kind: 'deployed' });
    expect(servingOf(own({ listeners: [] }))).toMatchObject({ reason: 'UnsupportedListener' });
  });
});

describe('whether istiod sends traffic to a Gateway', () => {
  const told = (status: 'True' | 'False', reason: string, addresses: object = {}): Gateway => ({
    ...gateway(),
    status: { conditions: [{ type: 'Programmed', status, reason, message: '' }], ...addresses },
  });
  const addresses = [{ type: 'Hostname', value: HOST }];

  test.each<[string, Gateway, boolean]>([
    ['it says so', told('True', 'Programmed'), true],
    [
      'it has looked while no pod was there, and keeps the address',
      told('False', 'AddressNotAssigned', { addresses }),
      true,
    ],
    ['no pod has ever been there', told('False', 'AddressNotAssigned', { addresses: [] }), false],
    ['the Service is gone', told('False', 'AddressNotUsable', { addresses }), false],
    ['it has not looked', gateway(), false],
  ])('%s', (_, of, expected) => {
    expect(isProgrammed(of)).toBe(expected);
  });
});
