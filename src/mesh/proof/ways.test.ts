import { describe, expect, it } from 'vitest';
import {
  smallObjects,
  type SmallMode,
  type SmallPod,
  smallPod,
  smallSettings,
} from '../../../test/support/small-mesh.js';
import { type MeshPicture, meshPicture, type PictureWorkload } from '../picture.js';
import { resultOf } from '../pieces.js';
import type { PolicyObject } from '../policy-object.js';
import { callersOf } from './callers.js';
import { targetsOf } from './targets.js';
import { Ways } from './ways.js';

const policy = (spec: object, kind = 'AuthorizationPolicy'): PolicyObject => ({
  kind,
  metadata: { name: 'p', namespace: 'shop' },
  spec,
});
const denying = (rule: object, more: object = {}): PolicyObject => policy({ action: 'DENY', rules: [rule], ...more });
const from = (source: object): object => ({ from: [{ source }] });
const onPorts = (...ports: string[]): object => ({ to: [{ operation: { ports } }] });
const onPaths = (...paths: string[]): object => ({ to: [{ operation: { paths } }] });
const when = (key: string, ...values: string[]): object => ({ when: [{ key, values }] });
const ofA = { selector: { matchLabels: { app: 'a' } } };
const atWaypoint = { targetRefs: [{ kind: 'Gateway', group: 'gateway.networking.k8s.io', name: 'waypoint' }] };

interface Given {
  readonly a?: SmallMode;
  readonly b?: SmallMode;
  readonly policies?: readonly PolicyObject[];
  readonly isBound?: boolean;
  /** The waypoint is for pods, too. */
  readonly isForPods?: boolean;
  readonly portName?: string;
}

/** Pods `a` and `b`, and `caller`, which has a sidecar. */
function drawn({
  a = 'sidecar',
  b = a,
  policies = [],
  isBound = false,
  isForPods = false,
  portName = 'http',
}: Given): MeshPicture {
  const pods: SmallPod[] = [
    smallPod('a', a, { ip: '10.0.0.1' }),
    smallPod('b', b, { ip: '10.0.0.2' }),
    smallPod('caller', 'sidecar', { ip: '10.0.1.1' }),
    smallPod('peer', 'sidecar', { ip: '10.0.1.2' }),
  ];
  const services = [{ name: 'a', selector: { app: 'a' }, portName }];
  const objects = smallObjects({ pods, services, policies, isBound });
  const labels = isForPods ? { 'istio.io/waypoint-for': 'all' } : {};
  const gateways = objects.gateways.map((one) => ({ ...one, metadata: { ...one.metadata, labels } }));
  return meshPicture({ ...objects, gateways }, smallSettings);
}

const find = (picture: MeshPicture, name: string): PictureWorkload =>
  picture.workloads.find((one) => one.name === name)!;

