import { describe, expect, it } from 'vitest';
import { smallObjects, smallPod, type SmallPod, smallSettings } from '../../test/support/small-mesh.js';
import { counterpart, type Moment, type MomentName, MOMENTS, moments, type Move } from './moments.js';
import type { MeshPicture, PictureObjects } from './picture.js';
import type { PolicyObject } from './policy-object.js';

const waypoint = { name: 'waypoint', namespace: 'shop' };
const bare: Move = { namespace: 'shop', waypoint: undefined };

/** `shop` has `client` and `web`, whose Service it is; `other` is a namespace that does not move. */
const sidecars: readonly SmallPod[] = [
  smallPod('client', 'sidecar', { ip: '10.0.0.1' }),
  smallPod('web', 'sidecar without HBONE', { ip: '10.0.0.2' }),
  smallPod('other', 'sidecar without HBONE', { namespace: 'other', ip: '10.0.0.3' }),
];

function objectsOf(pods: readonly SmallPod[], policies: readonly PolicyObject[] = []): PictureObjects {
  const services = ['web', 'client'].map((name) => ({ name, selector: { app: name } }));
  return smallObjects({ pods, services, policies });
}

const momentsOf = (move: Partial<Move> = {}, objects = objectsOf(sidecars)): Moment[] =>
  moments(objects, smallSettings, { ...bare, ...move });

/** `name mode` of each pod; `+`: its sidecar speaks HBONE. */
const modesIn = ({ workloads }: MeshPicture): string =>
  workloads.map(({ name, mode, hbone }) => `${name} ${mode}${hbone ? '+' : ''}`).join(', ');

/** The only picture that everything is in, at a step. */
function pictureAt(all: readonly Moment[], step: MomentName): MeshPicture {
  const { callers, rest } = all.findLast((moment) => moment.step === step)!;
  expect([callers, rest.slice(1)]).toEqual([rest, []]);
  return rest[0]!;
}

const untouched = 'client sidecar+, web sidecar, other sidecar';
const tunnelled = 'client sidecar+, web sidecar+, other sidecar';
const after = 'client ambient, web ambient, other sidecar';

