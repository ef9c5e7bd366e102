import { describe, expect, it } from 'vitest';
import { assess, type Assessment } from './assessment.js';
import { meshSettings } from './mesh-settings.js';
import { asRecord, asRecords, type PolicyObject } from './policy-object.js';

const rootNamespace = 'istio-system';

const object = (apiVersion: string, kind: string, name: string, spec: object, namespace = 'shop'): PolicyObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  spec,
});
const networking = (kind: string, name: string, spec: object, namespace?: string): PolicyObject =>
  object('networking.istio.io/v1', kind, name, spec, namespace);

/** A namespace whose pods get a sidecar, with a Service of two versions. */
const meshed = (name: string): PolicyObject[] => [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'istio-injection': 'enabled' } } },
  object('v1', 'Service', 'web', { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] }, name),
  ...['v1', 'v2'].map((version) => {
    const template = { metadata: { labels: { app: 'web', version } }, spec: { containers: [{ name: 'web' }] } };
    return object('apps/v1', 'Deployment', `web-${version}`, { template }, name);
  }),
];
const subsets = networking('DestinationRule', 'web', {
  host: 'web',
  subsets: ['v1', 'v2'].map((name) => ({ name, labels: { version: name } })),
});
const toVersions = ['v1', 'v2'].map((subset) => ({ destination: { host: 'web', subset }, weight: 50 }));
const canary = networking('VirtualService', 'canary', { hosts: ['web'], http: [{ route: toVersions }] });

const assessed = (...objects: PolicyObject[]): Assessment =>
  assess({ objects: [...meshed('shop'), ...objects], settings: meshSettings({}, 'ConfigMap/istio'), rootNamespace });
const verdicts = ({ policies }: Assessment): string[] =>
  policies.map(({ verdict, kind, name }) => `${verdict} ${kind}/${name}`);
const named = (objects: readonly PolicyObject[]): string[] =>
  objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);

