import { authorizationPolicy, type MeshObject, peerAuthentication } from './objects.js';
import type { Random } from './random.js';

const PORTS = ['80', '8080', '443', '9090'];
const BAD_PORTS = ['http', '70000'];
const BLOCKS = ['10.0.0.1', '10.1.2.3/8', '::1', 'FD00:0:0::/8', '192.168.0.0/16'];
const BAD_BLOCKS = ['10.0.0.0/33', '10.0.0.300', 'x'];
const NAMES = ['*', '*/sa/a', 'cluster.local/*', 'cluster.local/ns/a/sa/b'];
const NAMESPACES = ['*', '*-prod', 'team-*', 'a'];
const ACCOUNTS = ['a', 'other/b'];
const MODES = ['STRICT', 'STRICT', 'PERMISSIVE', 'PERMISSIVE', 'DISABLE', 'UNSET'];
const HTTP_CONDITIONS = ['request.headers[x]', 'remote.ip', 'connection.sni', 'source.serviceAccount'];

/** Values of `app` by which pods are told apart. */
export const APPS = ['a', 'b', 'c'];

/** An AuthorizationPolicy, of any form that the API server takes. */
export function randomPolicy(random: Random, name: string, isWide = false): MeshObject {
  const action = random.pick(['ALLOW', 'ALLOW', 'ALLOW', 'DENY', 'DENY', 'DENY', 'AUDIT', 'CUSTOM', undefined]);
  const isTargeted = random.chance(0.1);
  const selector =
    isTargeted || isWide
      ? undefined
      : random.pick([
          undefined,
          { matchLabels: { app: random.pick(APPS) } },
          { matchLabels: { app: random.pick(APPS) } },
          { matchLabels: {} },
          {},
        ]);
  const rules = random.times(0, 3, () => randomRule(random));
  return authorizationPolicy(
    name,
    {
      ...(action !== undefined && { action }),
      ...(action === 'CUSTOM' && { provider: { name: 'nobody' } }),
      ...(selector && { selector }),
      ...(isTargeted && { targetRefs: [{ group: '', kind: 'Service', name: 'a' }] }),
      ...(rules.length > 0 && { rules }),
    },
    random.chance(0.16) ? { annotations: { 'istio.io/dry-run': random.pick(['true', '1', 'false']) } } : {},
  );
}

function randomRule(random: Random): object {
  const isHttp = random.chance(0.4);
  const to = random.maybe(0.5, () => random.times(1, 2, () => ({ operation: operation(random, isHttp) })));
  const from = random.maybe(0.5, () => random.times(1, 2, () => ({ source: source(random, isHttp) })));
  const when = random.maybe(0.4, () => random.times(1, 2, () => condition(random, isHttp)));
  return { ...(to && { to }), ...(from && { from }), ...(when && { when }) };
}

function operation(random: Random, isHttp: boolean): object {
  return {
    ...(random.chance(0.6) && { ports: random.few([...PORTS, ...BAD_PORTS]) }),
    ...(random.chance(0.2) && { notPorts: random.few([...PORTS, ...BAD_PORTS]) }),
    ...(isHttp &&
      random.chance(0.7) &&
      random.pick([{ methods: ['GET'] }, { notPaths: ['/x'] }, { hosts: ['x'] }, { paths: ['/a*'] }])),
  };
}

function source(random: Random, isHttp: boolean): object {
  const identity = random.pick([
    { principals: random.few(NAMES) },
    { notPrincipals: random.few(NAMES) },
    { namespaces: random.few(NAMESPACES) },
    { notNamespaces: random.few(NAMESPACES), principals: random.few(NAMES) },
    { serviceAccounts: random.few(ACCOUNTS) },
    { notServiceAccounts: random.few(ACCOUNTS) },
    {},
  ]);
  return {
    ...identity,
    ...(random.chance(0.3) && { ipBlocks: random.few([...BLOCKS, ...BAD_BLOCKS]) }),
    ...(random.chance(0.2) && { notIpBlocks: random.few([...BLOCKS, ...BAD_BLOCKS]) }),
    ...(random.chance(0.15) && { trustDomains: ['other.example.com'] }),
    ...(isHttp &&
      random.chance(0.5) &&
      random.pick([{ requestPrincipals: ['*'] }, { remoteIpBlocks: ['10.0.0.0/8'] }])),
  };
}

function condition(random: Random, isHttp: boolean): object {
  const [key, values] = random.pick<readonly [string, readonly string[]]>([
    ['source.ip', [...BLOCKS, ...BAD_BLOCKS]],
    ['destination.ip', BLOCKS],
    ['destination.port', [...PORTS, ...BAD_PORTS]],
    ['source.principal', NAMES],
    ['source.namespace', NAMESPACES],
    ...(isHttp ? HTTP_CONDITIONS.map((of) => [of, ['x']] as const) : []),
  ]);
  const which = random.pick([['values'], ['notValues'], ['values', 'notValues']]);
  return { key, ...Object.fromEntries(which.map((field) => [field, random.few(values)])) };
}

/** A PeerAuthentication, with a selector for pods of an `app`. */
export function randomPeer(random: Random, name: string, app?: string): MeshObject {
  const mode = random.maybe(0.8, () => random.pick(MODES));
  const ports = random.few([8080, 9090, 7070]).map((port) => [port, { mode: random.pick(MODES) }] as const);
  return peerAuthentication(name, {
    ...(mode !== undefined && { mtls: { mode } }),
    ...(app !== undefined && { selector: { matchLabels: { app } } }),
    ...(app !== undefined && random.chance(0.8) && { portLevelMtls: Object.fromEntries(ports) }),
  });
}
