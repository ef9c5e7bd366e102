import { describe, expect, it } from 'vitest';
import {
  effectiveProxyConfig,
  mergedProxyConfig,
  proxyConfigJson,
  type ProxyConfigObject,
  proxyMetadata,
} from './proxy-config.js';

describe('the JSON of a proxy configuration', () => {
  it.each([
    ['nothing', {}, {}],
    ['no defaults', { discoveryAddress: 'istiod.istio-system.svc:15012', statusPort: 15020, drainDuration: '45s' }, {}],
    ['a default in other words', { drainDuration: '0m45s', terminationDrainDuration: '5000ms' }, {}],
    [
      'durations in seconds',
      { drainDuration: '1m30s', fileFlushInterval: '500ms' },
      { drainDuration: '90s', fileFlushInterval: '0.500s' },
    ],
    [
      'durations to the nanosecond',
      { drainDuration: '1us', fileFlushInterval: '1.25s', terminationDrainDuration: '1h0.5m' },
      { drainDuration: '0.000001s', terminationDrainDuration: '3630s', fileFlushInterval: '1.250s' },
    ],
    [
      'what is no duration as it is',
      { drainDuration: 'soon', fileFlushInterval: '1s!', terminationDrainDuration: '+1m' },
      { drainDuration: 'soon', terminationDrainDuration: '+1m', fileFlushInterval: '1s!' },
    ],
    ['nothing that is null', { concurrency: null, statsCompression: null, meshId: null }, {}],
    ['lists that are not empty', { extraStatTags: ['a'] }, { extraStatTags: ['a'] }],
    ['no empty maps', { runtimeValues: {} }, {}],
    ['no zeros', { meshId: '', statNameLength: 0, extraStatTags: [], proxyMetadata: {} }, {}],
    ['no first values of enumerations', { interceptionMode: 'REDIRECT', controlPlaneAuthPolicy: 'NONE' }, {}],
    ['other values of them', { interceptionMode: 'TPROXY' }, { interceptionMode: 'TPROXY' }],
    [
      'zeros that mean something',
      { concurrency: 0, holdApplicationUntilProxyStarts: false },
      { concurrency: 0, holdApplicationUntilProxyStarts: false },
    ],
    ['empty messages', { image: {}, tracing: {} }, { tracing: {}, image: {} }],
    ['no fields that Istio does not know', { nonsense: 1 }, {}],
    ['maps of texts', { proxyMetadata: { B: 1, A: true } }, { proxyMetadata: { A: 'true', B: '1' } }],
    ['maps as they are sorted', { runtimeValues: { a: 1, c: 3, b: 2 } }, { runtimeValues: { a: '1', b: '2', c: '3' } }],
  ])('has %s', (_, config, json) => {
    expect(proxyConfigJson(config)).toBe(JSON.stringify(json));
  });

  it('has its fields in the order of protobuf', () => {
    expect(proxyConfigJson({ image: { imageType: 'debug' }, concurrency: 2, discoveryAddress: 'a:1' })).toBe(
      '{"discoveryAddress":"a:1","concurrency":2,"image":{"imageType":"debug"}}',
    );
  });
});

describe('merging proxy configurations', () => {
  it('replaces fields, and merges metadata', () => {
    const base = { tracing: { sampling: 1, zipkin: {} }, proxyMetadata: { A: '1', B: '1' } };
    expect(mergedProxyConfig(base, { tracing: { sampling: 2 }, proxyMetadata: { B: '2' } })).toEqual({
      tracing: { sampling: 2 },
      proxyMetadata: { A: '1', B: '2' },
    });
  });

  it('keeps those headers that Istio merges', () => {
    const base = { proxyHeaders: { server: { disabled: true }, metadataExchangeHeaders: { mode: 'IN_MESH' } } };
    expect(mergedProxyConfig(base, { proxyHeaders: { requestId: { disabled: true } } })).toEqual({
      proxyHeaders: { server: { disabled: true }, requestId: { disabled: true } },
    });
  });

  it('keeps all headers where nobody changes any', () => {
    const headers = { proxyHeaders: { server: { disabled: true }, metadataExchangeHeaders: { mode: 'IN_MESH' } } };
    expect(mergedProxyConfig(headers, { concurrency: 1 })).toEqual({ ...headers, concurrency: 1 });
    expect(mergedProxyConfig({ concurrency: 1 }, headers)).toEqual({ ...headers, concurrency: 1 });
  });

  it('reads the other spelling of protobuf', () => {
    expect(mergedProxyConfig({}, { proxy_metadata: { A: '1' } })).toEqual({ proxyMetadata: { A: '1' } });
  });
});

describe('the configuration of one proxy', () => {
  const proxy = { namespace: 'app', rootNamespace: 'istio-system', labels: { gateway: 'waypoint' } };
  const object = (name: string, namespace: string, spec: ProxyConfigObject['spec'], creationTimestamp = '2026-01-01') =>
    ({ metadata: { name, namespace, creationTimestamp }, ...(spec && { spec }) }) satisfies ProxyConfigObject;

  it("is the mesh's, then the root namespace's, the namespace's and its own", () => {
    const objects = [
      object('own', 'app', { selector: { matchLabels: { gateway: 'waypoint' } }, concurrency: 3 }),
      object('namespace', 'app', { concurrency: 2, environmentVariables: { N: '1' } }),
      object('root', 'istio-system', { concurrency: 1, image: { imageType: 'debug' } }),
      object('other', 'elsewhere', { concurrency: 9 }),
      object('unselected', 'app', { selector: { matchLabels: { gateway: 'other' } }, concurrency: 9 }),
      object('empty', 'app', { selector: { matchLabels: {} }, concurrency: 9 }),
    ];
    const config = effectiveProxyConfig({ proxyMetadata: { M: '1' } }, objects, proxy);
    expect(config).toEqual({ concurrency: 3, image: { imageType: 'debug' }, proxyMetadata: { M: '1', N: '1' } });
    expect(proxyMetadata(config)).toEqual({ M: '1', N: '1' });
  });

  it('takes the oldest of several', () => {
    const objects = [object('a', 'app', { concurrency: 2 }, '2026-02-02'), object('b', 'app', { concurrency: 1 })];
    expect(effectiveProxyConfig({}, objects, proxy)).toEqual({ concurrency: 1 });
    expect(effectiveProxyConfig({}, objects.toReversed(), proxy)).toEqual({ concurrency: 1 });
  });

  it('takes of two that are as old the one that istiod takes, by name and namespace', () => {
    const objects = [object('a', 'app', { concurrency: 2 }), object('a-b', 'app', { concurrency: 1 })];
    expect(effectiveProxyConfig({}, objects, proxy)).toEqual({ concurrency: 1 });
    expect(effectiveProxyConfig({}, objects.toReversed(), proxy)).toEqual({ concurrency: 1 });
  });

  it('is nothing but the mesh’s where objects say nothing, or select by more than the proxy has', () => {
    const matchLabels = { gateway: 'waypoint', app: 'web' };
    const objects = [object('a', 'app', undefined), object('b', 'app', { selector: { matchLabels }, concurrency: 2 })];
    expect(effectiveProxyConfig({ concurrency: 1 }, objects, proxy)).toEqual({ concurrency: 1 });
  });

  it('is of the root namespace once, for a proxy there', () => {
    const objects = [object('root', 'istio-system', { concurrency: 1, environmentVariables: { R: '1' } })];
    const config = effectiveProxyConfig({}, objects, { ...proxy, namespace: 'istio-system' });
    expect(config).toEqual({ concurrency: 1, proxyMetadata: { R: '1' } });
  });
});
