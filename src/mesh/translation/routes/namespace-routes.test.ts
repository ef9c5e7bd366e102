import { describe, expect, it } from 'vitest';
import { object, service, subsets } from '../../../../test/support/routes/written.js';
import type { PolicyObject } from '../../policy-object.js';
import { namedSubsets, namespaceRoutes } from './namespace-routes.js';
import type { RouteTranslation } from './virtual-service-routes.js';

const to = (host: string, subset?: string): object => ({ destination: { host, ...(subset && { subset }) } });
const routing = (name: string, spec: object, namespace = 'shop'): PolicyObject =>
  object('VirtualService', name, { hosts: [name], http: [{ route: [to(name)] }], ...spec }, namespace);
const sending = (...route: object[]): object => ({ http: [{ route }] });
const faulty = { http: [{ route: [to('web', 'v1')], fault: {} }] };

const there = [service('web'), service('api')];
const translationOf = (policy: PolicyObject, ...objects: PolicyObject[]): RouteTranslation | undefined =>
  namespaceRoutes({ namespace: 'shop', objects: [...there, ...objects] }).translationOf(policy);
const namesOf = (objects: readonly PolicyObject[]): string[] =>
  objects.map(({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`);

describe('the routes of a namespace', () => {
  it('are those of its VirtualServices for the mesh, by name', () => {
    const elsewhere = routing('web', { hosts: ['cart'] }, 'other');
    const objects = [routing('web', {}), routing('api', {}), routing('edge', { gateways: ['edge'] }), elsewhere];
    const routes = namespaceRoutes({ namespace: 'shop', objects: [...there, ...objects] });
    expect(namesOf(routes.objects)).toEqual(['HTTPRoute/shop/api', 'HTTPRoute/shop/web']);
    expect(objects.map((one) => namesOf(routes.translationOf(one)?.objects ?? []))).toEqual([
      ['HTTPRoute/shop/web'],
      ['HTTPRoute/shop/api'],
      [],
      [],
    ]);
    expect(routes.translationOf(objects[2]!)).toBeUndefined();
    expect(routes.translationOf(elsewhere)).toBeUndefined();
    expect(routes.translationOf(service('web'))).toBeUndefined();
  });

  it('have nothing for one of another namespace, which is told where it has to be', () => {
    const hosts = ['web.shop.svc.cluster.local'];
    const elsewhere = routing('far', { hosts: ['example.com', ...hosts] }, 'other');
    const refused = [{ at: 'metadata.namespace', message: 'a route of Services of shop has to be in their namespace' }];
    expect(translationOf(elsewhere, elsewhere)).toEqual({ objects: [], refused, leftOut: [] });
    const ofGateway = routing('far', { hosts, gateways: ['edge'] }, 'other');
    expect(translationOf(ofGateway, ofGateway)).toBeUndefined();
  });

  it('may share what they need', () => {
    const both = [routing('api', sending(to('web', 'v1'))), routing('web', sending(to('web', 'v1')))];
    const routes = namespaceRoutes({ namespace: 'shop', objects: [...there, subsets('web'), ...both] });
    expect(namesOf(routes.objects)).toEqual(['Service/shop/web-v1', 'HTTPRoute/shop/api', 'HTTPRoute/shop/web']);
  });

  it.each([false, true])(
    'do not need two things of one name: of two, the later by name is refused (read first: %s)',
    (isFirst) => {
      const objects = [
        routing('a', { hosts: ['web'], ...sending(to('web', 'v1-b')) }),
        routing('b', { hosts: ['api'], ...sending(to('web-v1', 'b')) }),
      ];
      const rule = (host: string, name: string): PolicyObject =>
        subsets(host, { subsets: [{ name, labels: { v: name } }] });
      const all = [
        service('web-v1'),
        rule('web', 'v1-b'),
        rule('web-v1', 'b'),
        ...(isFirst ? objects.toReversed() : objects),
      ];
      expect(objects.map((one) => translationOf(one, ...all)?.refused)).toEqual([
        [],
        [{ at: 'spec.http', message: 'needs another Service web-v1-b than other routes' }],
      ]);
    },
  );
});

describe('a DestinationRule', () => {
  const both = subsets('web', { subsets: ['v1', 'v2'].map((name) => ({ name, labels: { version: name } })) });
  const at = 'spec.subsets[0]';

  it.each<[string, PolicyObject, PolicyObject[], object[]]>([
    ['is not needed where nobody names its subsets', both, [], []],
    ['is not needed where Services stand for them', both, [routing('web', sending(to('web', 'v1')))], []],
    [
      'is needed by a VirtualService without translation',
      both,
      [routing('web', faulty)],
      [{ at, message: 'VirtualService/web names it, and has no translation' }],
    ],
    [
      'is needed by one of another namespace',
      both,
      [routing('cart', sending(to('web.shop.svc.cluster.local', 'v1')), 'other')],
      [{ at, message: 'VirtualService/other/cart names it, and has no translation' }],
    ],
    ['is not needed by one of gateways', both, [routing('web', { gateways: ['edge'], ...faulty })], []],
    [
      'is needed by each of several, wherever they name it',
      both,
      [
        routing('api', { http: [{ mirror: { host: 'web', subset: 'v2' }, fault: {} }] }),
        routing('web', { http: [{ match: [{ uri: { exact: '/' } }], route: [to('web')] }, ...faulty.http] }),
      ],
      [
        { at, message: 'VirtualService/web names it, and has no translation' },
        { at: 'spec.subsets[1]', message: 'VirtualService/api names it, and has no translation' },
      ],
    ],
    [
      'is for Services of its namespace',
      subsets('web.other.svc.cluster.local'),
      [],
      [{ at, message: 'web.other.svc.cluster.local is no Service of the namespace of the DestinationRule' }],
    ],
    [
      'has a host',
      subsets('web', { host: undefined }),
      [],
      [{ at, message: 'its host is no Service of the namespace of the DestinationRule' }],
    ],
    [
      'is of the namespace of its Service',
      { ...subsets('web.shop.svc.cluster.local'), metadata: { name: 'far', namespace: 'other' } },
      [],
      [{ at, message: 'web.shop.svc.cluster.local is no Service of the namespace of the DestinationRule' }],
    ],
  ])('%s', (_, rule, others, refused) => {
    expect(translationOf(rule, rule, ...others)).toEqual({ objects: [], refused, leftOut: [] });
  });
});

describe('subsets of a namespace', () => {
  it.each<[string, object, string[]]>([
    [
      'in routes and mirrors',
      { http: [{ route: [to('web', 'v1')], mirror: { host: 'api', subset: 'v2' } }] },
      ['web v1', 'api v2'],
    ],
    ['not where no subset is named', sending(to('web')), []],
    ['not of another namespace', sending(to('web.other.svc.cluster.local', 'v1')), []],
    ['not without a host', sending({ destination: { subset: 'v1' } }), []],
  ])('are found %s', (_, spec, found) => {
    expect(namedSubsets(spec, 'shop', 'shop')).toEqual(found);
  });
});
