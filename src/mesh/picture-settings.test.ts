import { describe, expect, it } from 'vitest';
import { pictureSettings } from './picture-settings.js';
import { indexSettings } from './ztunnel-view.js';

const ofMesh = (mesh: object): object => pictureSettings({ mesh: { ...mesh }, values: {} }, 'istio-system');

describe("istiod's configuration", () => {
  it("decides the ambient index, and has istiod's defaults for the rest", () => {
    const configuration = { mesh: { trustDomain: 'example.org' }, values: { revision: 'canary' } };
    expect(pictureSettings(configuration, 'istiod')).toEqual({
      ...indexSettings(configuration, 'istiod'),
      trustDomainAliases: [],
      enableAutoMtls: true,
      authorizationProviders: {},
    });
  });

  it.each<[object, object]>([
    [{ trustDomainAliases: ['old.example.org'] }, { trustDomainAliases: ['old.example.org'] }],
    [{ enableAutoMtls: true }, { enableAutoMtls: true }],
    [{ enableAutoMtls: false }, { enableAutoMtls: false }],
    ...['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'].map((normalization): [object, object] => [
      { pathNormalization: { normalization } },
      { pathNormalization: normalization },
    ]),
  ])('%j decides %j', (mesh, settings) => {
    expect(ofMesh(mesh)).toMatchObject(settings);
  });

  it.each([{ pathNormalization: { normalization: 'DEFAULT' } }, { pathNormalization: {} }])(
    '%j leaves paths as istiod normalizes them',
    (mesh) => {
      expect(ofMesh(mesh)).not.toHaveProperty('pathNormalization');
    },
  );

  it('says by which protocol CUSTOM policies ask their providers', () => {
    const extensionProviders = [
      { name: 'web', envoyExtAuthzHttp: { service: 'web.auth.svc.cluster.local' } },
      { name: 'rpc', envoyExtAuthzGrpc: { service: 'rpc.auth.svc.cluster.local' } },
      { name: 'tracing', zipkin: { service: 'zipkin.istio-system.svc.cluster.local' } },
    ];
    expect(ofMesh({ extensionProviders })).toMatchObject({ authorizationProviders: { web: 'http', rpc: 'grpc' } });
    expect(ofMesh({ extensionProviders })).not.toHaveProperty('authorizationProviders.tracing');
  });
});
