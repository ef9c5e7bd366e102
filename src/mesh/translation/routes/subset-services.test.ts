import { describe, expect, it } from 'vitest';
import { SHOP } from '../../../../test/support/routes/mesh.js';
import { service, severalPorts, subsets, to, translated, v1 } from '../../../../test/support/routes/written.js';
import type { PolicyObject } from '../../policy-object.js';

describe('a VirtualService with a subset needs', () => {
  const standing = (objects?: readonly PolicyObject[]): object[] =>
    translated(to(v1), objects)
      .objects.filter(({ kind }) => kind !== 'HTTPRoute')
      .map(({ kind, metadata, spec }) => ({ kind, name: metadata.name, spec }));

  it('a Service of its pods', () => {
    const described = { ...severalPorts, type: 'NodePort', ipFamilies: ['IPv4'], clusterIP: '10.0.0.1' };
    const annotations = { 'networking.istio.io/traffic-distribution': 'PreferClose', team: 'shop' };
    const { objects } = translated(to({ destination: { host: 'api', subset: 'v1', port: { number: 90 } } }), [
      service('web'),
      service('api', described, SHOP, { annotations }),
      subsets('api'),
    ]);
    expect(objects).toMatchObject([
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'api-v1', namespace: SHOP },
        spec: {
          ipFamilies: ['IPv4'],
          selector: { app: 'api', version: 'v1' },
          ports: [
            { name: 'http', port: 80, targetPort: 8080 },
            { name: 'http-admin', port: 90 },
            { name: 'tcp-db', port: 5432 },
          ],
        },
      },
      { kind: 'HTTPRoute', spec: { rules: [{ backendRefs: [{ name: 'api-v1', port: 90 }] }] } },
    ]);
    expect(JSON.stringify(objects)).not.toMatch(/nodePort|NodePort|10\.0\.0\.1/);
    expect(objects[0]?.metadata.annotations).toEqual({ 'networking.istio.io/traffic-distribution': 'PreferClose' });
  });

  it('its traffic policy, over that of its host', () => {
    const [pool, detection] = [{ tcp: { maxConnections: 1 } }, { consecutive5xxErrors: 1 }];
    const mutual = { mode: 'ISTIO_MUTUAL' };
    const rules = subsets('web', {
      trafficPolicy: { tls: mutual, connectionPool: pool, outlierDetection: {} },
      subsets: [{ name: 'v1', labels: { version: 'v1' }, trafficPolicy: { outlierDetection: detection } }],
    });
    expect(standing([service('web'), rules])[1]).toEqual({
      kind: 'DestinationRule',
      name: 'web-v1',
      spec: { host: 'web-v1', trafficPolicy: { connectionPool: pool, outlierDetection: detection } },
    });
    expect(translated(to(v1), [service('web'), rules]).leftOut).toMatchObject([
      { message: expect.stringMatching(/ISTIO_MUTUAL/) },
    ]);
  });
});

