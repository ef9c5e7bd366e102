import { describe, expect, it } from 'vitest';
import { type TemplateOfPods, podTemplateFindings, scrapeFindings } from './pod-template.js';
import type { TemplateCode } from './template-finding.js';

const annotated = (annotations: Record<string, string>): TemplateOfPods => ({
  metadata: { labels: { app: 'web' }, annotations },
  spec: { containers: [{ name: 'app' }] },
});
const labelled = (labels: Record<string, string>): TemplateOfPods => ({
  metadata: { labels },
  spec: { containers: [{ name: 'app' }] },
});
const traffic = (name: string, value: string): TemplateOfPods =>
  annotated({ [`traffic.sidecar.istio.io/${name}`]: value });
const proxy = { name: 'istio-proxy' };
const withProxy = (annotations: Record<string, string>, native = false): TemplateOfPods => ({
  metadata: { annotations },
  spec: native ? { containers: [{ name: 'app' }], initContainers: [proxy] } : { containers: [{ name: 'app' }, proxy] },
});

/** For each code: what raises it and nothing else, the fields that the message must name, and what is almost the same. */
const CASES: Record<
  Exclude<TemplateCode, 'SST4040'>,
  [raised: TemplateOfPods, named: RegExp, nearMiss: TemplateOfPods]
> = {
  SST4008: [
    labelled({ 'istio.io/dataplane-mode': 'none' }),
    /istio\.io\/dataplane-mode: none/,
    labelled({ 'istio.io/dataplane-mode': 'ambient' }),
  ],
  SST4009: [
    traffic('excludeInboundPorts', '9000'),
    /annotation traffic\.sidecar\.istio\.io\/excludeInboundPorts /,
    traffic('excludeInboundPorts', ''),
  ],
  SST4010: [
    labelled({ 'security.istio.io/tlsMode': 'istio', 'networking.istio.io/tunnel': 'http' }),
    /labels networking\.istio\.io\/tunnel, security\.istio\.io\/tlsMode /,
    labelled({ 'istio.io/rev': 'default' }),
  ],
  SST4014: [
    withProxy({ 'sidecar.istio.io/status': '{}' }),
    /holds the sidecar/,
    annotated({ 'sidecar.istio.io/status': '{}' }),
  ],
  SST4015: [
    annotated({
      'traffic.sidecar.istio.io/excludeOutboundPorts': '5432',
      'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8',
    }),
    /excludeOutboundPorts, traffic\.sidecar\.istio\.io\/includeOutboundIPRanges /,
    annotated({
      'traffic.sidecar.istio.io/includeOutboundPorts': '5432',
      'traffic.sidecar.istio.io/includeOutboundIPRanges': '*',
    }),
  ],
  SST4016: [
    traffic('kubevirtInterfaces', 'k6t-eth0'),
    /kubevirtInterfaces/,
    annotated({
      'traffic.sidecar.istio.io/kubevirtInterfaces': 'k6t-eth0',
      'istio.io/reroute-virtual-interfaces': 'k6t-eth0',
    }),
  ],
  SST4017: [
    annotated({ 'ambient.istio.io/bypass-inbound-capture': 'true' }),
    /ambient\.istio\.io\/bypass-inbound-capture/,
    annotated({ 'ambient.istio.io/bypass-inbound-capture': 'false' }),
  ],
  SST4018: [
    annotated({ 'inject.istio.io/templates': 'sidecar, spire' }),
    /inject\.istio\.io\/templates: sidecar, spire .* spire adds/,
    annotated({ 'inject.istio.io/templates': 'sidecar' }),
  ],
  SST4019: [
    annotated({ 'inject.istio.io/templates': 'grpc-agent' }),
    /inject\.istio\.io\/templates: grpc-agent/,
    annotated({ 'inject.istio.io/templates': 'gateway' }),
  ],
  SST4020: [
    withProxy({}, true),
    /spec\.template\.spec\.initContainers/,
    withProxy({ 'inject.istio.io/templates': 'gateway' }),
  ],
  SST4021: [
    annotated({
      'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: true',
      'sidecar.istio.io/proxyCPU': '100m',
    }),
    /annotations proxy\.istio\.io\/config, sidecar\.istio\.io\/proxyCPU /,
    annotated({ 'sidecar.istio.io/inject': 'true' }),
  ],
  SST4028: [
    annotated({ 'proxy.istio.io/config': '{"proxyMetadata":{"ISTIO_META_ENABLE_HBONE":"false"}}' }),
    /ISTIO_META_ENABLE_HBONE off in the annotation proxy\.istio\.io\/config/,
    annotated({}),
  ],
};

