import { describe, expect, it } from 'vitest';
import { smallObjects, type SmallPod, smallPod, smallSettings } from '../../../test/support/small-mesh.js';
import { type MeshPicture, meshPicture, type PictureObjects } from '../picture.js';
import { resultOf } from '../pieces.js';
import type { PolicyObject } from '../policy-object.js';
import { type KindOfPod, type Target, targetsOf } from './targets.js';

const policy = (spec: object, namespace?: string, kind = 'AuthorizationPolicy'): PolicyObject => ({
  kind,
  metadata: { name: 'p', ...(namespace !== undefined && { namespace }) },
  spec,
});
const operation = (fields: object): object => ({ rules: [{ to: [{ operation: fields }] }] });
const when = (key: string, fields: object): object => ({ rules: [{ when: [{ key, ...fields }] }] });

const pod = (name: string, ip: string, app = name): SmallPod => smallPod(name, 'sidecar', { ip, labels: { app } });
const web = pod('web', '10.0.0.1');

/** The same port of pods of one account is of one kind. */
const kindOf: KindOfPod = ({ workload, port }) => `${workload.mode} ${port}`;

function drawn(pods: readonly SmallPod[], policies: readonly PolicyObject[] = [], services = ['web']): MeshPicture {
  const made = services.map((name) => ({ name, selector: { app: name } }));
  return meshPicture(smallObjects({ pods, services: made, policies }), smallSettings);
}

const targets = (...pictures: MeshPicture[]): Target[] => resultOf(targetsOf(pictures, 'shop', kindOf));
const names = (...pictures: MeshPicture[]): string[] => targets(...pictures).map(({ name }) => name);
const podsBehind = ({ backends }: Target): string[] =>
  backends.map((backend) => [...backend.values()].map(({ workload, port }) => `${workload.name}:${port}`).join(' '));

describe('targets', () => {
  it.each<[string, MeshPicture, string[]]>([
    ['a Service, and its pods at the port that it leads to', drawn([web]), ['web.shop:80', 'Pod/shop/web:8080']],
    ['a pod without Service, at any port', drawn([pod('lone', '10.0.0.1')]), ['web.shop:80', 'Pod/shop/lone:8080']],
    [
      'one pod of several that are alike',
      drawn([web, pod('web-2', '10.0.0.2', 'web')]),
      ['web.shop:80', 'Pod/shop/web:8080'],
    ],
    [
      'pods of other labels, of which nothing tells another way',
      drawn([web, pod('lone', '10.0.0.2')]),
      ['web.shop:80', 'Pod/shop/web:8080'],
    ],
    [
      'pods of other labels, that are enforced otherwise',
      drawn([web, smallPod('lone', 'ambient', { ip: '10.0.0.2' })]),
      ['web.shop:80', 'Pod/shop/web:8080', 'Pod/shop/lone:8080'],
    ],
    [
      'nothing of other namespaces',
      drawn([web, smallPod('other', 'ambient', { ip: '10.0.0.2', namespace: 'other' })]),
      ['web.shop:80', 'Pod/shop/web:8080'],
    ],
  ])('are %s', (_, picture, expected) => {
    expect(names(picture)).toEqual(expected);
  });

  it('are no gateways, and no Services of other namespaces', () => {
    const labels = { 'gateway.networking.k8s.io/gateway-name': 'waypoint' };
    const objects: PictureObjects = smallObjects({
      pods: [web, smallPod('gateway', 'none', { ip: '10.0.0.2', labels })],
      services: [{ name: 'web', selector: { app: 'web' } }],
      policies: [],
    });
    const other = { ...objects.services[0]!, metadata: { name: 'web', namespace: 'other' } };
    const picture = meshPicture({ ...objects, services: [...objects.services, other] }, smallSettings);
    expect(names(picture)).toEqual(['web.shop:80', 'Pod/shop/web:8080']);
  });

  it.each<[string, PolicyObject, number[]]>([
    ['an operation', policy(operation({ ports: ['9000'] }), 'shop'), [8080, 9000, 8081]],
    ['an operation that is not meant', policy(operation({ notPorts: ['9000'] }), 'shop'), [8080, 9000, 8081]],
    [
      'a condition',
      policy(when('destination.port', { values: ['9000'], notValues: ['9001'] }), 'shop'),
      [8080, 9000, 9001, 8081],
    ],
    ['the root namespace', policy(operation({ ports: ['9000'] }), 'istio-system'), [8080, 9000, 8081]],
    [
      'mutual TLS',
      policy({ portLevelMtls: { 9000: { mode: 'STRICT' } } }, 'shop', 'PeerAuthentication'),
      [8080, 9000, 8081],
    ],
    ['the port that is any', policy(operation({ ports: ['8081', '8082'] }), 'shop'), [8080, 8081, 8082, 8083]],
    ['the least and the largest', policy(operation({ ports: ['1', '65535'] }), 'shop'), [8080, 1, 65_535, 8081]],
    ['what are no ports', policy(operation({ ports: ['0', '65536', 'http'] }), 'shop'), [8080]],
    ['other conditions', policy(when('source.ip', { values: ['9000'] }), 'shop'), [8080]],
    ['another namespace', policy(operation({ ports: ['9000'] }), 'other'), [8080]],
  ])('are ports that policies name by %s, and one besides', (_, named, ports) => {
    expect(names(drawn([web], [named])).slice(1)).toEqual(ports.map((port) => `Pod/shop/web:${port}`));
  });

  it('have one pod of each kind behind them, the first', () => {
    const mixed = drawn([
      web,
      pod('web-2', '10.0.0.2', 'web'),
      smallPod('web-3', 'ambient', { ip: '10.0.0.3', labels: { app: 'web' } }),
    ]);
    const [service, ...pods] = targets(mixed);
    expect(podsBehind(service!).sort()).toEqual(['web-3:8080', 'web:8080']);
    expect(pods.map(podsBehind)).toEqual([['web:8080'], ['web-3:8080']]);
    expect(pods[1]!.in(mixed)).toMatchObject({ workload: { name: 'web-3' }, port: 8080 });
    expect(service!.in(mixed)).toMatchObject({ service: { name: 'web' }, port: 80 });
  });

  it('have pods behind them as they are in each picture, which may tell them apart', () => {
    const two = pod('web-2', '10.0.0.2', 'web');
    const before = drawn([web, two]);
    const after = drawn([web, smallPod('web-2', 'ambient', { ip: '10.0.0.2', labels: { app: 'web' } })]);
    const found = targets(before, after);
    expect(found.map(({ name }) => name)).toEqual(['web.shop:80', 'Pod/shop/web:8080', 'Pod/shop/web-2:8080']);
    expect(podsBehind(found[0]!).sort()).toEqual(['web-2:8080 web-2:8080', 'web:8080 web:8080']);
    const backend = found[2]!.backends[0]!;
    expect([before, after].map((picture) => backend.get(picture)?.workload.mode)).toEqual(['sidecar', 'ambient']);
  });
});
