import { describe, expect, it } from 'vitest';
import { WAYPOINT, foundIn, policyObject, policyScope } from '../../../test/support/policies.js';
import { LABEL } from '../../api/labels.js';
import { OWN_ANNOTATION } from '../../api/own-labels.js';
import type { PolicyObject } from '../policy-object.js';
import type { PolicyScope } from '../policies.js';
import { destinationRuleFindings } from './destination-rule.js';

const rule = (spec: object, namespace = 'shop'): PolicyObject => policyObject('DestinationRule', spec, { namespace });
const tls = (mode: string): object => ({ trafficPolicy: { tls: { mode } } });
const pool = { trafficPolicy: { connectionPool: {} } };
const service = (name: string, spec: object = {}, labels = {}): PolicyObject =>
  policyObject('Service', spec, { name, labels });
const bound = policyScope({ waypoint: WAYPOINT });

describe('a DestinationRule with TLS', () => {
  it.each([
    ['web', 'shop'],
    ['web.shop.svc.cluster.local', 'other'],
    ['web.shop.svc', 'other'],
    ['*.shop.svc.cluster.local', 'other'],
    ['*.svc.cluster.local', 'other'],
    ['*.local', 'istio-system'],
    ['*', 'istio-system'],
  ])('towards %s, in namespace %s, keeps sidecars from HBONE to pods here', (host, namespace) => {
    for (const mode of ['ISTIO_MUTUAL', 'SIMPLE', 'MUTUAL', 'DISABLE']) {
      expect(foundIn(rule({ host, ...tls(mode), exportTo: ['.'] }, namespace))).toEqual([
        'SST3005 spec.trafficPolicy.tls.mode',
      ]);
    }
  });

  it.each([
    ['web', 'other'],
    ['web.other.svc.cluster.local', 'shop'],
    ['*.other.svc.cluster.local', 'other'],
  ])('towards %s, in namespace %s, is needed unless it is Istio’s own', (host, namespace) => {
    expect(foundIn(rule({ host, ...tls('ISTIO_MUTUAL') }, namespace))).toEqual(['SST3007 spec.trafficPolicy.tls.mode']);
    expect(foundIn(rule({ host, ...tls('SIMPLE') }, namespace))).toEqual(['SST3006 spec.trafficPolicy.tls.mode']);
  });

  it('is not Istio’s own, if a port has another', () => {
    const portLevelSettings = [{ port: { number: 80 }, tls: { mode: 'SIMPLE' } }];
    const spec = { host: 'web', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' }, portLevelSettings } };
    expect(foundIn(rule(spec, 'other'))).toEqual([
      'SST3006 spec.trafficPolicy.tls.mode, spec.trafficPolicy.portLevelSettings[0].tls.mode',
    ]);
  });

  it.each(['api.example.com', '*.example.com'])('towards %s is lost, whatever it is', (host) => {
    expect(foundIn(rule({ host, ...tls('ISTIO_MUTUAL') }))).toEqual(['SST3006 spec.trafficPolicy.tls.mode']);
  });

  it('is found on ports and subsets, and each effect has its finding', () => {
    const spec = {
      host: 'web',
      trafficPolicy: { loadBalancer: {}, portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'DISABLE' } }] },
      subsets: [{ name: 'v1', trafficPolicy: { tls: { mode: 'SIMPLE' }, outlierDetection: {} } }],
      tomorrow: true,
    };
    expect(foundIn(rule(spec))).toEqual([
      'SST3005 spec.trafficPolicy.portLevelSettings[0].tls.mode, spec.subsets[0].trafficPolicy.tls.mode',
      'SST3008 spec.subsets',
      'SST3009 spec.trafficPolicy.loadBalancer, spec.subsets[0].trafficPolicy.outlierDetection',
      'SST2001 spec.tomorrow',
    ]);
  });
});