describe('what is found in a pod template', () => {
  it.each(Object.entries(CASES))('%s, alone, with the field; and not in a near miss', (code, [raised, names, near]) => {
    const found = podTemplateFindings(raised);
    expect(found.map((one) => one.code)).toEqual([code]);
    expect(found[0]?.message).toMatch(names);
    expect(podTemplateFindings(near)).toEqual([]);
  });

  it.each([
    ['includeInboundPorts', '', 'SST4009'],
    ['includeInboundPorts', '80,8080', 'SST4009'],
    ['includeInboundPorts', '*', undefined],
    ['includeInboundPorts', ' * ', undefined],
    ['excludeInterfaces', 'net1', 'SST4009'],
    ['includeOutboundIPRanges', '', 'SST4015'],
    ['excludeOutboundIPRanges', '169.254.169.254/32', 'SST4015'],
    ['kubevirtInterfaces', '', undefined],
    ['somethingNew', 'x', 'SST4009'],
  ])('traffic.sidecar.istio.io/%s: "%s" is %s', (name, value, code) => {
    expect(podTemplateFindings(traffic(name, value)).map((one) => one.code)).toEqual(code === undefined ? [] : [code]);
  });

  it.each([
    ['proxyMetadata:\n  ISTIO_META_ENABLE_HBONE: "true"', 'SST4021'],
    ["proxyMetadata:\n  'ISTIO_META_ENABLE_HBONE': false", 'SST4028'],
    ['proxyMetadata:\n  ISTIO_META_DNS_CAPTURE: "false"', 'SST4021'],
  ])('proxy.istio.io/config %j is %s', (config, code) => {
    expect(podTemplateFindings(annotated({ 'proxy.istio.io/config': config })).map((one) => one.code)).toEqual([code]);
  });

  it('that a sidecar takes no traffic at all counts as an exclusion; how it takes traffic does not', () => {
    expect(podTemplateFindings(annotated({ 'sidecar.istio.io/interceptionMode': 'NONE' }))).toMatchObject([
      { code: 'SST4009', message: 'has the annotation sidecar.istio.io/interceptionMode in its pod template' },
    ]);
    expect(podTemplateFindings(annotated({ 'sidecar.istio.io/interceptionMode': 'TPROXY' }))).toEqual([]);
  });
});

describe('what a pod template says is told with its fields', () => {
  it.each<[TemplateOfPods, string[]]>([
    [
      annotated({ 'inject.istio.io/templates': 'sidecar,spire,logs' }),
      [
        'has inject.istio.io/templates: sidecar,spire,logs in its pod template, and spire, logs adds to its pods only with a sidecar',
      ],
    ],
    [withProxy({}), ['has a container istio-proxy in spec.template.spec.containers']],
    [withProxy({}, true), ['has a container istio-proxy in spec.template.spec.initContainers']],
    [annotated({ 'inject.istio.io/templates': 'gateway', 'proxy.istio.io/config': 'concurrency: 2' }), []],
  ])('%j', (template, expected) => {
    expect(podTemplateFindings(template).map(({ message }) => message)).toEqual(expected);
  });
});

describe('metrics that Prometheus gets from sidecars', () => {
  const message = 'has the annotation prometheus.io/scrape in its pod template, and policies refuse plaintext';
  const scraped = { 'prometheus.io/scrape': 'true' };
  it.each<[string, TemplateOfPods, boolean]>([
    ['if pods are scraped', annotated(scraped), true],
    ['if they are to be merged', annotated({ ...scraped, 'prometheus.istio.io/merge-metrics': 'true' }), true],
    ['not if they are not merged', annotated({ ...scraped, 'prometheus.istio.io/merge-metrics': 'false' }), false],
    ['not if pods are not scraped', annotated({ 'prometheus.io/scrape': 'false' }), false],
    ['not if nothing is said', { spec: { containers: [] } }, false],
  ])('%s', (_, template, isFound) => {
    expect(scrapeFindings(template)).toEqual(isFound ? [{ code: 'SST4029', message }] : []);
  });
});
