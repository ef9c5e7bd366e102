import { describe, expect, it } from 'vitest';
import { ruleDifferences, rulesOfService, sayPorts, withQualifiedAccounts } from './rules.js';
import type { ServicePorts } from './service-ports.js';

type Rule = Readonly<Record<string, unknown>>;

const to = (...operations: object[]): Rule => ({ to: operations.map((operation) => ({ operation })) });
const when = (...conditions: object[]): Rule => ({ when: conditions });
const port = (lists: object): object => ({ key: 'destination.port', ...lists });

/** The Service leads from 80 and 81 to 8080 of its pods, and from 443 to 8443; nobody leads to 80 of them. */
const ports: ServicePorts = {
  own: new Set(['80', '81', '443']),
  leadingTo: new Map([
    ['8080', ['80', '81']],
    ['8443', ['443']],
  ]),
};

describe('rules at a waypoint', () => {
  it.each<[string, Rule, Rule[]]>([
    ['that say nothing', {}, [{}]],
    [
      'without ports',
      { ...to({ methods: ['GET'] }), from: [{ source: { namespaces: ['a'] } }] },
      [{ ...to({ methods: ['GET'] }), from: [{ source: { namespaces: ['a'] } }] }],
    ],
    ['of a port', to({ ports: ['8443'] }), [to({ ports: ['443'] })]],
    ['of a port with two names', to({ ports: ['8080'] }), [to({ ports: ['80', '81'] })]],
    ['of ports, one of them twice', to({ ports: ['8080', '81', '8080'] }), [to({ ports: ['80', '81'] })]],
    ['of a port that is of no pod', to({ ports: ['9090'] }), [to({ ports: ['9090'] })]],
    ['of a port that the Service has for another', to({ ports: ['80'] }), []],
    ['of all but a port', to({ notPorts: ['8443'], methods: ['GET'] }), [to({ notPorts: ['443'], methods: ['GET'] })]],
    ['of all but a port that no request has', to({ notPorts: ['80'], methods: ['GET'] }), [to({ methods: ['GET'] })]],
    ['of all but a port that no request has, and of nothing else', to({ notPorts: ['80'] }), [{}]],
    ['of a port but not another', to({ ports: ['8443'], notPorts: ['80'] }), [to({ ports: ['443'] })]],
    ['of operations of which one is left', to({ ports: ['80'] }, { ports: ['8443'] }), [to({ ports: ['443'] })]],
    ['of operations of which one asks for nothing', to({ notPorts: ['80'] }, { ports: ['8443'] }), [{}]],
    ['of no operation that is left', { ...to({ ports: ['80'] }), ...when({ key: 'source.ip', values: ['::1'] }) }, []],
    ['with a condition on a port', when(port({ values: ['8443'] })), [when(port({ values: ['443'] }))]],
    ['with a condition on all but a port', when(port({ notValues: ['8443'] })), [when(port({ notValues: ['443'] }))]],
    ['with a condition that nothing meets', when(port({ values: ['80'] }), { key: 'source.ip', values: ['::1'] }), []],
    ['with a condition that everything meets', when(port({ notValues: ['80'] })), [{}]],
    [
      'with one that everything meets, and another',
      when(port({ notValues: ['80'] }), { key: 'source.ip', values: ['::1'] }),
      [when({ key: 'source.ip', values: ['::1'] })],
    ],
    [
      'with a condition on something that looks like a port',
      when({ key: 'request.headers[x]', values: ['8443'], notValues: ['8080'] }),
      [when({ key: 'request.headers[x]', values: ['8443'], notValues: ['8080'] })],
    ],
    ['with conditions that say nothing', when(), [{}]],
  ])('%s', (_, rule, expected) => {
    expect(rulesOfService([rule], ports)).toEqual(expected);
  });

  it('are left out one by one', () => {
    const rules = [to({ ports: ['80'] }), to({ ports: ['8443'] }), to({ ports: ['80'] })];
    expect(rulesOfService(rules, ports)).toEqual([to({ ports: ['443'] })]);
  });
});

