import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Condition, findCondition } from '../../src/kube/conditions.js';
import { asRecord, asRecords, type PolicyObject } from '../../src/mesh/policy-object.js';
import { waypointCopies } from '../../src/mesh/translation/waypoint-copies.js';
import { eventually } from '../conformance/server.js';
import { gateway, type Json } from '../simulators/istiod-objects.js';
import { byEnvoyRoutes } from '../support/routes/envoy-route-model.js';
import { randomRoutedRequest } from '../support/routes/generator.js';
import { objectOf, OTHER, SHOP } from '../support/routes/mesh.js';
import { byVirtualService } from '../support/routes/virtual-service-model.js';
import { collectionOf, type MeshObject, namespace, pod } from './ambient/objects.js';
import { Random } from './ambient/random.js';
import { build } from './build.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { AMBIENT } from './facts/objects.js';
import { Stage } from './facts/stage.js';
import { needed, neverRun, policies, scope, services, translated } from './translation-cases.js';

/* What is printed for a waypoint, put to the real istiod: that it takes all of it, and that a waypoint is told what VirtualServices say. */

const REQUESTS = 60;
const gatewayApi = 'gateway.networking.k8s.io/v1';

const root = mkdtempSync(join(tmpdir(), 'sidestep-translation-'));
let controlPlane: ControlPlane;
let stage: Stage;

/** Answers that are not as they should be. */
const refusals: string[] = [];
let copies: PolicyObject[] = [];
/** Conditions by object, while no Service is bound and once all are. */
const seen: Record<'unbound' | 'bound', { policies: Json[]; routes: Json[] }> = {
  unbound: { policies: [], routes: [] },
  bound: { policies: [], routes: [] },
};

beforeAll(async () => {
  await build({ log: (line) => console.log(line) });
  controlPlane = await startControlPlane({ dir: join(root, 'cp'), audit: false, log: (line) => console.log(line) });
  stage = new Stage(controlPlane);
  await send([namespace(SHOP, { labels: AMBIENT }), namespace(OTHER, { labels: AMBIENT })]);
  const served = gateway();
  await send([{ ...served, metadata: { ...served['metadata'], namespace: SHOP } }, ...services]);
  await send(
    translated.map(({ virtualService }) => virtualService),
    { dryRun: 'All' },
  );
  const taken = await Promise.all(
    policies.map(async (policy) => ((await answer(policy, { dryRun: 'All' })).status === 201 ? [policy] : [])),
  );
  copies = taken.flat().flatMap((policy) => waypointCopies(policy, scope)?.copies ?? []);
  await send([...needed.values(), ...copies, ...neverRun]);
  seen.unbound = await settled();
  await stage.server.patch('merge', `/api/v1/namespaces/${SHOP}`, {
    metadata: { labels: { 'istio.io/use-waypoint': 'waypoint' } },
  });
  await Promise.all(scope.services.map(({ metadata }) => stage.boundService(SHOP, metadata.name)));
  seen.bound = await settled(
    (condition) => condition?.status === 'True' && /bound|^$|All waypoints/.test(condition.message ?? ''),
  );
}, 900_000);

afterAll(async () => {
  stage?.close();
  await controlPlane?.stop();
  rmSync(root, { recursive: true, force: true });
});

const answer = (object: object, query: object = {}): ReturnType<Stage['server']['post']> =>
  stage.server.post(collectionOf(object as MeshObject), object, { query: { fieldValidation: 'Strict', ...query } });

async function send(objects: readonly object[], query: object = {}): Promise<void> {
  for (const object of objects) {
    const { status, text } = await answer(object, query);
    if (status !== 201) refusals.push(`${JSON.stringify(object)}: ${text}`);
  }
}

const acceptance = ({ status }: Json): Condition | undefined => findCondition(status?.conditions, 'WaypointAccepted');
const resolution = (parent: Json): Condition | undefined => findCondition(parent['conditions'], 'ResolvedWaypoints');
const parentsOf = ({ status }: Json): Json[] => (status?.parents ?? []) as Json[];

/** What istiod says, once it says of all that they are as wanted; or what it says in the end. */
async function settled(
  isWanted: (condition: Condition | undefined) => boolean = (condition) => condition !== undefined,
): Promise<{ policies: Json[]; routes: Json[] }> {
  const look = async (): Promise<{ policies: Json[]; routes: Json[] }> => ({
    policies: await stage.list(SHOP, 'security.istio.io/v1', 'AuthorizationPolicy'),
    routes: await stage.list(SHOP, gatewayApi, 'HTTPRoute'),
  });
  await eventually('conditions', async () => {
    const { policies: found, routes } = await look();
    const areParents = routes.every((route) => parentsOf(route).length === route['spec'].parentRefs.length);
    const conditions = [...found.map(acceptance), ...routes.flatMap(parentsOf).map(resolution)];
    return (areParents && conditions.every(isWanted)) || undefined;
  }).catch(() => undefined);
  return look();
}

