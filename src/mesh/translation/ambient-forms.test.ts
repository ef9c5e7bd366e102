import { describe, expect, it } from 'vitest';
import { Random } from '../../../test/controlplane/ambient/random.js';
import { policyScope } from '../../../test/support/policies.js';
import { callGraph } from '../call-graph.js';
import { type Finding } from '../findings.js';
import { refusalFindings, type Translating, translationFindings, besideForms } from '../findings/translation.js';
import type { HttpRequest } from '../enforcement/request.js';
import { policiesOfSidecar, policiesOfWaypoint } from '../enforcement/attachment.js';
import { tokenCheck } from '../enforcement/token.js';
import { trace } from '../enforcement/trace.js';
import { moments } from '../moments.js';
import { type MeshPicture, meshPicture, type PictureObjects, type PictureSettings } from '../picture.js';
import { proveMoments } from '../proof/proof.js';
import { type PolicyObject, asRecord } from '../policy-object.js';
import { type AmbientForm, type AmbientForms, ambientForms, type FormsScope } from './ambient-forms.js';
import { isExtension } from './extensions.js';
import { tightGuard } from './pod-policies.js';
import type { TargetService } from './selection.js';
import { type AccountedPods, closedPods, isClosed } from './ways-around.js';

const ISSUER = 'https://issuer.example';
const names = ['web', 'api', 'db'] as const;

const groups: readonly AccountedPods[] = names.map((name) => ({
  name: `Deployment/${name}`,
  labels: { app: name },
  account: name,
  ports: [{ containerPort: 80 }],
}));

const service = (name: string, spec: object = {}): TargetService => ({
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 8000, targetPort: 80 }], ...spec },
});

const scope: FormsScope = {
  namespace: 'shop',
  rootNamespace: 'istio-system',
  waypoint: { name: 'waypoint', namespace: 'shop', account: 'waypoint' },
  services: [service('web'), service('api')],
  pods: groups,
  mesh: policyScope().mesh,
};

function policy(spec: object, kind = 'AuthorizationPolicy', name = 'p', namespace = 'shop'): PolicyObject {
  return { apiVersion: 'security.istio.io/v1', kind, metadata: { name, namespace }, spec };
}

const ofApi = { selector: { matchLabels: { app: 'api' } } };
const from = (source: object): object => ({ from: [{ source }] });
const to = (operation: object): object => ({ to: [{ operation }] });
const web = 'cluster.local/ns/shop/sa/web';
const waypoint = 'cluster.local/ns/shop/sa/waypoint';
const gets = to({ methods: ['GET'] });
const exceptWaypoint = { notPrincipals: [waypoint] };
const tokens = policy({ ...ofApi, jwtRules: [{ issuer: ISSUER }] }, 'RequestAuthentication');

function wasm(spec: object, namespace = 'shop'): PolicyObject {
  const made = policy({ url: 'oci://plugin', ...ofApi, ...spec }, 'WasmPlugin', 'p', namespace);
  return { ...made, apiVersion: 'extensions.istio.io/v1alpha1' };
}

const custom = (name: string, rules: readonly object[]): PolicyObject =>
  policy({ ...ofApi, action: 'CUSTOM', provider: { name }, rules }, 'AuthorizationPolicy', name);
const fromHeader = (name: string): object => ({ fromHeaders: [{ name }] });
const output = (header: string): object => ({ outputClaimToHeaders: [{ header, claim: 'a' }] });
const payload = (header: string): object => ({ outputPayloadToHeader: header });

const namesOf = ({ forms }: AmbientForms): string[] =>
  forms.flatMap(({ objects }) => objects.map(({ metadata }) => metadata.name));
