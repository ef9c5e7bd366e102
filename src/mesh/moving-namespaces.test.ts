import { describe, expect, it } from 'vitest';
import { meshSettings } from './mesh-settings.js';
import { type AssessedMesh, findingsOf, isRead, movingNamespaces, sidecarsOf } from './moving-namespaces.js';
import { type PolicyObject, asRecord, asRecords } from './policy-object.js';

const made = (apiVersion: string, kind: string, name: string, spec: object, namespace = 'shop'): PolicyObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  spec,
});
const space = (name: string, labels: Record<string, string> = { 'istio-injection': 'enabled' }): PolicyObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
interface Template {
  readonly annotations?: Record<string, string>;
  readonly spec?: object;
  readonly labels?: Record<string, string>;
}
const deployment = (name: string, { annotations = {}, labels = {}, spec = {} }: Template = {}, place = 'shop') => {
  const template = { metadata: { labels: { app: name, ...labels }, annotations }, spec: { containers: [], ...spec } };
  return made('apps/v1', 'Deployment', name, { template }, place);
};
const service = made('v1', 'Service', 'web', { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] });
const authorization = (name: string, spec: object, place?: string): PolicyObject =>
  made('security.istio.io/v1', 'AuthorizationPolicy', name, spec, place);
const gets = { rules: [{ to: [{ operation: { methods: ['GET'] } }] }] };
const strict = made('security.istio.io/v1', 'PeerAuthentication', 'strict', { mtls: { mode: 'STRICT' } });

const meshOf = (objects: readonly PolicyObject[]): AssessedMesh => ({
  objects,
  settings: meshSettings({}, 'ConfigMap/istio'),
  rootNamespace: 'istio-system',
});
/** Of namespace `shop`, whose pods get sidecars. */
function findings(objects: readonly PolicyObject[], copies: readonly PolicyObject[] = []): string[] {
  const mesh = meshOf([space('shop'), ...objects]);
  const [moving] = movingNamespaces(mesh, ['shop']);
  return findingsOf(mesh, moving!, copies, sidecarsOf(mesh)).map(
    ({ code, object, message }) => `${code} ${object}: ${message}`,
  );
}
const codes = (...objects: PolicyObject[]): string[] => findings(objects).map((text) => text.split(' ')[0]!);

describe('a namespace moves', () => {
  const names = (objects: readonly PolicyObject[], only?: readonly string[]): string[] =>
    movingNamespaces(meshOf(objects), only).map(({ name }) => name);

  it('if pods of it get a sidecar, by its own labels', () => {
    const objects = [
      space('web'),
      space('api'),
      space('bare', {}),
      space('empty'),
      made('v1', 'Service', 'web', {}, 'bare'),
      ...['web', 'api', 'bare'].map((place) => deployment('x', {}, place)),
    ];
    expect(names(objects)).toEqual(['api', 'web']);
    expect(names(objects, ['web', 'bare'])).toEqual(['web']);
    expect(names(objects, [])).toEqual([]);
  });

  it('if pods of it ask for one, be its Namespace declared or not', () => {
    expect(names([deployment('x', { labels: { 'sidecar.istio.io/inject': 'true' } }, 'lone')])).toEqual(['lone']);
  });

  it('with what loses sidecars, and what makes pods without', () => {
    const gateway = deployment('gate', { annotations: { 'inject.istio.io/templates': 'gateway' } });
    const out = deployment('out', { labels: { 'sidecar.istio.io/inject': 'false' } });
    const [moving] = movingNamespaces(meshOf([space('shop'), deployment('web'), gateway, out]), undefined);
    const namesOf = (all: readonly { object: PolicyObject }[]): string[] =>
      all.map(({ object }) => object.metadata.name);
    expect(namesOf(moving!.templates)).toEqual(['web', 'gate', 'out']);
    expect(namesOf(moving!.losing)).toEqual(['web']);
  });

  const canary = made('networking.istio.io/v1', 'VirtualService', 'web', {
    hosts: ['web'],
    http: [{ route: [{ destination: { host: 'web' } }], timeout: '1s' }],
  });
  const allow = (source: object): PolicyObject => authorization('x', { rules: [{ from: [{ source }] }] });
  it.each<[string, PolicyObject[], boolean]>([
    ['no waypoint if nothing needs it', [allow({ namespaces: ['shop'] })], false],
    ['a waypoint for what ztunnel cannot see', [authorization('x', gets)], true],
    ['a waypoint for its routes', [canary], true],
    [
      'a waypoint that is asked for',
      [made('sidestep.dev/v1alpha1', 'AmbientMigration', 'shop', { waypoint: { provision: 'Always' } })],
      true,
    ],
  ])('with %s', (_, objects, expected) => {
    const [moving] = movingNamespaces(meshOf([space('shop'), deployment('web'), service, ...objects]), undefined);
    expect(moving!.waypoint.isWanted).toBe(expected);
  });
});

