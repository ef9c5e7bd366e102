import type { PolicyObject } from '../../../src/mesh/policy-object.js';
import type { Random } from '../ambient/random.js';
import { issuers } from './tokens.js';

/** Namespace of the proxies. */
export const namespace = 'shop';

/** Values of the fields of `from.source`. */
const SOURCE: Readonly<Record<string, readonly string[]>> = {
  principals: [
    'cluster.local/ns/shop/sa/web',
    'td1/ns/shop/sa/web',
    'td1/ns/shop/sa/*',
    'other/ns/shop/sa/web',
    '*/sa/admin',
    '*/ns/shop/sa/web',
    'td*/ns/shop/sa/web',
    '*d1/ns/shop/sa/admin',
    '*',
    'web',
  ],
  namespaces: ['shop', '*-prod', 'sho*', '*', 's*p', 'shop/sa'],
  serviceAccounts: ['web', 'shop/web', 'shop-prod/admin', 'admin'],
  trustDomains: ['td1', 'td2', 'cluster.local', '*', 'td*', '*1', 'other'],
  ipBlocks: ['127.0.0.1', '127.0.0.0/16', '127.1.0.0/16', '10.0.0.0/8', '::1', '127.0.0.2/31', '0.0.0.0/0'],
  remoteIpBlocks: ['1.2.3.4', '1.2.0.0/16', '2001:db8::/32', '127.0.0.0/8', '10.0.0.0/8'],
  requestPrincipals: [
    `${issuers[0]}/alice`,
    `${issuers[0]}/bob`,
    `${issuers[1]}/alice`,
    `${issuers[1]}/bob`,
    `${issuers[0]}/*`,
    `${issuers[0]}/al*`,
    '*',
    '*/alice',
    '*alice',
    '*issuer/bob',
    'https://*',
    '*/*',
    issuers[1],
  ],
};

/** Values of the fields of `to.operation`. */
const OPERATION: Readonly<Record<string, readonly string[]>> = {
  hosts: ['shop.example.com', 'SHOP.example.com', '*.example.com', 'shop.*', '*', 'shop.example.com:8080', '*:8080'],
  methods: ['GET', 'POST', 'P*', '*T', '*', 'get'],
  paths: [
    '/ip',
    '/ip*',
    '/api/v1',
    '*.json',
    '*',
    '/api/{*}',
    '/api/{*}/items',
    '/api/{**}',
    '/{*}/v1/{**}',
    '/x%20y',
    '/admin/',
    '/a/b',
    '/API/v1',
  ],
  ports: ['80', '8080', '9090'],
};

/** Values by key of `when`. */
const WHEN: Readonly<Record<string, readonly string[]>> = {
  'source.ip': SOURCE['ipBlocks']!,
  'remote.ip': SOURCE['remoteIpBlocks']!,
  'source.namespace': SOURCE['namespaces']!,
  'source.principal': SOURCE['principals']!,
  'source.serviceAccount': SOURCE['serviceAccounts']!,
  'source.trustDomain': SOURCE['trustDomains']!,
  'request.auth.principal': SOURCE['requestPrincipals']!,
  'request.auth.audiences': ['shop', 'https://shop.example/', '*op', 'sh*', '*'],
  'request.auth.presenter': ['client', 'cl*', '*', '*nt'],
  'request.auth.claims[groups]': ['admin', 'dev', 'ad*', '*v', '*'],
  'request.auth.claims[realm][role]': ['admin', 'user', 'u*', '*'],
  'request.auth.claims[realm][roles]': ['admin', '*'],
  'request.auth.claims[scope]': ['read', 'read write', 'wr*'],
  'request.auth.claims[permission]': ['read'],
  'request.auth.claims[perms]': ['a', 'a b'],
  'request.auth.claims[email]': ['*', '*@example.com'],
  'request.auth.claims[number]': ['7', '*'],
  'request.auth.claims[flag]': ['true', '*'],
  'request.headers[x-role]': ['admin', 'adm*', '*min', '*', 'user', 'user,admin'],
  'request.headers[X-Role]': ['admin', '*'],
  'request.headers[authorization]': ['*', 'Bearer *'],
  'request.headers[x-token]': ['*'],
  'request.headers[x-payload]': ['*', 'ey*'],
  'request.headers[x-claim]': ['admin', 'user', '7', '0.500000', 'true', '*'],
  'request.headers[:path]': ['/ip', '/ip*', '*token*', '*?x=1'],
  'request.headers[:method]': ['GET'],
  'request.headers[host]': ['shop.example.com', '*.com'],
  'request.headers[cookie]': ['*'],
  'destination.ip': ['10.0.0.5', '10.0.0.0/24', 'fd00::/16', '0.0.0.0/0'],
  'destination.port': OPERATION['ports']!,
  'connection.sni': ['shop.example.com', '*.example.com', 'shop.*', '*'],
  'experimental.envoy.filters.test[one]': ['x', 'y', '[x]'],
  'experimental.envoy.filters.test[many]': ['[x]', '[y*]', 'x', '[z]'],
};

/** What older API servers have let through: istiod leaves values out that it does not understand. */
const NOT_UNDERSTOOD: Readonly<Record<string, readonly string[]>> = {
  ports: ['http', '70000'],
  ipBlocks: ['10.0.0.0/33', 'x'],
  remoteIpBlocks: ['1.2.3'],
  'source.ip': ['x'],
  'destination.port': ['70000'],
};

