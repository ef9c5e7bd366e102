import { describe, expect, it } from 'vitest';
import { WAYPOINT, foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import { policyFindings } from '../policies.js';
import type { Labels, PolicyObject } from '../policy-object.js';

const space = (name: string, labels: Labels): PolicyObject => ({ kind: 'Namespace', metadata: { name, labels } });
const shop = space('shop', { team: 'a' });
const network = (spec: object, namespace = 'other', name = 'x'): PolicyObject =>
  policyObject('NetworkPolicy', { podSelector: {}, ...spec }, { name, namespace });
const tcp = (...ports: number[]): object => ({ ports: ports.map((port) => ({ port })) });
const team = (name: string, labels?: Labels): object => ({
  namespaceSelector: { matchLabels: { team: name } },
  ...(labels && { podSelector: { matchLabels: labels } }),
});

describe('NetworkPolicies on the way through a waypoint', () => {
  const bound = policyScope({ waypoint: WAYPOINT });
  const own = (spec: object, name = 'x'): PolicyObject => network(spec, 'shop', name);
  const ofWaypoint = { matchLabels: { 'gateway.networking.k8s.io/gateway-name': 'waypoint' } };
  const istiod = tcp(15012);
  const atWaypoint = (...policies: PolicyObject[]): string[] =>
    foundIn([shop, ...policies], bound).filter((one) => /SST202[89]/.test(one));

  it.each<[string, object, string[]]>([
    ['admit nobody', { policyTypes: ['Ingress'] }, ['SST2028 spec.ingress']],
    ['admit callers', { ingress: [tcp(15008)] }, []],
    ['admit probes only', { ingress: [tcp(15021)] }, ['SST2028 spec.ingress']],
    ['are for other pods', { podSelector: { matchLabels: { app: 'web' } }, ingress: [] }, []],
    [
      'are for pods by what they are not',
      { podSelector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, ingress: [] },
      ['SST2028 spec.ingress'],
    ],
    ['let nobody out', { policyTypes: ['Egress'] }, ['SST2028 spec.egress']],
    [
      'let it out to pods only',
      { policyTypes: ['Egress'], egress: [{ to: [{ podSelector: {} }] }] },
      ['SST2028 spec.egress'],
    ],
    ['let it out to istiod only', { policyTypes: ['Egress'], egress: [istiod] }, ['SST2028 spec.egress']],
    [
      'let it out to both',
      { policyTypes: ['Egress'], egress: [istiod, { to: [{ podSelector: {} }], ...tcp(15008) }] },
      [],
    ],
    [
      'let it out to other pods',
      {
        policyTypes: ['Egress'],
        egress: [istiod, { to: [{ podSelector: { matchLabels: { app: 'db' } } }], ...tcp(15008) }],
      },
      ['SST2028 spec.egress'],
    ],
    ['do neither', { policyTypes: ['Ingress', 'Egress'] }, ['SST2028 spec.ingress, spec.egress']],
  ])('%s', (_, spec, expected) => {
    expect(atWaypoint(own(spec))).toEqual(expected);
  });

  it('say what is missing', () => {
    const [found] = policyFindings([shop, own({ policyTypes: ['Ingress', 'Egress'] })], bound);
    expect(found?.message).toMatch(
      /cuts waypoint waypoint off from callers on TCP 15008, pods on TCP 15008, istiod on TCP 15012$/,
    );
  });

  it('are looked at together', () => {
    const closed = own({ policyTypes: ['Ingress'] });
    const web = own({
      podSelector: { matchLabels: { app: 'web' } },
      ingress: [{ from: [team('a')], ...tcp(80, 15008) }],
    });
    const open = (from: object): PolicyObject =>
      own({ podSelector: ofWaypoint, ingress: [{ ...from, ...tcp(15008) }] }, 'waypoint');
    expect(atWaypoint(closed, web)).toEqual(['SST2028 spec.ingress']);
    expect(atWaypoint(closed, web, open({ from: [team('a')] }))).toEqual([]);
    expect(atWaypoint(closed, web, open({}))).toEqual([]);
    // Neither is for callers of pods: one is of another namespace, the other for its own pods.
    const elsewhere = network({ podSelector: { matchLabels: { app: 'db' } }, ingress: [{ from: [team('b')] }] });
    const ownRules = [
      { from: [team('b')], ...tcp(15021) },
      { from: [team('a')], ...tcp(15008) },
    ];
    expect(atWaypoint(closed, web, elsewhere, own({ podSelector: ofWaypoint, ingress: ownRules }, 'waypoint'))).toEqual(
      [],
    );
    const dns = own({
      podSelector: { matchLabels: { app: 'web' } },
      ingress: [{ from: [team('b')], ports: [{ port: 53, protocol: 'UDP' }] }],
    });
    expect(atWaypoint(dns, open({ from: [team('a')] }))).toEqual([]);
    const both = [
      { from: [team('b')], ...tcp(15008) },
      { from: [team('a')], ...tcp(15008) },
    ];
    expect(atWaypoint(web, own({ podSelector: ofWaypoint, ingress: both }, 'waypoint'))).toEqual([]);
    // Both select its pods, and neither admits those callers of the application.
    expect(atWaypoint(closed, web, open({ from: [team('b')] }))).toEqual([
      'SST2028 spec.ingress',
      'SST2028 spec.ingress',
    ]);
  });

  it.each<[string, Labels, object, string[]]>([
    [
      'ambient callers to pods',
      { 'istio.io/dataplane-mode': 'ambient' },
      team('a', { app: 'web' }),
      ['SST2029 spec.egress[0]'],
    ],
    ['ambient callers to all', { 'istio.io/dataplane-mode': 'ambient' }, team('a'), []],
    ['sidecars, which pass it by', { 'istio-injection': 'enabled' }, team('a', { app: 'web' }), []],
  ])('let %s', (_, labels, to, expected) => {
    const calls = network({ policyTypes: ['Egress'], egress: [{ to: [to], ...tcp(15008) }] });
    expect(atWaypoint(space('other', labels), calls)).toEqual(expected);
  });

  it('select its pods by their mode, too', () => {
    const podSelector = { matchLabels: { 'istio.io/dataplane-mode': 'none' } };
    expect(atWaypoint(own({ podSelector, policyTypes: ['Ingress'] }))).toEqual(['SST2028 spec.ingress']);
  });

  it('let it out to istiod by the labels of its namespace', () => {
    const egress = [{ to: [team('mesh')], ...tcp(15012) }, tcp(15008)];
    const policy = own({ policyTypes: ['Egress'], egress });
    expect(atWaypoint(policy, space('istio-system', { team: 'mesh' }))).toEqual([]);
    expect(atWaypoint(policy, space('istio-system', {}))).toEqual(['SST2028 spec.egress']);
  });

  const two = policyScope({ waypoint: WAYPOINT, workloadLabels: [{ app: 'web' }, { app: 'db' }] });
  it('let it out to all pods, and not through itself', () => {
    const toWeb = { to: [{ podSelector: { matchLabels: { app: 'web' } } }], ...tcp(15008) };
    const policy = own({ podSelector: ofWaypoint, policyTypes: ['Egress'], egress: [istiod, toWeb] });
    expect(foundIn([shop, policy], two)).toEqual(['SST2028 spec.egress']);
    expect(foundIn([shop, policy], bound)).toEqual([]);
    const ofGateway = (name: string): PolicyObject =>
      own({
        podSelector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': name } },
        policyTypes: ['Egress'],
        egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }], ...tcp(15008) }, istiod],
      });
    expect(foundIn([shop, ofGateway('waypoint')], bound)).toEqual([]);
    expect(foundIn([shop, ofGateway('ingress')], bound)).toEqual(['SST2029 spec.egress[0]']);
  });

  const caller = { podSelector: { matchLabels: { app: 'caller' } }, policyTypes: ['Egress'] };
  const toWeb = { to: [team('a', { app: 'web' })], ...tcp(15008) };
  const toAll = { to: [team('a')], ...tcp(15008) };
  it.each<[string, PolicyObject[], string[]]>([
    ['not to it', [], ['SST2029 spec.egress[0]']],
    ['by another for the same pods', [network({ ...caller, egress: [toAll] }, 'other', 'y')], []],
    ['by another for all pods', [network({ policyTypes: ['Egress'], egress: [toAll] }, 'other', 'y')], []],
    ['by one of several rules', [network({ ...caller, egress: [toWeb, toAll] }, 'other', 'y')], []],
    [
      'not by another port',
      [network({ ...caller, egress: [{ ...toAll, ...tcp(80) }] }, 'other', 'y')],
      ['SST2029 spec.egress[0]'],
    ],
    [
      'not by another for other pods',
      [network({ ...caller, podSelector: { matchLabels: { app: 'x' } }, egress: [toAll] }, 'other', 'y')],
      ['SST2029 spec.egress[0]'],
    ],
    ['not by another elsewhere', [network({ ...caller, egress: [toAll] }, 'third', 'y')], ['SST2029 spec.egress[0]']],
    [
      'whatever else has the name of the namespace',
      [policyObject('Service', {}, { name: 'other' })],
      ['SST2029 spec.egress[0]'],
    ],
  ])('let ambient callers to some of several pods, %s', (_, others, expected) => {
    const ambient = { 'istio.io/dataplane-mode': 'ambient' };
    const objects = [shop, space('other', ambient), space('third', ambient), ...others];
    const found = foundIn([...objects, network({ ...caller, egress: [toWeb] })], two);
    expect(found.filter((one) => one.startsWith('SST2029'))).toEqual(expected);
  });

  it('of a shared one are those of its namespace', () => {
    const shared = policyScope({ waypoint: { ...WAYPOINT, namespace: 'edge' } });
    const closed = network({ podSelector: ofWaypoint, policyTypes: ['Ingress'] }, 'edge');
    expect(foundIn([shop, closed], shared)).toEqual(['SST2028 spec.ingress']);
    expect(foundIn([shop, closed], bound)).toEqual([]);
  });
});
