import { asRecord, asRecords, type PolicyObject, stringAt } from '../../../src/mesh/policy-object.js';
import type { Random } from '../../controlplane/ambient/random.js';
import { objectOf, type RoutedRequest } from './mesh.js';

type Json = Record<string, unknown>;

/** Paths that are near each other, so that rules overlap; the first that fits more is said first. */
const PATHS: readonly Json[] = [
  { exact: '/api/v1/x' },
  { exact: '/api' },
  { exact: '/a.b' },
  { exact: '/a//b' },
  { exact: '/' },
  { prefix: '/api/v1' },
  { prefix: '/api/' },
  { prefix: '/api' },
  { prefix: '/a.b' },
  { prefix: '/ap' },
  { prefix: '/v' },
  { regex: '/v[0-9]+/.*' },
  { regex: '/(api|v1)/.*' },
  { regex: '/v[0-9]+' },
  { regex: '/v1|/api/.*' },
  { regex: '.*/x' },
  { prefix: '/' },
];
const VALUES: readonly Json[] = [
  { exact: 'a' },
  { exact: 'ab' },
  { prefix: 'a' },
  { prefix: 'a.' },
  { regex: 'a|b' },
  { regex: '[a-z]+' },
  {},
];
const METHODS: readonly Json[] = [{ exact: 'GET' }, { exact: 'POST' }, { regex: 'GET|PUT' }];
const NAMES = ['x-user', 'X-Env'];
const PARAMETERS = ['q', 'r'];

/** What no HTTPRoute says. */
const UNSAID: readonly Json[] = [{ retries: { attempts: 1 } }, { fault: {} }, { corsPolicy: {} }];

/** Whose requests a VirtualService routes: a Service by name, and on which ports they come. */
export interface RoutedHost {
  readonly name: string;
  readonly ports: readonly number[];
}

/** Hosts in {@link MESH}. */
export const HOSTS: readonly RoutedHost[] = [
  { name: 'web', ports: [80] },
  { name: 'api', ports: [80, 8081] },
];

/** A VirtualService of a host, as Istio takes it. */
export function randomVirtualService(random: Random, name: string, host: RoutedHost): PolicyObject {
  const isLong = random.chance(0.05);
  const rules = isLong
    ? random.times(17, 40, (index) => ({ match: [{ uri: { exact: `/long/${index}` } }], ...action(random) }))
    : random.times(0, 4, () => ({
        match: random.times(1, 2, () => match(random, host.ports)),
        ...action(random),
      }));
  const ordered = random.chance(0.7) ? [...rules].sort((a, b) => placeOf(a) - placeOf(b)) : rules;
  const rest = ordered.length === 0 || random.chance(0.7) ? [action(random)] : [];
  const http = [...ordered, ...rest].map((rule) => ({ ...rule, ...(random.chance(0.02) && random.pick(UNSAID)) }));
  return objectOf('networking.istio.io/v1', 'VirtualService', name, { hosts: [host.name], http });
}

/** People say more special things first. */
function placeOf({ match: matches }: { match: readonly Json[] }): number {
  return Math.min(
    ...matches.map(({ uri, headers, method, queryParams }) => {
      const path = uri === undefined ? PATHS.length : PATHS.findIndex((one) => one === uri);
      return path * 4 - (headers ? 1 : 0) - (method ? 2 : 0) - (queryParams ? 1 : 0);
    }),
  );
}

function match(random: Random, ports: readonly number[]): Json {
  const values = (names: readonly string[]): Json =>
    Object.fromEntries(random.few(names).map((name) => [name, random.pick(VALUES)]));
  return {
    ...(random.chance(0.75) && { uri: random.pick(PATHS) }),
    ...(random.chance(0.2) && { method: random.pick(METHODS) }),
    ...(random.chance(0.3) && { headers: values(NAMES) }),
    ...(random.chance(0.15) && { queryParams: values(PARAMETERS) }),
    ...(ports.length > 1 && random.chance(0.15) && { port: random.pick(ports) }),
    ...(random.chance(0.01) && { withoutHeaders: { x: {} } }),
    ...(random.chance(0.01) && { ignoreUriCase: true }),
  };
}

const DESTINATIONS: readonly Json[] = [
  { host: 'web' },
  { host: 'web', subset: 'v1' },
  { host: 'web.shop.svc.cluster.local', subset: 'v2', port: { number: 80 } },
  { host: 'api', port: { number: 8081 } },
  { host: 'api', port: { number: 80 }, subset: 'v1' },
  { host: 'api' },
  { host: 'cart.other.svc.cluster.local' },
];

/** What is done with requests: as a rule they are sent to one or two Services. */
function action(random: Random): Json {
  if (random.chance(0.05)) return { redirect: { uri: random.pick(['/x', '/y']), scheme: 'https' } };
  const destinations = random.few(DESTINATIONS);
  const first = random.int(0, 100);
  const weights = [first, 100 - first];
  return {
    route: destinations.map((destination, index) =>
      destinations.length === 1 ? { destination } : { destination, weight: weights[index] },
    ),
    ...(random.chance(0.1) && { timeout: random.pick(['5s', '0.5s']) }),
  };
}

const REQUESTED = [
  ...['/', '/api', '/apix', '/api/', '/api/v1', '/api/v1/x', '/api/v2', '/ap', '/a.b', '/axb', '/a.b/c', '/a//b'],
  ...['/v1', '/v12', '/v1/x', '/vx', '/other', '/long/1', '/long/20', '/long/39', '/x'],
];

/** A request to a host; as a rule one that a match of its VirtualService asks for, or almost. */
export function randomRoutedRequest(random: Random, { ports }: RoutedHost, { spec }: PolicyObject): RoutedRequest {
  const values = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(random.some(names).map((name) => [name, random.pick(['a', 'ab', 'b', 'a.c', '', '1'])]));
  const any = {
    port: random.pick(ports),
    method: random.pick(['GET', 'GET', 'POST', 'PUT', 'PURGE']),
    path: random.pick(REQUESTED),
    headers: values(NAMES.map((name) => name.toLowerCase())),
    query: values(PARAMETERS),
  };
  const rule = random.pick(asRecords(asRecord(spec)['http']));
  const matches = asRecords(rule['match']);
  return matches.length > 0 && random.chance(0.6) ? towards(random.pick(matches), any, random) : any;
}

/** The request with what a match asks for, mostly. */
function towards({ uri, method, headers, queryParams }: Json, any: RoutedRequest, random: Random): RoutedRequest {
  const wanted = (asked: unknown, keyOf: (name: string) => string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(asRecord(asked)).flatMap(([name, pattern]) =>
        random.chance(0.9) ? [[keyOf(name), sampleOf(asRecord(pattern), ['a', 'ab', 'a.c'], random)]] : [],
      ),
    );
  return {
    port: any.port,
    path: uri === undefined ? any.path : sampleOf(asRecord(uri), REQUESTED, random),
    method: method === undefined ? any.method : (stringAt(asRecord(method), 'exact') ?? 'PUT'),
    headers: { ...any.headers, ...wanted(headers, (name) => name.toLowerCase()) },
    query: { ...any.query, ...wanted(queryParams, (name) => name) },
  };
}

function sampleOf({ exact, prefix, regex }: Json, others: readonly string[], random: Random): string {
  if (typeof exact === 'string') return exact;
  const fitting = others.filter((one) =>
    typeof prefix === 'string'
      ? one.startsWith(prefix)
      : typeof regex === 'string' && new RegExp(`^(?:${regex})$`).test(one),
  );
  return random.pick(fitting.length > 0 ? fitting : others);
}
