import { describe, expect, it } from 'vitest';
import { smallObjects, type SmallMode, smallPod, smallSettings } from '../../../test/support/small-mesh.js';
import { type MeshPicture, meshPicture, type PictureObjects, type PictureWorkload } from '../picture.js';
import type { PolicyObject } from '../policy-object.js';
import {
  type Checkpoint,
  type Destination,
  guardOf,
  policiesOfZtunnel,
  serviceByAddress,
  waypointOn,
} from './checkpoint.js';

const BOUND = { 'istio.io/use-waypoint': 'waypoint' };
const ASKED = { 'istio.io/ingress-use-waypoint': 'true' };
const GATEWAY = { 'gateway.networking.k8s.io/gateway-name': 'ingress' };
const WAYPOINT = 'cluster.local/ns/shop/sa/waypoint';
const SLEEP = 'cluster.local/ns/shop/sa/sleep';

interface Plot {
  readonly client?: SmallMode;
  readonly clientLabels?: Record<string, string>;
  readonly server?: SmallMode;
  readonly policies?: readonly PolicyObject[];
  /** Of the namespace, the Service and the pod that is called. */
  readonly labels?: Record<string, string>;
  readonly serviceLabels?: Record<string, string>;
  readonly podLabels?: Record<string, string>;
  readonly network?: string;
  readonly isHeadless?: boolean;
}

function draw({ client = 'ambient', server = 'ambient', policies = [], ...plot }: Plot): MeshPicture {
  const small = smallObjects({
    pods: [
      smallPod('sleep', client, { ip: '10.0.0.1', labels: plot.clientLabels ?? {} }),
      smallPod('web', server, { ip: '10.0.0.2', labels: plot.podLabels ?? {} }),
    ],
    services: [],
    policies,
  });
  const ports = [
    { name: 'http', port: 80, targetPort: 8080 },
    { name: 'tcp-db', port: 5432, targetPort: 5432 },
  ];
  const objects: PictureObjects = {
    ...small,
    namespaces: [
      { metadata: { name: 'shop', labels: plot.labels ?? {} } },
      {
        metadata: {
          name: 'istio-system',
          labels: plot.network === undefined ? {} : { 'topology.istio.io/network': plot.network },
        },
      },
    ],
    services: [
      {
        metadata: { name: 'web', namespace: 'shop', labels: plot.serviceLabels ?? {} },
        spec: { clusterIP: plot.isHeadless ? 'None' : '10.96.0.1', selector: { app: 'web' }, ports },
      },
    ],
    gateways: small.gateways.map((gateway) => ({
      ...gateway,
      metadata: { ...gateway.metadata, labels: { 'istio.io/waypoint-for': 'all' } },
    })),
  };
  return meshPicture(objects, smallSettings);
}

const podOf = ({ workloads }: MeshPicture, of: string): PictureWorkload => workloads.find(({ name }) => name === of)!;
const toService = ({ services }: MeshPicture, port = 80): Destination => ({ service: services[0]!, port });

/** The waypoint on the way to the Service, or to the pod that is behind it. */
function waypoint(picture: MeshPicture, to: 'Service' | 'Pod', port = 80): Checkpoint | undefined {
  const workload = podOf(picture, 'web');
  const target = to === 'Service' ? toService(picture, port) : { workload, port: 8080 };
  return waypointOn(podOf(picture, 'sleep'), target, { workload, port: 8080 }, picture);
}

describe('the waypoint on the way', () => {
  it('to a Service sees the Service, whatever the network', () => {
    for (const network of [undefined, 'n1']) {
      const picture = draw({ labels: BOUND, ...(network !== undefined && { network }) });
      expect(waypoint(picture, 'Service')).toEqual({
        hop: 'Waypoint',
        enforcer: 'Gateway/shop/waypoint',
        principal: SLEEP,
        waypoint: picture.waypoints[0],
        service: picture.services[0],
        request: {
          source: { principal: SLEEP, address: '10.0.0.1' },
          destination: { address: '10.96.0.1', port: 80 },
        },
        readsHttp: true,
      });
    }
  });

  it('to a pod sees the pod', () => {
    const picture = draw({ labels: BOUND });
    expect(waypoint(picture, 'Pod')).toEqual({
      hop: 'Waypoint',
      enforcer: 'Gateway/shop/waypoint',
      principal: SLEEP,
      waypoint: picture.waypoints[0],
      service: undefined,
      request: {
        source: { principal: SLEEP, address: '10.0.0.1' },
        destination: { address: '10.0.0.2', port: 8080 },
      },
      readsHttp: true,
    });
  });

  it('to a headless Service is that of its pods', () => {
    const picture = draw({ labels: BOUND, isHeadless: true });
    expect(waypoint(picture, 'Service')).toEqual(waypoint(picture, 'Pod'));
    expect(serviceByAddress(toService(picture))).toBeUndefined();
    expect(serviceByAddress({ workload: podOf(picture, 'web'), port: 8080 })).toBeUndefined();
  });

  it('reads no requests on a port of another protocol', () => {
    expect(waypoint(draw({ labels: BOUND }), 'Service', 5432)).toMatchObject({ readsHttp: false });
  });

  it('refuses all where ztunnel does not find it', () => {
    expect(waypoint({ ...draw({ labels: BOUND }), waypoints: [] }, 'Service')).toEqual({
      hop: 'Any',
      as: 'Ztunnel',
      enforcer: 'Pod/shop/sleep',
      allowed: false,
      by: 'ztunnel finds no waypoint at shop/waypoint.shop.svc.cluster.local',
    });
  });

  it.each<[string, Plot, toService: boolean, toPod: boolean]>([
    ['ambient pods', { labels: BOUND }, true, true],
    ['ambient pods, where the Service alone is bound', { serviceLabels: BOUND }, true, false],
    ['ambient pods, where the pod alone is bound', { podLabels: BOUND }, false, true],
    ['nobody, where nothing is bound', {}, false, false],
    ['no sidecars', { client: 'sidecar', labels: BOUND }, false, false],
    ['no pods outside the mesh', { client: 'none', labels: BOUND }, false, false],
    ['no pods outside the mesh, whatever is asked', { client: 'none', labels: { ...BOUND, ...ASKED } }, false, false],
    ['no gateways', { client: 'none', clientLabels: GATEWAY, labels: BOUND }, false, false],
    [
      'gateways that the Service asks to',
      { client: 'none', clientLabels: GATEWAY, labels: BOUND, serviceLabels: ASKED },
      true,
      false,
    ],
    [
      'gateways that the namespace asks to',
      { client: 'none', clientLabels: GATEWAY, labels: { ...BOUND, ...ASKED } },
      true,
      false,
    ],
    ['who calls the pods of a headless Service', { labels: BOUND, isHeadless: true }, true, true],
  ])('is for %s', (_, plot, isOnServices, isOnPods) => {
    const picture = draw(plot);
    expect([waypoint(picture, 'Service'), waypoint(picture, 'Pod')].map((one) => one?.hop === 'Waypoint')).toEqual([
      isOnServices,
      isOnPods,
    ]);
  });
});

