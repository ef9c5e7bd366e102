import { expect, test } from 'vitest';

import type { LocalMatch, LocalPolicy } from '../ztunnel-config.js';
import { type Connection, decideAtZtunnel } from './ztunnel-authorization.js';

const connection: Connection = {
  source: { principal: 'td/ns/shop/sa/web', address: '10.0.0.1' },
  destination: { address: '10.0.0.2', port: 8080 },
};
const plaintext: Connection = { ...connection, source: { address: '10.0.0.1' } };

const policy = (action: LocalPolicy['action'], rules: LocalPolicy['rules'], dryRun = false): LocalPolicy => ({
  name: action,
  namespace: 'shop',
  scope: 'Namespace',
  action,
  rules,
  dryRun,
});
const hit: LocalMatch = { destinationPorts: [8080] };
const miss: LocalMatch = { destinationPorts: [80] };
/** Whether a match alone holds. */
const holds = (match: LocalMatch, of = connection): boolean =>
  decideAtZtunnel([policy('Deny', [[[match]]])], of).by === 'Deny';

test('DENY wins; without ALLOW all may pass; else one ALLOW must match', () => {
  const deny = policy('Deny', [[[hit]]]);
  const allow = policy('Allow', [[[hit]]]);
  const otherAllow = policy('Allow', [[[miss]]]);
  expect(decideAtZtunnel([allow, deny], connection)).toEqual({ allowed: false, by: 'Deny', policy: deny });
  expect(decideAtZtunnel([], connection)).toEqual({ allowed: true, by: 'NoPolicy' });
  expect(decideAtZtunnel([policy('Deny', [[[miss]]])], connection)).toEqual({ allowed: true, by: 'NoPolicy' });
  expect(decideAtZtunnel([otherAllow, allow], connection)).toEqual({ allowed: true, by: 'Allow', policy: allow });
  expect(decideAtZtunnel([otherAllow], connection)).toEqual({ allowed: false, by: 'NoAllow', policies: [otherAllow] });
});

test('a dry run decides nothing', () => {
  expect(decideAtZtunnel([policy('Deny', [[[hit]]], true), policy('Allow', [], true)], connection).by).toBe('NoPolicy');
});

test.each<[string, LocalPolicy['rules'], boolean]>([
  ['no rule', [], false],
  ['a rule without clauses', [[]], true],
  ['a clause without matches', [[[]]], true],
  ['an empty match', [[[{}]]], false],
  ['an empty match and another', [[[{}, hit]]], true],
  ['one of two matches', [[[miss, hit]]], true],
  ['one of two clauses', [[[hit], [miss]]], false],
  ['both clauses', [[[hit], [hit]]], true],
  ['an empty clause and another', [[[hit], [{}]]], false],
  ['one of two rules', [[[miss]], [[hit]]], true],
])('%s', (_, rules, expected) => {
  expect(decideAtZtunnel([policy('Deny', rules)], connection).by === 'Deny').toBe(expected);
});

test.each<[LocalMatch, boolean]>([
  [{ principals: [{ Exact: 'td/ns/shop/sa/web' }] }, true],
  [{ principals: [{ Exact: 'x' }, { Prefix: 'td/' }] }, true],
  [{ principals: [{ Prefix: 'x' }] }, false],
  [{ principals: [{ Suffix: '/web' }] }, true],
  [{ principals: [{ Suffix: '/x' }] }, false],
  [{ notPrincipals: [{ Exact: 'td/ns/shop/sa/web' }] }, false],
  [{ notPrincipals: [{ Exact: 'x' }] }, true],
  [{ namespaces: [{ Exact: 'shop' }] }, true],
  [{ namespaces: [{ Exact: 'sho' }] }, false],
  [{ notNamespaces: [{ Exact: 'x' }, { Exact: 'shop' }] }, false],
  [{ serviceAccounts: [{ namespace: 'shop', serviceAccount: 'web' }] }, true],
  [{ serviceAccounts: [{ namespace: 'x', serviceAccount: 'web' }] }, false],
  [{ serviceAccounts: [{ namespace: 'shop', serviceAccount: 'x' }] }, false],
  [{ notServiceAccounts: [{ namespace: 'shop', serviceAccount: 'web' }] }, false],
  [{ sourceIps: ['10.0.0.1/32'] }, true],
  [{ sourceIps: ['10.0.0.2/32'] }, false],
  [{ notSourceIps: ['10.0.0.0/8'] }, false],
  [{ destinationIps: ['10.0.0.2/32'] }, true],
  [{ destinationIps: ['10.0.0.1/32'] }, false],
  [{ notDestinationIps: ['10.0.0.0/8'] }, false],
  [{ notDestinationPorts: [8080] }, false],
  [{ ...hit, principals: [{ Presence: [] }] }, true],
  [{ ...miss, principals: [{ Presence: [] }] }, false],
  [{ ...hit, notDestinationPorts: [8080] }, false],
])('%j: %s', (match, expected) => {
  expect(holds(match)).toBe(expected);
});

test('who sends plaintext is nobody', () => {
  expect(holds({ principals: [{ Presence: [] }] }, plaintext)).toBe(false);
  expect(holds({ notPrincipals: [{ Presence: [] }] }, plaintext)).toBe(true);
  expect(holds({ namespaces: [{ Prefix: '' }] }, plaintext)).toBe(false);
  expect(holds({ serviceAccounts: [{ namespace: '', serviceAccount: '' }] }, plaintext)).toBe(false);
  expect(holds({ notServiceAccounts: [{ namespace: '', serviceAccount: '' }] }, plaintext)).toBe(true);
});

test.each(['x/td/ns/shop/sa/web/y', 'td/ns/shop/sa/web/y', 'x/td/ns/shop/sa/web', 'web'])(
  'who calls itself %s is of no namespace',
  (principal) => {
    const of: Connection = { ...connection, source: { principal, address: '10.0.0.1' } };
    expect(holds({ principals: [{ Presence: [] }] }, of)).toBe(true);
    expect(holds({ namespaces: [{ Presence: [] }] }, of)).toBe(false);
    expect(holds({ serviceAccounts: [{ namespace: 'shop', serviceAccount: 'web' }] }, of)).toBe(false);
  },
);
