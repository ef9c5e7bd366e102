import { describe, expect, it } from 'vitest';
import { type Assessment, type AssessOptions, assess } from './assessment.js';
import { meshSettings } from './mesh-settings.js';
import { type PolicyObject, asRecord } from './policy-object.js';

const made = (apiVersion: string, kind: string, name: string, spec: object, namespace = 'shop'): PolicyObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  spec,
});
const meshed = (name: string): PolicyObject[] => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'istio-injection': 'enabled' } } },
  made('v1', 'Service', 'web', { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] }, name),
  made(
    'apps/v1',
    'Deployment',
    'web',
    { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web' }] } } },
    name,
  ),
];
const policy = (name: string, spec: object, namespace?: string): PolicyObject =>
  made('security.istio.io/v1', 'AuthorizationPolicy', name, spec, namespace);
const gets = { rules: [{ to: [{ operation: { methods: ['GET'] } }] }] };
const callers = { rules: [{ from: [{ source: { principals: ['cluster.local/ns/shop/sa/*'] } }] }] };
const migration = (spec: object): PolicyObject => made('sidestep.dev/v1alpha1', 'AmbientMigration', 'shop', spec);
const manual = migration({ policies: { translation: 'Manual' } });
const gateway = (name: string, spec: object = { gatewayClassName: 'istio-waypoint' }, namespace?: string) =>
  made('gateway.networking.k8s.io/v1', 'Gateway', name, spec, namespace);

const assessed = (objects: readonly PolicyObject[], options?: AssessOptions): Assessment =>
  assess(
    {
      objects: [...meshed('shop'), ...objects],
      settings: meshSettings({}, 'ConfigMap/istio'),
      rootNamespace: 'istio-system',
    },
    options,
  );
const codesOf = ({ findings }: Assessment): string[] => findings.map(({ code, object }) => `${code} ${object.name}`);
const namesOf = (objects: readonly PolicyObject[]): string[] =>
  objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);

describe('an assessment', () => {
  it('is empty where nothing stands in the way', () => {
    expect(assessed([])).toEqual({ findings: [], policies: [], generated: [], waypoints: [] });
  });

  it('says of each finding how bad it is, what it is about, and what to do', () => {
    const { findings } = assessed([manual, policy('gets', gets)]);
    expect(findings).toEqual([
      {
        code: 'SST2007',
        severity: 'error',
        object: { kind: 'AuthorizationPolicy', namespace: 'shop', name: 'gets' },
        path: 'spec.rules[0].to[0].operation.methods',
        reason:
          'AuthorizationPolicy gets, field spec.rules[0].to[0].operation.methods: ztunnel cannot see it and leaves the rule out: what the rule allows is refused',
        fix: expect.stringMatching(/^Copy the policy for a waypoint/) as string,
      },
    ]);
  });

  it('has findings of other namespaces, of no namespace, and of the whole object', () => {
    const found = [
      { code: 'SST2005', object: 'AuthorizationPolicy/istio-system/all', message: 'a' },
      { code: 'SST4024', object: 'Namespace/shop', message: 'b', path: 'metadata' },
      { code: 'SST4003', object: 'Pod/x', message: 'c' },
      { code: 'SST4003', object: 'Pod/x', message: 'c' },
    ] as const;
    const { findings } = assessed([], { prove: (namespace) => (namespace === 'shop' ? found : []) });
    expect(findings.map(({ object, path, reason }) => [object, path, reason])).toEqual([
      [{ kind: 'AuthorizationPolicy', namespace: 'istio-system', name: 'all' }, '', 'a'],
      [{ kind: 'Pod', namespace: 'shop', name: 'x' }, '', 'c'],
      [{ kind: 'Namespace', namespace: '', name: 'shop' }, 'metadata', 'b'],
    ]);
  });

  it('comes worst first, then by code, namespace, kind and name', () => {
    const finding = (code: 'SST1008' | 'SST1009' | 'SST2007' | 'SST5001', object: string) => ({
      code,
      object,
      message: '',
    });
    const given = [
      finding('SST5001', 'AuthorizationPolicy/a'),
      finding('SST1008', 'ConfigMap/b'),
      finding('SST2007', 'AuthorizationPolicy/a-b/a'),
      finding('SST2007', 'AuthorizationPolicy/a/b'),
      finding('SST2007', 'AuthorizationPolicy/a/a'),
      finding('SST2007', 'AuthorizationPolicy/a/c'),
      finding('SST1009', 'ConfigMap/z'),
    ];
    const shown = (all: typeof given): string[] =>
      assessed([], { prove: () => all }).findings.map(
        ({ code, object: { namespace, name } }) => `${code} ${namespace}/${name}`,
      );
    const expected = [
      'SST1009 shop/z',
      'SST2007 a/a',
      'SST2007 a/b',
      'SST2007 a/c',
      'SST2007 a-b/a',
      'SST1008 shop/b',
      'SST5001 shop/a',
    ];
    expect(shown(given)).toEqual(expected);
    expect(shown(given.toReversed())).toEqual(expected);
  });

  it('is the same for what a migration has written already', () => {
    const before = assessed([policy('gets', gets)]);
    expect(namesOf(before.generated)).toContain('AuthorizationPolicy/gets-wp');
    const written = before.generated.map((one) => ({
      ...one,
      metadata: { ...one.metadata, annotations: { 'sidestep.dev/translated-from': 'AuthorizationPolicy/gets' } },
    }));
    expect(assessed([policy('gets', gets), ...written])).toEqual(before);
  });

  it('is of the namespaces that are asked for', () => {
    const objects = [...meshed('other'), policy('gets', gets, 'other'), policy('gets', gets)];
    const namespaces = (options?: AssessOptions): string[] =>
      assessed(objects, options).findings.flatMap(({ code, object }) => (code === 'SST2032' ? [object.namespace] : []));
    expect(namespaces()).toEqual(['other', 'shop']);
    expect(namespaces({ only: ['other'] })).toEqual(['other']);
  });
});

