import { describe, expect, it } from 'vitest';
import { from, gets, groups, policy, scope, to } from '../../../test/support/forms.js';
import type { PolicyObject } from '../policy-object.js';
import { namespacesClosedTo } from './ways-around.js';

const inPay = (given: PolicyObject): PolicyObject => ({ ...given, metadata: { ...given.metadata, namespace: 'pay' } });
const ours = from({ namespaces: ['shop'] });
const theirs = from({ namespaces: ['pay'] });
const named = (name: string, spec: object): PolicyObject => policy(spec, 'AuthorizationPolicy', name);

describe('another namespace', () => {
  it.each<[string, PolicyObject[], boolean]>([
    ['has a layer 7 ALLOW for callers of this one', [policy({ rules: [{ ...ours, ...gets }] })], true],
    ['has a layer 7 ALLOW for others', [policy({ rules: [{ ...theirs, ...gets }] })], false],
    ['has a layer 7 DENY for all', [policy({ action: 'DENY', rules: [gets] })], true],
    ['has a layer 7 DENY for others', [policy({ action: 'DENY', rules: [{ ...theirs, ...gets }] })], false],
    ['asks for tokens', [policy({}, 'RequestAuthentication')], true],
    ['has a filter', [policy({}, 'WasmPlugin')], true],
    ['has a policy that ztunnel enforces', [policy({ rules: [{ ...ours, ...to({ ports: ['80'] }) }] })], false],
    [
      'has a layer 7 DENY, and lets in nobody of this one',
      [policy({ action: 'DENY', rules: [gets] }), named('q', { rules: [theirs] })],
      false,
    ],
    [
      'has a layer 7 DENY, and denies this one altogether',
      [policy({ action: 'DENY', rules: [gets] }), named('q', { action: 'DENY', rules: [ours] })],
      false,
    ],
    [
      'has a layer 7 policy for its waypoint',
      [policy({ targetRefs: [{ kind: 'Gateway', name: 'wp' }], rules: [gets] })],
      false,
    ],
    ['has none', [], false],
  ])('that %s', (_, policies, isClosed) => {
    expect(namespacesClosedTo(groups, ['pay', 'lab'], policies.map(inPay), scope)).toEqual(isClosed ? ['pay'] : []);
  });

  it('that is under a layer 7 policy of the root namespace', () => {
    const root = { ...policy({ rules: [gets] }), metadata: { name: 'p', namespace: scope.rootNamespace } };
    expect(namespacesClosedTo(groups, ['pay', 'lab'], [root], scope)).toEqual(['pay', 'lab']);
  });

  it('whose callers nobody has', () => {
    expect(namespacesClosedTo([], ['pay'], [inPay(policy({ rules: [gets] }))], scope)).toEqual([]);
  });
});
