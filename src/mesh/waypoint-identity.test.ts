import { describe, expect, it } from 'vitest';
import type { PolicyObject } from './policy-object.js';
import { identityFindings } from './waypoint-identity.js';

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
  ])('%s', (_, given, expected) => {
    expect(found(given)).toEqual(expected);
  });

  it('is said to be refused with the principal that is missing', () => {
    const given = allow(from({ principals: ['a'] }));
    const scope = { waypoint, trustDomain: 'td', namespace: 'shop' };
    expect(identityFindings([given], [given], scope)).toMatchObject([
      { object: 'AuthorizationPolicy/x', message: expect.stringContaining('td/ns/shop/sa/waypoint') as string },
    ]);
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
  });

  it.each<[string, PolicyObject, PolicyObject]>([
    ['of another waypoint', pods, copy({ targetRefs: [{ kind: 'Gateway', name: 'other' }], rules: [callers] })],
    ['with other rules', pods, copy({ rules: [from({ principals: ['b'] })] })],
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