describe('what becomes of a policy', () => {
  it('is nothing if ambient mode does what it says', () => {
    expect(assessed([policy('callers', callers)]).policies).toEqual([
      { kind: 'AuthorizationPolicy', namespace: 'shop', name: 'callers', verdict: 'KEEP', differences: [] },
    ]);
  });

  it('has no namespace where it has none, and is not said of Namespaces and Services', () => {
    const { policies } = assessed([{ ...policy('x', {}), metadata: { name: 'x' } }]);
    expect(policies.map(({ kind, namespace }) => [kind, namespace])).toEqual([['AuthorizationPolicy', '']]);
  });

  it.each<[string, PolicyObject[], string[], string[]]>([
    ['is a copy for the waypoint', [manual, policy('gets', gets)], ['CONVERT'], ['AuthorizationPolicy/gets-wp']],
    [
      'is a copy beside it where a migration writes that',
      [policy('gets', gets)],
      ['CONVERT'],
      ['AuthorizationPolicy/gets-wp', 'AuthorizationPolicy/gets-admission'],
    ],
  ])('%s', (_, objects, verdicts, names) => {
    const { policies, generated } = assessed(objects);
    expect(policies.map(({ verdict }) => verdict)).toEqual(verdicts);
    expect(namesOf(generated)).toEqual(names);
  });

  it('is none where a route would say it, and there is no route', () => {
    const subsets = [{ name: 'v1', labels: { version: 'v1' } }];
    const rule = made('networking.istio.io/v1', 'DestinationRule', 'db', { host: 'db.example', subsets });
    const result = assessed([manual, rule]);
    expect(codesOf(result)).toEqual(['SST3008 db']);
    expect([result.policies.map(({ verdict }) => verdict), result.generated]).toEqual([['BLOCK'], []]);
  });

  it('is a copy also where it only decides by the caller, once there is a waypoint', () => {
    const always = migration({ policies: { translation: 'Manual' }, waypoint: { provision: 'Always' } });
    const alone = assessed([always, policy('callers', callers)]);
    expect(codesOf(alone)).toContain('SST2006 callers');
    expect(namesOf(alone.generated)).toEqual(['AuthorizationPolicy/callers-wp']);
    const allowing = { rules: [{ from: [{ source: { principals: ['cluster.local/ns/a/sa/b'] } }] }] };
    const refusing = assessed([always, policy('callers', allowing)]);
    expect(codesOf(refusing)).toContain('SST2005 callers');
    expect(namesOf(refusing.generated)).toEqual(['AuthorizationPolicy/callers-wp']);
    expect(refusing.policies.map(({ verdict }) => verdict)).toEqual(['BLOCK']);
  });

  it('is looked at once more with the waypoint that another one needs', () => {
    const result = assessed([manual, policy('callers', callers), policy('gets', gets)]);
    expect(codesOf(result).some((found) => /SST200[56] callers/.test(found))).toBe(true);
    expect(codesOf(assessed([manual, policy('callers', callers)]))).toEqual([]);
  });
});

describe('the waypoint that copies need', () => {
  const waypoints = (...objects: PolicyObject[]): string[] =>
    assessed([policy('gets', gets), ...objects]).waypoints.map(({ namespace, name }) => `${namespace}/${name}`);
  it.each<[string, PolicyObject[], string[]]>([
    ['is missing', [], ['shop/waypoint']],
    ['is there', [gateway('waypoint')], []],
    ['is there beside others', [gateway('ingress'), gateway('waypoint')], []],
    ['is not one of another name', [gateway('ingress')], ['shop/waypoint']],
    ['is not one of another namespace', [gateway('waypoint', undefined, 'other')], ['shop/waypoint']],
    ['is no Gateway of Istio’s own', [gateway('waypoint', { servers: [] })], ['shop/waypoint']],
    ['is no other object of that name', [{ ...gateway('waypoint'), kind: 'ListenerSet' }], ['shop/waypoint']],
    ['is the one that is asked for', [migration({ waypoint: { name: 'gate' } })], ['shop/gate']],
  ])('%s', (_, objects, expected) => {
    expect(waypoints(...objects)).toEqual(expected);
  });

  it('is not needed without copies, and is as the migration asks', () => {
    expect(assessed([policy('callers', callers)]).waypoints).toEqual([]);
    const [waypoint] = assessed([policy('gets', gets), migration({ waypoint: { className: 'own' } })]).waypoints;
    expect(asRecord(waypoint)).toMatchObject({ account: 'waypoint', className: 'own', isTranslating: true });
  });
});