describe('istiod and the API server', () => {
  test('take VirtualServices as they are generated, and all that stands for them and for policies', () => {
    const kinds = [...needed.values(), ...copies].map(({ kind }) => kind);
    const counts = Object.fromEntries(
      [...new Set(kinds)].map((kind) => [kind, kinds.filter((one) => one === kind).length]),
    );
    console.log(JSON.stringify(counts));
    expect(refusals).toEqual([]);
    expect(counts['AuthorizationPolicy']).toBeGreaterThan(40);
    for (const kind of [
      'HTTPRoute',
      'Service',
      'DestinationRule',
      'ReferenceGrant',
      'RequestAuthentication',
      'WasmPlugin',
      'TrafficExtension',
      'Telemetry',
    ])
      expect(counts[kind], kind).toBeGreaterThan(0);
  });

  test('attach copies for the Gateway at once, those for Services once these are bound', () => {
    const targets = ({ spec }: Json): string => {
      const refs = asRecords(spec.targetRefs);
      return refs.length > 1 ? 'Services' : String(refs[0]?.['kind']);
    };
    const said = ({ policies: all }: { policies: Json[] }): string[] =>
      [...new Set(all.map((one) => [targets(one), acceptance(one)?.status, acceptance(one)?.reason].join(' ')))].sort();
    expect(said(seen.unbound)).toEqual([
      'Gateway True Accepted',
      'Service False AncestorNotBound',
      'Services False Invalid',
    ]);
    expect(said(seen.bound)).toEqual(['Gateway True Accepted', 'Service True Accepted', 'Services True Accepted']);
  });

  test('accept every route and resolve what it names; it has a waypoint once Services are bound', () => {
    const said = ({ routes }: { routes: Json[] }): string[] =>
      [
        ...new Set(
          routes
            .flatMap(parentsOf)
            .flatMap(({ conditions }) => conditions as Condition[])
            .map(({ type, status, message }) => `${type} ${status}: ${message}`),
        ),
      ].sort();
    const valid = ['Accepted True: Route was valid', 'ResolvedRefs True: All references resolved'];
    expect(said(seen.unbound)).toEqual([...valid, expect.stringMatching(/^ResolvedWaypoints True: .*use-waypoint/)]);
    expect(said(seen.bound)).toEqual([...valid, 'ResolvedWaypoints True: All waypoints resolved']);
  });

  test('have a waypoint run copies of filters, log as a Telemetry says, and ask as CUSTOM says, for the Services of each', async () => {
    const proxy = await waypointProxy();
    const told = async (service: string): Promise<{ filters: string[]; isLogged: boolean; isAsked: boolean }> => {
      const { filterChains } = await proxy.listener('main_internal');
      const { httpFilters, accessLog } = managerOf(filterChains, service, 80);
      const names = asRecords(httpFilters).map(({ name }) => String(name));
      const ofExtensions = names.filter((name) => name.startsWith('extensions.istio.io/'));
      return {
        filters: ofExtensions.map((name) => name.replace(/^.*\/[^.]*\./, '').replace(/~.*$/, '')),
        isLogged: asRecords(accessLog).length > 0,
        isAsked: /deny-due-to-bad-CUSTOM-action.*\/asked/s.test(JSON.stringify(httpFilters)),
      };
    };
    await eventually('filters', async () => (await told('web')).filters.length >= 4 || undefined);
    expect(await told('web')).toEqual({
      filters: ['both-wp', 'one-of-two-wp', 'istio-system-all-wp', 'lua-wp'],
      isLogged: true,
      isAsked: true,
    });
    expect(await told('h1')).toEqual({ filters: ['istio-system-all-wp'], isLogged: false, isAsked: false });
  });

  test('tell a waypoint to do with requests what VirtualServices say', async () => {
    const proxy = await waypointProxy();
    const compared = async (): Promise<Comparison> =>
      comparison(toWaypoint((await proxy.listener('main_internal')).filterChains as Json[]));
    await eventually('routes', async () => (await compared()).differences.length === 0 || undefined).catch(
      () => undefined,
    );
    const { differences, requests, routed } = await compared();
    expect(differences).toEqual([]);
    console.log(JSON.stringify({ requests, routed }));
    expect(routed).toBeGreaterThan(0.8 * requests);
  });

  test('tell it the same while the VirtualServices are there as well, and no waypoint is for the Services of subsets', async () => {
    const proxy = await waypointProxy();
    for (const { kind, metadata } of needed.values())
      if (kind === 'Service')
        await stage.server.patch('merge', `/api/v1/namespaces/${SHOP}/services/${metadata.name}`, {
          metadata: { labels: { 'istio.io/use-waypoint': 'none' } },
        });
    const last = { hosts: ['api'], http: [{ redirect: { uri: '/seen' } }] };
    await send([
      ...translated.map(({ virtualService }) => virtualService),
      objectOf('networking.istio.io/v1', 'VirtualService', 'last', last),
    ]);
    expect(refusals).toEqual([]);
    const { filterChains } = await eventually('all of that at the waypoint', async () => {
      const listener = await proxy.listener('main_internal');
      const isSeen = JSON.stringify(routesOf(listener.filterChains, 'api', 80)).includes('/seen');
      const isOutside = JSON.stringify(routesOf(listener.filterChains, 'web', 80)).includes('"outbound|80||web-v1.');
      return isSeen && isOutside ? listener : undefined;
    });
    expect(comparison(toWaypoint(filterChains)).differences).toEqual([]);
  });

  test('tell a sidecar the same with both', async () => {
    await send([namespace('callers'), { ...pod('caller'), metadata: { name: 'caller', namespace: 'callers' } }]);
    const proxy = await stage.proxy('sidecar', 'callers', 'caller');
    const byPort = new Map<number, Json>();
    for (const port of [80, 8081])
      byPort.set(port, await proxy.routes(String(port), ({ virtualHosts }) => asRecords(virtualHosts).length > 1));
    const { differences } = comparison((service, port) => {
      const { virtualHosts } = byPort.get(port) as { virtualHosts: Json[] };
      const host = virtualHosts.find(({ domains }) =>
        (domains as string[]).includes(`${service}.${SHOP}.svc.cluster.local`),
      );
      return asRecords(host?.['routes']).filter((route) => route['name'] !== 'default');
    });
    expect(differences).toEqual([]);
  });
});