describe('the moments of a migration', () => {
  it('are one for each step: workloads are restarted while each of them may be in either mode', () => {
    const seen = momentsOf().map(({ step, callers, rest }) => [step, callers.map(modesIn), rest.map(modesIn)]);
    const mixed = [tunnelled, after];
    expect(seen.map(([step]) => step)).toEqual(MOMENTS);
    expect(seen).toEqual([
      ['Before', [untouched], [untouched]],
      ['Tunnel', [tunnelled], [tunnelled]],
      ['Policies', [tunnelled], [tunnelled]],
      ['Bind', [tunnelled], [tunnelled]],
      ['Enrol', [tunnelled], [tunnelled]],
      ['Workloads', mixed, mixed],
      ['After', [after], [after]],
    ]);
  });

  it('are two of the restarts where workloads wait for their callers: who calls the last of them has none any more', () => {
    const all = momentsOf({ closed: ({ app }) => app === 'web' });
    const first = 'client ambient, web sidecar+, other sidecar';
    const restarts = all.filter(({ step }) => step === 'Workloads');
    expect(restarts.map(({ callers, rest }) => [callers.map(modesIn), rest.map(modesIn)])).toEqual([
      [
        [tunnelled, first],
        [tunnelled, first],
      ],
      [[after], [tunnelled, first, after]],
    ]);
  });

  it.each<[string, Partial<Move>, string | undefined]>([
    ['by the label of the namespace', {}, undefined],
    ['one by one', { isPerWorkload: true }, 'ambient'],
    ['one by one where some wait for others', { closed: () => false }, 'ambient'],
    ['by the label of the namespace though some wait', { closed: () => false, isPerWorkload: false }, undefined],
  ])('label pods that are enrolled %s: %s', (_, move, label) => {
    const labels = pictureAt(momentsOf(move), 'After').workloads.map((pod) => pod.labels['istio.io/dataplane-mode']);
    expect(labels).toEqual([label, label, undefined]);
  });

  it('take the labels of the injector, and the proxy in either list of containers, from restarted pods', () => {
    const labels = { 'security.istio.io/tlsMode': 'istio', tier: 'x' };
    const web = smallPod('web', 'sidecar', { ip: '10.0.0.2', labels });
    const native = {
      ...web,
      spec: { ...web.spec, containers: [{ name: 'app' }], initContainers: [{ name: 'istio-proxy' }] },
    };
    for (const pod of [web, native]) {
      const all = momentsOf({}, objectsOf([pod]));
      expect(all[0]!.rest[0]!.workloads[0]!.labels).toMatchObject(labels);
      const { mode, labels: left } = pictureAt(all, 'After').workloads[0]!;
      expect([mode, left]).toEqual(['ambient', { app: 'web', tier: 'x' }]);
    }
  });

  it('leave restarted pods the ports of their other containers, by which Services find them', () => {
    const web = smallPod('web', 'sidecar', { ip: '10.0.0.2' });
    const [app, proxy] = web.spec!.containers!;
    const containers = [
      { ...app, ports: [{ name: 'http', containerPort: 9090 }] },
      { ...proxy, ports: [] },
    ];
    const helper = { name: 'helper', restartPolicy: 'Always', ports: [{ name: 'admin', containerPort: 9191 }] };
    const objects = objectsOf([{ ...web, spec: { ...web.spec, containers, initContainers: [helper] } }]);
    const ports = [
      { port: 80, targetPort: 'http' },
      { port: 81, targetPort: 'admin' },
    ];
    const services = objects.services.map((one) => ({ ...one, spec: { ...one.spec, ports } }));
    const { local } = pictureAt(momentsOf({}, { ...objects, services }), 'After').workloads[0]!;
    expect(local.services).toEqual({ 'shop/web.shop.svc.cluster.local': { 80: 9090, 81: 9191 } });
  });

  it('know a pod with nothing but its name for one that gets captured', () => {
    const bare = {
      metadata: { name: 'bare', namespace: 'shop' },
      status: { phase: 'Running', podIPs: [{ ip: '10.0.0.8' }] },
    };
    const all = momentsOf({}, objectsOf([bare]));
    expect([modesIn(pictureAt(all, 'Bind')), modesIn(pictureAt(all, 'After'))]).toEqual(['bare none', 'bare ambient']);
  });

  it('find a pod again in another picture, by name and namespace', () => {
    const twins = [...sidecars, smallPod('web', 'sidecar', { namespace: 'other', ip: '10.0.0.9' })];
    const all = momentsOf({}, objectsOf(twins));
    for (const pod of all[0]!.rest[0]!.workloads) {
      const found = counterpart(pod, pictureAt(all, 'After'));
      expect(found?.local.uid).toBe(pod.local.uid);
      expect(found).not.toBe(pod);
    }
    expect(counterpart(all[0]!.rest[0]!.workloads[0]!, { ...all[0]!.rest[0]!, workloads: [] })).toBeUndefined();
  });
});

