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