/** How often a policy is of an action. */
export const ACTIONS = [
  ...Array<string>(8).fill('ALLOW'),
  ...Array<string>(6).fill('DENY'),
  'AUDIT',
  'CUSTOM',
  'CUSTOM',
];

/** An AuthorizationPolicy without selector, of one of these actions; one of CUSTOM asks one of these providers. */
export function randomPolicy(
  random: Random,
  name: string,
  actions: readonly string[],
  providers: readonly string[],
): PolicyObject {
  const action = random.pick(actions);
  const isOdd = random.chance(0.1);
  const rules = random.times(random.chance(0.05) ? 0 : 1, action === 'ALLOW' ? 5 : 2, () => randomRule(random, isOdd));
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: {
      name,
      namespace,
      ...(random.chance(action === 'CUSTOM' ? 0.2 : 0.1) && {
        annotations: { 'istio.io/dry-run': random.pick(['true', 'false', 'T']) },
      }),
    },
    spec: {
      ...((action !== 'ALLOW' || random.chance(0.5)) && { action }),
      ...(action === 'CUSTOM' && { provider: { name: random.pick(providers) } }),
      ...(rules.length > 0 && { rules }),
    },
  };
}

function randomRule(random: Random, isOdd: boolean): object {
  const entries = (of: Readonly<Record<string, readonly string[]>>): object[] =>
    random.times(1, 2, () => entry(random, of, isOdd));
  const from = random.maybe(0.55, () => entries(SOURCE).map((source) => ({ source })));
  const to = random.maybe(0.6, () => entries(OPERATION).map((operation) => ({ operation })));
  const when = random.maybe(from || to ? 0.35 : 1, () => random.times(1, 2, () => condition(random, isOdd)));
  return { ...(from && { from }), ...(to && { to }), ...(when && { when }) };
}

function entry(random: Random, of: Readonly<Record<string, readonly string[]>>, isOdd: boolean): object {
  return Object.fromEntries(
    random.few(Object.keys(of)).flatMap((field) => {
      const values = (): string[] => valuesOf(random, field, of[field] ?? [], isOdd);
      const notField = `not${field.charAt(0).toUpperCase()}${field.slice(1)}`;
      return [
        ...(random.chance(0.8) ? [[field, values()]] : [[notField, values()]]),
        ...(random.chance(0.12) ? [[notField, values()]] : []),
      ];
    }),
  );
}

function condition(random: Random, isOdd: boolean): object {
  const key = random.pick([...Object.keys(WHEN), 'connection.sni', 'connection.sni', 'request.auth.presenter']);
  const fields = random.pick([['values'], ['values'], ['values'], ['notValues'], ['values', 'notValues']]);
  return {
    key:
      isOdd && random.chance(0.1) ? random.pick(['source.unknown', 'request.headers', 'request.auth.claims[a]b']) : key,
    ...Object.fromEntries(fields.map((field) => [field, valuesOf(random, key, WHEN[key] ?? [], isOdd)])),
  };
}

function valuesOf(random: Random, field: string, values: readonly string[], isOdd: boolean): string[] {
  const odd = NOT_UNDERSTOOD[field] ?? [];
  const some = [...new Set(random.times(1, 3, () => random.pick(values)))];
  if (!isOdd || odd.length === 0) return some;
  return random.chance(0.4) ? [random.pick(odd)] : [...some, random.pick(odd)];
}

/** None to two RequestAuthentications without selector. With two rules for an issuer, it is left to chance which Envoy takes. */
export function randomAuthentications(random: Random, jwks: string): PolicyObject[] {
  const [first, second] = random.pick([[...issuers], [...issuers].reverse()]);
  const groups = random.pick([[], [[first]], [[first]], [[first, second]], [[first, second]], [[first], [second]]]);
  return groups.map((ofIssuers, index) => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name: `r${index}`, namespace },
    spec: { jwtRules: ofIssuers.map((issuer) => randomJwtRule(random, issuer!, jwks)) },
  }));
}

function randomJwtRule(random: Random, issuer: string, jwks: string): object {
  const locations = random.pick([
    {},
    {},
    {},
    {},
    { fromHeaders: [{ name: 'X-Token' }] },
    {
      fromHeaders: [
        { name: 'x-token', prefix: 'Tok ' },
        { name: 'authorization', prefix: 'Bearer ' },
      ],
    },
    { fromParams: ['token'] },
    { fromCookies: ['session'] },
    { fromHeaders: [{ name: 'x-token' }], fromParams: ['token'], fromCookies: ['session'] },
  ]);
  return {
    issuer,
    jwks,
    ...locations,
    ...(random.chance(0.35) && { audiences: random.few(['shop', 'shop.example', 'https://other']) }),
    ...(random.chance(0.4) && { forwardOriginalToken: true }),
    ...(random.chance(0.2) && { outputPayloadToHeader: 'x-payload' }),
    ...(random.chance(0.3) && {
      outputClaimToHeaders: [
        { header: 'X-Claim', claim: random.pick(['realm.role', 'number', 'flag', 'realm.fine', 'groups', 'sub']) },
      ],
    }),
    ...(random.chance(0.2) && { spaceDelimitedClaims: ['perms'] }),
  };
}