describe('a pod without sidecar', () => {
  const plain = smallPod('plain', 'none', { ip: '10.0.0.4' });
  const atSteps = (pod: SmallPod, move: Partial<Move> = {}): Record<string, string> =>
    Object.fromEntries(
      momentsOf(move, objectsOf([sidecars[0]!, pod])).map(({ step, rest }) => [
        step,
        rest.map(({ workloads }) => workloads.find(({ name }) => name === pod.metadata.name)!.mode).join(),
      ]),
    );

  it('is captured when the label of the namespace comes: while that happens any may be in either mode', () => {
    expect(atSteps(plain)).toEqual({
      Before: 'none',
      Tunnel: 'none',
      Policies: 'none',
      Bind: 'none',
      Enrol: 'none,ambient',
      Workloads: 'ambient,ambient',
      After: 'ambient',
    });
  });

  it('is captured last of all where workloads are enrolled one by one, and gets no label', () => {
    expect(atSteps(plain, { isPerWorkload: true })).toMatchObject({
      Enrol: 'none',
      Workloads: 'none,none',
      After: 'none,ambient',
    });
    const { rest } = momentsOf({ isPerWorkload: true }, objectsOf([plain])).at(-1)!;
    expect(rest.at(-1)!.workloads.map(({ labels }) => labels)).toEqual([{ app: 'plain' }]);
  });

  const being = (metadata: object, spec: object = {}): SmallPod => ({
    ...plain,
    metadata: { ...plain.metadata, ...metadata },
    spec: { ...plain.spec, ...spec },
  });
  it.each<[string, SmallPod]>([
    ['its own label keeps it out', being({ labels: { 'istio.io/dataplane-mode': 'none' } })],
    ['it has the address of its node', being({}, { hostNetwork: true })],
    ['it is a gateway', being({ labels: { 'gateway.networking.k8s.io/gateway-name': 'ingress' } })],
    ['the injector has written on it', being({ annotations: { 'sidecar.istio.io/status': '{}' } })],
    ['it is about to go', being({ deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ['it is elsewhere', smallPod('plain', 'none', { namespace: 'other', ip: '10.0.0.4' })],
  ])('is never captured if %s', (_, pod) => {
    expect(new Set(Object.values(atSteps(pod)).flatMap((modes) => modes.split(',')))).toEqual(new Set(['none']));
  });
});

describe('what a migration writes', () => {
  const policy = (name: string, spec: object, namespace = 'shop', kind = 'AuthorizationPolicy'): PolicyObject => ({
    kind,
    metadata: { name, namespace },
    spec,
  });
  const there = [
    policy('a', { rules: [{}] }),
    policy('a', { rules: [{}] }, 'other'),
    policy('b', { rules: [{}] }),
    policy('a', { jwtRules: [] }, 'shop', 'RequestAuthentication'),
  ];
  const policiesIn = ({ authorizationPolicies, requestAuthentications }: MeshPicture): string[] =>
    [...authorizationPolicies, ...requestAuthentications].map(
      ({ kind, metadata: { namespace, name }, spec }) => `${kind} ${namespace}/${name} ${JSON.stringify(spec)}`,
    );

  it('is there from its step on, in place of what has the same kind, namespace and name', () => {
    const written = [policy('a', { action: 'DENY' }), policy('b', { jwtRules: [{}] }, 'shop', 'RequestAuthentication')];
    const all = momentsOf({ written }, objectsOf(sidecars, there));
    const before = policiesIn(pictureAt(all, 'Tunnel'));
    expect(before).toEqual(policiesIn(pictureAt(all, 'Before')));
    for (const step of ['Policies', 'Bind', 'Enrol', 'After'] as const) {
      expect(policiesIn(pictureAt(all, step)).sort(), step).toEqual(
        [
          'AuthorizationPolicy shop/a {"action":"DENY"}',
          ...before.filter((one) => !one.startsWith('AuthorizationPolicy shop/a ')),
          'RequestAuthentication shop/b {"jwtRules":[{}]}',
        ].sort(),
      );
    }
  });

  it('may be nothing', () => {
    const all = momentsOf({}, objectsOf(sidecars, there));
    expect(policiesIn(pictureAt(all, 'Policies'))).toEqual(policiesIn(pictureAt(all, 'Before')));
  });
});

describe('what is bound to a waypoint', () => {
  /** The waypoint of each Service, at a step. */
  const boundAt = (all: readonly Moment[], step: MomentName): unknown =>
    Object.fromEntries(
      pictureAt(all, step).services.map(({ namespace, name, local }) => [
        namespace === 'shop' ? name : `${namespace}/${name}`,
        local.waypoint?.destination,
      ]),
    );
  const toWaypoint = 'shop/waypoint.shop.svc.cluster.local';
  const none = { web: undefined, client: undefined };
  const both = { web: toWaypoint, client: toWaypoint };

  it('is so from its step on', () => {
    const all = momentsOf({ waypoint });
    expect(boundAt(all, 'Policies')).toEqual(none);
    for (const step of ['Bind', 'Enrol', 'After'] as const) expect(boundAt(all, step), step).toEqual(both);
    expect(boundAt(momentsOf(), 'After')).toEqual(none);
  });

  const label = { 'istio.io/use-waypoint': 'waypoint' };
  it.each<[string, Move['bound'], unknown]>([
    ['nothing', [], none],
    ['a Service', [{ kind: 'Service', name: 'web', labels: label }], { ...none, web: toWaypoint }],
    ['what is not there', [{ kind: 'Service', name: 'shop', labels: label }], none],
    ['another namespace', [{ kind: 'Namespace', name: 'other', labels: label }], none],
    [
      'all but one',
      [
        { kind: 'Namespace', name: 'shop', labels: label },
        { kind: 'Service', name: 'web', labels: { 'istio.io/use-waypoint': 'none' } },
      ],
      { ...both, web: undefined },
    ],
    [
      'one by two labels',
      [
        { kind: 'Service', name: 'web', labels: label },
        { kind: 'Service', name: 'web', labels: { 'istio.io/use-waypoint-namespace': 'shop' } },
      ],
      { ...none, web: toWaypoint },
    ],
  ])('may be %s', (_, bound, expected) => {
    expect(boundAt(momentsOf({ waypoint, bound }), 'After')).toEqual(expected);
  });

  it('is not a Service of that name elsewhere, and keeps its labels', () => {
    const objects = objectsOf(sidecars);
    const [web] = objects.services;
    const services = [
      { ...web!, metadata: { ...web!.metadata, labels: { tier: 'x' } } },
      { ...web!, metadata: { name: 'web', namespace: 'other' } },
    ];
    const bound = [{ kind: 'Service' as const, name: 'web', labels: label }];
    const all = momentsOf({ waypoint, bound }, { ...objects, services });
    expect(boundAt(all, 'After')).toEqual({ web: toWaypoint, 'other/web': undefined });
    expect(pictureAt(all, 'After').services[0]!.labels).toEqual({ tier: 'x', ...label });
  });

  it('is of a Gateway that takes HBONE and has an address, also where it is not there or says nothing yet', () => {
    const objects = objectsOf(sidecars);
    const silent = objects.gateways.map(({ metadata, spec }) => ({ metadata, spec }));
    const { waypoints } = pictureAt(momentsOf({ waypoint }), 'Bind');
    for (const gateways of [[], silent]) {
      expect(pictureAt(momentsOf({ waypoint }, { ...objects, gateways }), 'Bind').waypoints).toEqual(waypoints);
    }
  });

  it('leaves Services of other namespaces as they are, also by their names', () => {
    const objects = objectsOf(sidecars);
    const elsewhere = { ...objects.services[0]!, metadata: { name: 'web', namespace: 'other', labels: { tier: 'x' } } };
    const bound = [{ kind: 'Service' as const, name: 'web', labels: label }];
    const all = momentsOf({ waypoint, bound }, { ...objects, services: [elsewhere] });
    expect(pictureAt(all, 'After').services[0]!.labels).toEqual({ tier: 'x' });
  });

  it('asks for ingress traffic, too, and names the namespace of a waypoint elsewhere', () => {
    const labelsOf = (place: string): unknown =>
      pictureAt(momentsOf({ waypoint: { name: 'gate', namespace: place } }), 'After').namespaceLabels('shop');
    const wanted = { 'istio.io/use-waypoint': 'gate', 'istio.io/ingress-use-waypoint': 'true' };
    expect(labelsOf('shop')).toEqual(wanted);
    expect(labelsOf('edge')).toEqual({ ...wanted, 'istio.io/use-waypoint-namespace': 'edge' });
  });

  it.each<[string, PictureObjects['gateways'][number]['metadata'], string[], string]>([
    ['is not there yet', { name: 'waypoint', namespace: 'edge' }, ['10.96.0.9'], toWaypoint],
    ['is there under another name', { name: 'gate', namespace: 'shop' }, ['10.96.0.9'], toWaypoint],
    ['has no address yet', waypoint, [], toWaypoint],
    ['has an address', waypoint, ['10.96.0.9'], '/10.96.0.9'],
  ])('goes through a Gateway that %s', (_, metadata, addresses, destination) => {
    const objects = objectsOf(sidecars);
    const gateways = objects.gateways.map((gateway) => ({
      ...gateway,
      metadata,
      status: { addresses: addresses.map((value) => ({ type: 'IPAddress', value })) },
    }));
    const [other] = objects.gateways.map((gateway) => ({ ...gateway, metadata: { name: 'other', namespace: 'shop' } }));
    const all = momentsOf({ waypoint }, { ...objects, gateways: [...gateways, other!] });
    expect(boundAt(all, 'Bind')).toEqual({ web: destination, client: destination });
    expect(pictureAt(all, 'Bind').waypoints).toContainEqual(
      expect.objectContaining({ ...waypoint, className: 'istio-waypoint' }),
    );
  });
});