describe('what is looked at', () => {
  it.each<[string, string, boolean]>([
    ['security.istio.io/v1', 'AuthorizationPolicy', true],
    ['networking.istio.io/v1', 'VirtualService', true],
    ['networking.istio.io/v1', 'Novelty', true],
    ['networking.istio.io/v1', 'Gateway', false],
    ['gateway.networking.k8s.io/v1', 'HTTPRoute', true],
    ['apps/v1', 'Deployment', false],
    ['own.example/networking.istio.io/v1', 'Novelty', false],
  ])('of %s is %s: %s', (apiVersion, kind, expected) => {
    expect(isRead(made(apiVersion, kind, 'x', {}))).toBe(expected);
  });
});

describe('accounts with sidecars', () => {
  it('are those of pods that the injector gives one, in any namespace', () => {
    const objects = [
      space('shop'),
      space('bare', {}),
      made('v1', 'Service', 'shop', {}, 'bare'),
      {
        ...made('v1', 'Service', 'bare', {}),
        metadata: { name: 'bare', namespace: 'x', labels: { 'istio-injection': 'enabled' } },
      },
      deployment('web', { spec: { serviceAccountName: 'web' } }),
      deployment('api'),
      deployment('plain', {}, 'bare'),
      deployment('asks', { labels: { 'sidecar.istio.io/inject': 'true' } }, 'bare'),
    ];
    expect(sidecarsOf(meshOf(objects))).toEqual([
      { namespace: 'shop', account: 'web' },
      { namespace: 'shop', account: 'default' },
      { namespace: 'bare', account: 'default' },
    ]);
  });
});

