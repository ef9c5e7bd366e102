import { describe, expect, it } from 'vitest';
import { WAYPOINT, foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import type { PolicyObject } from '../policy-object.js';

const target = (kind: string, name = 'web'): object => ({ targetRefs: [{ kind, name }] });
const bound = policyScope({ waypoint: WAYPOINT });
const KINDS = ['AuthorizationPolicy', 'RequestAuthentication', 'WasmPlugin', 'TrafficExtension', 'Telemetry'];

describe('a policy with targetRefs', () => {
  it('is enforced by nobody, before and after, where the migration has no waypoint for it', () => {
    for (const kind of KINDS) {
      expect(foundIn(policyObject(kind, target('Service')))).toEqual(['SST2015 spec.targetRefs']);
      expect(foundIn(policyObject(kind, target('Service')), bound)).toEqual(['SST5001']);
    }
    expect(foundIn(policyObject('AuthorizationPolicy', target('Gateway', 'other')), bound)).toEqual([
      'SST2015 spec.targetRefs',
    ]);
  });

  it('is not understood if half of it would come into force', () => {
    const targetRefs = [
      { kind: 'Service', name: 'web' },
      { kind: 'Gateway', name: 'other' },
    ];
    expect(foundIn(policyObject('AuthorizationPolicy', { targetRefs }), bound)).toEqual(['SST2001 spec.targetRefs']);
  });

  it('of the root namespace, for a class, comes with the waypoint', () => {
    const root = { namespace: 'istio-system' };
    const ofClass = (kind: string): PolicyObject => policyObject(kind, target('GatewayClass', 'istio-waypoint'), root);
    for (const kind of KINDS) expect(foundIn(ofClass(kind), bound), kind).toEqual(['SST2016 spec.targetRefs']);
    const policy = ofClass('AuthorizationPolicy');
    expect(foundIn(policy)).toEqual([]);
    const elsewhere = { ...policy, metadata: { ...policy.metadata, namespace: 'other' } };
    expect(foundIn(elsewhere, bound)).toEqual([]);
  });
});
