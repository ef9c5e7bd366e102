import { describe, expect, it } from 'vitest';
import type { PolicyObject } from './policy-object.js';
import { identityFindings, mayMatch, principalOf } from './waypoint-identity.js';

const waypoint = { name: 'waypoint', namespace: 'shop', account: 'waypoint' };
const SELF = 'cluster.local/ns/shop/sa/waypoint';

const policy = (spec: object, name = 'x', namespace = 'shop'): PolicyObject => ({
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace },
  spec,
});
const from = (...sources: object[]): object => ({ from: sources.map((source) => ({ source })) });
const allow = (...rules: object[]): PolicyObject => policy({ rules });
const ask = (...rules: object[]): PolicyObject => policy({ action: 'CUSTOM', rules });
const port = (number: string): object => ({ to: [{ operation: { ports: [number] } }] });
const when = (key: string, values: object): object => ({ when: [{ key, ...values }] });
const byTokens = { ...from({ requestPrincipals: ['*'] }), when: [{ key: 'source.namespace', values: ['shop'] }] };
const deny = (...rules: object[]): PolicyObject => policy({ action: 'DENY', rules });

function found(given: PolicyObject, ...others: PolicyObject[]): string[] {
  const scope = { waypoint, trustDomain: 'cluster.local', namespace: 'shop' };
  return identityFindings([given], [given, ...others], scope).map(({ code }) => code);
}