describe('two pods', () => {
  const kinds = (given: Given, [one, two]: readonly [number, number] = [8080, 8080]): boolean => {
    const picture = drawn(given);
    const ways = new Ways();
    const [a, b] = ['a', 'b'].map((name) => find(picture, name)) as [PictureWorkload, PictureWorkload];
    return ways.kindOf({ workload: a, port: one }, picture) === ways.kindOf({ workload: b, port: two }, picture);
  };

  const strict = policy({ ...ofA, mtls: { mode: 'STRICT' } }, 'PeerAuthentication');
  const destinationOfA = when('destination.ip', '10.0.0.1');
  it.each<[boolean, string, Given]>([
    [true, 'are alike', {}],
    [true, 'are alike, where both are ambient', { a: 'ambient' }],
    [true, 'are alike, where both are outside the mesh', { a: 'none' }],
    [false, 'are in different modes', { b: 'ambient' }],
    [false, 'speak HBONE or do not', { b: 'sidecar without HBONE' }],
    [false, 'have sidecars of which one refuses plaintext', { policies: [strict] }],
    [false, 'are ambient, and one refuses plaintext', { a: 'ambient', policies: [strict] }],
    [false, 'have sidecars with other policies', { policies: [denying(onPaths('/x'), ofA)] }],
    [
      false,
      'are behind ztunnel with other policies',
      { a: 'ambient', policies: [denying(from({ principals: ['*'] }), ofA)] },
    ],
    [true, 'have the same policies', { policies: [denying(onPaths('/x'))] }],
    [true, 'have the same policies at ztunnel', { a: 'ambient', policies: [denying(from({ namespaces: ['x'] }))] }],
    [false, 'are told apart by their addresses at sidecars', { policies: [denying(destinationOfA)] }],
    [false, 'are told apart by their addresses at ztunnel', { a: 'ambient', policies: [denying(destinationOfA)] }],
    [
      false,
      'are told apart by their addresses at the waypoint',
      { a: 'ambient', isBound: true, isForPods: true, policies: [denying(destinationOfA, atWaypoint)] },
    ],
    [true, 'are not told apart by the address of another', { policies: [denying(when('destination.ip', '10.0.1.1'))] }],
  ])('%s: they %s', (areAlike, _, given) => {
    expect(kinds(given)).toBe(areAlike);
  });

  it.each<[boolean, string, Given]>([
    [true, 'no policy names ports', {}],
    [true, 'no policy at ztunnel names ports', { a: 'ambient', policies: [denying(from({ principals: ['*'] }))] }],
    [false, 'a policy at sidecars names one', { policies: [denying(onPorts('8080'))] }],
    [false, 'a policy at ztunnel names one', { a: 'ambient', policies: [denying(onPorts('8080'))] }],
    [
      false,
      'mutual TLS is another',
      { policies: [policy({ ...ofA, portLevelMtls: { 8080: { mode: 'STRICT' } } }, 'PeerAuthentication')] },
    ],
  ])('%s: two ports of a pod are alike, if %s', (areAlike, _, given) => {
    const picture = drawn(given);
    const ways = new Ways();
    const [one, two] = [8080, 9090].map((port) => ways.kindOf({ workload: find(picture, 'a'), port }, picture));
    expect(one === two).toBe(areAlike);
  });
});

describe('callers', () => {
  /** Pods by what can tell them apart on their way to Service `a`, or to its pod. */
  const groups = (given: Given, isPod = false): string[] => {
    const picture = drawn(given);
    const ways = new Ways();
    const targets = resultOf(targetsOf([picture], 'shop', (endpoint, one) => ways.kindOf(endpoint, one)));
    const target = targets.find(({ name }) => (isPod ? name.startsWith('Pod/shop/a') : name === 'a.shop:80'))!;
    const pods = callersOf([picture]).filter(({ name }) => /\/(caller|peer)$/.test(name));
    return ways
      .groupsOf(pods, target, target.backends[0]!)
      .map((group) => group.map(({ name }) => name.split('/')[2]).join());
  };
  const [together, apart] = [['caller,peer'], ['caller', 'peer']];
  const byPrincipal = from({ principals: ['cluster.local/ns/shop/sa/caller'] });
  const byAddress = from({ ipBlocks: ['10.0.1.1'] });

  it.each<[string, Given, boolean, string[]]>([
    ['nothing', {}, false, together],
    ['a sidecar', { policies: [denying(byPrincipal)] }, false, apart],
    ['a sidecar that reads no requests', { policies: [denying(byPrincipal)], portName: 'tcp' }, false, apart],
    ['a sidecar by addresses', { policies: [denying(byAddress)] }, false, apart],
    ['ztunnel', { a: 'ambient', policies: [denying(byPrincipal)] }, false, apart],
    ['ztunnel by addresses', { a: 'ambient', policies: [denying(byAddress)] }, false, apart],
    ['ztunnel of a pod', { a: 'ambient', policies: [denying(byPrincipal)] }, true, apart],
    ['nothing at ztunnel', { a: 'ambient', policies: [denying(from({ principals: ['*'] }))] }, false, together],
    ['nothing of a pod outside the mesh', { a: 'none', policies: [denying(byPrincipal)] }, false, together],
    ['a waypoint', { a: 'ambient', isBound: true, policies: [denying(byPrincipal, atWaypoint)] }, false, apart],
    [
      'a waypoint that reads no requests',
      { a: 'ambient', isBound: true, policies: [denying(byPrincipal, atWaypoint)], portName: 'tcp' },
      false,
      apart,
    ],
    [
      'no waypoint, where none is bound',
      { a: 'ambient', policies: [denying(byPrincipal, atWaypoint)] },
      false,
      together,
    ],
  ])('are told apart by %s', (_, given, isPod, expected) => {
    expect(groups(given, isPod)).toEqual(expected);
  });
});

