import { describe, expect, it } from 'vitest';
import { ISSUER, custom, formsOf, from, gets, ofApi, policy, tokens, web } from '../../../test/support/forms.js';
import type { PolicyObject } from '../policy-object.js';

const denying = (...rules: object[]): PolicyObject => policy({ ...ofApi, action: 'DENY', rules });
const when = (key: string, value = 'b'): object => ({ when: [{ key, notValues: [value] }] });
const noToken = from({ notRequestPrincipals: ['*'] });
const asking = (jwtRules: object[], namespace = 'shop'): PolicyObject =>
  policy({ ...ofApi, jwtRules }, 'RequestAuthentication', 'tokens', namespace);
const providedBy = (name: string, namespace: string): PolicyObject => {
  const given = custom(name, [gets]);
  return { ...given, metadata: { ...given.metadata, namespace } };
};

const reasons = (...policies: PolicyObject[]): string[] =>
  formsOf(...policies).untranslated.flatMap((one) => one.reasons);

describe('what no form of a policy would say', () => {
  it.each<[string, PolicyObject[], string[]]>([
    [
      'that ztunnel would deny too much, and does not know of trust domains',
      [denying({ to: [{ operation: { methods: ['GET'], ports: ['80'] } }] }, from({ trustDomains: ['td'] }), from({}))],
      ['nothing beside a DENY takes back what it denies', 'AuthorizationPolicy/p raises SST2012, SST2013'],
    ],
    [
      'that the waypoint is denied',
      [denying(from({ notPrincipals: ['cluster.local/ns/shop/sa/web'] }))],
      [
        'it denies the waypoint, too, which is all that pods see: except cluster.local/ns/shop/sa/waypoint from its rules (notPrincipals)',
      ],
    ],
    [
      'that pods get no token, if one of several rules asks for it',
      [denying(gets, noToken), asking([{ issuer: ISSUER, forwardOriginalToken: true }, { issuer: 'https://other' }])],
      [
        'it denies what comes without a token, and pods behind the waypoint get none: set forwardOriginalToken in RequestAuthentication/tokens',
      ],
    ],
    [
      'that a provider is asked about requests without a token',
      [custom('x', [noToken]), tokens],
      [
        'it asks its provider about what comes without a token, and pods behind the waypoint get none: set forwardOriginalToken in RequestAuthentication/p',
      ],
    ],
    [
      'that pods have two providers, one of them for the whole mesh',
      [custom('x', [gets]), providedBy('y', 'istio-system')],
      [
        'AuthorizationPolicy/istio-system/y has another provider, and what pods with two are asked about is refused',
        'AuthorizationPolicy/x has another provider, and what pods with two are asked about is refused',
      ],
    ],
  ])('is %s', (_, policies, expected) => {
    expect(reasons(...policies)).toEqual(expected);
  });

  it.each<[string, PolicyObject[]]>([
    ['tokens that another namespace asks for', [denying(noToken), asking([{ issuer: ISSUER }], 'other')]],
    [
      'what is no part of a token',
      [denying({ ...from({ principals: [web] }), ...when('source.ip', '10.0.0.1') }), tokens],
    ],
    ['the cookie, where no token is in one', [denying(when('request.headers[cookie]')), tokens]],
    ['a DENY beside what a provider is asked about', [denying(gets), custom('x', [gets])]],
    ['another provider in another namespace', [custom('x', [gets]), providedBy('y', 'other')]],
    ['a policy of another kind', [policy({ ...ofApi, accessLogging: [{ disabled: true }] }, 'Telemetry')]],
  ])('is nothing of %s', (_, policies) => {
    expect(reasons(...policies)).toEqual([]);
  });

  it('is nothing that only a waypoint could enforce of what tells of requests', () => {
    const tells = policy({ ...ofApi, accessLogging: [{ disabled: true }] }, 'Telemetry');
    expect(formsOf(tells).forms).toMatchObject([{ isLayer7: false, guard: undefined, lost: [] }]);
  });
});