describe('a DestinationRule without TLS', () => {
  it.each<[string, PolicyObject[], string]>([
    ['of the namespace', [service('web'), rule({ host: 'web', ...pool })], 'SST3010'],
    [
      'of the root namespace',
      [service('web'), rule({ host: 'web.shop.svc.cluster.local', ...pool }, 'istio-system')],
      'SST3010',
    ],
    ['of a caller', [service('web'), rule({ host: 'web.shop.svc.cluster.local', ...pool }, 'other')], 'SST3009'],
    ['for some callers', [service('web'), rule({ host: 'web', workloadSelector: {}, ...pool })], 'SST3009'],
    ['for no Service', [rule({ host: 'web', ...pool })], 'SST3009'],
    ['for many hosts', [service('web'), rule({ host: '*.shop.svc.cluster.local', ...pool })], 'SST3009'],
    [
      'for a Service that no waypoint serves',
      [service('web', {}, { 'istio.io/use-waypoint': 'none' }), rule({ host: 'web', ...pool })],
      'SST3009',
    ],
    ['for a headless Service', [service('web', { clusterIP: 'None' }), rule({ host: 'web', ...pool })], 'SST3009'],
  ])('%s is carried out by a waypoint that sees it, and by nobody else', (_, objects, code) => {
    expect(foundIn(objects, bound)).toEqual([`${code} spec.trafficPolicy.connectionPool`]);
    expect(foundIn(objects)).toEqual(['SST3009 spec.trafficPolicy.connectionPool']);
  });

  it.each<[object, string]>([
    [
      { loadBalancer: { consistentHash: { useSourceIp: true } } },
      'SST3027 spec.trafficPolicy.loadBalancer.consistentHash',
    ],
    [{ tunnel: { targetHost: 'a', targetPort: 1 } }, 'SST3027 spec.trafficPolicy.tunnel'],
    [{ proxyProtocol: { version: 'V1' } }, 'SST3027 spec.trafficPolicy.proxyProtocol'],
    [{ loadBalancer: { simple: 'ROUND_ROBIN' } }, 'SST3009 spec.trafficPolicy.loadBalancer'],
    [{ outlierDetection: {} }, 'SST3009 spec.trafficPolicy.outlierDetection'],
  ])('%j blocks if applications rely on it, and warns else', (trafficPolicy, expected) => {
    const objects = [service('web'), rule({ host: 'web', trafficPolicy })];
    expect(foundIn(objects)).toEqual([expected]);
    expect(foundIn(objects, bound)).toEqual([expected.replace(/^\w+/, 'SST3010')]);
  });

  it('has a finding for each of both, by port and subset', () => {
    const hashed = { loadBalancer: { consistentHash: {} } };
    const portLevelSettings = [{ port: { number: 80 }, ...hashed }];
    expect(foundIn(rule({ host: 'web', trafficPolicy: { connectionPool: {}, portLevelSettings } }))).toEqual([
      'SST3009 spec.trafficPolicy.connectionPool',
      'SST3027 spec.trafficPolicy.portLevelSettings[0].loadBalancer.consistentHash',
    ]);
  });

  it('is carried out by a waypoint elsewhere only if it is exported there', () => {
    const shared = policyScope({ waypoint: { ...WAYPOINT, namespace: 'edge' } });
    const objects = (exportTo: string[]): PolicyObject[] => [service('web'), rule({ host: 'web', exportTo, ...pool })];
    expect(foundIn(objects(['*']), shared)).toEqual(['SST3010 spec.trafficPolicy.connectionPool']);
    expect(foundIn(objects(['.']), shared)).toEqual(['SST3009 spec.trafficPolicy.connectionPool']);
  });

  it.each<[string, object, string]>([
    ['none', {}, 'SST3009'],
    ['another', {}, 'SST3009'],
    ['waypoint', {}, 'SST3010'],
    ['none', { 'istio.io/use-waypoint': 'waypoint' }, 'SST3010'],
  ])('in a namespace that names the waypoint %s, with %j on the Service', (name, labels, code) => {
    const home = { kind: 'Namespace', metadata: { name: 'shop', labels: { 'istio.io/use-waypoint': name } } };
    const found = foundIn([home, service('web', {}, labels), rule({ host: 'web', ...pool })], bound);
    expect(found).toContain(`${code} spec.trafficPolicy.connectionPool`);
  });

  it('says nothing by its host alone, nor if it is for callers elsewhere', () => {
    expect(foundIn(rule({ host: 'web' }))).toEqual([]);
    expect(foundIn(rule({ host: 'web', ...pool, exportTo: ['.'] }, 'other'))).toEqual([]);
    expect(foundIn(rule({ host: 'web', ...pool, workloadSelector: {} }, 'other'))).toEqual([]);
  });

  const useWaypoint = (name: string): Record<string, string> => ({ [LABEL.useWaypoint]: name });
  const ours = (object: PolicyObject): PolicyObject => {
    const labels = JSON.stringify({ generation: 1, attempt: 1, labels: object.metadata.labels });
    return { ...object, metadata: { ...object.metadata, annotations: { [OWN_ANNOTATION.waypointLabels]: labels } } };
  };
  const space = (name: string, waypoint: string): PolicyObject => ({
    kind: 'Namespace',
    metadata: { name, labels: useWaypoint(waypoint) },
  });
  const other = policyObject('Service', {}, { name: 'web', namespace: 'other' });
  const following = policyScope({ waypoint: WAYPOINT, followers: new Set(['web']) });

  it.each<[string, PolicyObject[], boolean, PolicyScope?]>([
    ['beside a Service elsewhere of the same name', [other], false],
    ['beside something else of that name', [policyObject('ServiceAccount', {}, { name: 'web' })], false],
    ['where another namespace has another waypoint', [space('other', 'another'), service('web')], true],
    [
      'where a Service with the name of the namespace has another',
      [service('shop', {}, useWaypoint('another')), service('web')],
      true,
    ],
    ['where a migration had bound the namespace to another', [ours(space('shop', 'first')), service('web')], true],
    ['where a migration had bound the Service to another', [ours(service('web', {}, useWaypoint('first')))], true],
    ['where the Service has that of its account', [service('web', {}, useWaypoint('first'))], true, following],
    [
      'where another Service has that of its account',
      [service('web', {}, useWaypoint('first'))],
      false,
      policyScope({ waypoint: WAYPOINT, followers: new Set(['api']) }),
    ],
    ['where a person has bound the namespace', [space('shop', 'first'), service('web')], false, following],
  ])('is for the Service of the namespace, %s', (_, objects, isServed, scope = bound) => {
    const found = destinationRuleFindings(rule({ host: 'web', ...pool }), objects, scope);
    expect(found.map(({ code }) => code)).toEqual([isServed ? 'SST3010' : 'SST3009']);
  });

  it('is carried out by a waypoint of its own namespace', () => {
    const shared = policyScope({ waypoint: { ...WAYPOINT, namespace: 'edge' } });
    const ofWaypoint = rule({ host: 'web.shop.svc.cluster.local', ...pool }, 'edge');
    expect(foundIn([service('web'), ofWaypoint], shared)).toEqual(['SST3010 spec.trafficPolicy.connectionPool']);
  });
});