describe('a policy of pods that come behind a waypoint', () => {
  it.each<[string, PolicyObject, string[]]>([
    ['allows everybody', allow({}), []],
    ['allows nobody', allow(), []],
    ['looks at ports only', deny({ to: [{ operation: { ports: ['80'] } }] }), []],
    ['allows another principal', allow(from({ principals: ['cluster.local/ns/a/sa/b'] })), ['SST2005']],
    ['allows the waypoint too, and so everybody behind it', allow(from({ principals: ['a', SELF] })), ['SST2006']],
    ['allows it by a pattern', allow(from({ principals: ['*/sa/waypoint'] })), ['SST2006']],
    ['allows its namespace', allow(from({ namespaces: ['sh*'] })), ['SST2006']],
    ['allows its account', allow(from({ serviceAccounts: ['waypoint'] })), ['SST2006']],
    ['allows its account for another caller', allow(from({ serviceAccounts: ['other/waypoint'] })), ['SST2005']],
    ['allows everybody but its namespace', allow(from({ notNamespaces: ['shop'] })), ['SST2005']],
    ['allows it by a rule of its own', allow(from({ principals: ['a'] }), from({ principals: [SELF] })), ['SST2006']],
    [
      'allows it on another port',
      allow(
        { ...from({ principals: ['a'] }), to: [{ operation: { ports: ['80'] } }] },
        { ...from({ principals: [SELF] }), to: [{ operation: { ports: ['81'] } }] },
      ),
      ['SST2005', 'SST2006'],
    ],
    ['allows addresses, which may be anybody', allow(from({ ipBlocks: ['10.0.0.0/8'] })), ['SST2005', 'SST2006']],
    ['allows by a condition', allow({ when: [{ key: 'source.namespace', values: ['a'] }] }), ['SST2005']],
    ['denies a caller, who then comes as the waypoint', deny(from({ principals: ['a'] })), ['SST2006']],
    ['denies everybody but some callers', deny(from({ notPrincipals: ['a'] })), ['SST2005']],
    ['denies by tokens only', deny(from({ requestPrincipals: ['*'] })), []],
    [
      'denies by tokens, and a caller',
      deny(from({ notRequestPrincipals: ['*'] }), from({ principals: [SELF] })),
      ['SST2005'],
    ],
    [
      'denies callers by their tokens',
      deny(from({ principals: ['*'], requestPrincipals: ['*'] })),
      ['SST2005', 'SST2006'],
    ],
    ['denies by tokens in a namespace', deny(byTokens), ['SST2005', 'SST2006']],
    ['asks about a caller', ask(from({ principals: ['a'] })), ['SST2006']],
    ['asks about everybody but some callers', ask(from({ notPrincipals: ['a'] })), ['SST2005']],
    ['denies addresses', deny(from({ ipBlocks: ['10.0.0.0/8'] })), ['SST2005', 'SST2006']],
    ['denies addresses by a condition', deny(when('remote.ip', { values: ['10.0.0.0/8'] })), ['SST2005', 'SST2006']],
    ['allows addresses by a condition', allow(when('source.ip', { values: ['10.0.0.1'] })), ['SST2005', 'SST2006']],
    ['allows by a pattern that it is not', allow(from({ namespaces: ['sha*'] })), ['SST2005']],
    ['allows everybody but its account', allow(from({ notServiceAccounts: ['waypoint'] })), ['SST2005']],
    ['allows everybody but another account', allow(from({ notServiceAccounts: ['a'] })), ['SST2006']],
    [
      'allows everybody but an account of that name elsewhere',
      allow(from({ notServiceAccounts: ['other/waypoint'] })),
      ['SST2006'],
    ],
    [
      'allows everybody but its namespace, by a condition',
      allow(when('source.namespace', { notValues: ['shop'] })),
      ['SST2005'],
    ],
    [
      'allows everybody but another namespace, by a condition',
      allow(when('source.namespace', { notValues: ['a'] })),
      ['SST2006'],
    ],
    ['allows whoever brings a token', allow(from({ requestPrincipals: ['*'] })), ['SST2005', 'SST2006']],
    [
      'allows everybody on a port, and a caller',
      allow(port('80'), from({ principals: ['a'] })),
      ['SST2005', 'SST2006'],
    ],
    [
      'allows it on all ports, and a caller on one',
      allow(from({ principals: [SELF] }), { ...from({ principals: ['a'] }), ...port('80') }),
      ['SST2006'],
    ],
    [
      'allows it on the port of a caller',
      allow({ ...from({ principals: [SELF] }), ...port('80') }, { ...from({ principals: ['a'] }), ...port('80') }),
      ['SST2006'],
    ],
    [
      'allows it some requests',
      allow({ ...from({ principals: [SELF] }), ...when('request.headers[x]', { values: ['1'] }) }),
      ['SST2006'],
    ],
    [
      'allows it some requests, and a caller all of them',
      allow(
        { ...from({ principals: [SELF] }), ...when('request.headers[x]', { values: ['1'] }) },
        from({ principals: ['a'] }),
      ),
      ['SST2005', 'SST2006'],
    ],
    [
      'denies it, and a caller',
      deny(from({ principals: ['a'] }), from({ principals: [SELF] })),
      ['SST2005', 'SST2006'],
    ],
    ['denies it, or by tokens', deny(from({ requestPrincipals: ['*'] }, { principals: [SELF] })), ['SST2005']],
  ])('%s', (_, given, expected) => {
    expect(found(given)).toEqual(expected);
  });

  it.each<[string, PolicyObject, string[]]>([
    [
      'allows another caller',
      allow(from({ principals: ['a'] })),
      ['SST2005 AuthorizationPolicy x does not allow the waypoint: td/ns/shop/sa/waypoint'],
    ],
    [
      'denies it',
      deny(from({ principals: ['*'] })),
      ['SST2005 AuthorizationPolicy x denies the waypoint: td/ns/shop/sa/waypoint'],
    ],
    [
      'asks about it',
      ask(from({ principals: ['*'] })),
      ['SST2005 AuthorizationPolicy x asks its provider about the waypoint: td/ns/shop/sa/waypoint'],
    ],
    [
      'denies another caller',
      deny(from({ principals: ['a'] })),
      ['SST2006 AuthorizationPolicy x decides by the caller, whom only the waypoint waypoint can tell'],
    ],
  ])('that %s is told so', (_, given, expected) => {
    const found = identityFindings([given], [given], { waypoint, trustDomain: 'td', namespace: 'shop' });
    expect(found.map(({ code, message }) => `${code} ${message}`)).toEqual(expected);
    expect(found.map(({ object }) => object)).toEqual(['AuthorizationPolicy/x']);
  });
});

