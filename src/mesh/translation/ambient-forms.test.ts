import { describe, expect, it } from 'vitest';
import {
  ISSUER,
  service,
  scope,
  policy,
  ofApi,
  from,
  to,
  web,
  waypoint,
  gets,
  exceptWaypoint,
  tokens,
  wasm,
  custom,
  namesOf,
  formsOf,
} from '../../../test/support/forms.js';
import { type PolicyObject, asRecord } from '../policy-object.js';
import { ambientForms } from './ambient-forms.js';
import { tightGuard } from './pod-policies.js';

const fromHeader = (name: string): object => ({ fromHeaders: [{ name }] });
const output = (header: string): object => ({ outputClaimToHeaders: [{ header, claim: 'a' }] });
const payload = (header: string): object => ({ outputPayloadToHeader: header });

describe('what policies need beside them in ambient mode', () => {
  it('is a copy, and an ALLOW for the waypoint, where an ALLOW names its callers', () => {
    const { forms } = formsOf(policy({ ...ofApi, rules: [from({ principals: [web] })] }));
    expect(forms).toMatchObject([{ isLayer7: false, guard: undefined }]);
    expect(forms[0]?.objects.map(({ metadata, spec }) => [metadata.name, spec])).toEqual([
      ['p-wp', { rules: [from({ principals: [web] })], targetRefs: [{ group: '', kind: 'Service', name: 'api' }] }],
      ['p-admission', { ...ofApi, action: 'ALLOW', rules: [from({ principals: [waypoint] })] }],
    ]);
  });

  it('is no such ALLOW where the waypoint is let in anyway', () => {
    expect(namesOf(formsOf(policy({ ...ofApi, rules: [to({ ports: ['80'] })] })))).toEqual(['p-wp']);
  });

  it('is a guard where ztunnel would let in what sidecars refuse', () => {
    const { forms } = formsOf(policy({ ...ofApi, action: 'DENY', rules: [gets] }), tokens);
    expect(forms.map(({ isLayer7, guard }) => [isLayer7, guard?.metadata.name])).toEqual([
      [true, 'p-guard'],
      [true, 'p-requestauthentication-guard'],
    ]);
    expect(forms[0]?.guard?.spec).toEqual({
      selector: { matchLabels: { app: 'api', 'istio.io/dataplane-mode': 'ambient' } },
      action: 'DENY',
      rules: [from({ notPrincipals: [waypoint] })],
    });
  });

  it.each<[string, object, object[]]>([
    [
      'of who may be refused',
      { from: [{ source: { principals: ['a'] } }, { source: { namespaces: ['b'] } }], ...gets },
      [
        {
          from: [
            { source: { principals: ['a'], ...exceptWaypoint } },
            { source: { namespaces: ['b'], ...exceptWaypoint } },
          ],
        },
        from({ notPrincipals: ['*'] }),
      ],
    ],
    [
      'with the exceptions of the policy',
      { ...from({ notPrincipals: ['a', waypoint] }), ...gets },
      [from({ notPrincipals: ['a', waypoint] }), from({ notPrincipals: ['*'] })],
    ],
    ['of all, where accounts are named', { ...from({ serviceAccounts: ['a'] }), ...gets }, [from(exceptWaypoint)]],
    ['of all, where tokens are named', from({ requestPrincipals: ['a'] }), [from(exceptWaypoint)]],
    ['of all, where one rule is for all', gets, [from(exceptWaypoint)]],
  ])('is a guard %s', (_, rule, expected) => {
    const { forms } = formsOf(policy({ ...ofApi, action: 'DENY', rules: [rule] }));
    expect(asRecord(forms[0]?.guard?.spec)['rules']).toEqual(expected);
  });

  it('is named after the namespace of a policy of the whole mesh, too', () => {
    const forms = formsOf(policy({ rules: [gets] }, 'AuthorizationPolicy', 'p', 'istio-system'));
    expect(namesOf(forms)).toEqual(['istio-system-p-wp', 'istio-system-p-admission']);
    expect(forms.forms[0]?.objects.every(({ metadata }) => metadata.namespace === 'shop')).toBe(true);
  });

  it.each([
    ['of another namespace', policy({ rules: [gets] }, 'AuthorizationPolicy', 'p', 'other')],
    ['for a waypoint', policy({ rules: [gets], targetRefs: [{ kind: 'Service', name: 'api' }] })],
    ['about mTLS', policy({ mtls: {} }, 'PeerAuthentication')],
    [
      'that is a dry run',
      {
        ...policy({ rules: [gets] }),
        metadata: { name: 'p', namespace: 'shop', annotations: { 'istio.io/dry-run': 'true' } },
      },
    ],
  ])('is nothing for one %s', (_, given) => {
    expect(formsOf(given)).toEqual({ forms: [], untranslated: [] });
  });

  it('is a copy and a guard for a filter', () => {
    const { forms, untranslated } = formsOf(
      wasm({ match: [{ mode: 'SERVER', ports: [{ number: 80 }] }, { mode: 'SERVER' }] }),
    );
    expect(untranslated).toEqual([]);
    expect(forms).toMatchObject([{ isLayer7: true, guard: { metadata: { name: 'p-wasmplugin-guard' } } }]);
    expect(forms[0]?.objects[0]).toMatchObject({
      apiVersion: 'extensions.istio.io/v1alpha1',
      kind: 'WasmPlugin',
      metadata: { name: 'p-wp', namespace: 'shop' },
      spec: { url: 'oci://plugin', targetRefs: [{ group: '', kind: 'Service', name: 'api' }] },
    });
    expect(forms[0]?.objects[0]?.spec).not.toHaveProperty('selector');
  });

  it('is a copy alone for a Telemetry with a selector, or where the waypoint is in another namespace', () => {
    const namespace = 'infra';
    const shared = { ...scope, waypoint: { ...scope.waypoint, namespace } };
    const telemetry = (spec: object, home = 'shop'): PolicyObject => policy(spec, 'Telemetry', 'p', home);
    expect(formsOf(telemetry(ofApi)).forms).toMatchObject([{ isLayer7: false, objects: [{ kind: 'Telemetry' }] }]);
    expect(namesOf(ambientForms([telemetry({})], shared))).toEqual(['p-wp']);
    expect(namesOf(formsOf(telemetry({})))).toEqual([]);
    expect(namesOf(ambientForms([telemetry({}, namespace), telemetry({}, 'istio-system')], shared))).toEqual([]);
    // Sidecars of other namespaces do not read it.
    expect(formsOf(telemetry(ofApi, 'istio-system'))).toEqual({ forms: [], untranslated: [] });
  });

  it('is a copy for the Services of a Telemetry’s pods that have one, and none where there is none', () => {
    const services = [service('api'), service('headless', { selector: { app: 'api' }, clusterIP: 'None' })];
    const given = policy({ selector: { matchLabels: { app: 'db' } } }, 'Telemetry');
    const half = ambientForms([policy(ofApi, 'Telemetry')], { ...scope, services });
    expect(half.forms[0]?.objects).toMatchObject([{ spec: { targetRefs: [{ name: 'api' }] } }]);
    expect(formsOf(given).untranslated[0]?.reasons.join()).toMatch('belongs to no Service');
  });

  it.each([
    ['sees no certificates at a waypoint', { match: [{ mode: 'SERVER' }] }, ['spec', 'spec']],
    ['ran on what pods send, too', {}, ['spec', 'spec', 'spec.match']],
    ['ran on both in one entry', { match: [{ mode: 'CLIENT_AND_SERVER' }] }, ['spec', 'spec', 'spec.match']],
    ['ran on both by two', { match: [{ mode: 'SERVER' }, { mode: 'CLIENT' }] }, ['spec', 'spec', 'spec.match']],
  ])('loses something of a filter that %s', (_, spec, paths) => {
    expect(formsOf(wasm(spec)).forms[0]?.lost.map(({ at }) => at)).toEqual(paths);
  });

  it('loses nothing of a DENY, and of a filter nothing of pods without Service', () => {
    const ofDb = { selector: { matchLabels: { app: 'db' } } };
    const { forms, untranslated } = formsOf(
      policy({ ...ofDb, action: 'DENY', rules: [gets] }),
      wasm({ ...ofDb, match: [{ mode: 'SERVER' }] }),
    );
    expect(untranslated).toEqual([]);
    expect(forms.map(({ lost }) => lost.map(({ at }) => at))).toEqual([[], ['spec', 'spec']]);
  });

  it.each([
    ['runs on what pods send', wasm({ match: [{ mode: 'CLIENT' }] }), 'spec.match it runs on what the pods send'],
    ['asks for ports', wasm({ match: [{ mode: 'SERVER', ports: [{ number: 80 }] }] }), 'spec.match it asks for ports'],
    ['is for connections', wasm({ type: 'NETWORK' }), 'spec.type'],
    ['is a file', wasm({ url: 'file:///opt/a.wasm' }), 'spec.url'],
    ['reads the environment', wasm({ vmConfig: { env: [{ name: 'A', valueFrom: 'HOST' }] } }), 'spec.vmConfig.env'],
    ['is pulled with a Secret of the mesh', wasm({ imagePullSecret: 's' }, 'istio-system'), 'spec.imagePullSecret'],
    [
      'is a TrafficExtension with a file',
      policy({ wasm: { url: 'file:///a' } }, 'TrafficExtension'),
      'spec.wasm.url a waypoint has other files',
    ],
  ])('is not known of a filter that %s', (_, given, reason) => {
    const { forms, untranslated } = formsOf(given);
    expect(forms).toEqual([]);
    expect(untranslated[0]?.reasons.join('; ')).toMatch(reason);
  });

  it('is known of a filter with a Secret of its own namespace, and with a variable', () => {
    const vmConfig = { env: [{ name: 'A', valueFrom: 'INLINE', value: '1' }] };
    expect(formsOf(wasm({ imagePullSecret: 's', vmConfig })).untranslated).toEqual([]);
  });

  it('is not known of two filters of the same pods of which only their age says which comes first', () => {
    const named = (name: string, spec: object): PolicyObject => {
      const made = wasm(spec);
      return { ...made, metadata: { ...made.metadata, name } };
    };
    const tied = formsOf(named('a', { phase: 'AUTHN' }), named('b', { phase: 'AUTHN' }));
    expect(tied.untranslated.map(({ reasons }) => reasons)).toEqual([
      [expect.stringMatching('before WasmPlugin/b: give it a priority')],
      [expect.stringMatching('before WasmPlugin/a: give it a priority')],
    ]);
    for (const other of [
      { phase: 'AUTHN', priority: 0 },
      { phase: 'AUTHZ' },
      { phase: 'AUTHN', selector: { matchLabels: { app: 'web' } } },
    ])
      expect(formsOf(named('a', { phase: 'AUTHN' }), named('b', other)).untranslated, JSON.stringify(other)).toEqual(
        [],
      );
    const lua = policy({ phase: 'AUTHN', lua: { inlineCode: '' } }, 'TrafficExtension', 'c');
    expect(formsOf(named('a', { phase: 'AUTHN' }), lua).untranslated).toHaveLength(2);
  });

  it.each<[string, object, string | RegExp]>([
    [
      'a DENY of everybody but a caller denies the waypoint',
      { action: 'DENY', rules: [from({ notPrincipals: [web] })] },
      `it denies the waypoint, too, which is all that pods see: except ${waypoint} from its rules`,
    ],
    [
      'a provider is asked about all callers but one',
      { action: 'CUSTOM', provider: { name: 'x' }, rules: [from({ notNamespaces: ['other'] })] },
      'it asks its provider about the waypoint',
    ],
    [
      'ztunnel would deny a port as a whole',
      { action: 'DENY', rules: [to({ methods: ['GET'], ports: ['80'] })] },
      /^nothing beside a DENY takes back what it denies$/,
    ],
    [
      'a policy only marks requests for the audit',
      { action: 'AUDIT', rules: [to({ methods: ['GET'] })] },
      /^it decides nothing, and so a copy for the waypoint is left to you$/,
    ],
    [
      'a DENY asks for trust domains beside what ztunnel would deny as a whole',
      { action: 'DENY', rules: [to({ methods: ['GET'], ports: ['80'] }), from({ trustDomains: ['td'] })] },
      /takes back what it denies; AuthorizationPolicy\/p raises SST2012$/,
    ],
    ['a port is none', { rules: [to({ ports: ['http'] })] }, 'http is no port'],
    [
      'sidecars write the header',
      { rules: [{ when: [{ key: 'request.headers[X-Forwarded-Client-Cert]', values: ['*'] }] }] },
      'a waypoint sees another request.headers',
    ],
    ['a namespace is a pattern to sidecars', { rules: [from({ namespaces: ['team-*-dev'] })] }, 'SST2013'],
  ])('is not known where %s', (_, spec, reason) => {
    const { forms, untranslated } = formsOf(policy({ ...ofApi, ...spec }));
    expect(forms).toEqual([]);
    expect(untranslated[0]?.reasons.join('; ')).toMatch(reason);
  });

  it('is a copy and a guard where a provider is asked, which is told less then', () => {
    const { forms } = formsOf(custom('x', [{ ...from({ principals: [web] }), ...gets }]));
    expect(forms).toMatchObject([{ isLayer7: true, guard: { metadata: { name: 'x-guard' } } }]);
    expect(forms[0]?.objects[0]?.spec).toMatchObject({ action: 'CUSTOM', provider: { name: 'x' } });
    expect(forms[0]?.lost).toHaveLength(2);
  });

  it.each<[string, object]>([
    ['another trust domain', from({ principals: ['cluster.local/ns/other/sa/sleep'] })],
    ['a pattern of namespaces', from({ namespaces: ['team-*-dev'] })],
    ['nobody', from({})],
  ])('is not known where a provider is asked about callers of whom a guard would read %s', (_, rule) => {
    const inDomain = { ...scope, mesh: { ...scope.mesh, trustDomain: 'example.org' } };
    const { forms, untranslated } = ambientForms([custom('x', [rule])], inDomain);
    expect(forms).toEqual([]);
    expect(untranslated[0]?.reasons.join()).toMatch('SST2013');
  });

  it('is not known where pods have two providers, be it by a dry run or in part', () => {
    const [one, other] = [custom('x', [gets]), custom('y', [gets])];
    expect(formsOf(one, other).untranslated.map(({ reasons }) => reasons)).toEqual([
      [expect.stringMatching('AuthorizationPolicy/y has another provider')],
      [expect.stringMatching('AuthorizationPolicy/x has another provider')],
    ]);
    const dryRun = { ...other, metadata: { ...other.metadata, annotations: { 'istio.io/dry-run': 'true' } } };
    expect(formsOf(one, dryRun).untranslated).toHaveLength(1);
    const ofWeb = { ...other, spec: { ...asRecord(other.spec), selector: { matchLabels: { app: 'web' } } } };
    expect(formsOf(one, ofWeb, { ...one }).untranslated).toEqual([]);
  });

  const denying = (rule: object): PolicyObject => policy({ ...ofApi, action: 'DENY', rules: [rule] });
  const claim = { key: 'request.auth.claims[a]' };
  const withRule = (rule: object): PolicyObject =>
    policy({ ...ofApi, jwtRules: [{ issuer: ISSUER, ...rule }] }, 'RequestAuthentication', 'tokens');
  it.each<[string, object, object]>([
    ['who has none', from({ notRequestPrincipals: ['*'] }), {}],
    ['whose claims are others', { when: [{ ...claim, notValues: ['b'] }] }, {}],
    ['who sends another one', { when: [{ key: 'request.headers[authorization]', notValues: ['b'] }] }, {}],
    ['by the header of one', { when: [{ key: 'request.headers[X-T]', notValues: ['b'] }] }, fromHeader('x-t')],
    ['by what is made of one', { when: [{ key: 'request.headers[x-p]', notValues: ['b'] }] }, output('x-p')],
    ['by its payload', { when: [{ key: 'request.regex.headers[x-p]', notValues: ['b'] }] }, payload('x-p')],
    ['by its cookie', { when: [{ key: 'request.headers[cookie]', notValues: ['b'] }] }, { fromCookies: ['c'] }],
  ])('is not known of a DENY of %s, where the waypoint keeps the token to itself', (_, rule, jwtRule) => {
    const given = denying(rule);
    const reasons = formsOf(given, withRule(jwtRule)).untranslated.map((one) => one.reasons.join());
    expect(reasons).toEqual([expect.stringMatching('set forwardOriginalToken in RequestAuthentication/tokens')]);
    expect(formsOf(given, withRule({ ...jwtRule, forwardOriginalToken: true })).untranslated).toEqual([]);
    expect(formsOf(given).untranslated).toEqual([]);
    const ofWeb = { ...asRecord(withRule(jwtRule).spec), selector: { matchLabels: { app: 'web' } } };
    expect(formsOf(given, policy(ofWeb, 'RequestAuthentication', 'tokens')).untranslated).toEqual([]);
  });

  it.each<[string, object]>([
    ['of who has one', from({ requestPrincipals: ['*'] })],
    ['by a claim', { when: [{ ...claim, values: ['b'] }] }],
    ['by another header', { when: [{ key: 'request.headers[x-other]', notValues: ['b'] }] }],
  ])('is known of a DENY %s: the waypoint has looked at it, and pods see no token', (_, rule) => {
    expect(formsOf(denying(rule), withRule({})).untranslated).toEqual([]);
  });

  it('chooses, once it is tight, all pods of its policy, but no gateways', () => {
    const guardOf = (given: PolicyObject, hasGateways = false): unknown => {
      const [form] = formsOf(given).forms;
      return form?.guard && asRecord(tightGuard(form.guard, given, hasGateways).spec)['selector'];
    };
    expect(guardOf(tokens)).toEqual(ofApi.selector);
    const ofAll = policy({ jwtRules: [] }, 'RequestAuthentication');
    expect(guardOf(ofAll)).toBeUndefined();
    expect(guardOf(ofAll, true)).toEqual({ matchLabels: { 'istio.io/dataplane-mode': 'ambient' } });
  });
});
