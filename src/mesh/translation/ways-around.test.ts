import { describe, expect, it } from 'vitest';
import { formsOf, from, gets, groups, ofApi, policy, scope, to, tokens } from '../../../test/support/forms.js';
import type { PolicyObject } from '../policy-object.js';
import { closedGraph, closedPods, isClosed, namespacesClosedTo } from './ways-around.js';

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

describe('pods that take calls of the waypoint only', () => {
  const deny = policy({ ...ofApi, action: 'DENY', rules: [gets] });
  const callersOf = (account: string): PolicyObject =>
    named('q', { ...ofApi, rules: [from({ principals: [`cluster.local/ns/shop/sa/${account}`] })] });

  it('are those of layer 7 policies, which are told', () => {
    const all = [tokens, deny, policy({ rules: [to({ ports: ['80'] })] })];
    const forms = formsOf(...all);
    expect(closedPods(forms, all, groups, scope).map(({ pods, policies }) => [pods.name, policies])).toEqual([
      ['Deployment/api', ['RequestAuthentication p', 'AuthorizationPolicy p']],
    ]);
    expect(groups.filter(({ labels }) => isClosed(forms.forms, labels)).map(({ name }) => name)).toEqual([
      'Deployment/api',
    ]);
  });

  it.each<[string, PolicyObject[], string[]]>([
    ['all others of the namespace', [deny], ['Deployment/web', 'Deployment/db']],
    ['whom an ALLOW lets in', [deny, callersOf('db')], ['Deployment/db']],
    ['nobody, where none of the namespace is let in', [deny, callersOf('other')], []],
  ])('wait until the sidecars of their callers are gone: %s', (_, policies, callers) => {
    const closed = closedPods(formsOf(...policies), policies, groups, scope);
    const graph = closedGraph(closed, groups, 'shop');
    expect([...(graph.before.get('Deployment/api') ?? [])]).toEqual(callers);
    const others = groups.filter(({ name }) => name !== 'Deployment/api');
    expect(closedGraph(closed, others, 'shop').before.size).toBe(0);
  });
});