describe('in front of a pod', () => {
  const peer = (mode: string): PolicyObject => ({
    kind: 'PeerAuthentication',
    metadata: { name: 'p', namespace: 'shop' },
    spec: { mtls: { mode } },
  });
  const guard = (picture: MeshPicture): Checkpoint => {
    const endpoint = { workload: podOf(picture, 'web'), port: 8080 };
    return guardOf(podOf(picture, 'sleep'), toService(picture), waypoint(picture, 'Service'), endpoint, picture);
  };
  const enforcer = 'Pod/shop/web';
  const destination = { address: '10.0.0.2', port: 8080 };

  it('outside the mesh is nobody', () => {
    expect(guard(draw({ server: 'none' }))).toStrictEqual({
      hop: 'Any',
      as: 'Nobody',
      enforcer,
      allowed: true,
      by: 'the pod is outside the mesh',
    });
  });

  it.each<[string, Plot, principal: string | undefined, address: string]>([
    ['knows the caller', {}, SLEEP, '10.0.0.1'],
    ['knows no caller of plaintext', { client: 'none' }, undefined, '10.0.0.1'],
    ['knows the waypoint, and not from where', { labels: BOUND }, WAYPOINT, ''],
  ])('ztunnel %s', (_, plot, principal, address) => {
    const picture = draw(plot);
    const known = principal === undefined ? {} : { principal };
    expect(guard(picture)).toStrictEqual({
      hop: 'Ztunnel',
      enforcer,
      ...known,
      workload: podOf(picture, 'web'),
      connection: { source: { ...known, address }, destination },
    });
  });

  it.each<[string, Plot, principal: string | undefined, address: string]>([
    ['knows the caller', { client: 'sidecar' }, SLEEP, '10.0.0.1'],
    ['knows the caller where mTLS is asked for', { client: 'sidecar', policies: [peer('STRICT')] }, SLEEP, '10.0.0.1'],
    ['knows no caller of plaintext', { client: 'none' }, undefined, '10.0.0.1'],
    ['knows the waypoint, and not from where', { labels: BOUND }, WAYPOINT, ''],
  ])('a sidecar %s', (_, plot, principal, address) => {
    const picture = draw({ ...plot, server: 'sidecar' });
    const known = principal === undefined ? {} : { principal };
    expect(guard(picture)).toStrictEqual({
      hop: 'Sidecar',
      enforcer,
      ...known,
      workload: podOf(picture, 'web'),
      request: { source: { ...known, address }, destination },
      readsHttp: true,
    });
  });

  it('a sidecar that asks for mTLS refuses plaintext', () => {
    expect(guard(draw({ client: 'none', server: 'sidecar', policies: [peer('STRICT')] }))).toStrictEqual({
      hop: 'Any',
      as: 'Sidecar',
      enforcer,
      allowed: false,
      by: 'plaintext, where PeerAuthentication asks for mTLS',
    });
  });
});

describe('ztunnel', () => {
  const policy = (name: string, namespace: string, app?: string): PolicyObject => ({
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace },
    spec: { action: 'DENY', rules: [{}], ...(app !== undefined && { selector: { matchLabels: { app } } }) },
  });

  it('reads the policies of the mesh, of the namespace, and those that select the pod', () => {
    const policies = [
      policy('mesh', 'istio-system'),
      policy('namespace', 'shop'),
      policy('other', 'other'),
      policy('web', 'shop', 'web'),
      policy('sleep', 'shop', 'sleep'),
    ];
    const picture = draw({ policies });
    expect(policiesOfZtunnel(podOf(picture, 'web'), picture).map(({ name }) => name)).toEqual([
      'mesh',
      'namespace',
      'web',
    ]);
  });
});
