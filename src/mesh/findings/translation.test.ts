import { describe, expect, it } from 'vitest';
import { groups, scope, policy, ofApi, from, to, web, gets, wasm } from '../../../test/support/forms.js';
import { callGraph } from '../call-graph.js';
import { type Finding } from '../findings.js';
import { type PolicyObject } from '../policy-object.js';
import { ambientForms } from '../translation/ambient-forms.js';
import { closedPods } from '../translation/ways-around.js';
import { besideForms, refusalFindings, type Translating, translationFindings } from './translation.js';

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
