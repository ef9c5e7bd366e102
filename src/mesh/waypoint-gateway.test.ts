import { describe, expect, test } from 'vitest';
import type { Gateway } from '../api/gateway-api.js';
import type { PolicyObject } from './policy-object.js';
import {
  isAddressed,
  isCapturedRouter,
  isProgrammed,
  isServable,
  namesOurParameters,
  serviceHost,
  servingOf,
  trafficOf,
} from './waypoint-gateway.js';

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

  const name = (of: string): string =>
    `a Service cannot be called ${of}, and that of a waypoint has the Gateway's name: make one with at most 63 characters a-z, 0-9 and -, the first of them a letter, the last no -`;
  const own = { gatewayClassName: 'sidestep-waypoint' };
  const optOut = { annotations: { 'sidestep.dev/serve': 'false' } };
  const ours = { type: 'Hostname', value: HOST };

  test.each<[string, Gateway, string]>([
    [
      'OptedOut',
      gateway({}, optOut),
      'the annotation sidestep.dev/serve is "false": istiod deploys an ingress gateway',
    ],
    ['OptedOut', gateway(own, optOut), 'the annotation sidestep.dev/serve is "false": nobody deploys it'],
    [
      'AddressTaken',
      gateway({ addresses: [{ type: 'Hostname', value: 'other.example.com' }] }),
      'spec.addresses names other.example.com: remove it to let Sidestep deploy the waypoint',
    ],
    [
      'AddressTaken',
      gateway({ addresses: [{ value: HOST }] }),
      `spec.addresses names ${HOST}: remove it to let Sidestep deploy the waypoint`,
    ],
    [
      'AddressTaken',
      gateway({ addresses: [ours, { type: 'Hostname' }] }),
      'spec.addresses names no address: remove it to let Sidestep deploy the waypoint',
    ],
    [
      'UnsupportedName',
      gateway({}, { annotations: { 'gateway.istio.io/name-override': 'x' } }),
      'the annotation gateway.istio.io/name-override names what istiod has deployed; remove it',
    ],
    ['UnsupportedName', gateway({}, { name: 'shop.v2' }), name('shop.v2')],
    ['UnsupportedName', gateway({}, { name: 'w'.repeat(64) }), name('w'.repeat(64))],
    ['UnsupportedName', gateway(own, { name: '1st' }), name('1st')],
    ['UnsupportedName', gateway(own, { name: 'wp-' }), name('wp-')],
    [
      'UnsupportedListener',
      gateway({ ...own, listeners: [] }),
      'spec.listeners: a waypoint has one listener, with port 15008 and protocol HBONE',
    ],
    [
      'UnsupportedListener',
      gateway({ listeners: [{ ...listener, tls: { mode: 'Terminate' } }] }),
      'spec.listeners[0].tls: a waypoint has its own TLS; remove the field',
    ],
    [
      'UnsupportedNetwork',
      gateway({}, { labels: { 'topology.istio.io/network': 'n1' } }),
      'the label topology.istio.io/network makes the Gateway one for other networks; remove it, or use class istio-waypoint',
    ],
  ])('%s is told with the field', (reason, object, message) => {
    expect(servingOf(object)).toEqual({ kind: 'declined', reason, message });
  });

  test.each(['w', 'w'.repeat(63), 'wp-2'])('they may be called %s', (of) => {
    expect(servingOf(gateway({}, { name: of }))).toEqual({ kind: 'deployed' });
  });

  test('they have our address if it is one of several', () => {
    const other = { type: 'IPAddress', value: '10.1.2.3' };
    expect(isAddressed(gateway({ addresses: [other, ours] }))).toBe(true);
    expect(isAddressed(gateway({ addresses: [other, { type: 'Hostname' }] }))).toBe(false);
  });
});

describe('the ConfigMap of ours', () => {
  const named = (ref: object): boolean =>
    namesOurParameters(gateway({ infrastructure: { parametersRef: ref } } as Partial<Gateway['spec']>));
  const ours = { group: '', kind: 'ConfigMap', name: 'wp-sidestep' };

  test('is named by group, kind and name', () => {
    expect(named(ours)).toBe(true);
    expect(named({ ...ours, group: 'apps' })).toBe(false);
    expect(named({ ...ours, kind: 'Secret' })).toBe(false);
    expect(named({ ...ours, name: 'other' })).toBe(false);
    expect(namesOurParameters(gateway())).toBe(false);
  });
});

describe('the traffic of a waypoint', () => {
  const labelled = (traffic?: string): { metadata: { labels?: Record<string, string> } } => ({
    metadata: traffic === undefined ? {} : { labels: { 'istio.io/waypoint-for': traffic } },
  });

  test('is what the Gateway says, else its class, else that of Services', () => {
    expect(trafficOf(labelled('all'), labelled('workload'))).toBe('all');
    expect(trafficOf(labelled(), labelled('workload'))).toBe('workload');
    expect(trafficOf(undefined, labelled('workload'))).toBe('workload');
    expect(trafficOf(labelled(), labelled())).toBe('service');
    expect(trafficOf(undefined, undefined)).toBe('service');
  });
});

describe('a captured router', () => {
  const label = { 'istio.io/dataplane-mode': 'ambient' };
  const none = { 'istio.io/dataplane-mode': 'none' };
  const router = (spec: object = {}, labels: Record<string, string> = label, kind = 'Gateway'): PolicyObject => ({
    kind,
    metadata: { name: 'ingress', namespace: 'shop', labels },
    spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }], ...spec },
  });
  const named = [{ type: 'Hostname', value: 'ingress.example.com' }];
  const ip = { type: 'IPAddress', value: '10.1.2.3' };

  test.each<[string, PolicyObject, boolean]>([
    ['it says so itself', router(), true],
    ['it says no', router({}, none), false],
    ['nobody says anything', router({}, {}), false],
    ['its pods have labels of their own that say nothing, and it does', router({ infrastructure: {} }), true],
    ['its pods say so, and it does not', router({ infrastructure: { labels: label } }, {}), true],
    ['its pods say no', router({ infrastructure: { labels: none } }), false],
    ['neither its pods nor it say anything', router({ infrastructure: {} }, {}), false],
    ['it is another kind', router({}, label, 'Service'), false],
    ['it is of another class', router({ gatewayClassName: 'nginx' }), false],
    ['it is a waypoint', router({ listeners: [listener] }), false],
    ['istiod does not deploy it', router({ addresses: named }), false],
    ['istiod does not deploy it, for it has two addresses', router({ addresses: [ip, ip] }), false],
    ['istiod deploys it with an address', router({ addresses: [ip] }), true],
    ['istiod deploys it with an address of no type', router({ addresses: [{ value: '10.1.2.3' }] }), true],
  ])('%s', (_, object, isCaptured) => {
    expect(isCapturedRouter(object)).toBe(isCaptured);
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
    const addresses = [{ type: 'Hostname', value: HOST }];
    expect(isServable(waypoint(asks, { addresses }))).toBe(true);
    expect(isServable(waypoint(asks))).toBe(false);
    expect(isServable(waypoint(asks, { addresses, listeners: [{ ...listener, port: 80 }] }))).toBe(false);
    expect(isServable(waypoint({}, { addresses }))).toBe(false);
    expect(isServable(gateway({ gatewayClassName: 'nginx' }, asks))).toBe(false);
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
    ['no address was ever given', told('False', 'AddressNotAssigned'), false],
    ['it has not looked', gateway(), false],
    ['it has said nothing of it', { ...gateway(), status: {} }, false],
  ])('%s', (_, of, expected) => {
    expect(isProgrammed(of)).toBe(expected);
  });
});
