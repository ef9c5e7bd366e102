import { describe, expect, it } from 'vitest';
import { OTHER, SHOP } from '../../../../test/support/routes/mesh.js';
import {
  many,
  object,
  rule,
  service,
  severalPorts,
  subsets,
  to,
  translated,
  v1,
  web,
} from '../../../../test/support/routes/written.js';
import type { PolicyObject } from '../../policy-object.js';

const path = 'spec.http[0]';
const of = (spec: object, ...objects: PolicyObject[]): [object, PolicyObject[]] => [spec, objects];
const withRule = (spec: object): [object, PolicyObject[]] => of(to(v1), service('web'), subsets('web', spec));

/** What is refused, and the field that is named; with what is there, if that matters. */
const REFUSED: Record<string, [string, [object, PolicyObject[]]]> = {
  'a host of another namespace': ['spec.hosts[0]', of({ ...rule({}), hosts: ['cart.other.svc.cluster.local'] })],
  'a host outside': ['spec.hosts[0]', of({ ...rule({}), hosts: ['example.com'] })],
  'a wildcard': ['spec.hosts[0]', of({ ...rule({}), hosts: ['*'] })],
  'a headless host': ['spec.hosts[0]', of({ ...rule({}), hosts: ['quiet'] })],
  'no hosts': ['spec.hosts', of({ ...rule({}), hosts: [] })],
  'too many hosts': [
    'spec.hosts',
    of(
      { ...rule({}), hosts: many(33, (index) => `s${index}`) },
      service('web'),
      ...many(33, (index) => service(`s${index}`)),
    ),
  ],
  'another VirtualService of the host': [
    'spec.hosts[0]',
    of(rule({}), service('web'), object('VirtualService', 'x', { hosts: ['web.shop.svc.cluster.local'] }, 'other')),
  ],
  'an HTTPRoute of the host': [
    'spec.hosts[0]',
    of(rule({}), service('web'), object('HTTPRoute', 'x', { parentRefs: [{ kind: 'Service', name: 'web' }] })),
  ],
  'another HTTPRoute of the name': [
    'metadata.name',
    of(rule({}), service('web'), object('HTTPRoute', 'web', { parentRefs: [] })),
  ],
  'no destination': [`${path}.route`, of(rule({ route: [] }))],
  'too many destinations': [`${path}.route`, of(to(...many(17, () => ({ ...web, weight: 1 }))))],
  'no weights': [`${path}.route`, of(to(web, web))],
  'a weight that is too large': [`${path}.route[0].weight`, of(to({ ...web, weight: 1_000_001 }, web))],
  'a field of a destination that nobody knows': [`${path}.route[0].novelty`, of(to({ ...web, novelty: 1 }))],
  'a destination that is unknown': [`${path}.route[0].destination.host`, of(to({ destination: { host: 'none' } }))],
  'a destination outside': [`${path}.route[0].destination.host`, of(to({ destination: { host: 'example.com' } }))],
  'a port that a destination has not': [
    `${path}.route[0].destination.port`,
    of(to({ destination: { host: 'web', port: { number: 81 } } })),
  ],
  'the port of the request, which the destination has not': [
    `${path}.route[0].destination.port`,
    of(
      { hosts: ['web2'], http: [{ route: [{ destination: { host: 'api' } }] }] },
      service('api', severalPorts),
      service('web2', { ports: [{ port: 81 }] }),
    ),
  ],
  'a subset of another namespace': [
    `${path}.route[0].destination.subset`,
    of(to({ destination: { host: 'cart.other.svc.cluster.local', subset: 'v1' } })),
  ],
  'a subset that is none': [
    `${path}.route[0].destination.subset`,
    of(to({ destination: { host: 'web', subset: 'v9' } })),
  ],
  'a subset without a DestinationRule': [`${path}.route[0].destination.subset`, of(to(v1), service('web'))],
  'a subset of several DestinationRules': [
    `${path}.route[0].destination.subset`,
    of(to(v1), service('web'), subsets('web'), object('DestinationRule', 'x', { host: 'web' })),
  ],
  'a subset for some callers': [`${path}.route[0].destination.subset`, withRule({ exportTo: ['.'] })],
  'a subset with something that nobody knows': [
    `${path}.route[0].destination.subset`,
    withRule({ subsets: [{ name: 'v1', novelty: 1 }] }),
  ],
  'a subset of a rule with something that nobody knows': [
    `${path}.route[0].destination.subset`,
    withRule({ novelty: 1 }),
  ],
  'a subset of no pods': [
    `${path}.route[0].destination.subset`,
    withRule({ subsets: [{ name: 'v1', labels: { app: 'other' } }] }),
  ],
  'a subset without selector': [
    `${path}.route[0].destination.subset`,
    of(to(v1), service('web', { selector: {} }), subsets('web')),
  ],
  'a subset of no name for a Service': [
    `${path}.route[0].destination.subset`,
    of(
      to({ destination: { host: 'web', subset: 'V.1' } }),
      service('web'),
      subsets('web', { subsets: [{ name: 'V.1' }] }),
    ),
  ],
  'a subset whose Service is another': [
    `${path}.route[0].destination.subset`,
    of(to(v1), service('web'), service('web-v1'), subsets('web')),
  ],
  'a subset with TLS': [
    `${path}.route[0].destination.subset`,
    withRule({ trafficPolicy: { tls: { mode: 'SIMPLE' } } }),
  ],
  'a subset with TLS of a port': [
    `${path}.route[0].destination.subset`,
    withRule({ trafficPolicy: { portLevelSettings: [{ tls: { mode: 'SIMPLE' } }] } }),
  ],
  'a subset with ports over a host': [
    `${path}.route[0].destination.subset`,
    withRule({
      trafficPolicy: { portLevelSettings: [{ port: { number: 80 } }] },
      subsets: [{ name: 'v1', trafficPolicy: { connectionPool: {} } }],
    }),
  ],
  'a host of its own way': [
    'spec.hosts[0]',
    of(rule({}), service('web', {}, SHOP, { labels: { 'istio.io/use-waypoint': 'none' } })),
  ],
  'a host without HTTP': ['spec.hosts[0]', of(rule({}), service('web', { ports: [{ name: 'tcp', port: 80 }] }))],
};

describe('a VirtualService has no translation, and is told why, where it names', () => {
  it.each(Object.entries(REFUSED))('%s', (_, [at, [spec, objects]]) => {
    const { objects: made, refused } = objects.length > 0 ? translated(spec, objects) : translated(spec);
    expect(made).toEqual([]);
    expect(refused.map((remark) => remark.at)).toEqual([at]);
    expect(refused[0]?.message).toMatch(/[^.]$/);
  });

  it('Services of another namespace than its own', () => {
    const { refused } = translated({ ...rule({}), hosts: ['web.shop.svc.cluster.local'] }, undefined, OTHER);
    expect(refused.map(({ at }) => at)).toEqual(['metadata.namespace']);
  });
});
