import { describe, expect, it } from 'vitest';
import type { Labels, PolicyObject } from './policy-object.js';
import { standInPods } from './stand-in-pods.js';

const deployment = (labels: Labels, spec: object = {}): PolicyObject => ({
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    template: {
      metadata: { labels, annotations: { note: 'kept' } },
      spec: { serviceAccountName: 'web', containers: [{ name: 'app' }], ...spec },
    },
  },
});
const pods = (objects: readonly PolicyObject[], place: Labels): ReturnType<typeof standInPods> =>
  standInPods(objects, (namespace) => (namespace === 'shop' ? place : {}));

describe('a pod that stands for a workload', () => {
  const running = (ip: string): object => ({
    phase: 'Running',
    podIPs: [{ ip }],
    conditions: [{ type: 'Ready', status: 'True' }],
  });
  const plain = {
    metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' }, annotations: { note: 'kept' } },
    spec: { serviceAccountName: 'web', containers: [{ name: 'app' }] },
    status: running('240.0.0.1'),
  };

  it('is what its template says, running', () => {
    expect(pods([deployment({ app: 'web' })], {})).toEqual([plain]);
  });

  it('has a sidecar that speaks HBONE where it would be injected', () => {
    expect(pods([deployment({ app: 'web' })], { 'istio-injection': 'enabled' })).toEqual([
      {
        metadata: {
          ...plain.metadata,
          labels: { app: 'web', 'networking.istio.io/tunnel': 'http', 'security.istio.io/tlsMode': 'istio' },
          annotations: { note: 'kept', 'sidecar.istio.io/status': '{}' },
        },
        spec: { ...plain.spec, containers: [{ name: 'app' }, { name: 'istio-proxy' }] },
        status: plain.status,
      },
    ]);
  });

  const ambient = { 'istio.io/dataplane-mode': 'ambient' };
  it.each<[string, PolicyObject, Labels, boolean]>([
    ['as its namespace says', deployment({}), ambient, true],
    ['as it says itself', deployment(ambient), {}, true],
    ['not where it says no', deployment({ 'istio.io/dataplane-mode': 'none' }), ambient, false],
    ['not where nobody says so', deployment({}), {}, false],
    ['not on the network of the host', deployment({}, { hostNetwork: true }), ambient, false],
    ['off the network of the host', deployment({}, { hostNetwork: false }), ambient, true],
    ['not with a sidecar', deployment({}), { ...ambient, 'istio-injection': 'enabled' }, false],
  ])('is captured by ztunnel %s', (_, object, place, isCaptured) => {
    const [pod] = pods([object], place);
    expect(pod?.metadata.annotations?.['ambient.istio.io/redirection']).toBe(isCaptured ? 'enabled' : undefined);
  });

  it('has an address of its own, that nobody uses', () => {
    const many = pods(
      Array.from({ length: 257 }, () => deployment({})),
      {},
    );
    const address = (place: number): unknown => many[place]?.status?.podIPs;
    expect([0, 1, 254, 255, 256].map(address)).toEqual(
      ['240.0.0.1', '240.0.0.2', '240.0.0.255', '240.0.1.0', '240.0.1.1'].map((ip) => [{ ip }]),
    );
  });
});
