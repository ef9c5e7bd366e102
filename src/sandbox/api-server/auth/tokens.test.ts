import { describe, expect, test } from 'vitest';
import type { ApiObject } from '../object.js';
import type { StoredObjects } from '../storage/cluster-view.js';
import { TokenIssuer, type TokenSpec } from './tokens.js';

const start = Date.UTC(2026, 0, 1);
const account = { name: 'worker', uid: 'uid-1' };

/** A cluster with these objects in the namespace `shop`, by plural. */
function cluster(objects: Record<string, { name: string; uid: string }[]>): StoredObjects {
  return {
    list: () => [],
    get: ({ plural }, { name }) => {
      const metadata = objects[plural]?.find((each) => each.name === name);
      return metadata && ({ metadata } as ApiObject);
    },
  };
}

const spec = (more: Partial<TokenSpec> = {}): TokenSpec => ({
  namespace: 'shop',
  serviceAccount: account,
  expirationSeconds: 600,
  id: 'id-1',
  now: start,
  ...more,
});

describe('TokenIssuer', () => {
  const tokens = new TokenIssuer();
  const shop = cluster({ serviceaccounts: [account], pods: [{ name: 'pod', uid: 'pod-1' }] });

  test('a token is good from its second to its end', () => {
    const token = tokens.sign(spec());
    const isGood = (now: number): boolean => tokens.authenticate(token, shop, now) !== undefined;
    expect([-1, 0, 599_000, 600_000].map((offset) => isGood(start + offset))).toEqual([false, true, true, false]);
  });

  test('a token of an account that was made anew is not good for the new one', () => {
    const token = tokens.sign(spec());
    expect(
      tokens.authenticate(token, cluster({ serviceaccounts: [{ ...account, uid: 'uid-2' }] }), start),
    ).toBeUndefined();
  });

  test('a token bound to a pod tells which, and dies with it', () => {
    const token = tokens.sign(spec({ pod: { name: 'pod', uid: 'pod-1' } }));
    expect(tokens.authenticate(token, shop, start)?.user.extra).toEqual({
      'authentication.kubernetes.io/credential-id': ['JTI=id-1'],
      'authentication.kubernetes.io/pod-name': ['pod'],
      'authentication.kubernetes.io/pod-uid': ['pod-1'],
    });
    expect(tokens.authenticate(token, cluster({ serviceaccounts: [account] }), start)).toBeUndefined();
  });

  test('audiences: one in common is needed, and those in common are told', () => {
    const token = tokens.sign(spec({ audiences: ['istio-ca', 'vault'] }));
    expect(tokens.authenticate(token, shop, start)).toBeUndefined();
    expect(tokens.authenticate(token, shop, start, ['istio-ca', 'other'])?.audiences).toEqual(['istio-ca']);
  });

  test('neither another key nor another content is believed', () => {
    const [header, , signature] = tokens.sign(spec()).split('.');
    const claims = { ...spec(), sub: 'system:serviceaccount:kube-system:root' };
    const forged = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
    for (const token of [forged, new TokenIssuer().sign(spec()), 'a.b', 'a.b.c', 'a.b.c.d', '']) {
      expect(tokens.authenticate(token, shop, start)).toBeUndefined();
    }
  });
});