describe('a subset has nothing that stands for it', () => {
  const about = 'subset v1 of DestinationRule web';
  const several = [subsets('web'), { ...subsets('web'), metadata: { name: 'more', namespace: SHOP } }];
  const one = (subset: object): object => ({ subsets: [{ name: 'v1', ...subset }] });
  const long = 'v'.repeat(60);
  const inRule = (spec: object): PolicyObject[] => [service('web'), subsets('web', spec)];

  it.each<[string, PolicyObject[], string]>([
    ['without a DestinationRule', [service('web')], 'no DestinationRule of the namespace has subsets of Service web'],
    [
      'by one of another namespace',
      [service('web'), { ...subsets('web'), metadata: { name: 'web', namespace: 'other' } }],
      'no DestinationRule of the namespace has subsets of Service web',
    ],
    [
      'by what is no DestinationRule',
      [service('web'), { ...subsets('web'), kind: 'Other' }],
      'no DestinationRule of the namespace has subsets of Service web',
    ],
    ['with several', [service('web'), ...several], 'several DestinationRules are for Service web: web, more'],
    ['that is unknown', inRule({ subsets: [{ name: 'v2' }] }), 'DestinationRule web has no such subset'],
    ['for some namespaces', inRule({ exportTo: ['.'] }), 'DestinationRule web is for some callers only'],
    ['for some pods', inRule({ workloadSelector: {} }), 'DestinationRule web is for some callers only'],
    [
      'with new fields of the rule',
      inRule({ novelty: 1, more: 2 }),
      'nobody knows here what novelty, more of DestinationRule web means',
    ],
    ['with new fields', inRule(one({ novelty: 1, more: 2 })), `${about}: nobody knows here what novelty, more means`],
    ['without selector', [service('web', { selector: {} }), subsets('web')], `${about}: Service web has no selector`],
    [
      'without pods',
      inRule(one({ labels: { version: 'v1', app: 'other' } })),
      `${about}: Service web has none of its pods`,
    ],
    [
      'whose name somebody has',
      [service('web'), subsets('web'), service('web-v1')],
      `${about}: there is another Service web-v1`,
    ],
    [
      'whose DestinationRule somebody has',
      [
        service('web'),
        subsets('web', { trafficPolicy: { loadBalancer: {} } }),
        { ...subsets('web'), metadata: { name: 'web-v1', namespace: SHOP }, spec: { host: 'other' } },
      ],
      `${about}: there is another DestinationRule web-v1`,
    ],
    [
      'with ports of its own beside those of the host',
      inRule({
        trafficPolicy: { loadBalancer: {} },
        ...one({ trafficPolicy: { portLevelSettings: [{ port: { number: 80 } }] } }),
      }),
      `${about}: its portLevelSettings are mixed with the traffic policy of the host`,
    ],
    [
      'with TLS of a port',
      inRule({ trafficPolicy: { portLevelSettings: [{ port: { number: 80 } }, { tls: { mode: 'SIMPLE' } }] } }),
      `${about}: tls of a port is for callers with sidecars`,
    ],
    [
      'with TLS',
      inRule({ trafficPolicy: { tls: { mode: 'SIMPLE' } } }),
      `${about}: its tls is for callers with sidecars`,
    ],
  ])('%s', (_, objects, message) => {
    const at = 'spec.http[0].route[0].destination.subset';
    expect(translated(to(v1), objects).refused).toEqual([{ at, message }]);
  });

  it.each(['V1', 'v_1', 'v1-', long])('by a name that no Service can have: %s', (name) => {
    const objects = [service('web'), subsets('web', { subsets: [{ name }] })];
    const { refused } = translated(to({ destination: { host: 'web', subset: name } }), objects);
    expect(refused.map(({ message }) => message)).toEqual([
      `subset ${name} of DestinationRule web: web-${name} is no name of a Service`,
    ]);
  });
});

describe('a subset has what stands for it', () => {
  const settings = { portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: 'RANDOM' } }] };

  it.each<[string, object, object[]]>([
    ['where it is for all', { exportTo: ['*'] }, []],
    ['where it is for all, and one more', { exportTo: ['.', '*'] }, []],
    ['with the selector of its Service', { subsets: [{ name: 'v1', labels: { app: 'web', version: 'v1' } }] }, []],
    ['with ports of the host', { trafficPolicy: settings }, [settings]],
    [
      'with ports of its own',
      { subsets: [{ name: 'v1', labels: { version: 'v1' }, trafficPolicy: settings }] },
      [settings],
    ],
    ['with mTLS of the mesh only', { trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } }, []],
  ])('%s', (_, spec, policies) => {
    const { objects, refused } = translated(to(v1), [service('web'), subsets('web', spec)]);
    expect(refused).toEqual([]);
    expect(objects.filter(({ kind }) => kind === 'DestinationRule')).toEqual(
      policies.map((trafficPolicy) => ({
        apiVersion: 'networking.istio.io/v1',
        kind: 'DestinationRule',
        metadata: { name: 'web-v1', namespace: SHOP },
        spec: { host: 'web-v1', trafficPolicy },
      })),
    );
    expect(objects[0]).toStrictEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web-v1', namespace: SHOP },
      spec: {
        selector: { app: 'web', version: 'v1' },
        ports: [{ name: 'http', port: 80 }],
      },
    });
  });

  it('and a name as short as one letter', () => {
    const objects = [service('w'), subsets('w', { subsets: [{ name: 'x' }] })];
    const { refused } = translated(
      { hosts: ['w'], http: [{ route: [{ destination: { host: 'w', subset: 'x' } }] }] },
      objects,
    );
    expect(refused).toEqual([]);
  });
});
