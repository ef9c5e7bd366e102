import { describe, expect, it } from 'vitest';
import {
  many,
  service,
  severalPorts,
  subsets,
  to,
  translated,
  v1,
  web,
} from '../../../../test/support/routes/written.js';
import { asRecord, asRecords, type PolicyObject } from '../../policy-object.js';

const cart = (name = 'cart'): object => ({ destination: { host: `${name}.other.svc.cluster.local` } });
const shared = [
  service('web'),
  service('api', severalPorts),
  service('cart', {}, 'other'),
  service('pay', {}, 'other'),
];

/** The backends of the first rule. */
function backendsOf(route: object[], objects: readonly PolicyObject[] = shared): unknown {
  const made = translated(to(...route), objects);
  expect(made.refused).toEqual([]);
  const rules = asRecords(asRecord(made.objects.find(({ kind }) => kind === 'HTTPRoute')?.spec)['rules']);
  return rules[0]?.['backendRefs'];
}

describe('a destination', () => {
  it.each<[string, object, object]>([
    ['a Service by its name', { host: 'web' }, { name: 'web', port: 80 }],
    ['a Service by its whole name', { host: 'web.shop.svc.cluster.local' }, { name: 'web', port: 80 }],
    ['a Service by the name without domain', { host: 'web.shop.svc' }, { name: 'web', port: 80 }],
    ['a port', { host: 'api', port: { number: 90 } }, { name: 'api', port: 90 }],
    ['the only port, where none is given', { host: 'web', port: { number: 0 } }, { name: 'web', port: 80 }],
    ['the port of the request', { host: 'api' }, { name: 'api', port: 80 }],
    ['a Service of another namespace', { host: 'cart.other.svc' }, { name: 'cart', namespace: 'other', port: 80 }],
  ])('is %s', (_, destination, backend) => {
    expect(backendsOf([{ destination }])).toEqual([backend]);
  });

  it.each<[string, object, string, string]>([
    ['unknown', { host: 'none' }, 'host', 'none is no Service that is known'],
    ['not named', {}, 'host', 'undefined is no Service that is known'],
    [
      'outside',
      { host: 'x.web.shop.svc.cluster.local' },
      'host',
      'x.web.shop.svc.cluster.local is no Service that is known',
    ],
    ['something like a Service', { host: 'web.shop.svcs' }, 'host', 'web.shop.svcs is no Service that is known'],
    ['a port that is not there', { host: 'web', port: { number: 81 } }, 'port', 'Service web has no port 81'],
    [
      'a port of a Service without ports',
      { host: 'bare' },
      'port',
      'Service bare has no port that requests would go to',
    ],
    [
      'a subset of another namespace',
      { host: 'cart.other.svc', subset: 'v1' },
      'subset',
      'is of a Service of another namespace',
    ],
    ['more than a host', { host: 'web', novelty: 1 }, 'novelty', 'nobody knows here what this field means'],
  ])('is refused where it is %s', (_, destination, field, message) => {
    const { refused } = translated(to({ destination }), [...shared, service('bare', { ports: [] })]);
    expect(refused).toEqual([{ at: `spec.http[0].route[0].destination.${field}`, message }]);
  });

  it('without a port of a Service without ports is refused where nobody says which', () => {
    const bare = service('bare', { ports: undefined });
    const { refused } = translated(to({ destination: { host: 'bare', port: { number: 80 } } }), [...shared, bare]);
    expect(refused).toEqual([{ at: 'spec.http[0].route[0].destination.port', message: 'Service bare has no port 80' }]);
  });

  it('keeps the port of the request in a route for each port', () => {
    const spec = { hosts: ['api'], http: [{ route: [{ destination: { host: 'api' } }] }] };
    const { objects } = translated(spec, shared);
    expect(objects.map(({ metadata, spec: made }) => [metadata.name, asRecord(made)['rules']])).toEqual([
      ['web-80', [{ backendRefs: [{ name: 'api', port: 80 }] }]],
      ['web-90', [{ backendRefs: [{ name: 'api', port: 90 }] }]],
    ]);
  });
});

describe('destinations', () => {
  const weighted = (...weights: unknown[]): object[] => weights.map((weight) => ({ ...web, weight }));
  const at = 'spec.http[0].route';

  it('have the weights that an HTTPRoute can have', () => {
    expect(backendsOf(weighted(1_000_000, 0))).toEqual([
      { name: 'web', port: 80, weight: 1_000_000 },
      { name: 'web', port: 80, weight: 0 },
    ]);
    expect(backendsOf(many(16, () => weighted(1)[0]!))).toHaveLength(16);
  });

  it.each<[string, object[], string, string]>([
    ['too many', many(17, () => weighted(1)[0]!), at, 'has more than 16 destinations'],
    ['none with a weight', weighted(0, undefined), at, 'has no weights'],
    ['one with a weight below 0', weighted(1, -1), `${at}[1].weight`, 'is none of an HTTPRoute'],
    ['one with too large a weight', weighted(1, 1_000_001), `${at}[1].weight`, 'is none of an HTTPRoute'],
    [
      'one with headers that cannot be said',
      [{ ...web, headers: { request: { set: { x: '' } } } }],
      `${at}[0].headers.request.set[x]`,
      'an HTTPRoute sets no empty value',
    ],
  ])('are refused where they are %s', (_, route, path, message) => {
    expect(translated(to(...route), shared).refused).toEqual([{ at: path, message }]);
  });

  it('in another namespace are granted by it, each once', () => {
    const { objects } = translated(to(...[cart(), cart('pay'), cart()].map((one) => ({ ...one, weight: 1 }))), shared);
    expect(objects[0]).toEqual({
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      kind: 'ReferenceGrant',
      metadata: { name: 'shop-web', namespace: 'other' },
      spec: {
        from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'shop' }],
        to: [
          { group: '', kind: 'Service', name: 'pay' },
          { group: '', kind: 'Service', name: 'cart' },
        ],
      },
    });
  });

  it('in two other namespaces are granted by each', () => {
    const far = service('cart', {}, 'far');
    const route = [cart(), { destination: { host: 'cart.far.svc.cluster.local' } }].map((one) => ({
      ...one,
      weight: 1,
    }));
    const { objects } = translated(to(...route), [...shared, far]);
    expect(objects.map(({ kind, metadata }) => `${kind}/${metadata.namespace}`)).toEqual([
      'ReferenceGrant/other',
      'ReferenceGrant/far',
      'HTTPRoute/shop',
    ]);
  });

  it('that are subsets need what stands for them, each once', () => {
    const route = [v1, v1].map((one) => ({ ...one, weight: 1 }));
    const { objects } = translated(to(...route), [...shared, subsets('web', { trafficPolicy: { loadBalancer: {} } })]);
    expect(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([
      'Service/web-v1',
      'DestinationRule/web-v1',
      'HTTPRoute/web',
    ]);
  });
});
