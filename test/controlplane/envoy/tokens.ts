import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

import type { Token } from '../../../src/mesh/enforcement/request.js';

/** Issuers of the test's tokens. */
export const issuers = ['https://issuer.example', 'other-issuer'] as const;

/** Tokens, and the keys that sign them. */
export interface Tokens {
  /** For `jwks` of a RequestAuthentication: the keys of all issuers. */
  jwks: string;
  /** By their text. */
  all: Readonly<Record<string, Token>>;
}

const hourS = 3600;

/** What tokens say. Each is signed well; some of them besides in other ways. */
const payloads: readonly Readonly<Record<string, unknown>>[] = [
  {
    iss: issuers[0],
    sub: 'alice',
    aud: 'shop',
    scope: 'read write',
    groups: ['admin', 'dev'],
    realm: { role: 'admin' },
  },
  { iss: issuers[0], sub: 'bob', aud: ['other', 'https://shop.example/'], azp: 'client', groups: 'dev', perms: 'a b' },
  { iss: issuers[0], sub: 'al', azp: 'client', realm: { role: 'user', roles: ['admin', 'x'] }, number: 7, flag: true },
  { iss: issuers[0], sub: 'malice', aud: [], groups: [], email: '', realm: { role: 'user', fine: 0.5, below: -3 } },
  { iss: issuers[0], aud: 'shop', groups: ['admin'] },
  { iss: issuers[1], sub: 'alice', aud: 'shop', permission: 'read', groups: ['dev', 7, 'admin'] },
  {
    iss: issuers[1],
    sub: 'bob',
    aud: 'http://shop.example',
    email: 'bob@example.com',
    realm: 'admin',
    groups: 'admin',
  },
  { iss: 'unknown', sub: 'alice', aud: 'shop', groups: ['admin'] },
  { sub: 'alice', groups: ['admin'] },
];

/** Payloads that no token may have. */
const malformed = [
  { iss: issuers[0], sub: 7 },
  { iss: issuers[0], sub: 'alice', aud: { shop: true } },
];

/** Makes tokens of all kinds; their texts differ from run to run, what they say does not. */
export function makeTokens(): Tokens {
  const pair = (): ReturnType<typeof generateKeyPairSync> => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const good = pair();
  const wrong = pair();
  const now = Math.floor(Date.now() / 1000);
  const expired = { exp: now - hourS };
  const early = { nbf: now + hourS };
  const of = (claims: Token['claims'], state: Token['state'] = 'Good'): [string, Token] => [
    tokenText(claims, (state === 'Forged' ? wrong : good).privateKey),
    { claims, state },
  ];
  const [shop = {}, other = {}] = payloads;
  return {
    jwks: JSON.stringify({
      keys: [{ ...good.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256', use: 'sig' }],
    }),
    all: Object.fromEntries([
      ...[...payloads, ...malformed].map((claims) => of({ ...claims, exp: now + hourS })),
      of({ ...shop, ...expired }, 'Expired'),
      of({ ...other, ...expired }, 'Expired'),
      of({ ...shop, ...early }, 'NotYetValid'),
      of(shop, 'Forged'),
      of({ ...shop, aud: 'nobody' }, 'Forged'),
    ]),
  };
}

function tokenText(claims: Token['claims'], key: KeyObject): string {
  const encoded = [{ alg: 'ES256', kid: 'k', typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const signature = sign('sha256', Buffer.from(encoded.join('.')), { key, dsaEncoding: 'ieee-p1363' });
  return [...encoded, signature.toString('base64url')].join('.');
}
