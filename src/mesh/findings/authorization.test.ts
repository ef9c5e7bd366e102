import { describe, expect, it } from 'vitest';
import { WAYPOINT, foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import { callerDemands, policyFindings } from '../policies.js';
import type { PolicyObject } from '../policy-object.js';
import { usesIdentity } from './authorization.js';

const rule = (part: object): object => ({ rules: [part] });
const from = (source: object): object => rule({ from: [{ source }] });
const to = (operation: object): object => rule({ to: [{ operation }] });
const when = (key: string, values: string[] = ['x']): object => rule({ when: [{ key, values }] });
const authorization = (spec: object, annotations = {}): PolicyObject =>
  policyObject('AuthorizationPolicy', spec, { annotations });
const deny = (spec: object): object => ({ action: 'DENY', ...spec });

describe('an AuthorizationPolicy that ztunnel reads exactly as a sidecar does is not worth a word:', () => {
  it.each([
    ['allow nothing', {}],
    ['allow everything', { rules: [{}] }],
    ['deny nothing', deny({ rules: [] })],
    ['principals', from({ principals: ['cluster.local/ns/a/sa/b'], notPrincipals: ['*'] })],
    ['namespaces and service accounts', from({ namespaces: ['a', 'b-*'], notServiceAccounts: ['a/b'] })],
    ['addresses', from({ ipBlocks: ['10.0.0.0/8', '::1'] })],
    ['ports, denied', deny(to({ ports: ['80'], notPorts: ['443'] }))],
    [
      'L4 conditions',
      rule({
        when: [
          { key: 'source.ip', values: ['10.1.2.3'] },
          { key: 'destination.port', notValues: ['80'] },
          { key: 'source.namespace', values: ['a'] },
        ],
      }),
    ],
  ])('%s', (_, spec) => {
    expect(foundIn(authorization(spec))).toEqual([]);
  });
});

describe('an AuthorizationPolicy that it does not read so:', () => {
  it.each([
    ['methods', to({ methods: ['GET'] }), 'SST2007 spec.rules[0].to[0].operation.methods'],
    ['hosts beside ports', to({ ports: ['80'], hosts: ['a'] }), 'SST2007 spec.rules[0].to[0].operation.hosts'],
    [
      'request principals',
      from({ requestPrincipals: ['*'] }),
      'SST2007 spec.rules[0].from[0].source.requestPrincipals',
    ],
    ['remote addresses', from({ remoteIpBlocks: ['::/0'] }), 'SST2007 spec.rules[0].from[0].source.remoteIpBlocks'],
    ['a header condition', when('request.headers[x]'), 'SST2007 spec.rules[0].when[0].key'],
    ['an account as condition', when('source.serviceAccount'), 'SST2007 spec.rules[0].when[0].key'],
    ['denied methods', deny(to({ methods: ['GET'] })), 'SST2008 spec.rules[0].to[0].operation.methods'],
    [
      'denied paths of a caller: the clause about paths is left empty',
      deny(rule({ from: [{ source: { namespaces: ['a'] } }], to: [{ operation: { paths: ['/x'] } }] })),
      'SST2008 spec.rules[0].to[0].operation.paths',
    ],
    [
      'denied methods or a port: the methods are let in',
      deny(rule({ to: [{ operation: { methods: ['GET'] } }, { operation: { ports: ['90'] } }] })),
      'SST2008 spec.rules[0].to[0].operation.methods',
    ],
    ['a denied header', deny(when('request.headers[x]')), 'SST2008 spec.rules[0].when[0].key'],
    [
      'denied methods of a port: the port is denied',
      deny(to({ methods: ['GET'], ports: ['80'] })),
      'SST2009 spec.rules[0].to[0].operation.methods',
    ],
    ['CUSTOM', { action: 'CUSTOM', provider: { name: 'opa' }, rules: [{}] }, 'SST2010 spec.action'],
    ['AUDIT', { action: 'AUDIT', ...to({ methods: ['GET'] }) }, 'SST2011 spec.action'],
    ['trust domains', from({ trustDomains: ['td'] }), 'SST2012 spec.rules[0].from[0].source.trustDomains'],
    [
      'no trust domains, beside a namespace',
      deny(from({ namespaces: ['a'], notTrustDomains: ['td'] })),
      'SST2012 spec.rules[0].from[0].source.notTrustDomains',
    ],
    ['an address that istiod would drop', from({ ipBlocks: ['ten'] }), 'SST2013 spec.rules[0].from[0].source.ipBlocks'],
    [
      'such an address beside another',
      from({ ipBlocks: ['10.0.0.0/8', 'ten'] }),
      'SST2013 spec.rules[0].from[0].source.ipBlocks',
    ],
    ['a port that istiod would drop', to({ ports: ['http'] }), 'SST2013 spec.rules[0].to[0].operation.ports'],
    ['such a port beside another', to({ ports: ['80', 'http'] }), 'SST2013 spec.rules[0].to[0].operation.ports'],
    ['such ports as condition', when('destination.port', ['80', 'http']), 'SST2013 spec.rules[0].when[0].key'],
    [
      'a pattern within a namespace',
      from({ namespaces: ['ok*', '*ok', '*', 'a-*-b'] }),
      'SST2013 spec.rules[0].from[0].source.namespaces',
    ],
    [
      'what every principal holds',
      from({ notNamespaces: ['*sa'] }),
      'SST2013 spec.rules[0].from[0].source.notNamespaces',
    ],
    ['the same in a condition', when('source.namespace', ['a*b']), 'SST2013 spec.rules[0].when[0].key'],
    ['an empty source, anybody to one and nobody to the other', from({}), 'SST2013 spec.rules[0].from[0].source'],
    ['a condition without values', when('source.ip', []), 'SST2013 spec.rules[0].when[0].key'],
    ['an action of tomorrow', { action: 'DELEGATE' }, 'SST2001 spec.action'],
    ['a field of tomorrow', { until: 'noon' }, 'SST2001 spec.until'],
    ['rules that are no list', { rules: {} }, 'SST2001 spec.rules'],
    ['a source of tomorrow', from({ cities: ['x'] }), 'SST2001 spec.rules[0].from[0].source.cities'],
    ['a part of a rule of tomorrow', rule({ until: 'noon' }), 'SST2001 spec.rules[0].until'],
    ['an operation of tomorrow', to({ verbs: ['x'] }), 'SST2001 spec.rules[0].to[0].operation.verbs'],
  ])('%s', (_, spec, expected) => {
    expect(foundIn(authorization(spec))).toEqual([expected]);
  });

  it.each<[string, boolean]>([
    ['0', false],
    ['1', true],
    ['65535', true],
    ['65536', false],
    ['+80', false],
    ['8e1', false],
    ['80-90', false],
  ])('port %s, unless it is one', (port, isOne) => {
    const field = 'SST2013 spec.rules[0].to[0].operation.ports';
    expect(foundIn(authorization(to({ ports: [port] })))).toEqual(isOne ? [] : [field]);
  });

  it.each<[string, boolean]>([
    ['a', true],
    ['*a', false],
    ['*sa', false],
    ['*b', true],
    ['a*', true],
    ['a*b', false],
  ])('namespace %s, unless a sidecar looks for it in its place only', (namespace, isAlike) => {
    const field = 'SST2013 spec.rules[0].from[0].source.namespaces';
    expect(foundIn(authorization(from({ namespaces: [namespace] })))).toEqual(isAlike ? [] : [field]);
  });

  const some = [{ operation: { methods: ['GET'], ports: ['80'] } }];
  it.each<[string, object, string[]]>([
    [
      'an empty source: its clause never matches',
      { from: [{ source: {} }], to: some },
      ['SST2008 spec.rules[0].to[0].operation.methods', 'SST2013 spec.rules[0].from[0].source'],
    ],
    [
      'trust domains alone: their clause is left empty',
      { from: [{ source: { trustDomains: ['td'] } }], to: some },
      ['SST2008 spec.rules[0].to[0].operation.methods', 'SST2012 spec.rules[0].from[0].source.trustDomains'],
    ],
    [
      'trust domains beside a namespace',
      { from: [{ source: { namespaces: ['a'], trustDomains: ['td'] } }], to: some },
      ['SST2009 spec.rules[0].to[0].operation.methods', 'SST2012 spec.rules[0].from[0].source.trustDomains'],
    ],
    [
      'methods alone beside methods of a port',
      { to: [...some, { operation: { methods: ['PUT'] } }] },
      ['SST2008 spec.rules[0].to[0].operation.methods, spec.rules[0].to[1].operation.methods'],
    ],
    [
      'a part of tomorrow',
      { until: 'noon', to: some },
      ['SST2009 spec.rules[0].to[0].operation.methods', 'SST2001 spec.rules[0].until'],
    ],
  ])('methods of a port, denied, and in the same rule %s', (_, part, expected) => {
    expect(foundIn(authorization(deny(rule(part))))).toEqual(expected);
  });

  it('a dry run, which decides nothing, unless the annotation is false', () => {
    const spec = deny(to({ methods: ['GET'] }));
    const dryRun = 'metadata.annotations[istio.io/dry-run]';
    expect(foundIn(authorization(spec, { 'istio.io/dry-run': 'true' }))).toEqual([`SST2014 ${dryRun}`]);
    const ofCaller = authorization(from({ principals: ['td/ns/a/sa/b'] }), { 'istio.io/dry-run': 'true' });
    expect(foundIn(ofCaller, policyScope({ waypoint: WAYPOINT }))).toEqual([`SST2014 ${dryRun}`]);
    expect(callerDemands([ofCaller], policyScope()).identityBased).toBe(false);
    expect(foundIn(authorization(spec, { 'istio.io/dry-run': 'false' }))).toEqual([
      'SST2008 spec.rules[0].to[0].operation.methods',
    ]);
  });

  const alias = { trustDomainAliases: ['old'] };
  const renamed = { trustDomain: 'example.org' };
  it.each<[object, string[], boolean]>([
    [alias, ['old/ns/a/sa/b'], true],
    [alias, ['cluster.local/ns/a/*'], true],
    [alias, ['old*'], true],
    [alias, ['cluster.local/ns/a/sa/b', 'old/ns/a/sa/b'], false],
    [alias, ['*', '*/ns/a/sa/b', 'td/ns/a/sa/b'], false],
    [renamed, ['cluster.local/ns/a/sa/b', 'example.org/ns/a/sa/b'], true],
    [renamed, ['example.org/ns/a/sa/b', 'old/ns/a/sa/b'], false],
    [{}, ['cluster.local/ns/a/sa/b', 'cluster*'], false],
  ])(
    'principals, where sidecars rewrite their trust domain: in a mesh with %o %o',
    (settings, principals, isRewritten) => {
      const { mesh } = policyScope();
      const scope = policyScope({ mesh: { ...mesh, ...settings } });
      const when = { rules: [{ when: [{ key: 'source.principal', notValues: principals }] }] };
      const code = (field: string): string[] => (isRewritten ? [`SST2013 spec.rules[0].${field}`] : []);
      expect(foundIn(authorization(from({ principals })), scope)).toEqual(code('from[0].source.principals'));
      expect(foundIn(authorization(when), scope)).toEqual(code('when[0].key'));
    },
  );

  it('but not a namespace with the name of a trust domain', () => {
    const scope = policyScope({ mesh: { ...policyScope().mesh, trustDomainAliases: ['old'] } });
    expect(foundIn(authorization(when('source.namespace', ['old'])), scope)).toEqual([]);
  });

  it('has one finding for each effect, with the fields that cause it', () => {
    const operations = [{ methods: ['GET'] }, { paths: ['/a'] }, { hosts: ['a'] }, { notPaths: ['/b'] }];
    const rules = [
      ...operations.map((operation) => ({ to: [{ operation }] })),
      { to: [{ operation: { paths: ['/a'], ports: ['80'] } }] },
    ];
    expect(policyFindings([authorization(deny({ rules }))], policyScope())).toEqual([
      {
        code: 'SST2008',
        object: 'AuthorizationPolicy/x',
        message:
          'AuthorizationPolicy x, fields spec.rules[0].to[0].operation.methods, spec.rules[1].to[0].operation.paths, ' +
          'spec.rules[2].to[0].operation.hosts and 1 more: ' +
          'ztunnel cannot see it, and nothing is left to match: what the rule denies is let in',
        path: 'spec.rules[0].to[0].operation.methods',
      },
      {
        code: 'SST2009',
        object: 'AuthorizationPolicy/x',
        message:
          'AuthorizationPolicy x, field spec.rules[4].to[0].operation.paths: ' +
          'ztunnel cannot see it and denies whatever matches the rest of the rule',
        path: 'spec.rules[4].to[0].operation.paths',
      },
    ]);
  });
});

describe('a policy decides by who the caller is', () => {
  it.each<[string, object, boolean]>([
    ['if a source is a principal', from({ principals: ['td/ns/a/sa/b'] }), true],
    ['if it is beside addresses', from({ ipBlocks: ['10.0.0.0/8'], notNamespaces: ['a'] }), true],
    ['if a condition is', when('source.namespace'), true],
    [
      'if one of several conditions is',
      rule({
        when: [
          { key: 'destination.port', values: ['80'] },
          { key: 'source.principal', values: ['*'] },
        ],
      }),
      true,
    ],
    [
      'if one of several rules does',
      {
        rules: [
          { to: [{ operation: { ports: ['80'] } }] },
          { from: [{ source: { ipBlocks: ['10.0.0.0/8'] } }, { source: { serviceAccounts: ['a/b'] } }] },
        ],
      },
      true,
    ],
    ['not by addresses', from({ ipBlocks: ['10.0.0.0/8'] }), false],
    ['not by a condition about them', when('source.ip', ['10.0.0.1']), false],
    ['not by ports', to({ ports: ['80'] }), false],
  ])('%s', (_, spec, expected) => {
    expect(usesIdentity(authorization(spec))).toBe(expected);
  });
});
