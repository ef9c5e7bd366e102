import { describe, expect, it } from 'vitest';
import { foundIn, policyObject } from '../../../test/support/policies.js';
import type { Labels, PolicyObject } from '../policy-object.js';

const space = (name: string, labels: Labels): PolicyObject => ({ kind: 'Namespace', metadata: { name, labels } });
const sidecars = space('other', { 'istio-injection': 'enabled' });
const ambient = space('other', { 'istio.io/dataplane-mode': 'ambient' });
const shop = space('shop', { team: 'a' });
const service = policyObject(
  'Service',
  {
    selector: { app: 'web' },
    ports: [
      { port: 80, targetPort: 8080 },
      { port: 53, protocol: 'UDP' },
    ],
  },
  { name: 'web' },
);
const network = (spec: object, namespace = 'other', name = 'x'): PolicyObject =>
  policyObject('NetworkPolicy', { podSelector: { matchLabels: { app: 'caller' } }, ...spec }, { name, namespace });
const egress = (...rules: object[]): PolicyObject => network({ policyTypes: ['Egress'], egress: rules });
const ingress = (...rules: object[]): PolicyObject => network({ ingress: rules });
const tcp = (...ports: (number | string)[]): object => ({ ports: ports.map((port) => ({ port })) });
const team = (name: string, labels?: Labels): object => ({
  namespaceSelector: { matchLabels: { team: name } },
  ...(labels && { podSelector: { matchLabels: labels } }),
});
const found = (home: PolicyObject, ...policies: PolicyObject[]): string[] =>
  foundIn([shop, home, service, ...policies]);

