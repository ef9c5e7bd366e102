import type { HttpRequest, ProxyRequest } from '../../../src/mesh/enforcement/request.js';
import type { Random } from '../ambient/random.js';
import { notedMetadata } from './bootstrap.js';
import type { Tokens } from './tokens.js';

const PRINCIPALS = [
  'cluster.local/ns/shop/sa/web',
  'td1/ns/shop/sa/web',
  'td1/ns/shop/sa/admin',
  'td2/ns/shop/sa/web',
  'td2/ns/shop-prod/sa/admin',
  'other/ns/shop/sa/web',
  'td1/ns/shop/x/y/sa/web/rev/2',
  'td1/ns/shop/sa/web-admin',
  'td1/ns/other/sa/admin',
];
const PATHS = [
  '/ip',
  '/ip',
  '/ip/',
  '/IP',
  '/ip?x=1',
  '/ip;v=1',
  '/%69p',
  '/a/../ip',
  '/a/%2E%2e/ip',
  '/a/./b',
  '/a//b',
  '/a/b/..',
  '/a/b/.',
  '/../ip',
  '//ip',
  '/a\\b',
  '/a%5Cb',
  '/api',
  '/api/',
  '/api/v1',
  '/api/v1',
  '/api%2Fv1',
  '/api%2fv1',
  '/api/v1/',
  '/api/v1/items',
  '/api//items',
  '/api/a=b*c',
  '/api/a=b',
  '/API/v1',
  '/x/v1/y/z',
  '/x/v1/',
  '/data.json',
  '/data.json?y',
  '/x%20y',
  '/x%7Ey%2Dz.json',
  '/x"y<z>{}|^`.json',
  '/x%zz.json',
  '/x%2e.json',
  '/x..y/.z.json',
  '/admin',
  '/admin/',
  '/admin/?a=/ip',
];
const HOSTS = [
  'shop.example.com',
  'shop.example.com',
  'Shop.Example.COM',
  'shop.example.com:8080',
  'example.com',
  'other.org',
  'shop.example.com.',
];
const ROLES: readonly (readonly string[])[] = [[], [], ['admin'], ['user'], [''], ['user', 'admin'], ['user,admin']];
const FORWARDED: readonly (string | undefined)[] = [
  undefined,
  undefined,
  '1.2.3.4',
  '9.9.9.9, 1.2.9.9',
  '1.2.3.4, 9.9.9.9',
  '2001:db8::1',
];

/** The part of requests that is the same for all of a connection. */
export interface ConnectionFacts {
  source: string;
  destination: { address: string; port: number };
  /** For connections with TLS: who calls, and the server name that is asked for. */
  tls?: { principal: string; sni?: string };
}

/** What a connection may be like; with certificates if asked for. */
export function randomConnection(random: Random, withTls: boolean): ConnectionFacts {
  return {
    source: random.pick(['127.0.0.1', '127.0.0.3', '127.1.2.3', '127.200.0.1']),
    destination: {
      address: random.pick(['10.0.0.5', '10.0.0.5', '10.0.1.5', 'fd00::5']),
      port: random.pick([80, 8080, 8080, 9090, 7070]),
    },
    ...(withTls && {
      tls: {
        principal: random.pick(PRINCIPALS),
        ...(random.chance(0.8) && {
          sni: random.pick(['shop.example.com', 'shop.other.org', 'web.example.com', 'x.org']),
        }),
      },
    }),
  };
}

/** A request over a connection. */
export function randomRequest(random: Random, connection: ConnectionFacts, tokens: Tokens): ProxyRequest {
  const principal = connection.tls?.principal ?? random.maybe(0.85, () => random.pick(PRINCIPALS));
  const forwarded = random.pick(FORWARDED);
  const remoteAddress =
    forwarded?.split(', ').at(-1) ?? (connection.destination.address.includes(':') ? 'fd00::1' : '10.9.9.9');
  return {
    source: { ...(principal !== undefined && { principal }), address: connection.source },
    remoteAddress,
    destination: connection.destination,
    ...(connection.tls?.sni !== undefined && { sni: connection.tls.sni }),
    http: randomHttp(random, forwarded, tokens),
    metadata: notedMetadata,
  };
}

function randomHttp(random: Random, forwarded: string | undefined, tokens: Tokens): HttpRequest {
  const headers: Record<string, string[]> = {};
  const add = (name: string, ...values: readonly string[]): void => {
    if (values.length > 0) headers[name] = [...(headers[name] ?? []), ...values];
  };
  add('x-role', ...random.pick(ROLES));
  if (forwarded !== undefined) add('x-forwarded-for', forwarded);
  let path = random.pick(PATHS);
  const query = (name: string, value: string): void => {
    path += `${path.includes('?') ? '&' : '?'}${name}=${value}`;
  };
  for (let count = random.pick([0, 1, 1, 1, 2]); count > 0; count--) placeToken(random, tokens, add, query);
  if (random.chance(0.05)) add('x-payload', 'sent');
  if (random.chance(0.05)) add('x-claim', 'admin');
  const method = random.pick(['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
  if (method === 'OPTIONS' || random.chance(0.03)) {
    if (random.chance(0.8)) add('origin', 'https://shop.example.com');
    if (random.chance(0.8)) add('access-control-request-method', 'GET');
  }
  return { method, host: random.pick(HOSTS), path, headers, tokens: tokens.all };
}

function placeToken(
  random: Random,
  { all }: Tokens,
  add: (name: string, ...values: readonly string[]) => void,
  query: (name: string, value: string) => void,
): void {
  const texts = Object.keys(all);
  // Most tokens are good ones, of a known issuer.
  const text = random.pick([
    random.pick(texts),
    ...Array.from({ length: 4 }, () => random.pick(texts.slice(0, 7))),
    'no-token',
  ]);
  const place = random.int(-3, 9);
  if (place <= 3) add('authorization', `Bearer ${text}`);
  else if (place === 4)
    add('authorization', random.pick([`Basic ${text}`, 'Bearer', `bearer ${text}`, `X, Bearer "${text}`]));
  else if (place === 5) query('access_token', text);
  else if (place === 6) query('token', text);
  else if (place === 7)
    add('cookie', random.pick([`session=${text}`, `a=b; session="${text}"`, `a=b;session=${text}; c=d`]));
  else add('x-token', random.pick([text, `Tok ${text}`]));
}
