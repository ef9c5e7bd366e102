import { describe, expect, it } from 'vitest';
import { proxyImageUrl } from './proxy-image.js';
import { configMapsOf, MeshConfigurationError, waypointInputs, withProxyConfigs } from './waypoint-inputs.js';
import { isKnownTemplate, templateHash } from './waypoint-template.js';

const global = {
  hub: 'hub',
  tag: '1.31.0',
  istioNamespace: 'istio-system',
  pilotCertProvider: 'istiod',
  logging: { level: 'default:info' },
  proxy: { clusterDomain: 'cluster.local', logLevel: 'warning' },
};

describe('what waypoints are rendered from', () => {
  it('has the defaults of Istio where nothing is said', () => {
    expect(waypointInputs({}, { global })).toEqual({
      revision: 'default',
      image: { hub: 'hub', name: '', tag: '1.31.0', variant: '' },
      imagePullPolicy: '',
      imagePullSecrets: [],
      affinity: undefined,
      topologySpreadConstraints: undefined,
      nodeSelector: undefined,
      tolerations: undefined,
      resources: undefined,
      clusterDomain: 'cluster.local',
      logLevel: 'warning',
      componentLogLevel: '',
      agentLogLevel: 'default:info',
      logAsJson: false,
      outlierLogPath: '',
      certProvider: 'istiod',
      caAddress: 'istiod.istio-system.svc:15012',
      clusterId: 'Kubernetes',
      network: '',
      meshId: 'cluster.local',
      trustDomain: 'cluster.local',
      setsUser: true,
      seccompProfile: undefined,
      rootCertificate: { kind: 'ConfigMap', name: 'istio-ca-root-cert' },
      proxyConfig: {},
      rootNamespace: 'istio-system',
    });
  });

  it('is what somebody has said', () => {
    const waypoint = {
      affinity: { nodeAffinity: {} },
      topologySpreadConstraints: [{ maxSkew: 1 }],
      nodeSelector: { pool: 'mesh' },
      tolerations: [{ key: 'mesh' }],
      resources: { requests: { cpu: '1' } },
    };
    const said = {
      ...global,
      ...{
        hub: 'example.com',
        tag: 1.31,
        variant: 'distroless',
        imagePullPolicy: 'Always',
        imagePullSecrets: ['pull'],
      },
      proxy: { ...global.proxy, image: 'own', componentLogLevel: 'misc:error', outlierLogPath: '/dev/stdout' },
      ...{ logAsJson: true, caAddress: 'ca.example.com:443', multiCluster: { clusterName: 'east' }, network: 'n1' },
      ...{ meshID: 'mesh1', platform: 'openshift', trustBundleName: 'roots', waypoint },
    };
    const values = { revision: 'blue', global: said, gateways: { seccompProfile: { type: 'RuntimeDefault' } } };
    const mesh = { trustDomain: 'example.org', rootNamespace: 'mesh', defaultConfig: { concurrency: 1 } };
    expect(waypointInputs(mesh, values)).toEqual({
      revision: 'blue',
      image: { hub: 'example.com', name: 'own', tag: '1.31', variant: 'distroless' },
      imagePullPolicy: 'Always',
      imagePullSecrets: ['pull'],
      ...waypoint,
      clusterDomain: 'cluster.local',
      logLevel: 'warning',
      componentLogLevel: 'misc:error',
      agentLogLevel: 'default:info',
      logAsJson: true,
      outlierLogPath: '/dev/stdout',
      certProvider: 'istiod',
      caAddress: 'ca.example.com:443',
      clusterId: 'east',
      network: 'n1',
      meshId: 'mesh1',
      trustDomain: 'example.org',
      setsUser: false,
      seccompProfile: { type: 'RuntimeDefault' },
      rootCertificate: { kind: 'ConfigMap', name: 'roots' },
      proxyConfig: { concurrency: 1 },
      rootNamespace: 'mesh',
    });
  });

  it('asks istiod of its own revision for certificates', () => {
    const { caAddress } = waypointInputs({}, { revision: 'blue', global });
    expect(caAddress).toBe('istiod-blue.istio-system.svc:15012');
  });

  it.each([
    ['hub', { ...global, hub: '' }],
    ['tag', { ...global, tag: null }],
    ['proxy.clusterDomain', { ...global, proxy: undefined }],
    ['istioNamespace', { ...global, istioNamespace: undefined }],
  ])('says that values.global.%s is missing', (field, broken) => {
    const read = () => waypointInputs({}, { revision: 'blue', global: broken });
    expect(read).toThrow(
      new MeshConfigurationError(
        `values.global.${field} is missing in ConfigMap istio-sidecar-injector-blue, key values: install istiod with Istio's chart, or set it`,
      ),
    );
  });

  it('tells an empty trust domain from none', () => {
    const values = { global: { ...global, trustDomain: 'old.example.org' } };
    expect(waypointInputs({}, values).trustDomain).toBe('cluster.local');
    expect(waypointInputs({ trustDomain: '' }, values).trustDomain).toBe('old.example.org');
    expect(waypointInputs({ trustDomain: null, trust_domain: null }, values).trustDomain).toBe('cluster.local');
    expect(waypointInputs({ trust_domain: 'example.org' }, values).trustDomain).toBe('example.org');
  });

  it('leaves out what Helm was told to unset', () => {
    const waypoint = { resources: { limits: null, requests: { cpu: '1', memory: null } }, tolerations: [] };
    const { resources, tolerations } = waypointInputs({}, { global: { ...global, waypoint } });
    expect([resources, tolerations]).toStrictEqual([{ requests: { cpu: '1' } }, undefined]);
    const { affinity, clusterId, imagePullSecrets } = waypointInputs(
      {},
      { global: { ...global, multiCluster: null, imagePullSecrets: null, waypoint: { affinity: null } } },
    );
    expect([affinity, clusterId, imagePullSecrets]).toEqual([undefined, 'Kubernetes', []]);
  });

  it('takes the switch for trust bundles as a truth value or as a text', () => {
    for (const ENABLE_CLUSTER_TRUST_BUNDLE_API of [true, 'true']) {
      const values = { global, pilot: { env: { ENABLE_CLUSTER_TRUST_BUNDLE_API } } };
      expect(waypointInputs({}, values).rootCertificate).toEqual({
        kind: 'ClusterTrustBundle',
        name: 'istio.io:istiod-ca:root-cert',
      });
    }
  });

  it('are changed by the ProxyConfigs of the Gateway', () => {
    const inputs = waypointInputs({ rootNamespace: 'mesh', defaultConfig: { concurrency: 1 } }, { global });
    const selector = { matchLabels: { 'gateway.networking.k8s.io/gateway-name': 'w' } };
    const object = { metadata: { name: 'a', namespace: 'app' }, spec: { selector, concurrency: 2 } };
    expect(withProxyConfigs(inputs, [object], { name: 'w', namespace: 'app' }).proxyConfig).toEqual({ concurrency: 2 });
    expect(withProxyConfigs(inputs, [object], { name: 'v', namespace: 'app' }).proxyConfig).toEqual({ concurrency: 1 });
  });
});

