import { expect, it } from 'vitest';
import { waypointNeed } from './waypoint-needs.js';

const policy = {
  kind: 'AuthorizationPolicy',
  metadata: { name: 'deny', namespace: 'shop' },
  spec: { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' }] },
};

it('a policy for a Gateway is enforced by that of its own namespace, and by no other of the same name', () => {
  const code = (namespace: string): string | undefined =>
    waypointNeed(policy, { name: 'waypoint', namespace, account: 'waypoint' }, 'shop')?.code;
  expect(code('shop')).toBe('SST5001');
  expect(code('infra')).toBeUndefined();
});
