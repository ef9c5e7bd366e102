import { describe, expect, it } from 'vitest';
import { groups, scope, policy, ofApi, from, to, web, gets, wasm } from '../../../test/support/forms.js';
import { callGraph } from '../call-graph.js';
import { type Finding } from '../findings.js';
import { type PolicyObject } from '../policy-object.js';
import { ambientForms } from '../translation/ambient-forms.js';
import { closedPods } from '../translation/ways-around.js';
import { besideForms, nameFindings, refusalFindings, type Translating, translationFindings } from './translation.js';

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
    waitingForIt: () => [],
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
      'sidecars elsewhere that an ALLOW lets in whatever they ask for',
      translating([policy({ ...ofApi, rules: [from({ namespaces: ['other'] }), gets] })]),
      ['SST2032 AuthorizationPolicy/p'],
    ],
    [
      'sidecars elsewhere that it lets in from somewhere only',
      translating([policy({ ...ofApi, rules: [from({ namespaces: ['other'], ipBlocks: ['10.0.0.0/8'] }), gets] })]),
      ['SST2032 AuthorizationPolicy/p', 'SST2035 Deployment/api'],
    ],
    [
      'sidecars elsewhere that it lets in to one port only',
      translating([
        policy({ ...ofApi, rules: [{ ...from({ namespaces: ['other'] }), ...to({ ports: ['80'] }) }, gets] }),
      ]),
      ['SST2032 AuthorizationPolicy/p', 'SST2035 Deployment/api'],
    ],
    [
      'sidecars elsewhere that one ALLOW lets in, and another policy checks',
      translating([
        policy({ ...ofApi, rules: [from({ namespaces: ['other'] }), gets] }),
        policy({ ...ofApi, action: 'DENY', rules: [gets] }, 'AuthorizationPolicy', 'q'),
      ]),
      ['SST2032 AuthorizationPolicy/p', 'SST2032 AuthorizationPolicy/q', 'SST2035 Deployment/api'],
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

  const elsewhere = (...namespaces: string[]): Partial<Translating> => ({
    sidecarsElsewhere: namespaces.map((namespace) => ({ namespace, account: 'sleep' })),
  });
  const COPIED = 'AuthorizationPolicy p gets beside it AuthorizationPolicy p-wp, AuthorizationPolicy p-admission';
  const ONLY = 'may call Deployment/api, which is for the waypoint only by AuthorizationPolicy p';

  it.each<[string, Translating, string[]]>([
    ['a copy', translating([openL7], elsewhere()), [COPIED]],
    [
      'an ALLOW without one',
      translating([l4, strange], elsewhere()),
      [
        COPIED,
        'AuthorizationPolicy q is not copied for the waypoint: spec.rules[0].to[0].operation.ports x is no port; AuthorizationPolicy/q raises SST2013',
      ],
    ],
    [
      'what is lost',
      translating([wasm({})], elsewhere()),
      [
        'WasmPlugin p gets beside it WasmPlugin p-wp, AuthorizationPolicy p-wasmplugin-guard',
        'WasmPlugin p, spec: at a waypoint it sees no certificate of the caller; ' +
          'spec: pods that still have sidecars run it once more, on the request as the waypoint sends it on; ' +
          'spec.match: it runs on what the pods send, too, which their waypoint does not see',
      ],
    ],
    [
      'callers with sidecars and callers without',
      translating([openL7], { ...elsewhere('pay', 'other', 'pay'), isPlaintextTaken: true }),
      [COPIED, `sidecars of namespaces other, pay ${ONLY}`, `callers without mTLS ${ONLY}`],
    ],
    [
      'as many as a message can name',
      translating([openL7], elsewhere('e', 'd', 'c', 'b', 'a')),
      [COPIED, `sidecars of namespaces a, b, c, d, e ${ONLY}`],
    ],
    [
      'more than that',
      translating([openL7], elsewhere('f', 'e', 'd', 'c', 'b', 'a')),
      [COPIED, `sidecars of namespaces a, b, c, d, e and others ${ONLY}`],
    ],
    [
      'workloads that call each other',
      translating([], { graph: { before: new Map(), cycles: [['Deployment/a', 'Deployment/b']] } }),
      ['Deployment/a, Deployment/b may call each other, and each is to be called through the waypoint only'],
    ],
    [
      'nothing of a DENY without a copy',
      translating(
        [l4, policy({ action: 'DENY', rules: [to({ ports: ['x'] })] }, 'AuthorizationPolicy', 'q')],
        elsewhere(),
      ),
      [COPIED],
    ],
    [
      'nothing of another policy without a copy',
      translating([l4, { ...wasm({ type: 'NETWORK' }), metadata: { name: 'q', namespace: 'shop' } }], elsewhere()),
      [COPIED],
    ],
  ])('tell of %s', (_, given, expected) => {
    const found = [...translationFindings(given), ...refusalFindings(given)];
    expect(found.map(({ message }) => message)).toEqual(expected);
  });

  it('name the namespace that waits for this one, once, and not among those to migrate first', () => {
    const sidecarsElsewhere = ['pay', 'other', 'pay'].map((namespace) => ({ namespace, account: 'sleep' }));
    const both = policy({ rules: [gets] }, 'AuthorizationPolicy', 'q');
    const given = translating([openL7, both], {
      sidecarsElsewhere,
      waitingForIt: (namespaces) => namespaces.filter((name) => name === 'pay'),
    });
    const found = refusalFindings(given).filter(({ code }) => code !== 'SST2037');
    expect(found[0]).toEqual({
      code: 'SST2048',
      object: 'Namespace/pay',
      message: 'pay and shop each have workloads for the waypoint only that sidecars of the other may call',
    });
    expect(found.slice(1).map(({ code, message }) => `${code} ${message.replace(/ may call .*/, '')}`)).toEqual(
      groups.map(() => 'SST2035 sidecars of namespaces other'),
    );
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

  it('give every reason why there is none', () => {
    const found = { code: 'SST2013' as const, object: 'AuthorizationPolicy/q', message: 'it is read in another way' };
    const refused = { ...found, code: 'SST2007' as const };
    expect(besideForms([found, refused], translating([strange]))).toEqual([
      found,
      {
        ...refused,
        message:
          'it is read in another way; Sidestep writes nothing for it: ' +
          'spec.rules[0].to[0].operation.ports x is no port; AuthorizationPolicy/q raises SST2013',
      },
    ]);
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

describe('a policy with the name of one that is to be written', () => {
  const ours = policy({}, 'AuthorizationPolicy', 'p-wp');
  it.each<[string, PolicyObject, boolean]>([
    ['of somebody else', ours, true],
    ['of another kind', policy({}, 'RequestAuthentication', 'p-wp'), false],
    ['with another name', policy({}, 'AuthorizationPolicy', 'p'), false],
    ['of another namespace', policy({}, 'AuthorizationPolicy', 'p-wp', 'other'), false],
  ])('%s', (_, theirs, isTaken) => {
    const finding = {
      code: 'SST2040',
      object: 'AuthorizationPolicy/p-wp',
      message: 'AuthorizationPolicy/p-wp has the name of a policy that Sidestep would write',
    };
    expect(nameFindings([ours], [theirs], 'shop', () => false)).toEqual(isTaken ? [finding] : []);
    expect(nameFindings([ours], [theirs], 'shop', () => true)).toEqual([]);
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
