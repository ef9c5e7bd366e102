import { describe, expect, test } from 'vitest';
import type { Gateway } from '../../api/gateway-api.js';
import { findCondition } from '../../kube/conditions.js';
import { DEPLOYMENT, SERVICE } from '../../kube/types.js';
import { gateway as gatewayOf, HOST, observed, owned, told } from '../testing/observed-gateway.js';
import { decide } from './decide.js';
import type { LiveObject, Observed } from './observed.js';
import { ownStatus, type OwnStatus } from './own-status.js';

const OURS = { 'app.kubernetes.io/managed-by': 'sidestep' };
const held = { finalizers: ['sidestep.dev/waypoint'] };
const gateway = (spec: Partial<Gateway['spec']> = {}, metadata: Partial<Gateway['metadata']> = {}): Gateway => ({
  ...gatewayOf({ gatewayClassName: 'sidestep-waypoint', ...spec }, { ...held, ...metadata }),
  status: {},
});
const live = (readyReplicas: number): LiveObject[] => [
  { type: DEPLOYMENT, object: owned('wp', OURS, { spec: { replicas: 2 }, status: { readyReplicas } }) },
  { type: SERVICE, object: owned('wp', OURS, { spec: { clusterIPs: ['10.0.0.1', 'fd00::1'] } }) },
];

/** The status after a pass, and what is done. */
function pass(of: Partial<Observed>): { done: string[]; status: OwnStatus } {
  const seen = observed({ gateway: gateway(), ...of });
  const { actions, serving } = decide(seen);
  if (!serving) throw new Error('nothing is said');
  return { done: told(actions), status: ownStatus(seen, serving, seen.gateway) };
}

const said = ({ conditions }: { conditions: readonly { type: string }[] }): string[] =>
  (conditions as OwnStatus['conditions']).map(({ type, status, reason }) => `${type}=${status} ${reason}`);

describe('a Gateway of our own class', () => {
  test('is deployed without an address in its spec; what istiod would say of it, we say', () => {
    const { done, status } = pass({ live: live(2) });
    expect(done).not.toContain('set-address');
    expect(done).toContain('apply Deployment');
    expect(said(status)).toEqual([
      'Accepted=True Accepted',
      'Programmed=True Programmed',
      'ResolvedRefs=True ResolvedRefs',
      'sidestep.dev/Serving=True Serving',
    ]);
    expect(status.addresses).toEqual([
      { type: 'IPAddress', value: '10.0.0.1' },
      { type: 'IPAddress', value: 'fd00::1' },
      { type: 'Hostname', value: HOST },
    ]);
    expect(status.listeners).toMatchObject([{ name: 'mesh', attachedRoutes: 0, supportedKinds: [] }]);
    expect(status.listeners.map(said)).toEqual([
      [
        'Accepted=True Accepted',
        'Conflicted=False NoConflicts',
        'Programmed=True Programmed',
        'ResolvedRefs=True ResolvedRefs',
      ],
    ]);
    expect(status.conditions.map(({ observedGeneration }) => observedGeneration)).toEqual([2, 2, 2, 2]);
  });

  test('has an address once a pod is ready, keeps it while pods or objects are missing, and loses it when it is let go', () => {
    const first = pass({ live: live(0) }).status;
    expect(first.addresses).toEqual([]);
    expect(findCondition(first.conditions, 'Programmed')).toMatchObject({
      status: 'False',
      reason: 'AddressNotAssigned',
    });
    const before = { ...gateway(), status: { addresses: [{ value: HOST }] } };
    expect(pass({ gateway: before, live: live(0) }).status.addresses).toHaveLength(3);
    const declined = { ...before, metadata: { ...before.metadata, annotations: { 'sidestep.dev/serve': 'false' } } };
    expect(pass({ gateway: declined, live: live(2) }).status.addresses).toHaveLength(3);
    // Without the address traffic would go past what a policy, a hand or the garbage collector makes us deploy again.
    expect(pass({ gateway: before }).status.addresses).toEqual([{ type: 'Hostname', value: HOST }]);
    const deleted = { ...before, metadata: { ...before.metadata, deletionTimestamp: 'now' } };
    expect(pass({ gateway: deleted, bound: ['web'] }).status.addresses).toEqual([{ type: 'Hostname', value: HOST }]);
    const letGo = { ...declined, metadata: { ...declined.metadata, finalizers: [] } };
    expect(pass({ gateway: letGo }).status.addresses).toEqual([]);
  });

  test('has the address that its annotation chooses', () => {
    const chosen = (type: string): OwnStatus['addresses'] =>
      pass({ gateway: gateway({}, { annotations: { 'networking.istio.io/address-type': type } }), live: live(1) })
        .status.addresses;
    expect(chosen('Hostname')).toEqual([{ type: 'Hostname', value: HOST }]);
    expect(chosen('IPAddress')).toHaveLength(2);
  });

  test.each<[string, Gateway, string]>([
    ['another listener', gateway({ listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] }), 'ListenersNotValid'],
    ['another address', gateway({ addresses: [{ type: 'IPAddress', value: '10.1.2.3' }] }), 'UnsupportedAddress'],
    ['a wrong size', gateway({}, { annotations: { 'sidestep.dev/sizing': '2' } }), 'InvalidParameters'],
    ['an opt-out', gateway({}, { annotations: { 'sidestep.dev/serve': 'false' } }), 'Invalid'],
  ])('is not accepted with %s', (_, given, reason) => {
    const { status } = pass({ gateway: given });
    expect(findCondition(status.conditions, 'Accepted')).toMatchObject({ status: 'False', reason });
    expect(findCondition(status.conditions, 'Programmed')).toMatchObject({ status: 'False', reason: 'Invalid' });
  });

  test('says which listener is wrong', () => {
    const wrong = gateway({ listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] });
    const kinds = gateway({
      listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE', allowedRoutes: { kinds: [{ kind: 'HTTPRoute' }] } }],
    });
    expect(pass({ gateway: wrong }).status.listeners.flatMap(said)).toContain('Accepted=False UnsupportedProtocol');
    expect(pass({ gateway: kinds }).status.listeners.flatMap(said)).toContain('ResolvedRefs=False InvalidRouteKinds');
  });
});