describe('a migration of a namespace meets', () => {
  const web = deployment('web');

  it('nothing where nothing is', () => {
    expect(findings([web])).toEqual([]);
  });

  it('what its templates say, by the name of their workload', () => {
    const out = deployment('web', { labels: { 'istio.io/dataplane-mode': 'none' } });
    expect(findings([out])).toContain(
      'SST4008 Deployment/web: Deployment/web has istio.io/dataplane-mode: none in its pod template',
    );
  });

  it('what Istio or Kubernetes keep for themselves', () => {
    const mesh = meshOf([space('kube-system'), deployment('dns', {}, 'kube-system')]);
    const [moving] = movingNamespaces(mesh, undefined);
    expect(findingsOf(mesh, moving!, [], [])).toEqual([
      { code: 'SST4024', object: 'Namespace/kube-system', message: 'namespace kube-system is one of Kubernetes' },
    ]);
  });

  const scraped = deployment('web', { annotations: { 'prometheus.io/scrape': 'true' } });
  const callers = authorization('callers', { rules: [{ from: [{ source: { namespaces: ['shop'] } }] }] });
  it.each<[string, PolicyObject[], number]>([
    ['take plaintext', [], 0],
    ['ask for mTLS', [strict], 1],
    ['ask for identities', [callers], 1],
    ['only look at ports', [authorization('x', { rules: [{ to: [{ operation: { ports: ['80'] } }] }] })], 0],
  ])('scrapes that are refused, if policies do not: %s', (_, policies, count) => {
    expect(codes(scraped, ...policies).filter((code) => code === 'SST4029')).toHaveLength(count);
  });

  it('policies of the whole mesh that choose pods, of templates or without', () => {
    const policy = (app: string): PolicyObject =>
      authorization('x', { selector: { matchLabels: { app } }, ...gets }, 'istio-system');
    const bare: PolicyObject = { kind: 'Pod', metadata: { name: 'bare', namespace: 'shop', labels: { app: 'bare' } } };
    const elsewhere = { ...bare, metadata: { ...bare.metadata, namespace: 'other' } };
    const labelled = { ...bare, kind: 'ConfigMap' };
    const manual = made('sidestep.dev/v1alpha1', 'AmbientMigration', 'shop', { policies: { translation: 'Manual' } });
    const about = (...objects: PolicyObject[]): string[] =>
      findings([web, manual, ...objects])
        .filter((text) => text.includes('/x:'))
        .map((text) => text.slice(0, 7));
    expect(about(policy('web'))).toEqual(['SST2007']);
    expect(about(policy('bare'), bare)).toEqual(['SST2007']);
    expect(about(policy('bare'))).toEqual([]);
    expect(about(policy('bare'), elsewhere, labelled)).toEqual([]);
    expect(about(policy('bare'), { kind: 'Pod', metadata: { name: 'p', namespace: 'shop' } })).toEqual([]);
  });

  it('calls of sidecars elsewhere, and without mTLS, to pods that only the waypoint may call', () => {
    const guarded = [web, service, authorization('gets', { ...gets, action: 'DENY' })];
    const elsewhere = [space('other'), deployment('client', {}, 'other')];
    const isSaid = (code: string, ...objects: PolicyObject[]): boolean => codes(...guarded, ...objects).includes(code);
    expect(isSaid('SST2035', deployment('client'))).toBe(false);
    expect(isSaid('SST2048', deployment('client'))).toBe(false);
    expect(isSaid('SST2035', ...elsewhere)).toBe(true);
    expect(isSaid('SST2036')).toBe(true);
    expect(isSaid('SST2036', strict)).toBe(false);
  });

  it('nothing in policies that are going to be there', () => {
    const copy = authorization('copy', { rules: [{ to: [{ operation: { paths: ['/'] } }] }] });
    const manual = made('sidestep.dev/v1alpha1', 'AmbientMigration', 'shop', { policies: { translation: 'Manual' } });
    expect(findings([web, manual, copy])).toHaveLength(1);
    expect(findings([web, manual], [copy])).toEqual([]);
  });

  it('ports of containers, by the names under which Services lead to them', () => {
    const ports = [{ name: 'app', containerPort: 8080 }];
    const named = deployment('web', { spec: { containers: [{ name: 'web', ports }] } });
    const leading = made('v1', 'Service', 'web', {
      selector: { app: 'web' },
      ports: [{ port: 80, targetPort: 'app' }],
    });
    const policy = authorization('x', {
      targetRefs: [{ kind: 'Service', name: 'web' }],
      rules: [{ to: [{ operation: { ports: ['8080'] } }] }],
    });
    expect(codes(named, leading, policy)).toContain('SST2031');
    expect(codes(web, leading, policy)).not.toContain('SST2031');
  });

  it('pods that have a sidecar no more, by the labels of its own namespace', () => {
    const plain = deployment('plain', { labels: { 'sidecar.istio.io/inject': 'false' } });
    const enrolled = space('other', { 'istio.io/dataplane-mode': 'ambient' });
    const named = {
      ...service,
      metadata: { ...service.metadata, name: 'shop', labels: { 'istio.io/dataplane-mode': 'ambient' } },
    };
    const found = codes(web, plain);
    expect(found).toHaveLength(1);
    expect(codes(web, plain, enrolled, named)).toEqual(found);
    const mesh = meshOf([enrolled, named, web, plain, space('shop')]);
    const [moving] = movingNamespaces(mesh, undefined);
    expect(findingsOf(mesh, moving!, [], []).map(({ code }) => code)).toEqual(found);
  });

  it('budgets and pods of its own', () => {
    const stateful = (place: string): PolicyObject[] => [
      made('v1', 'Pod', 'bare', { containers: [] }, place),
      made(
        'policy/v1',
        'PodDisruptionBudget',
        'web',
        { minAvailable: 2, selector: { matchLabels: { app: 'web' } } },
        place,
      ),
    ];
    const set = { ...web, kind: 'StatefulSet', spec: { ...(web.spec as object), replicas: 2 } };
    expect(codes(set, ...stateful('shop')).sort()).toEqual(['SST4003', 'SST4007']);
    expect(codes(set, ...stateful('other'))).toEqual([]);
  });
});

describe('a policy of the name of one that would be written', () => {
  const given = [deployment('web'), service, authorization('gets', gets)];
  const written = movingNamespaces(meshOf([space('shop'), ...given]), undefined).flatMap(({ translation }) =>
    translation.forms.forms.flatMap(({ objects }) => objects),
  );
  const [copy] = written.filter(({ metadata }) => metadata.name === 'gets-wp');
  const spec = copy?.spec as Record<string, unknown>;
  const isInTheWay = (there: object): boolean => codes(...given, authorization('gets-wp', there)).includes('SST2040');

  it.each<[string, object, boolean]>([
    ['that says the same', spec, false],
    ['in another order', Object.fromEntries(Object.entries(spec).reverse()), false],
    ['with empty fields', { ...spec, selector: {}, provider: { name: '' }, a: null, b: undefined, c: [] }, false],
    ['with another action', { ...spec, action: 'AUDIT' }, true],
    ['with a further field', { ...spec, selector: { matchLabels: { app: 'web' } } }, true],
    [
      'with a source that says nothing',
      { ...spec, rules: [{ ...asRecord(asRecords(spec['rules'])[0]), from: [{}] }] },
      true,
    ],
    ['with a field that is false', { ...spec, isNew: false }, true],
    ['without rules', { ...spec, rules: [] }, true],
    ['with a rule that says nothing besides', { ...spec, rules: [...(spec['rules'] as object[]), {}] }, true],
  ])('%s may be in the way', (_, there, expected) => {
    expect(isInTheWay(there)).toBe(expected);
  });
});
