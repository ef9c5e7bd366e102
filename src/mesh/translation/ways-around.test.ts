import { describe, expect, it } from 'vitest';
import { formsOf, from, gets, groups, ofApi, policy, scope, to, tokens } from '../../../test/support/forms.js';
import type { PolicyObject } from '../policy-object.js';
import { closedGraph, closedPods, isClosed, namespacesClosedTo } from './ways-around.js';

const inPay = (given: PolicyObject): PolicyObject => ({ ...given, metadata: { ...given.metadata, namespace: 'pay' } });
const ours = from({ namespaces: ['shop'] });
const theirs = from({ namespaces: ['pay'] });
const named = (name: string, spec: object): PolicyObject => policy(spec, 'AuthorizationPolicy', name);

const denied = policy({ action: 'DENY', rules: [gets] });
const account = (name: string): object => from({ principals: [`cluster.local/ns/shop/sa/${name}`] });
const dryRun = (given: PolicyObject): PolicyObject => ({
  ...given,
  metadata: { ...given.metadata, annotations: { 'istio.io/dry-run': 'true' } },
});

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
    [
      'has a layer 7 ALLOW for this one, and another for others',
      [policy({ rules: [{ ...ours, ...gets }] }), named('q', { rules: [theirs] })],
      true,
    ],
    [
      'has a layer 7 ALLOW for this one, and one that lets it in anyway, among others',
      [policy({ rules: [{ ...ours, ...gets }] }), named('q', { rules: [ours] }), named('r', { rules: [theirs] })],
      false,
    ],
    [
      'has a layer 7 DENY, and denies this one and others altogether',
      [denied, named('q', { action: 'DENY', rules: [ours] }), named('r', { action: 'DENY', rules: [theirs] })],
      false,
    ],
    [
      'has a layer 7 DENY, and denies this one from some addresses',
      [
        denied,
        named('q', { action: 'DENY', rules: [{ ...ours, when: [{ key: 'source.ip', values: ['10.0.0.1'] }] }] }),
      ],
      true,
    ],
    [
      'has a layer 7 DENY, and would deny this one altogether',
      [denied, dryRun(named('q', { action: 'DENY', rules: [ours] }))],
      true,
    ],
    ['has a layer 7 ALLOW that is a dry run', [dryRun(policy({ rules: [{ ...ours, ...gets }] }))], false],
    ['has a layer 7 ALLOW for one account of this one', [policy({ rules: [{ ...account('web'), ...gets }] })], true],
    [
      'has a layer 7 ALLOW for an account that this one has not',
      [policy({ rules: [{ ...account('x'), ...gets }] })],
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

  it('that is under no policy of a third one', () => {
    const ofLab = named('q', { action: 'DENY', rules: [ours] });
    const all = [inPay(denied), { ...ofLab, metadata: { ...ofLab.metadata, namespace: 'lab' } }];
    expect(namespacesClosedTo(groups, ['pay', 'lab'], all, scope)).toEqual(['pay']);
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
    [
      'all others, whomever other pods refuse',
      [deny, named('q', { selector: { matchLabels: { app: 'web' } }, action: 'DENY', rules: [ours] })],
      ['Deployment/web', 'Deployment/db'],
    ],
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
