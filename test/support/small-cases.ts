import type { HttpRequest } from '../../src/mesh/enforcement/request.js';
import type { Asked } from '../../src/mesh/enforcement/trace.js';
import { hasSidecar, podMode } from '../../src/mesh/dataplane.js';
import type { MomentName, Move } from '../../src/mesh/moments.js';
import { type MeshPicture, meshPicture, type PictureObjects } from '../../src/mesh/picture.js';
import type { PolicyObject } from '../../src/mesh/policy-object.js';
import { waypointCopies } from '../../src/mesh/translation/waypoint-copies.js';
import type { Random } from '../controlplane/ambient/random.js';
import { smallObjects, type SmallMesh, type SmallMode, smallPod, type SmallPod, smallSettings } from './small-mesh.js';

/** A mesh, and a few policies over so few letters that every request can be tried. */
export interface SmallCase {
  readonly mesh: SmallMesh;
  readonly objects: PictureObjects;
  readonly policies: readonly PolicyObject[];
  /** Whether Services are going to be bound to the waypoint. */
  readonly isBinding: boolean;
  /** What policies ask about besides paths. */
  readonly theme: Theme;
}

type Theme = 'method' | 'header' | 'token' | 'address';

const PATHS = ['/a', '/b', '/a*', '*b', '/ab', '*/b', '/{*}', '/a/{*}', '/{**}b', '/{*}/b', '*'];
const PRINCIPALS = [
  'cluster.local/ns/shop/sa/web',
  'cluster.local/ns/shop/sa/client',
  'cluster.local/ns/other/sa/*',
  'cluster.local/ns/shop/sa/waypoint',
  '*',
];
const HEADER = 'request.headers[x-r]';
const GROUP = 'request.auth.claims[g]';

/** What the waypoint is called; in a third of the cases there is none. */
const waypoint = { name: 'waypoint', namespace: 'shop' };

export function smallCase(random: Random): SmallCase {
  const theme = random.pick<Theme>(['method', 'header', 'token', 'address']);
  const isBinding = random.chance(0.7);
  const mode = (): SmallMode =>
    random.pick<SmallMode>(['sidecar', 'sidecar', 'sidecar', 'sidecar', 'sidecar without HBONE', 'ambient', 'none']);
  const pods = [
    smallPod('client', mode(), { ip: '10.0.0.1' }),
    smallPod('web', mode(), { ip: '10.0.0.2', labels: { tier: 'x' } }),
    ...(random.chance(0.15) ? [smallPod('web2', mode(), { ip: '10.0.0.3', labels: { tier: 'x' } })] : []),
    smallPod('other', random.pick(['sidecar', 'sidecar without HBONE', 'ambient', 'none']), {
      namespace: 'other',
      ip: '10.1.0.1',
    }),
    ...(random.chance(0.3) ? [smallPod('outside', 'none', { namespace: 'outside', ip: '10.2.0.1' })] : []),
  ];
  const portName = random.pick(['http', 'http', 'http', 'tcp-x']);
  const services = [
    { name: 'web', selector: { app: 'web' }, portName },
    { name: 'tier', selector: { tier: 'x' }, isHeadless: random.chance(0.2) },
  ];
  const written = random.times(1, 3, (index) => smallPolicy(random, index, theme));
  const authentications = theme === 'token' && random.chance(0.8) ? [authentication(random)] : [];
  const peer = random.maybe(0.4, () => ({
    kind: 'PeerAuthentication',
    metadata: { name: 'peers', namespace: 'shop' },
    spec: { mtls: { mode: random.pick(['STRICT', 'STRICT', 'PERMISSIVE']) } },
  }));
  const own = [...written, ...authentications];
  const copies = isBinding ? random.some(own, 0.7).flatMap(copiesOf) : [];
  const policies = [...own, ...copies, ...(peer ? [peer] : [])];
  const mesh = { pods, services, policies };
  return { mesh, objects: smallObjects(mesh), policies, isBinding, theme };
}

