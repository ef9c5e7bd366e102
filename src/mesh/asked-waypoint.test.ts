import { describe, expect, it } from 'vitest';
import { askedWaypoint } from './asked-waypoint.js';
import type { PolicyObject } from './policy-object.js';

const migration = (spec: unknown, namespace = 'shop'): PolicyObject => ({
  kind: 'AmbientMigration',
  metadata: { name: 'migration', namespace },
  spec,
});
const policy: PolicyObject = {
  kind: 'AuthorizationPolicy',
  metadata: { name: 'get', namespace: 'shop' },
  spec: { targetRefs: [{ kind: 'Service', name: 'web' }] },
};
const plain = {
  name: 'waypoint',
  namespace: 'shop',
  account: 'waypoint',
  className: 'istio-waypoint',
  isWanted: false,
  isTranslating: true,
};

describe('the waypoint that a migration asks for', () => {
  it.each<[string, PolicyObject[], Partial<typeof plain>]>([
    ['is Istio’s usual one without a migration', [], {}],
    ['is that of its own namespace', [migration({ waypoint: { name: 'gate' } }, 'other')], {}],
    ['may be another one', [migration({ waypoint: { name: 'gate' } })], { name: 'gate', account: 'gate' }],
    ['may be of another namespace', [migration({ waypoint: { namespace: 'edge' } })], { namespace: 'edge' }],
    ['may be of another class', [migration({ waypoint: { className: 'own' } })], { className: 'own' }],
    ['is wanted if something needs it', [policy], { isWanted: true }],
    ['is wanted if it is asked for', [migration({ waypoint: { provision: 'Always' } })], { isWanted: true }],
    [
      'is neither wanted nor written for where nobody may have one',
      [policy, migration({ waypoint: { provision: 'Never' } })],
      { isTranslating: false },
    ],
    [
      'has policies written for it unless that is off',
      [migration({ policies: { translation: 'Off' } })],
      { isTranslating: false },
    ],
    ['has them written if that is asked for', [migration({ policies: { translation: 'Auto' } })], {}],
  ])('%s', (_, objects, expected) => {
    expect(askedWaypoint(objects, 'shop')).toEqual({ ...plain, ...expected });
  });
});
