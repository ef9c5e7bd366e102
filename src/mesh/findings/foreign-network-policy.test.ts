import { describe, expect, it } from 'vitest';
import { policyObject, policyScope } from '../../../test/support/policies.js';
import { foreignNetworkFindings } from './foreign-network-policy.js';

describe('a network policy of somebody’s own kind', () => {
  it.each<[string, string, boolean]>([
    ['CiliumNetworkPolicy', 'shop', true],
    ['CiliumNetworkPolicy', 'other', false],
    ['NetworkPolicy.projectcalico.org', 'shop', true],
    ['NetworkPolicy.crd.antrea.io', 'other', false],
    ['GlobalNetworkPolicy', '', true],
    ['AdminNetworkPolicy', '', true],
  ])('%s of namespace "%s"', (kind, namespace, isFound) => {
    const object = policyObject(kind, {}, namespace === '' ? { namespace: undefined } : { namespace });
    const message =
      `${kind} x, field kind: may apply to this namespace and is not yet understood; it must admit TCP 15008, ` +
      'where mesh traffic arrives and goes in ambient mode, and probes from 169.254.7.127 or ' +
      'fd16:9254:7127:1337:ffff:ffff:ffff:ffff';
    const finding = { code: 'SST2001', object: `${kind}/x`, message, path: 'kind' };
    expect(foreignNetworkFindings(object, policyScope())).toEqual(isFound ? [finding] : []);
  });
});
