import { expect, test } from 'vitest';
import { chosenWaypoint, namedWaypoints, targetedGateways } from './use-waypoint.js';

const USE = 'istio.io/use-waypoint';
const NAMESPACE = 'istio.io/use-waypoint-namespace';

test.each<[string, Record<string, string> | undefined, ReturnType<typeof chosenWaypoint>]>([
  ['nothing', undefined, undefined],
  ['a name', { [USE]: 'waypoint' }, { namespace: 'shop', name: 'waypoint' }],
  ['a name and a namespace', { [USE]: 'waypoint', [NAMESPACE]: 'mesh' }, { namespace: 'mesh', name: 'waypoint' }],
  ['a namespace alone, which says nothing', { [NAMESPACE]: 'mesh' }, undefined],
  ['none, whatever the namespace', { [USE]: 'none', [NAMESPACE]: 'mesh' }, 'none'],
])('labels choose: %s', (_, labels, expected) => {
  expect(chosenWaypoint(labels, 'shop')).toEqual(expected);
});

test('the canary is named too, with a namespace of its own', () => {
  const canary = { 'istio.io/use-waypoint-canary': 'next' };
  expect(namedWaypoints({ [USE]: 'waypoint', [NAMESPACE]: 'mesh', ...canary }, 'shop')).toEqual([
    'mesh/waypoint',
    'shop/next',
  ]);
  expect(namedWaypoints({ ...canary, 'istio.io/use-waypoint-canary-namespace': 'mesh' }, 'shop')).toEqual([
    'mesh/next',
  ]);
  expect(namedWaypoints({ [USE]: 'none', 'istio.io/use-waypoint-canary': 'none' }, 'shop')).toEqual([]);
});

test('policies target Gateways of their own namespace, by either field, and nothing else counts', () => {
  const target = (name: string, kind = 'Gateway', group = 'gateway.networking.k8s.io') => ({ group, kind, name });
  const policy = (spec: object) =>
    targetedGateways({ kind: 'AuthorizationPolicy', metadata: { name: 'p', namespace: 'shop' }, spec });
  expect(policy({ targetRefs: [target('a'), target('b', 'Service', '')], targetRef: target('c') })).toEqual([
    'shop/a',
    'shop/c',
  ]);
  expect(policy({ targetRefs: [target('istio-waypoint', 'GatewayClass')], selector: {} })).toEqual([]);
  expect(policy({ targetRefs: [target('a', 'Gateway', 'networking.istio.io')] })).toEqual([]);
  expect(policy({ targetRefs: [{ ...target('a'), name: undefined }] })).toEqual([]);
  expect(policy({})).toEqual([]);
});