describe('whether rules say anything of ports', () => {
  it.each<[boolean, Rule[]]>([
    [false, []],
    [false, [{}]],
    [false, [to({ methods: ['GET'] })]],
    [false, [to({ ports: [] })]],
    [true, [{}, to({ methods: ['GET'] }, { ports: ['80'] })]],
    [true, [to({ notPorts: ['80'] })]],
    [true, [when(port({ values: ['80'] }))]],
    [true, [when(port({ notValues: ['80'] }))]],
    [false, [when({ key: 'source.ip', values: ['80'] })]],
  ])('%s: %j', (expected, rules) => {
    expect(sayPorts(rules)).toBe(expected);
  });
});

describe('what cannot be said of a waypoint', () => {
  const told = (...rules: Rule[]): string[] =>
    ruleDifferences(rules).map(({ reason, at, message }) => `${reason} ${at}: ${message}`);

  it.each([
    'destination.ip',
    'connection.sni',
    'experimental.envoy.filters.network.mysql_proxy[db.t]',
    'request.headers[x-forwarded-client-cert]',
    'request.headers[X-Forwarded-Client-Cert]',
    'request.regex.headers[x-forwarded-client-cert]',
  ])('is a condition on %s', (key) => {
    expect(told({}, when({ key: 'source.ip', values: ['::1'] }, { key, values: ['x'] }))).toEqual([
      `Field spec.rules[1].when[1].key: a waypoint sees another ${key} than a sidecar`,
    ]);
  });

  it.each([
    'source.ip',
    'source.principal',
    'destination.port',
    'remote.ip',
    'request.headers[x-forwarded-for]',
    'request.headers[x-forwarded-client-cert-2]',
    'request.headers[destination.ip]',
    'request.auth.claims[connection.sni]',
    'not.experimental.x',
  ])('is no condition on %s', (key) => {
    expect(told(when({ key, values: ['80'] }))).toEqual([]);
  });

  it.each<[string, Rule, string | undefined]>([
    ['of an operation', to({ methods: ['GET'] }, { ports: ['http'] }), 'to[1].operation.ports: http'],
    ['that is excepted', to({ notPorts: ['80', 'http', '0'] }), 'to[0].operation.notPorts: http, 0'],
    ['of a condition', when(port({ values: ['65536'] })), 'when[0].values: 65536'],
    ['that a condition excepts', when({ key: 'source.ip' }, port({ notValues: ['08'] })), 'when[1].notValues: 08'],
    ['that is the last one', to({ ports: ['65535', '1'] }), undefined],
    ['that is too long', to({ ports: ['800000'] }), 'to[0].operation.ports: 800000'],
    ['with something before it', to({ ports: ['-80'] }), 'to[0].operation.ports: -80'],
    ['with something behind it', to({ ports: ['80x'] }), 'to[0].operation.ports: 80x'],
  ])('is a port %s, if it is none', (_, rule, expected) => {
    expect(told(rule)).toEqual(expected === undefined ? [] : [`Port spec.rules[0].${expected} is no port`]);
  });
});

describe('rules in another namespace', () => {
  it.each<[string, Rule, Rule]>([
    [
      'name accounts in full',
      { from: [{ source: { serviceAccounts: ['web', 'b/web'], notServiceAccounts: ['db'] } }] },
      { from: [{ source: { serviceAccounts: ['a/web', 'b/web'], notServiceAccounts: ['a/db'] } }] },
    ],
    [
      'name nothing else in full',
      { from: [{ source: { namespaces: ['web'], principals: ['web'] } }], ...to({ methods: ['GET'] }) },
      { from: [{ source: { namespaces: ['web'], principals: ['web'] } }], ...to({ methods: ['GET'] }) },
    ],
    [
      'name accounts of conditions in full',
      when({ key: 'source.serviceAccount', values: ['web'], notValues: ['b/web', 'db'] }),
      when({ key: 'source.serviceAccount', values: ['a/web'], notValues: ['b/web', 'a/db'] }),
    ],
    [
      'leave other conditions',
      when({ key: 'source.namespace', values: ['web'], notValues: ['db'] }),
      when({ key: 'source.namespace', values: ['web'], notValues: ['db'] }),
    ],
    ['gain no lists', {}, {}],
  ])('%s', (_, rule, expected) => {
    expect(withQualifiedAccounts([rule], 'a')).toEqual([expected]);
  });
});
