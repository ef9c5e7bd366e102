import { describe, expect, it } from 'vitest';
import { listedPods } from './listed-pods.js';

type Endpoint = { addresses: string[]; targetRef?: { kind: string; name: string } };

const pod = (app: string, ip: string, hostNetwork = false) => ({
  metadata: { name: `${app}-1`, namespace: 'shop', labels: { app } },
  spec: { hostNetwork },
  status: { podIPs: [{ ip }] },
});
const pods = [pod('api', '10.0.0.1'), pod('db', '10.0.0.2'), pod('agent', '192.168.0.1', true)];
const slice = (name: string | undefined, ...endpoints: Endpoint[]) => ({
  metadata: {
    name: 'x',
    namespace: 'shop',
    labels: name === undefined ? {} : { 'kubernetes.io/service-name': name },
  },
  addressType: 'IPv4' as const,
  endpoints,
});
const found = (...slices: ReturnType<typeof slice>[]) => Object.fromEntries(listedPods(slices, pods));

describe('pods that EndpointSlices list', () => {
  it('are known by their reference, or by an address alone', () => {
    const byName = { addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: 'api-1' } };
    expect(found(slice('legacy', byName))).toEqual({ legacy: [{ app: 'api' }] });
    expect(found(slice('legacy', { addresses: ['10.0.0.2'] }))).toEqual({ legacy: [{ app: 'db' }] });
  });

  it('are those of all slices of a Service', () => {
    const one = slice('legacy', { addresses: ['10.0.0.1'] });
    expect(found(one, slice('legacy', { addresses: ['10.0.0.2'] }))).toEqual({
      legacy: [{ app: 'api' }, { app: 'db' }],
    });
  });

  it.each<[string, ReturnType<typeof slice>]>([
    ['a database elsewhere', slice('legacy', { addresses: ['172.16.0.1'] })],
    ['a pod that is gone', slice('legacy', { addresses: [], targetRef: { kind: 'Pod', name: 'api-0' } })],
    ['a node, whose address a pod has', slice('legacy', { addresses: ['192.168.0.1'] })],
    ['something of another kind', slice('legacy', { addresses: [], targetRef: { kind: 'Node', name: 'api-1' } })],
  ])('are not %s', (_, given) => {
    expect(found(given)).toEqual({ legacy: [] });
  });

  it('are found among those that have no address yet', () => {
    const pending = { metadata: { name: 'api-2', namespace: 'shop' } };
    const targetRef = { kind: 'Pod', name: 'api-2' };
    const both = slice('legacy', { addresses: [], targetRef }, { addresses: ['10.0.0.2'] });
    expect(Object.fromEntries(listedPods([both], [pending, ...pods]))).toEqual({ legacy: [{}, { app: 'db' }] });
  });

  it('are none where a slice has no endpoints', () => {
    const { endpoints, ...empty } = slice('legacy');
    expect(endpoints).toEqual([]);
    expect(Object.fromEntries(listedPods([empty], pods))).toEqual({ legacy: [] });
  });

  it('are of no Service where the slice names none', () => {
    expect(found(slice(undefined, { addresses: ['10.0.0.1'] }))).toEqual({});
    const { metadata, ...rest } = slice('legacy', { addresses: ['10.0.0.1'] });
    const unlabelled = { ...rest, metadata: { name: metadata.name, namespace: metadata.namespace } };
    expect(Object.fromEntries(listedPods([unlabelled], pods))).toEqual({});
  });
});