/** What a proxy has for calls of a port of a Service. */
type Routes = (service: string, port: number) => readonly Json[];

const toWaypoint =
  (filterChains: readonly Json[]): Routes =>
  (service, port) =>
    routesOf(filterChains, service, port);

/** What a proxy does with requests, beside what VirtualServices say. */
interface Comparison {
  readonly differences: readonly string[];
  readonly requests: number;
  /** Those that a rule is for. */
  readonly routed: number;
}

function comparison(routes: Routes): Comparison {
  const all = [...services, ...needed.values()];
  let routed = 0;
  const differences = translated.flatMap(({ host, virtualService }, index) => {
    const random = new Random(index);
    return Array.from({ length: REQUESTS }, () => {
      const request = randomRoutedRequest(random, host, virtualService);
      const { effect, rule } = byVirtualService(virtualService, request);
      const given = byEnvoyRoutes(routes(host.name, request.port), all, request);
      if (rule >= 0) routed += 1;
      return given === effect ? [] : [`${host.name} ${JSON.stringify(request)}: ${given}, not ${effect}`];
    }).flat();
  });
  return { differences, requests: translated.length * REQUESTS, routed };
}

async function waypointProxy(): ReturnType<Stage['proxy']> {
  const pod = await eventually('a pod of the waypoint', async () =>
    (await stage.names(SHOP, 'v1', 'Pod')).find((name) => name.startsWith('waypoint')),
  );
  return stage.proxy('waypoint', SHOP, pod);
}

/** What reads requests to a port of a Service. */
function managerOf(filterChains: readonly Json[], service: string, port: number): Readonly<Record<string, unknown>> {
  const name = `inbound-vip|${port}|http|${service}.${SHOP}.svc.cluster.local`;
  const [chain] = filterChains.filter((each) => each['name'] === name);
  return asRecord(asRecord(asRecords(chain?.['filters']).at(-1))['typedConfig']);
}

/** Routes of HTTPRoutes, for calls of a port of a Service; without any there is one that is nobody's. */
function routesOf(filterChains: readonly Json[], service: string, port: number): readonly Json[] {
  const { routeConfig } = managerOf(filterChains, service, port);
  const [host] = asRecords(asRecord(routeConfig)['virtualHosts']);
  return asRecords(host?.['routes']).filter((route) => route['name'] !== 'default');
}