describe('a DestinationRule with subsets', () => {
  const subsets = [{ name: 'v1', labels: { version: 'v1' } }];
  const routed = (name: string, namespace: string, ...hosts: string[]): PolicyObject => {
    const http = hosts.map((host) => ({ route: [{ destination: { host, subset: 'v1' } }] }));
    return policyObject('VirtualService', { hosts: [name], http }, { name, namespace });
  };
  const scope = policyScope({ routedElsewhere: new Set(['other/web']) });

  it.each<[string, PolicyObject, PolicyObject[], string[]]>([
    [
      'has to be known to waypoints elsewhere only',
      rule({ host: 'web', subsets }, 'other'),
      [routed('web', 'other', 'web')],
      [],
    ],
    [
      'by a route that names others, too',
      rule({ host: 'web', subsets }, 'other'),
      [routed('web', 'other', 'db', 'web')],
      [],
    ],
    [
      'whatever routes name those of another Service',
      rule({ host: 'web', subsets }, 'other'),
      [routed('web', 'other', 'web'), routed('db', 'other', 'db')],
      [],
    ],
    [
      'unless a route is not carried out',
      rule({ host: 'web', subsets }, 'other'),
      [routed('web', 'other', 'web'), routed('more', 'other', 'web')],
      ['SST3008'],
    ],
    ['unless nobody names them', rule({ host: 'web', subsets }, 'other'), [routed('web', 'other', 'db')], ['SST3008']],
    [
      'unless it is of the namespace',
      rule({ host: 'web', subsets }),
      [routed('web', 'other', 'web.shop.svc.cluster.local')],
      ['SST3008'],
    ],
    [
      'unless its host is no Service',
      rule({ host: 'api.example.com', subsets }, 'other'),
      [routed('web', 'other', 'web')],
      ['SST3008'],
    ],
  ])('%s', (_, one, routes, expected) => {
    expect(destinationRuleFindings(one, routes, scope).map(({ code }) => code)).toEqual(expected);
  });
});