export const smallMove = ({ isBinding }: SmallCase): Move => ({
  namespace: 'shop',
  waypoint: isBinding ? waypoint : undefined,
  written: [],
});

/** The mesh before, and at each step: while pods are captured, and while workloads are restarted, in every mix of pods. */
export function smallPictures({ mesh, objects, isBinding }: SmallCase): {
  before: MeshPicture;
  steps: { step: MomentName; picture: MeshPicture }[];
} {
  const own = mesh.pods.filter(({ metadata }) => metadata.namespace === 'shop');
  const moving = own.filter(hasSidecar).map(({ metadata }) => metadata.name);
  const silent = own.filter((pod) => podMode(pod) === 'none').map(({ metadata }) => metadata.name);
  const drawn = (change: (pod: SmallPod) => SmallPod, isBound: boolean): MeshPicture =>
    meshPicture(smallObjects({ ...mesh, pods: mesh.pods.map(change), isBound: isBinding && isBound }), smallSettings);
  const as = (pod: SmallPod, mode: SmallMode): SmallPod => {
    const { name, namespace = '', labels = {} } = pod.metadata;
    const { 'networking.istio.io/tunnel': _, ...rest } = labels;
    return smallPod(name, mode, { namespace, labels: rest, ip: pod.status!.podIPs![0]!.ip });
  };
  /** Without sidecar, and ambient: these. */
  const changed = (names: readonly string[]) => (pod: SmallPod) => {
    if (names.includes(pod.metadata.name)) return as(pod, 'ambient');
    return moving.includes(pod.metadata.name) ? as(pod, 'sidecar') : pod;
  };
  const subsets = (names: readonly string[]): string[][] =>
    names.reduce<string[][]>((sets, name) => [...sets, ...sets.map((set) => [...set, name])], [[]]);
  return {
    before: meshPicture(objects, smallSettings),
    steps: [
      { step: 'Tunnel', picture: drawn(changed([]), false) },
      { step: 'Policies', picture: drawn(changed([]), false) },
      { step: 'Bind', picture: drawn(changed([]), true) },
      ...subsets(silent).map((names) => ({ step: 'Enrol' as const, picture: drawn(changed(names), true) })),
      ...subsets(moving).map((names) => {
        return { step: 'Workloads' as const, picture: drawn(changed([...silent, ...names]), true) };
      }),
      { step: 'After', picture: drawn(changed([...silent, ...moving]), true) },
    ],
  };
}

/** Every request that policies of a theme can tell apart, and more. */
export function smallRequests({ theme }: SmallCase): Asked[] {
  const paths = ['/', '/a', '/b', '/x', '/ab', '/ax', '/xb', '/ba', '/a/b', '/a/x', '/x/b', '/x/x'];
  const plain = paths.map((path): HttpRequest => ({ method: 'GET', host: 'web', path, headers: {} }));
  const each = (variants: readonly Partial<HttpRequest>[]): Asked[] =>
    plain.flatMap((http) => variants.map((variant) => ({ http: { ...http, ...variant } })));
  switch (theme) {
    case 'method':
      return each(['GET', 'POST', 'PUT'].map((method) => ({ method })));
    case 'header':
      return each(
        [[], ['u'], ['v'], ['w'], ['u', 'v'], ['u', 'w'], ['']].map((values) => ({ headers: { 'x-r': values } })),
      );
    case 'token':
      return each(tokens());
    case 'address':
      return [undefined, '10.0.0.1', '10.1.9.9', '192.0.2.1'].flatMap((remoteAddress) =>
        plain.map((http) => ({ http, ...(remoteAddress !== undefined && { remoteAddress }) })),
      );
  }
}

