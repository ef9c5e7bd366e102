import { asRecord, type PolicyObject } from '../../src/mesh/policy-object.js';
import { virtualServiceRoutes } from '../../src/mesh/translation/routes/virtual-service-routes.js';
import type { PodGroup, TargetService } from '../../src/mesh/translation/selection.js';
import { randomVirtualService, type RoutedHost } from '../support/routes/generator.js';
import { MESH, objectOf, SHOP } from '../support/routes/mesh.js';
import { Random } from './ambient/random.js';
import { randomAuthentications, randomPolicy } from './envoy/policy-generator.js';
import { makeTokens } from './envoy/tokens.js';

const ROUTED = 40;
const POLICIES = 60;
const rootNamespace = 'istio-system';

/** A VirtualService, and what stands for it. */
export interface Translated {
  readonly host: RoutedHost;
  readonly virtualService: PolicyObject;
  readonly objects: readonly PolicyObject[];
}

const hosts = Array.from({ length: ROUTED }, (_, index): RoutedHost => ({
  name: `h${index}`,
  ports: index % 2 === 0 ? [80] : [80, 8081],
}));
/** Services of both namespaces, with subsets. */
export const services = [
  ...MESH,
  ...hosts.map(({ name, ports }) =>
    objectOf('v1', 'Service', name, {
      selector: { app: name },
      ports: ports.map((port) => ({ name: `http-${port}`, port })),
    }),
  ),
];
/** VirtualServices that have a translation: one that says all that there is, and generated ones. */
export const translated = [everything(), ...hosts.map(generated)];
/** What stands for all of them. */
export const needed = new Map(
  translated.flatMap(({ objects }) => objects).map((object) => [`${object.kind}/${object.metadata.name}`, object]),
);

/** All that a translation can say, in one. */
function everything(): Translated {
  const destination = { host: 'web', subset: 'v1' };
  const changes = { set: { a: '1' }, add: { b: '2' }, remove: ['c'] };
  const http = [
    {
      name: 'everything',
      match: [
        { uri: { exact: '/a' }, method: { regex: 'GET|PUT' }, headers: { x: {} }, queryParams: { q: { prefix: '1' } } },
      ],
      route: [
        { destination, weight: 1, headers: { request: changes } },
        { destination: { host: 'cart.other.svc.cluster.local' }, weight: 99 },
      ],
      headers: { request: changes, response: changes },
      rewrite: { uri: '/b', authority: 'b.example.com' },
      timeout: '1.5s',
      mirrors: [{ destination, percentage: { value: 0.1 } }, { destination: { host: 'api', port: { number: 80 } } }],
    },
    {
      match: [{ uri: { exact: '/a//b' } }],
      redirect: { uri: '/c', authority: 'c.example.com', scheme: 'https', port: 8443, redirectCode: 308 },
    },
    { match: [{ uri: { prefix: '/d.' } }], redirect: { uri: '/e', derivePort: 'FROM_REQUEST_PORT' } },
    { route: [{ destination }], mirror: destination, mirrorPercentage: { value: 5 } },
  ];
  const host = { name: 'web', ports: [80] };
  const virtualService = objectOf('networking.istio.io/v1', 'VirtualService', 'web', { hosts: ['web'], http });
  const { objects, refused } = translation(virtualService);
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
  return { host, virtualService, objects };
}

function translation(virtualService: PolicyObject): ReturnType<typeof virtualServiceRoutes> {
  return virtualServiceRoutes(virtualService, { namespace: SHOP, objects: [...services, virtualService] });
}

/** The first of a seed that has a translation. */
function generated(host: RoutedHost, index: number): Translated {
  for (let seed = 1000 * index + 1; ; seed++) {
    const virtualService = randomVirtualService(new Random(seed), `routes-${host.name}`, host);
    const { objects, refused } = translation(virtualService);
    if (refused.length === 0) return { host, virtualService, objects };
  }
}