describe('what becomes of VirtualServices', () => {
  it('is an HTTPRoute, with Services for its subsets, and a waypoint that carries it out', () => {
    const { findings, generated, waypoints, ...rest } = assessed(canary, subsets);
    expect(findings.map(({ code }) => code)).toEqual(['SST3030', 'SST3031']);
    expect(verdicts({ findings, generated, waypoints, ...rest })).toEqual([
      'CONVERT VirtualService/canary',
      'CONVERT DestinationRule/web',
    ]);
    expect(named(generated)).toEqual(['Service/web-v1', 'Service/web-v2', 'HTTPRoute/canary']);
    expect(waypoints).toMatchObject([{ name: 'waypoint', namespace: 'shop' }]);
  });

  it('is the same for what is generated, which says no more of itself', () => {
    const { generated } = assessed(canary, subsets);
    const again = assessed(canary, subsets, ...generated);
    expect(again.generated).toEqual(generated);
    const after = assessed(...generated);
    expect(after.findings.map(({ code }) => code)).toEqual(['SST5002']);
    expect(after.generated).toEqual([]);
  });

  it('is told field by field where an HTTPRoute cannot say it', () => {
    const http = [{ route: toVersions, retries: { attempts: 3 }, fault: { abort: { httpStatus: 500 } } }];
    const result = assessed(networking('VirtualService', 'canary', { hosts: ['web'], http }), subsets);
    expect(result.generated).toEqual([]);
    expect(result.policies).toEqual([
      {
        kind: 'VirtualService',
        namespace: 'shop',
        name: 'canary',
        verdict: 'BLOCK',
        differences: [
          expect.stringMatching(/^spec\.http\[0\]\.retries: /),
          expect.stringMatching(/^spec\.http\[0\]\.fault: /),
        ],
      },
      {
        kind: 'DestinationRule',
        namespace: 'shop',
        name: 'web',
        verdict: 'BLOCK',
        differences: [0, 1].map(
          (index) => `spec.subsets[${index}]: VirtualService/canary names it, and has no translation`,
        ),
      },
    ]);
  });

  it('is said with what it leaves out, which changes nothing', () => {
    const http = [{ match: [{ statPrefix: 'x' }], route: toVersions }];
    const result = assessed(networking('VirtualService', 'canary', { hosts: ['web'], http }), subsets);
    expect(result.policies[0]).toMatchObject({
      verdict: 'CONVERT',
      differences: ['spec.http[0].match[0].statPrefix: only names logs and statistics'],
    });
    expect(named(result.generated)).toContain('HTTPRoute/canary');
  });

  it('is nothing where it is for Gateways only', () => {
    const bound = { ...asRecord(canary.spec), gateways: ['edge'] };
    const result = assessed(networking('VirtualService', 'canary', bound));
    expect(verdicts(result)).toEqual(['KEEP VirtualService/canary']);
    expect(result.generated).toEqual([]);
  });

  it('is for callers of other namespaces, too, and a ReferenceGrant asks for no waypoint', () => {
    const there = { destination: { host: 'web.other.svc.cluster.local' }, weight: 50 };
    const http = [{ route: [{ destination: { host: 'web' }, weight: 50 }, there] }];
    const result = assessed(...meshed('other'), networking('VirtualService', 'both', { hosts: ['web'], http }));
    expect(result.findings.map(({ code }) => code)).toEqual(['SST3003', 'SST3004']);
    expect(verdicts(result)).toEqual(['CONVERT VirtualService/both']);
    expect(named(result.generated)).toEqual(['ReferenceGrant/shop-both', 'HTTPRoute/both']);
    expect(result.waypoints.map(({ namespace }) => namespace)).toEqual(['shop']);
  });

  it('is nothing for the routes of a caller, which says where they have to be', () => {
    const consumer = networking('VirtualService', 'mine', {
      hosts: ['web.other.svc.cluster.local'],
      http: [{ route: [{ destination: { host: 'web.other.svc.cluster.local' } }] }],
    });
    const { policies, generated } = assessed(...meshed('other'), consumer);
    expect(generated).toEqual([]);
    expect(policies[0]).toMatchObject({
      verdict: 'BLOCK',
      differences: [
        'metadata.namespace: a route of Services of other has to be in their namespace',
        'spec.hosts[0]: a route of web.other.svc.cluster.local has to be in its namespace',
      ],
    });
  });

  it.each([
    [
      'leaves policies to the Service, for who calls those of its subsets does not meet the waypoint',
      'Auto',
      ['web'],
      'none',
    ],
    [
      'keeps policies for the Services of its subsets, too, where a person writes these',
      'Manual',
      ['web', 'web-v1', 'web-v2'],
      undefined,
    ],
  ])('%s', (_, translation, targets, label) => {
    const selector = { matchLabels: { app: 'web' } };
    const policy = object('security.istio.io/v1', 'AuthorizationPolicy', 'gets', {
      selector,
      rules: [{ to: [{ operation: { methods: ['GET'] } }] }],
    });
    const migration = object('sidestep.dev/v1alpha1', 'AmbientMigration', 'shop', { policies: { translation } });
    const { generated } = assessed(canary, subsets, policy, migration);
    const copy = generated.find(({ kind }) => kind === 'AuthorizationPolicy');
    expect(asRecords(asRecord(copy?.spec)['targetRefs']).map(({ name }) => name)).toEqual(targets);
    const service = generated.find(({ kind }) => kind === 'Service');
    expect(service?.metadata.labels?.['istio.io/use-waypoint']).toBe(label);
  });

  it('tells subsets of two Services apart that would come to one name', () => {
    const service = (name: string): PolicyObject =>
      object('v1', 'Service', name, { selector: { app: name }, ports: [{ name: 'http', port: 80 }] });
    const rule = (host: string, subset: string): PolicyObject[] => [
      service(host),
      networking('DestinationRule', host, { host, subsets: [{ name: subset, labels: { version: 'x' } }] }),
      networking('VirtualService', host, { hosts: [host], http: [{ route: [{ destination: { host, subset } }] }] }),
    ];
    const { policies } = assessed(...rule('a-b', 'c'), ...rule('a', 'b-c'));
    expect(policies.filter(({ kind }) => kind === 'VirtualService')).toMatchObject([
      { name: 'a-b', verdict: 'BLOCK', differences: ['spec.http: needs another Service a-b-c than other routes'] },
      { name: 'a', verdict: 'CONVERT' },
    ]);
  });
});