function tokens(): Partial<HttpRequest>[] {
  const all = ['one', 'two'];
  const claims = [{}, { g: 'u' }, { g: ['u', 'v'] }, { g: 'w' }, { sub: 's' }, { sub: 't', g: 'v' }];
  const made = [...claims.map((own) => ({ ...own, aud: all })), ...[['one'], ['two'], []].map((aud) => ({ aud }))].map(
    (own) => ({ claims: { iss: 'us', ...own } }),
  );
  const forged = { claims: { iss: 'us', aud: all }, state: 'Forged' as const };
  const headers = { authorization: ['Bearer t'] };
  return [{}, ...[...made, forged].map((token) => ({ headers, tokens: { t: token } }))];
}

function smallPolicy(random: Random, index: number, theme: Theme): PolicyObject {
  const action = random.pick(['ALLOW', 'ALLOW', 'DENY', 'DENY', 'CUSTOM']);
  return {
    kind: 'AuthorizationPolicy',
    metadata: { name: `p${index}`, namespace: random.chance(0.1) ? 'istio-system' : 'shop' },
    spec: {
      action,
      ...(action === 'CUSTOM' && { provider: { name: 'missing' } }),
      ...(random.chance(0.7) && { selector: { matchLabels: random.pick([{ app: 'web' }, { tier: 'x' }]) } }),
      rules: random.times(1, 2, () => smallRule(random, theme)),
    },
  };
}

function smallRule(random: Random, theme: Theme): object {
  const from = random.maybe(0.4, () => [
    { source: { [random.pick(['principals', 'notPrincipals'])]: random.few(PRINCIPALS) } },
    ...(random.chance(0.2) ? [{ source: { namespaces: ['other'] } }] : []),
  ]);
  const to = random.maybe(0.6, () =>
    random.times(1, 2, () => ({
      operation: {
        ...(random.chance(0.8) && { [random.pick(['paths', 'paths', 'notPaths'])]: random.few(PATHS) }),
        ...(theme === 'method' && { [random.pick(['methods', 'notMethods'])]: random.few(['GET', 'POST', 'P*']) }),
        ...(random.chance(0.1) && { ports: ['8080'] }),
      },
    })),
  );
  const fields = random.pick(['values', 'values', 'notValues']);
  const when = random.maybe(0.6, (): object[] => {
    if (theme === 'header') return [{ key: HEADER, [fields]: random.few(['u', 'v*', '*']) }];
    if (theme === 'address') {
      const key = random.pick(['remote.ip', 'source.ip']);
      return [{ key, [fields]: random.few(['10.0.0.0/24', '10.1.0.0/16', '10.0.0.1']) }];
    }
    if (theme === 'method') return [];
    return [
      random.chance(0.5)
        ? { key: GROUP, [fields]: random.few(['u', 'v', '*']) }
        : { key: 'request.auth.principal', [fields]: random.few(['us/s', 'us/*', '*']) },
    ];
  });
  return { ...(from && { from }), ...(to && { to }), ...(when && when.length > 0 && { when }) };
}

function authentication(random: Random): PolicyObject {
  const rule = { issuer: 'us', jwks: '{}', ...(random.chance(0.5) && { audiences: random.few(['one', 'two']) }) };
  return {
    kind: 'RequestAuthentication',
    metadata: { name: 'tokens', namespace: 'shop' },
    spec: { jwtRules: [rule], ...(random.chance(0.5) && { selector: { matchLabels: { app: 'web' } } }) },
  };
}

function copiesOf(policy: PolicyObject): readonly PolicyObject[] {
  const found = waypointCopies(policy, {
    namespace: 'shop',
    rootNamespace: 'istio-system',
    waypoint,
    routing: [],
    services: ['web', 'tier'].map((name) => ({
      metadata: { name },
      spec: { selector: name === 'web' ? { app: 'web' } : { tier: 'x' }, ports: [{ port: 80, targetPort: 8080 }] },
    })),
    pods: [
      { name: 'web', labels: { app: 'web', tier: 'x' }, ports: [] },
      { name: 'web2', labels: { app: 'web2', tier: 'x' }, ports: [] },
      { name: 'client', labels: { app: 'client' }, ports: [] },
    ],
  });
  return found?.copies ?? [];
}
