import { describe, expect, it } from 'vitest';
import { WAYPOINT, foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import { policyFindings } from '../policies.js';
import type { PolicyObject } from '../policy-object.js';

const web = { podSelector: { matchLabels: { app: 'web' } } };
const network = (spec: object, name = 'x'): PolicyObject =>
  policyObject('NetworkPolicy', { ...web, ...spec }, { name });
const tcp = (...ports: number[]): object[] => ports.map((port) => ({ port, protocol: 'TCP' }));
const callers = [{ namespaceSelector: { matchLabels: { team: 'a' } } }];
const everything = { ingress: [{}], egress: [{}] };
const probed = policyScope({ probes: [{ labels: { app: 'web' }, port: 8080, name: 'http' }] });
const kubelet = (ports: object[] = []): object => ({
  from: [{ ipBlock: { cidr: '169.254.7.127/32' } }],
  ...(ports.length > 0 && { ports }),
});

describe('a NetworkPolicy lets the mesh in', () => {
  it.each<[string, object]>([
    ['with its own port', { ingress: [{ ports: tcp(80, 15008) }] }],
    ['with a range of ports', { ingress: [{ ports: [{ port: 15000, endPort: 15100 }] }] }],
    ['with any port', { ingress: [{ from: callers }] }],
    [
      'with a rule for the same callers',
      {
        ingress: [
          { from: callers, ports: tcp(80) },
          { from: callers, ports: tcp(15008) },
        ],
      },
    ],
    ['where nobody was let in', { ingress: [] }],
    ['where only UDP was let in', { ingress: [{ ports: [{ port: 53, protocol: 'UDP' }] }] }],
    ['where only probes were let in', { ingress: [kubelet(tcp(8080))] }],
  ])('%s', (_, spec) => {
    expect(foundIn(network(spec))).toEqual([]);
  });

  it('by another policy for the same pods', () => {
    const plain = network({ ingress: [{ ports: tcp(80) }] });
    const tunnel = { ingress: [{ ports: tcp(15008) }] };
    expect(foundIn([plain, network(tunnel, 'same')])).toEqual([]);
    expect(foundIn([plain, network({ podSelector: {}, ...tunnel }, 'all')])).toEqual(['SST2022 spec.ingress[0]']);
    const other = { podSelector: { matchLabels: { app: 'web', tier: 'front' } }, ...tunnel };
    expect(foundIn([plain, network(other, 'some')])).toEqual(['SST2003 spec.ingress[0]', 'SST2022 spec.ingress[0]']);
  });

  it.each<[string, object, string]>([
    ['the application’s port alone', { ingress: [{ ports: tcp(80) }] }, 'spec.ingress[0]'],
    ['TCP 53 alone, for a server of DNS', { ingress: [{ ports: tcp(53) }] }, 'spec.ingress[0]'],
    ['UDP 15008', { ingress: [{ ports: [...tcp(80), { port: 15008, protocol: 'UDP' }] }] }, 'spec.ingress[0]'],
    [
      'the tunnel for others than the callers',
      {
        ingress: [
          { from: [{ podSelector: {} }], ports: tcp(15008) },
          { from: callers, ports: tcp(80) },
        ],
      },
      'spec.ingress[1]',
    ],
  ])('but not with %s', (_, spec, field) => {
    expect(foundIn(network(spec)).filter((found) => !found.startsWith('SST2022'))).toEqual([`SST2003 ${field}`]);
  });
});

describe('a NetworkPolicy that was for some callers', () => {
  const some = { from: callers, ports: tcp(80) };

  it.each<[string, object[], string[]]>([
    ['opens all ports to everybody by the tunnel', [some, { ports: tcp(15008) }], ['SST2022 spec.ingress[1]']],
    ['does not by the tunnel for the same', [some, { from: callers, ports: tcp(15008) }], []],
    ['does not where everybody may call a port', [{ ports: tcp(80) }, { ports: tcp(15008) }], []],
    ['does not by a range of ports', [{ from: callers, ports: [{ port: 15008, endPort: 15100 }] }], []],
  ])('%s', (_, ingress, expected) => {
    expect(foundIn(network({ ingress }))).toEqual(expected);
  });

  const ofNamespace = { from: [{ podSelector: {} }] };
  it.each<[string, object, string[]]>([
    ['takes a waypoint for them', { ingress: [{ from: callers }] }, ['SST2023 spec.ingress[0]']],
    // Callers of other namespaces come through the waypoint, which is of this one.
    ['even if they are those of the namespace', { ingress: [ofNamespace] }, ['SST2023 spec.ingress[0]']],
    ['but not if it is for the waypoint too', { podSelector: {}, ingress: [{ from: callers }, ofNamespace] }, []],
    [
      'and not if one peer of a rule is',
      { podSelector: {}, ingress: [{ from: [...callers, { podSelector: {} }] }] },
      [],
    ],
    ['or for everybody', { ingress: [{ ports: tcp(80, 15008) }] }, []],
    [
      'or for everybody by one rule of several',
      { ingress: [{ from: callers }, { ports: tcp(15008) }] },
      ['SST2022 spec.ingress[1]'],
    ],
    [
      'but for everybody without the tunnel',
      { ingress: [{ from: callers }, { ports: tcp(80) }] },
      ['SST2003 spec.ingress[1]', 'SST2023 spec.ingress[0]'],
    ],
    ['nor if it lacks the tunnel', { ingress: [{ ports: tcp(80) }] }, ['SST2003 spec.ingress[0]']],
    ['or for nobody', { ingress: [] }, []],
  ])('%s', (_, spec, expected) => {
    expect(foundIn(network(spec), policyScope({ waypoint: WAYPOINT }))).toEqual(expected);
  });
});

describe('a NetworkPolicy that tells callers apart', () => {
  const some = { ingress: [{ from: callers }] };

  it('is not helped by one for other pods that admits everybody', () => {
    const others = network({ podSelector: { matchLabels: { app: 'db' } }, ingress: [{}] }, 'others');
    expect(foundIn([network(some), others], policyScope({ waypoint: WAYPOINT }))).toEqual(['SST2023 spec.ingress[0]']);
  });

  it('does not admit a waypoint of another namespace with its own pods', () => {
    const shared = policyScope({ waypoint: { ...WAYPOINT, namespace: 'edge' } });
    const all = network({ podSelector: {}, ingress: [{ from: callers }, { from: [{ podSelector: {} }] }] });
    expect(foundIn(all, shared)).toEqual(['SST2023 spec.ingress[0], spec.ingress[1]']);
  });

  it('opens nothing by the tunnel to what probes', () => {
    expect(foundIn(network({ ingress: [kubelet(tcp(15008))] }))).toEqual([]);
  });
});

describe('a NetworkPolicy lets pods call the mesh', () => {
  it.each<[string, object, string[]]>([
    ['with any port', { policyTypes: ['Egress'], egress: [{ to: callers }] }, []],
    [
      'not with the service’s port alone',
      { policyTypes: ['Egress'], egress: [{ to: callers, ports: tcp(80) }] },
      ['SST2021 spec.egress[0]'],
    ],
    [
      'with DNS, which is not of the mesh',
      { policyTypes: ['Egress'], egress: [{ ports: [...tcp(53), { port: 53, protocol: 'UDP' }] }] },
      [],
    ],
    ['if it is not about egress', { policyTypes: ['Ingress'], egress: [{ ports: tcp(80) }] }, []],
    ['not if it says so by having rules', { ingress: [{}], egress: [{ ports: tcp(80) }] }, ['SST2021 spec.egress[0]']],
  ])('%s', (_, spec, expected) => {
    expect(foundIn(network(spec))).toEqual(expected);
  });
});

describe('a NetworkPolicy lets the kubelet in', () => {
  it.each<[string, object, string[]]>([
    ['by its address', { ingress: [kubelet()] }, []],
    ['by its address and the port', { ingress: [kubelet([{ port: 'http' }])] }, []],
    ['by a rule for everybody', { ingress: [{ ports: tcp(8080, 15008) }] }, []],
    ['by one peer of several', { ingress: [{ from: [...callers, { ipBlock: { cidr: '169.254.7.127/32' } }] }] }, []],
    ['by a larger block', { ingress: [{ from: [{ ipBlock: { cidr: '169.254.0.0/16' } }] }] }, []],
    ['if it is not about ingress', { policyTypes: ['Egress'], ...everything }, []],
    ['not to another port', { ingress: [kubelet(tcp(80))] }, ['SST2020 spec.ingress']],
    [
      'not by a block without it',
      { ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] } }] }] },
      ['SST2020 spec.ingress'],
    ],
    ['not by pods', { ingress: [{ from: callers }] }, ['SST2020 spec.ingress']],
    ['not if nobody is let in', { policyTypes: ['Ingress'] }, ['SST2020 spec.ingress']],
  ])('%s', (_, spec, expected) => {
    expect(foundIn(network(spec), probed).filter((found) => !found.startsWith('SST2003'))).toEqual(expected);
  });

  const dualStack = policyScope({
    probes: [
      { labels: { app: 'web' }, port: 8080, family: 'IPv6' },
      { labels: { app: 'web' }, port: 9090, family: 'IPv6' },
    ],
  });
  it.each<[string, string[]]>([
    ['fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128', []],
    ['fd16:9254::/32', []],
    ['169.254.7.127/32', ['SST2020 spec.ingress']],
    ['fd17::/16', ['SST2020 spec.ingress']],
  ])('by IPv6 if pods have it first, admitted from %s', (cidr, expected) => {
    const given = network({ ingress: [{ from: [{ ipBlock: { cidr } }] }] });
    expect(foundIn(given, dualStack).filter((found) => found.startsWith('SST2020'))).toEqual(expected);
  });

  it('with the address and the ports in the message', () => {
    const [found] = policyFindings([network({ policyTypes: ['Ingress'] })], dualStack);
    expect(found?.message).toMatch(/probes from fd16:9254:7127:1337:ffff:ffff:ffff:ffff on ports 8080, 9090$/);
  });

  it('with every address, and every port once, in order', () => {
    const probes = [
      { labels: { app: 'web' }, port: 9090 },
      { labels: { app: 'web' }, port: 8080 },
      { labels: { app: 'web' }, port: 8080, family: 'IPv6' as const },
      { labels: { app: 'web' }, port: 10000 },
    ];
    const [found] = policyFindings([network({ policyTypes: ['Ingress'] })], policyScope({ probes }));
    expect(found?.message).toBe(
      'NetworkPolicy x, field spec.ingress: does not admit probes from 169.254.7.127 and ' +
        'fd16:9254:7127:1337:ffff:ffff:ffff:ffff on ports 8080, 9090, 10000',
    );
  });

  it('by another policy, and where nothing is probed', () => {
    const closed = network({ policyTypes: ['Ingress'] });
    const ofOthers = network({ podSelector: { matchLabels: { app: 'db' } }, ingress: [kubelet()] }, 'others');
    expect(foundIn([closed, ofOthers], probed)).toEqual(['SST2020 spec.ingress']);
    expect(foundIn([closed, network({ podSelector: {}, ingress: [kubelet()] }, 'kubelet')], probed)).toEqual([]);
    expect(foundIn(network({ podSelector: { matchLabels: { app: 'db' } }, ingress: [] }), probed)).toEqual([]);
  });
});