describe('an AuthorizationPolicy', () => {
  const web = { namespace: 'shop', account: 'web' };
  it.each<[string, PolicyObject, [string, string]]>([
    ['everybody who shows a certificate', allow(from({ principals: ['*'] })), ['yes', 'no']],
    ['everybody of any namespace', allow(from({ namespaces: ['*'] })), ['yes', 'no']],
    ['an account of its own namespace', allow(from({ serviceAccounts: ['web'] })), ['yes', 'no']],
    ['another account', allow(from({ serviceAccounts: ['other/web'] })), ['no', 'no']],
    ['everybody but a principal', allow(from({ notPrincipals: ['td/ns/shop/sa/web'] })), ['no', 'yes']],
    ['addresses', allow(from({ ipBlocks: ['10.0.0.0/8'] })), ['unknown', 'unknown']],
    ['nobody', allow(), ['no', 'no']],
    ['everybody, for some requests', allow({ to: [{ operation: { methods: ['GET'] } }] }), ['yes', 'yes']],
    [
      'addresses, and an account',
      allow(from({ ipBlocks: ['10.0.0.0/8'] }, { namespaces: ['shop'] })),
      ['yes', 'unknown'],
    ],
    ['addresses of a namespace', allow(from({ ipBlocks: ['10.0.0.0/8'], namespaces: ['a'] })), ['no', 'no']],
  ])('has a rule for %s', (_, given, expected) => {
    expect([mayMatch(given, web, 'td'), mayMatch(given, undefined, 'td')]).toEqual(expected);
  });

  it('knows a waypoint by the account of its pods', () => {
    expect(principalOf({ name: 'w', namespace: 'edge', account: 'gate' }, 'td')).toBe('td/ns/edge/sa/gate');
  });
});

describe('a copy for the waypoint', () => {
  const targetRefs = [{ kind: 'Gateway', name: 'waypoint' }];
  const callers = from({ principals: ['a'] });
  const pods = allow(from({ principals: ['a', SELF] }));
  const copy = (spec: object): PolicyObject => policy({ targetRefs, ...spec }, 'copy');

  it('decides by the caller in place of the pods', () => {
    expect(found(pods, copy({ rules: [callers] }))).toEqual([]);
    expect(found(allow(callers, from({ principals: [SELF] })), copy({ rules: [callers] }))).toEqual([]);
    expect(found(pods, copy({ action: 'ALLOW', rules: [callers] }))).toEqual([]);
    const gets = { to: [{ operation: { methods: ['GET'] } }] };
    expect(found(allow(from({ principals: ['a', SELF] }), gets), copy({ rules: [callers, gets] }))).toEqual([]);
  });

  it.each<[string, PolicyObject, PolicyObject]>([
    ['of another waypoint', pods, copy({ targetRefs: [{ kind: 'Gateway', name: 'other' }], rules: [callers] })],
    ['with other rules', pods, copy({ rules: [from({ principals: ['b'] })] })],
    [
      'without a rule for everybody',
      allow(from({ principals: ['a', SELF] }), { to: [{ operation: { methods: ['GET'] } }] }),
      copy({ rules: [callers] }),
    ],
    [
      'without the namespaces of a rule',
      allow(from({ principals: ['a', SELF] }, { namespaces: ['b'] })),
      copy({ rules: [callers] }),
    ],
    [
      'with other namespaces',
      allow(from({ principals: ['a', SELF] }, { namespaces: ['b'] })),
      copy({ rules: [from({ principals: ['a'] }, { namespaces: ['c'] })] }),
    ],
    ['of another namespace', pods, policy({ targetRefs, rules: [callers] }, 'copy', 'other')],
    [
      'for a Gateway of that name in the namespace whose policies hold for all',
      policy({ rules: [from({ principals: ['a', SELF] })] }, 'x', 'istio-system'),
      policy({ targetRefs, rules: [callers] }, 'copy', 'istio-system'),
    ],
    [
      'for a Service of that name',
      pods,
      copy({ targetRefs: [{ kind: 'Service', name: 'waypoint' }], rules: [callers] }),
    ],
    ['that is no AuthorizationPolicy', pods, { ...copy({ rules: [callers] }), kind: 'WasmPlugin' }],
    ['with another action', pods, copy({ action: 'DENY', rules: [callers] })],
    ['that only reports', pods, copy({ action: 'AUDIT', rules: [callers] })],
    [
      'that is a dry run',
      pods,
      {
        ...copy({ rules: [callers] }),
        metadata: { name: 'copy', namespace: 'shop', annotations: { 'istio.io/dry-run': 'true' } },
      },
    ],
    [
      'of a policy of some pods only: a Service may have others',
      policy({ selector: { matchLabels: { app: 'web' } }, rules: [from({ principals: ['a', SELF] })] }),
      copy({ rules: [callers] }),
    ],
    [
      'with ports, which are not those of the pods',
      allow({ ...from({ principals: ['a', SELF] }), to: [{ operation: { ports: ['80'] } }] }),
      copy({ rules: [{ ...callers, to: [{ operation: { ports: ['80'] } }] }] }),
    ],
  ])('%s does not', (_, given, other) => {
    expect(found(given, other)).toEqual(['SST2006']);
  });
});