describe('a NetworkPolicy of callers elsewhere', () => {
  it.each<[string, object[], string[]]>([
    ['names the namespace', [{ to: [team('a')], ...tcp(8080) }], ['SST2026 spec.egress[0]']],
    ['names its pods', [{ to: [team('a', { app: 'web' })], ...tcp(8080) }], ['SST2026 spec.egress[0]']],
    ['names every namespace', [{ to: [{ namespaceSelector: {} }], ...tcp(8080) }], ['SST2026 spec.egress[0]']],
    ['names nobody', [tcp(8080)], ['SST2030 spec.egress[0]']],
    ['does both', [{ to: [team('a')], ...tcp(8080) }, tcp(8080)], ['SST2026 spec.egress[0]', 'SST2030 spec.egress[1]']],
    ['names other pods', [{ to: [team('a', { app: 'db' })], ...tcp(8080) }], []],
    ['names another namespace', [{ to: [team('b')], ...tcp(8080) }], []],
    ['means its own namespace', [{ to: [{ podSelector: {} }], ...tcp(8080) }], []],
    ['names a port of the Service, which pods do not have', [{ to: [team('a')], ...tcp(80) }], []],
    ['has all ports', [{ to: [team('a')] }], []],
    ['opens the tunnel, too', [{ to: [team('a')], ...tcp(8080, 15008) }], []],
    ['opens it by a rule for all', [{ to: [team('a')], ...tcp(8080) }, tcp(15008)], []],
    [
      'opens it to some pods',
      [
        { to: [team('a')], ...tcp(8080) },
        { to: [team('a', { app: 'db' })], ...tcp(15008) },
      ],
      ['SST2026 spec.egress[0]'],
    ],
    [
      'opens it to addresses',
      [
        { to: [team('a')], ...tcp(8080) },
        { to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ...tcp(15008) },
      ],
      [],
    ],
    ['knows addresses only', [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ...tcp(8080) }], []],
  ])('%s', (_, rules, expected) => {
    expect(found(sidecars, egress(...rules))).toEqual(expected);
  });

  it('matters if its pods are in the mesh', () => {
    const policy = egress({ to: [team('a')], ...tcp(8080) });
    expect(found(ambient, policy)).toEqual(['SST2026 spec.egress[0]']);
    expect(found(space('other', { 'istio.io/rev': 'canary' }), policy)).toEqual(['SST2026 spec.egress[0]']);
    expect(found(space('other', { 'istio.io/rev': 'canary', 'istio-injection': 'disabled' }), policy)).toEqual([]);
  });

  it('is helped by another one for the same pods', () => {
    const tunnel = { policyTypes: ['Egress'], egress: [{ to: [team('a')], ...tcp(15008) }] };
    const policy = egress({ to: [team('a')], ...tcp(8080) });
    expect(found(sidecars, policy, network(tunnel, 'other', 'same'))).toEqual([]);
    expect(found(sidecars, policy, network({ ...tunnel, podSelector: {} }, 'other', 'all'))).toEqual([]);
    expect(found(sidecars, policy, network(tunnel, 'third', 'elsewhere'))).toEqual(['SST2026 spec.egress[0]']);
    const some = { ...tunnel, podSelector: { matchLabels: { app: 'caller', tier: 'front' } } };
    expect(found(sidecars, policy, network(some, 'other', 'some'))).toEqual(['SST2026 spec.egress[0]']);
  });

  it('is one of Kubernetes, of another namespace, whatever else has such names', () => {
    const spec = { podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [team('a')], ...tcp(8080) }] };
    const foreign = policyObject('CiliumNetworkPolicy', spec, { namespace: 'other' });
    expect(found(sidecars, foreign)).toEqual([]);
    const namesake = policyObject('Service', {}, { name: 'other' });
    expect(foundIn([shop, sidecars, service, namesake, network(spec)])).toEqual(['SST2026 spec.egress[0]']);
    const home = space('shop', { team: 'a', 'istio-injection': 'enabled' });
    expect(foundIn([home, service, network(spec, 'shop')])).toEqual(['SST2021 spec.egress[0]']);
  });

  it('may mean one port of several, of Services here, by TCP', () => {
    const two = policyObject('Service', { ports: [{ port: 80, targetPort: 8080 }, { port: 9090 }] }, { name: 'two' });
    const theirs = policyObject('Service', { ports: [{ port: 7070 }] }, { name: 'theirs', namespace: 'other' });
    const of = (port: number): string[] =>
      foundIn([shop, sidecars, service, two, theirs, egress({ to: [team('a')], ...tcp(port) })]);
    expect(of(8080)).toEqual(['SST2026 spec.egress[0]']);
    expect(of(9090)).toEqual(['SST2026 spec.egress[0]']);
    expect(of(7070)).toEqual([]);
    expect(of(53)).toEqual([]);
  });

  it('may mean a port by its name', () => {
    const named = policyObject('Service', { ports: [{ port: 80, targetPort: 'http' }] }, { name: 'named' });
    const policy = (port: number | string): PolicyObject => egress({ to: [team('a')], ...tcp(port) });
    expect(foundIn([shop, sidecars, named, policy('http')])).toEqual(['SST2026 spec.egress[0]']);
    expect(foundIn([shop, sidecars, named, policy(8080)])).toEqual(['SST2026 spec.egress[0]']);
    expect(foundIn([shop, sidecars, named, policy(53)])).toEqual([]);
  });
});

describe('a NetworkPolicy of pods that are called', () => {
  it.each<[string, object[], string[]]>([
    ['admits the namespace', [{ from: [team('a')], ...tcp(9090) }], ['SST2027 spec.ingress[0]']],
    ['admits everybody', [tcp(9090)], ['SST2030 spec.ingress[0]']],
    ['admits others', [{ from: [team('b')], ...tcp(9090) }], []],
    ['admits other pods', [{ from: [team('a', { app: 'db' })], ...tcp(9090) }], []],
    ['admits all ports', [{ from: [team('a')] }], []],
    [
      'admits the tunnel, too',
      [
        { from: [team('a')], ...tcp(9090) },
        { from: [team('a')], ...tcp(15008) },
      ],
      [],
    ],
    [
      'admits the tunnel from others',
      [
        { from: [team('a')], ...tcp(9090) },
        { from: [team('b')], ...tcp(15008) },
      ],
      ['SST2027 spec.ingress[0]'],
    ],
    ['admits UDP', [{ from: [team('a')], ports: [{ port: 53, protocol: 'UDP' }] }], []],
    ['admits nobody', [], []],
  ])('%s', (_, rules, expected) => {
    expect(found(sidecars, ingress(...rules))).toEqual(expected);
  });
});
