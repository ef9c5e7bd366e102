import { describe, expect, it } from 'vitest';
import { WAYPOINT, foundIn, policyObject, policyScope } from '../../../test/support/policies.js';

const target = (kind: string, name = 'web'): object => ({ targetRefs: [{ kind, name }] });
const bound = policyScope({ waypoint: WAYPOINT });

describe('a policy with targetRefs', () => {
  it('is enforced by nobody, before and after, where the migration has no waypoint for it', () => {
    for (const kind of ['AuthorizationPolicy', 'RequestAuthentication', 'WasmPlugin', 'Telemetry']) {
      expect(foundIn(policyObject(kind, target('Service')))).toEqual(['SST2015 spec.targetRefs']);
    }
    expect(foundIn(policyObject('AuthorizationPolicy', target('Gateway', 'other')), bound)).toEqual([
      'SST2015 spec.targetRefs',
    ]);
    expect(foundIn(policyObject('AuthorizationPolicy', target('Service')), bound)).toEqual(['SST5001']);
  });

  it('is not understood if half of it would come into force', () => {
    const targetRefs = [
      { kind: 'Service', name: 'web' },
      { kind: 'Gateway', name: 'other' },
    ];
    expect(foundIn(policyObject('AuthorizationPolicy', { targetRefs }), bound)).toEqual(['SST2001 spec.targetRefs']);
  });

  it('of the root namespace, for a class, comes with the waypoint', () => {
    const policy = policyObject('AuthorizationPolicy', target('GatewayClass', 'istio-waypoint'), {
      namespace: 'istio-system',
    });
    expect(foundIn(policy, bound)).toEqual(['SST2016 spec.targetRefs']);
    expect(foundIn(policy)).toEqual([]);
    const elsewhere = { ...policy, metadata: { ...policy.metadata, namespace: 'other' } };
    expect(foundIn(elsewhere, bound)).toEqual([]);
  });
});