const formsOf = (...policies: PolicyObject[]): AmbientForms => ambientForms(policies, scope);

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

  it.each([
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
      'SST2009',
    ],
    ['a port is none', { rules: [to({ ports: ['http'] })] }, 'http is no port'],
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

function translating(policies: readonly PolicyObject[], more: Partial<Translating> = {}): Translating {
  const forms = ambientForms(policies, scope);
  const closed = closedPods(forms, policies, groups, scope);
  const sidecarsElsewhere = [{ namespace: 'other', account: 'sleep' }];
  return {
    namespace: 'shop',
    forms,
    closed,
    graph: { before: new Map(), cycles: [] },
    sidecarsElsewhere,
    isPlaintextTaken: false,
    ...more,
  };
}

describe('findings about a translation', () => {
  const codes = (given: Translating): string[] =>
    [...translationFindings(given), ...refusalFindings(given)].map(({ code, object }) => `${code} ${object}`);
  const l7 = policy({ ...ofApi, rules: [{ ...from({ principals: [web] }), ...gets }] });
  const l4 = policy({ ...ofApi, rules: [from({ principals: [web] })] });
  const openL7 = policy({ ...ofApi, rules: [gets] });
  const strange = policy(
    { selector: { matchLabels: { app: 'db' } }, rules: [to({ ports: ['x'] })] },
    'AuthorizationPolicy',
    'q',
  );

  it.each<[string, Translating, string[]]>([
    ['a policy for the waypoint only', translating([l7]), ['SST2032 AuthorizationPolicy/p']],
    ['a policy of callers', translating([l4]), ['SST2033 AuthorizationPolicy/p']],
    [
      'an ALLOW that has no copy beside one that has',
      translating([l4, strange]),
      ['SST2033 AuthorizationPolicy/p', 'SST2034 AuthorizationPolicy/q'],
    ],
    ['an ALLOW that has no copy, alone', translating([strange]), []],
    [
      'a filter, whose copy refuses nobody for an ALLOW that has none',
      translating([wasm({}), strange], { sidecarsElsewhere: [] }),
      ['SST2032 WasmPlugin/p', 'SST2046 WasmPlugin/p'],
    ],
    ['a Telemetry', translating([policy(ofApi, 'Telemetry'), strange]), ['SST2045 Telemetry/p']],
    [
      'sidecars elsewhere that may call',
      translating([openL7]),
      ['SST2032 AuthorizationPolicy/p', 'SST2035 Deployment/api'],
    ],
    [
      'sidecars elsewhere where ztunnel decides',
      translating([policy({ ...ofApi, rules: [to({ ports: ['80'] })] })]),
      ['SST2033 AuthorizationPolicy/p'],
    ],
    [
      'callers outside the mesh',
      translating([openL7], { sidecarsElsewhere: [], isPlaintextTaken: true }),
      ['SST2032 AuthorizationPolicy/p', 'SST2036 Deployment/api'],
    ],
    [
      'sidecars elsewhere that a DENY is not about',
      translating([policy({ ...ofApi, action: 'DENY', rules: [{ ...from({ namespaces: ['bad'] }), ...gets }] })]),
      ['SST2032 AuthorizationPolicy/p'],
    ],
    [
      'callers outside the mesh whom a policy does not know',
      translating([l7], { sidecarsElsewhere: [], isPlaintextTaken: true }),
      ['SST2032 AuthorizationPolicy/p'],
    ],
    [
      'workloads that call each other',
      translating([l7], {
        graph: callGraph(
          new Map([
            ['Deployment/a', ['Deployment/b']],
            ['Deployment/b', ['Deployment/a']],
          ]),
        ),
      }),
      ['SST2032 AuthorizationPolicy/p', 'SST2037 Deployment/a'],
    ],
  ])('%s', (_, given, expected) => {
    expect(codes(given)).toEqual(expected);
  });

  it('say why where there is no form', () => {
    const found = [{ code: 'SST3016' as const, object: 'WasmPlugin/p', message: 'it is lost' }];
    expect(besideForms(found, translating([wasm({ type: 'NETWORK' })]))).toEqual([
      {
        ...found[0],
        message: expect.stringMatching(/^it is lost; Sidestep writes nothing for it: spec.type a waypoint/),
      },
    ]);
    expect(besideForms(found, translating([wasm({})]))).toEqual([]);
    expect(besideForms(found, translating([]))).toEqual(found);
  });

  it('take the place of what is made up for, and of nothing else', () => {
    const finding = (code: Finding['code'], object: string): Finding => ({ code, object, message: '' });
    const given = [
      finding('SST2007', 'AuthorizationPolicy/p'),
      finding('SST2007', 'AuthorizationPolicy/other'),
      finding('SST2031', 'AuthorizationPolicy/p'),
    ];
    expect(besideForms(given, translating([l7])).map(({ code, object }) => `${code} ${object}`)).toEqual([
      'SST2007 AuthorizationPolicy/other',
      'SST2031 AuthorizationPolicy/p',
    ]);
  });

  it('name a sidecar that a DENY of its account alone keeps away no more', () => {
    const other = policy(
      { ...ofApi, action: 'DENY', rules: [from({ namespaces: ['other'] })] },
      'AuthorizationPolicy',
      'q',
    );
    expect(codes(translating([openL7, other]))).not.toContain('SST2035 Deployment/api');
  });
});

describe('the order of callers', () => {
  it('has those first who may call, and says who may call each other', () => {
    const { before, cycles } = callGraph(
      new Map([
        ['api', ['web', 'db']],
        ['db', ['api', 'worker']],
        ['web', []],
      ]),
    );
    expect(cycles).toEqual([['api', 'db']]);
    expect([...before].map(([name, others]) => [name, [...others]])).toEqual([
      ['api', ['web']],
      ['db', ['worker']],
      ['web', []],
    ]);
  });
});

/** `old`: a sidecar that does not speak HBONE. */
type Mode = 'sidecar' | 'old' | 'ambient' | 'none';

/** Whose pods stand how, and what is there beside the policies. */
interface Plot {
  readonly policies: readonly PolicyObject[];
  readonly caller: Mode;
  readonly server: Mode;
  readonly bound: boolean;
  /** The server's pods come without the label of their template. */
  readonly unlabelled?: boolean;
  /** Who lets in what they are asked about; others refuse that. */
  readonly providers: Providers;
}

type Providers = NonNullable<PictureSettings['authorizationProviders']>;
const PROVIDERS: Providers = { http: 'http', grpc: 'grpc' };

function pod(
  name: string,
  namespace: string,
  mode: Mode,
  address: number,
  isLabelled: boolean,
): PictureObjects['pods'][number] {
  const isSidecar = mode === 'sidecar' || mode === 'old';
  return {
    metadata: {
      name,
      namespace,
      labels: {
        app: name,
        ...(mode === 'sidecar' && { 'networking.istio.io/tunnel': 'http' }),
        ...(mode === 'ambient' && isLabelled && { 'istio.io/dataplane-mode': 'ambient' }),
      },
      annotations: {
        ...(isSidecar && { 'sidecar.istio.io/status': '{}' }),
        ...(mode === 'ambient' && { 'ambient.istio.io/redirection': 'enabled' }),
      },
    },
    spec: { serviceAccountName: name, containers: [{ name: 'app' }, ...(isSidecar ? [{ name: 'istio-proxy' }] : [])] },
    status: { phase: 'Running', podIPs: [{ ip: `10.0.0.${address}` }] },
  };
}

function draw({ policies, caller, server, bound, unlabelled = false, providers }: Plot, calls: string): MeshPicture {
  const [objects, settings] = drawn(policies, calls, caller, server, bound, unlabelled);
  return meshPicture(objects, { ...settings, authorizationProviders: providers });
}

function drawn(
  policies: readonly PolicyObject[],
  calls: string,
  caller: Mode,
  server: Mode,
  bound = false,
  unlabelled = false,
): [PictureObjects, PictureSettings] {
  const of = (kind: string): PolicyObject[] => policies.filter((one) => one.kind === kind);
  const mesh = scope.mesh;
  return [
    {
      namespaces: [
        { metadata: { name: 'shop', labels: bound ? { 'istio.io/use-waypoint': 'waypoint' } : {} } },
        { metadata: { name: 'other' } },
      ],
      nodes: [],
      pods: [
        pod('api', 'shop', server, 1, !unlabelled),
        pod(calls, calls === 'sleep' ? 'other' : 'shop', caller, 2, true),
      ],
      services: [
        {
          metadata: { name: 'api', namespace: 'shop' },
          spec: {
            clusterIP: '10.96.0.1',
            selector: { app: 'api' },
            ports: [{ name: 'http', port: 8000, targetPort: 80 }],
          },
        },
      ],
      endpointSlices: [],
      serviceEntries: [],
      workloadEntries: [],
      gateways: [
        {
          metadata: { name: 'waypoint', namespace: 'shop' },
          spec: { gatewayClassName: 'istio-waypoint', listeners: [{ port: 15008, protocol: 'HBONE' }] },
          status: { addresses: [{ type: 'Hostname', value: 'waypoint.shop.svc.cluster.local' }] },
        },
      ],
      gatewayClasses: [],
      authorizationPolicies: of('AuthorizationPolicy'),
      requestAuthentications: of('RequestAuthentication'),
      peerAuthentications: [],
    },
    {
      ...mesh,
      clusterId: 'Kubernetes',
      clusterDomain: 'cluster.local',
      rootNamespace: 'istio-system',
      systemNamespace: 'istio-system',
      revision: 'default',
    },
  ];
}

function randomPolicy(random: Random, index: number): PolicyObject {
  const name = `p${index}`;
  const home = random.chance(0.1) ? 'istio-system' : 'shop';
  const selector = random.pick([{}, ofApi, ofApi, ofApi, { selector: { matchLabels: { app: 'web' } } }]);
  if (random.chance(0.15))
    return policy(
      { ...selector, jwtRules: [{ issuer: ISSUER, ...(random.chance(0.6) && { forwardOriginalToken: true }) }] },
      'RequestAuthentication',
      name,
      home,
    );
  if (random.chance(0.1)) return randomFilter(random, selector, name, home);
  const action = random.pick(['ALLOW', 'ALLOW', 'DENY', 'DENY', 'CUSTOM']);
  const source = (): object =>
    random.pick([
      { principals: [web] },
      { principals: ['cluster.local/ns/other/sa/sleep', web] },
      { principals: ['*'] },
      { namespaces: ['other'] },
      { notNamespaces: ['other'] },
      { notPrincipals: ['cluster.local/ns/other/sa/sleep'] },
      { notPrincipals: [web, waypoint] },
      { notNamespaces: ['other'], notPrincipals: [waypoint] },
      { requestPrincipals: [`${ISSUER}/*`] },
      { notRequestPrincipals: ['*'] },
    ]);
  const operation = (): object =>
    random.pick([
      { methods: ['GET'] },
      { paths: ['/ip'] },
      { paths: ['/a*'], methods: ['POST'] },
      { notPaths: ['/ip'] },
      { ports: ['80'] },
      { hosts: ['api.shop'] },
    ]);
  const condition = (): object =>
    random.pick([
      { key: 'request.headers[x-role]', values: ['admin'] },
      { key: 'request.auth.claims[iss]', values: [ISSUER] },
      { key: 'request.auth.claims[sub]', notValues: ['me'] },
      { key: 'request.headers[authorization]', notValues: ['Bearer foreign'] },
      { key: 'source.namespace', values: ['shop'] },
    ]);
  const rules = random.times(1, 2, () => ({
    ...(random.chance(0.5) && { from: [{ source: source() }] }),
    ...(random.chance(0.7) && { to: [{ operation: operation() }] }),
    ...(random.chance(0.25) && { when: [condition()] }),
  }));
  const provider = action === 'CUSTOM' && { provider: { name: random.pick(['http', 'http', 'grpc', 'missing']) } };
  return policy({ ...selector, action, ...provider, rules }, 'AuthorizationPolicy', name, home);
}

/** What may refuse any request. */
function randomFilter(random: Random, selector: object, name: string, home: string): PolicyObject {
  const match = random.pick([undefined, [{ mode: 'SERVER' }], [{ mode: 'CLIENT' }], [{ ports: [{ number: 80 }] }]]);
  const spec = { ...selector, ...(match && { match }), phase: random.pick(['AUTHN', 'STATS']) };
  const made = wasm({ ...spec, priority: random.pick([1, 2]) }, home);
  return {
    ...made,
    metadata: { ...made.metadata, name },
    spec: { ...asRecord(made.spec), selector: undefined, ...selector },
  };
}

function randomRequest(random: Random): HttpRequest {
  const token = random.pick([undefined, undefined, 'good', 'forged', 'foreign']);
  return {
    method: random.pick(['GET', 'POST']),
    host: random.pick(['api.shop', 'api']),
    path: random.pick(['/ip', '/a', '/ab', '/']),
    headers: {
      ...(random.chance(0.4) && { 'x-role': [random.pick(['admin', 'user'])] }),
      ...(token !== undefined && { authorization: [`Bearer ${token}`] }),
    },
    tokens: {
      good: { claims: { iss: ISSUER, sub: 'me' } },
      forged: { claims: { iss: ISSUER, sub: 'me' }, state: 'Forged' },
      foreign: { claims: { iss: 'https://other', sub: 'me' } },
    },
  };
}

describe('generated policies with their ambient forms', () => {
  const MESHES = 200;
  const REQUESTS = 8;
  const fired = new Map<string, number>();
  const fire = (what: string): void => void fired.set(what, (fired.get(what) ?? 0) + 1);

  it(`never let in what was refused, and refuse only who goes past the waypoint, in ${MESHES} meshes`, () => {
    for (let seed = 1; seed <= MESHES; seed++) lookAt(new Random(seed), seed);
    console.log(
      [...fired]
        .map(([what, count]) => `${what}: ${count}`)
        .sort()
        .join('\n'),
    );
    for (const what of [
      'copy',
      'admission',
      'guard',
      'ask',
      'deny by what is not there',
      'untranslated',
      'allowed',
      'refused',
      'refused past the waypoint',
      'met a filter',
    ])
      expect(fired.get(what) ?? 0, what).toBeGreaterThanOrEqual(20);
  }, 120_000);

  it('are proven to open nothing at any moment, in 40 meshes', () => {
    let refusing = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const given = new Random(seed).times(1, 3, (index) => randomPolicy(new Random(seed * 10 + index), index));
      const policies = ambientForms(given, scope).forms.map(({ policy: one }) => one);
      const { forms } = ambientForms(policies, scope);
      const hasLayer7 = forms.some(({ isLayer7 }) => isLayer7);
      const [objects, settings] = drawn(policies, 'web', 'sidecar', 'sidecar');
      const all = moments(
        objects,
        { ...settings, authorizationProviders: PROVIDERS },
        {
          namespace: 'shop',
          waypoint: scope.waypoint,
          written: forms.flatMap(({ objects }) => objects),
          ...(hasLayer7 && { closed: (labels) => isClosed(forms, labels) }),
        },
      );
      const { flips, undecided } = proveMoments(all, { namespace: 'shop' });
      expect(
        flips.filter(({ kind }) => kind === 'Opens'),
        JSON.stringify(policies),
      ).toEqual([]);
      expect(undecided).toBe(0);
      refusing += flips.length > 0 ? 1 : 0;
    }
    expect(refusing).toBeGreaterThan(0);
  });

  it('keep a caller out whose old sidecar shows ambient pods no certificate', () => {
    const rule = { ...from({ namespaces: ['other'] }), ...gets };
    const policies = [policy({ ...ofApi, action: 'DENY', rules: [rule] })];
    const { forms } = ambientForms(policies, scope);
    const both = [...policies, ...forms.flatMap(({ objects }) => objects)];
    const http = { method: 'GET', host: 'api', path: '/', headers: {} };
    const answer = (plot: Omit<Plot, 'providers' | 'caller'>): boolean =>
      isAllowed(draw({ ...plot, caller: 'old', providers: {} }, 'sleep'), 'sleep', http);
    expect(answer({ policies, server: 'sidecar', bound: false })).toBe(false);
    expect(answer({ policies, server: 'ambient', bound: true })).toBe(true);
    expect(answer({ policies: both, server: 'ambient', bound: true })).toBe(false);
  });

  function lookAt(random: Random, seed: number): void {
    const given = random.times(1, 4, (index) => randomPolicy(random, index));
    const all = ambientForms(given, scope);
    all.untranslated.forEach(() => fire('untranslated'));
    all.forms.forEach(({ policy: { spec } }) => {
      const { action } = asRecord(spec);
      if (action === 'CUSTOM') fire('ask');
      if (action === 'DENY' && /"not(RequestPrincipals|Values)/.test(JSON.stringify(spec)))
        fire('deny by what is not there');
    });
    const policies = all.forms.map(({ policy: one }) => one);
    const { forms } = ambientForms(policies, scope);
    const objects = forms.flatMap((form) => form.objects);
    objects.forEach(({ metadata: { name } }) => fire(/-wp/.test(name) ? 'copy' : (name.split('-').at(-1) ?? '')));
    const tight = forms.flatMap((form) =>
      form.objects.map((one) => (one === form.guard ? tightGuard(one, form.policy, false) : one)),
    );
    const closed = closedPods({ forms, untranslated: [] }, policies, groups, scope).find(
      ({ pods }) => pods.account === 'api',
    );
    const calls = random.pick(['web', 'sleep']);
    const moving: readonly Mode[] =
      calls === 'sleep' ? [random.pick(['sidecar', 'ambient', 'none'] as const)] : ['sidecar', 'ambient'];
    const providers = random.pick([{}, PROVIDERS]);
    const before = draw({ policies, caller: moving[0]!, server: 'sidecar', bound: false, providers }, calls);
    const both = [...policies, ...objects];
    const plots: Plot[] = [
      { policies: both, caller: moving[0]!, server: 'sidecar', bound: false, providers },
      ...moving.flatMap((caller) => [
        { policies: both, caller, server: 'sidecar' as const, bound: true, providers },
        { policies: both, caller, server: 'ambient' as const, bound: true, providers },
        {
          policies: [...policies, ...tight],
          caller,
          server: 'ambient' as const,
          bound: true,
          providers,
          unlabelled: isTightened(tight, objects),
        },
      ]),
    ];
    const requests = random.times(REQUESTS, REQUESTS, () => randomRequest(random));
    const pictures = plots.map((plot) => [plot, draw(plot, calls)] as const);
    for (const http of requests) {
      const was = isAllowed(before, calls, http);
      fire(was ? 'allowed' : 'refused');
      for (const [plot, picture] of pictures) {
        const is = isAllowed(picture, calls, http);
        const identity =
          plot.caller !== 'none' ? { namespace: calls === 'sleep' ? 'other' : 'shop', account: calls } : undefined;
        const isPast = plot.caller !== 'ambient' && plot.server === 'ambient' && closed?.mayRefuse(identity) === true;
        if (is) meetsFilters(plot, picture, forms, calls, seed);
        if (isPast && was && !is) fire('refused past the waypoint');
        else if (is !== was)
          throw new Error(`mesh ${seed}: ${is ? 'let in' : 'refused'} ${JSON.stringify({ calls, plot, http })}`);
      }
    }
  }

  /** What reaches an ambient pod has met each filter of it at the waypoint. */
  function meetsFilters(
    plot: Plot,
    picture: MeshPicture,
    forms: readonly AmbientForm[],
    calls: string,
    seed: number,
  ): void {
    if (plot.server !== 'ambient') return;
    for (const { policy: filter, objects } of forms.filter((form) => isExtension(form.policy))) {
      if (policiesOfSidecar([filter], { namespace: 'shop', labels: { app: 'api' } }, picture).length === 0) continue;
      const copies = objects.filter(isExtension);
      const isRun = policiesOfWaypoint(copies, scope.waypoint, { name: 'api', namespace: 'shop' }, picture).length > 0;
      const isAsked = plot.caller === 'ambient' && plot.bound;
      fire('met a filter');
      if (!isRun || !isAsked)
        throw new Error(`mesh ${seed}: past ${filter.metadata.name} ${JSON.stringify({ calls, plot })}`);
    }
  }

  /** A pod without the label of its template is safe once every guard has a selector of its policy. */
  const isTightened = (tight: readonly PolicyObject[], loose: readonly PolicyObject[]): boolean =>
    tight.every((one, index) => !one.metadata.name.endsWith('-guard') || one !== loose[index]);

  function isAllowed(picture: MeshPicture, calls: string, http: HttpRequest): boolean {
    const caller = picture.workloads.find(({ name }) => name === calls);
    const called = picture.services.find(({ name }) => name === 'api');
    if (!caller || !called) throw new Error('the picture has no caller, or no Service');
    const way = { from: caller, to: { service: called, port: 8000 } };
    const traces = trace({ ...way, http }, picture);
    const [first] = traces[0]?.hops ?? [];
    if (first?.hop !== 'Waypoint' || !first.allowed) return traces.every(({ allowed }) => allowed);
    // Pods get what the waypoint sends on.
    const authentications = policiesOfWaypoint(
      picture.requestAuthentications,
      scope.waypoint,
      { name: 'api', namespace: 'shop' },
      picture,
    );
    const passed = tokenCheck(authentications)(http, http.path);
    if (passed.isRefused) throw new Error('the waypoint has let it pass');
    const { headers, path } = passed;
    const behind = trace({ ...way, http: { ...http, headers, path } }, picture);
    return behind.every(({ hops }) => hops.at(-1)?.hop !== 'Waypoint' && hops.at(-1)?.allowed === true);
  }
});