const podsOf = (app: string, labels: object = {}): PodGroup => ({
  name: `Deployment/${app}`,
  labels: { app, ...labels },
  ports: [{ name: 'http', containerPort: 8080 }],
});
/** The namespace, as the copies of policies need it. */
export const scope = {
  namespace: SHOP,
  rootNamespace,
  waypoint: { name: 'waypoint', namespace: SHOP },
  routing: [],
  services: [...services, ...needed.values()].filter(
    ({ kind, metadata }) => kind === 'Service' && metadata.namespace === SHOP,
  ) as unknown as TargetService[],
  pods: [
    podsOf('web', { version: 'v1' }),
    podsOf('web', { version: 'v2' }),
    podsOf('api'),
    ...hosts.map(({ name }) => podsOf(name)),
  ],
};
const { jwks } = makeTokens();
/** As many as there can be. */
const [authentications = []] = Array.from({ length: 20 }, (_, seed) => randomAuthentications(new Random(seed), jwks))
  .map((all) => all.map((one) => ({ ...one, metadata: { ...one.metadata, namespace: SHOP } })))
  .sort((a, b) => b.length - a.length);

const filter = (kind: string, name: string, spec: object, namespace = SHOP): PolicyObject =>
  objectOf('extensions.istio.io/v1alpha1', kind, name, spec, namespace);
const wasm = { url: 'oci://example.com/filter:1', phase: 'AUTHN' };
const ofWeb = { selector: { matchLabels: { app: 'web' } } };

/** Filters of which the waypoint is to run copies, for `web` or for all, and what is told of `web`. */
export const filters = [
  filter('WasmPlugin', 'both', { ...wasm, ...ofWeb, priority: 3 }),
  filter('WasmPlugin', 'one-of-two', {
    ...wasm,
    ...ofWeb,
    priority: 2,
    match: [{ mode: 'SERVER', ports: [{ number: 7 }] }, { mode: 'SERVER' }],
  }),
  filter('WasmPlugin', 'all', { ...wasm, priority: 1 }, rootNamespace),
  filter('TrafficExtension', 'lua', { ...ofWeb, lua: { inlineCode: 'function envoy_on_request(handle) end' } }),
  objectOf('telemetry.istio.io/v1', 'Telemetry', 'logs', {
    ...ofWeb,
    accessLogging: [{ providers: [{ name: 'envoy' }] }],
  }),
];

const targetRefs = [{ group: '', kind: 'Service', name: 'web' }];
/** With targets, and all the same run by no waypoint: that is why they have no copies. */
export const neverRun = [
  filter('WasmPlugin', 'ports', { ...wasm, targetRefs, match: [{ mode: 'SERVER', ports: [{ number: 80 }] }] }),
  filter('WasmPlugin', 'client', { ...wasm, targetRefs, match: [{ mode: 'CLIENT' }] }),
  filter('WasmPlugin', 'network', { ...wasm, targetRefs, type: 'NETWORK' }),
];

/** Nobody knows its provider, so that the waypoint is to refuse what it is about. */
const asking = objectOf('security.istio.io/v1', 'AuthorizationPolicy', 'ask', {
  ...ofWeb,
  action: 'CUSTOM',
  provider: { name: 'missing' },
  rules: [{ to: [{ operation: { paths: ['/asked'] } }] }],
});

/** Policies for pods of the namespace, of the namespace or the mesh. */
export const policies = [
  ...authentications,
  ...filters,
  asking,
  ...Array.from({ length: POLICIES }, (_, index): PolicyObject => {
    const random = new Random(index + 1);
    const policy = randomPolicy(random, `p${index}`, ['ALLOW', 'ALLOW', 'DENY', 'AUDIT'], []);
    const matchLabels = random.pick([{ app: 'web' }, { app: 'web', version: 'v1' }, { app: 'api' }, { app: 'h0' }]);
    return {
      ...policy,
      // Of a dry run istiod says only that ztunnels make none, also where it has targets.
      metadata: { name: policy.metadata.name, namespace: random.chance(0.2) ? rootNamespace : SHOP },
      spec: { ...asRecord(policy.spec), ...(random.chance(0.6) && { selector: { matchLabels } }) },
    };
  }),
];
