import { describe, expect, it } from 'vitest';
import { expectNoFlips, expectNothingOpens, oneCaller } from '../../../test/support/ambient-forms/flips.js';
import {
  from,
  gets,
  groups,
  ofApi,
  policy,
  scope,
  to,
  tokens,
  waypoint,
  web,
} from '../../../test/support/ambient-forms/mesh.js';
import { Tally } from '../../../test/support/ambient-forms/tally.js';
import { callGraph } from '../call-graph.js';
import { type Finding } from '../findings.js';
import { refusalFindings, type Translating, translationFindings, withoutTranslated } from '../findings/translation.js';
import { type PolicyObject, asRecord } from '../policy-object.js';
import { type AmbientForms, ambientForms } from './ambient-forms.js';
import { tightGuard } from './pod-policies.js';
import { closedPods } from './ways-around.js';

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

  it.each([
    [
      'a DENY of everybody but a caller denies the waypoint',
      { action: 'DENY', rules: [from({ notPrincipals: [web] })] },
      'denies the waypoint',
    ],
    ['a DENY asks for tokens', { action: 'DENY', rules: [from({ notRequestPrincipals: ['*'] })] }, 'by tokens'],
    [
      'a DENY asks for claims',
      { action: 'DENY', rules: [{ when: [{ key: 'request.auth.claims[a]', values: ['b'] }] }] },
      'by tokens',
    ],
    [
      'ztunnel would deny a port as a whole',
      { action: 'DENY', rules: [to({ methods: ['GET'], ports: ['80'] })] },
      'SST2009',
    ],
    ['a provider is asked', { action: 'CUSTOM', provider: { name: 'x' }, rules: [gets] }, 'SST2010'],
    ['a port is none', { rules: [to({ ports: ['http'] })] }, 'http is no port'],
  ])('is not known where %s', (_, spec, reason) => {
    const { forms, untranslated } = formsOf(policy({ ...ofApi, ...spec }));
    expect(forms).toEqual([]);
    expect(untranslated[0]?.reasons.join('; ')).toMatch(reason);
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

  it('take the place of what is made up for, and of nothing else', () => {
    const finding = (code: Finding['code'], object: string): Finding => ({ code, object, message: '' });
    const given = [
      finding('SST2007', 'AuthorizationPolicy/p'),
      finding('SST2007', 'AuthorizationPolicy/other'),
      finding('SST2031', 'AuthorizationPolicy/p'),
    ];
    expect(withoutTranslated(given, translating([l7])).map(({ code, object }) => `${code} ${object}`)).toEqual([
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

describe('generated policies with their ambient forms', () => {
  const MESHES = 200;
  const tally = new Tally();

  it(`never let in what was refused, and refuse only who goes past the waypoint, in ${MESHES} meshes`, () => {
    for (let seed = 1; seed <= MESHES; seed++) expectNoFlips(seed, { callers: oneCaller, requests: 8 }, tally);
    for (const what of [
      'copy',
      'admission',
      'guard',
      'untranslated',
      'allowed',
      'refused',
      'refused past the waypoint',
    ])
      expect(tally.of(what), what).toBeGreaterThanOrEqual(20);
  }, 120_000);

  it('are proven to open nothing at any moment, in 40 meshes', () => {
    let refusing = 0;
    for (let seed = 1; seed <= 40; seed++) refusing += expectNothingOpens(seed).length > 0 ? 1 : 0;
    expect(refusing).toBeGreaterThan(0);
  });
});