describe('a way', () => {
  const way = (given: Given, caller = 'caller'): { key: string; isClosed: boolean; gates: number } => {
    const picture = drawn(given);
    const endpoint = { workload: find(picture, 'a'), port: 8080 };
    const { key, isClosed, gates } = new Ways().way(
      find(picture, caller),
      { service: picture.services[0]!, port: 80 },
      endpoint,
      picture,
    );
    return { key, isClosed, gates: gates.length };
  };
  const strict = policy({ mtls: { mode: 'STRICT' } }, 'PeerAuthentication');
  const both = [denying(onPaths('/x'), atWaypoint), denying(onPaths('/y'), ofA)];

  it.each<[string, Given, string, { isClosed: boolean; gates: number }]>([
    ['is open, where nobody has policies', {}, 'caller', { isClosed: false, gates: 0 }],
    [
      'goes through a sidecar with policies',
      { policies: [denying(onPaths('/x'))] },
      'caller',
      { isClosed: false, gates: 1 },
    ],
    [
      'is open at a pod outside the mesh',
      { a: 'none', policies: [denying({})] },
      'caller',
      { isClosed: false, gates: 0 },
    ],
    ['is closed by ztunnel', { a: 'ambient', policies: [denying({})] }, 'caller', { isClosed: true, gates: 0 }],
    [
      'is let in by ztunnel',
      { a: 'ambient', policies: [denying(from({ namespaces: ['x'] }))] },
      'caller',
      { isClosed: false, gates: 0 },
    ],
    ['is closed to plaintext', { b: 'none', policies: [strict] }, 'b', { isClosed: true, gates: 0 }],
    [
      'goes around a waypoint, if its caller has a sidecar',
      { a: 'ambient', isBound: true, policies: both },
      'caller',
      { isClosed: false, gates: 0 },
    ],
    [
      'goes through a waypoint, if its caller is ambient',
      { a: 'ambient', isBound: true, policies: both },
      'b',
      { isClosed: false, gates: 1 },
    ],
  ])('%s', (_, given, caller, expected) => {
    expect(way(given, caller)).toMatchObject(expected);
  });

  it('is another for each address that ztunnel sees', () => {
    const policies = [denying(from({ ipBlocks: ['10.0.0.2'] }))];
    const picture = drawn({ a: 'ambient', b: 'none', policies });
    const b = find(picture, 'b');
    const far = { ...b, local: { ...b.local, workloadIps: ['10.0.0.9'] } };
    const to = { workload: find(picture, 'a'), port: 8080 };
    const ways = new Ways();
    expect([b, far, b].map((caller) => ways.way(caller, to, to, picture).isClosed)).toEqual([true, false, true]);
  });

  it('has another key, where a proxy does not read requests', () => {
    const policies = [denying(onPaths('/x'))];
    expect(way({ policies }).key).not.toBe(way({ policies, portName: 'tcp' }).key);
    expect(way({ policies }).key).toBe(way({ policies }).key);
  });
});