it('ConfigMaps are called by their revision', () => {
  const unnamed = { mesh: 'istio', injector: 'istio-sidecar-injector' };
  expect(['', 'default'].map(configMapsOf)).toEqual([unnamed, unnamed]);
  expect(configMapsOf('blue')).toEqual({ mesh: 'istio-blue', injector: 'istio-sidecar-injector-blue' });
});

it.each([
  ['hub/proxyv2:1.31.0', {}, {}, {}],
  ['hub/proxyv2:1.31.0-distroless', { variant: 'distroless' }, {}, {}],
  ['hub/proxyv2:1.31.0-debug', { variant: 'distroless' }, { image: { imageType: 'debug' } }, {}],
  ['hub/proxyv2:1.31.0', { variant: 'debug' }, {}, { 'sidecar.istio.io/proxyImageType': 'default' }],
  ['hub/proxyv2:1.31.0-debug', { tag: '1.31.0-distroless' }, {}, { 'sidecar.istio.io/proxyImageType': 'debug' }],
  ['hub/own:1.31.0', { name: 'own' }, {}, { 'sidecar.istio.io/proxyImage': 'a-bare-name' }],
  ['example.com/a:1', { name: 'example.com/a:1' }, {}, {}],
  ['example.com/b:1', { name: 'example.com/a:1' }, {}, { 'sidecar.istio.io/proxyImage': 'example.com/b:1' }],
])('the image %s', (url, image, config, annotations) => {
  const base = { hub: 'hub', name: '', tag: '1.31.0', variant: '' };
  expect(proxyImageUrl({ ...base, ...image }, config, annotations)).toBe(url);
});

describe('a template', () => {
  it('is known by its text, not by the space around it', () => {
    expect(templateHash('\na: b\n\n')).toBe(templateHash('a: b'));
    expect(templateHash('a: b')).not.toBe(templateHash('a: c'));
    expect(isKnownTemplate('a: b')).toBe(false);
  });
});
