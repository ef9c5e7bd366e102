import {
  type KeyObject,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto';
import type { StoredObjects } from '../storage/cluster-view.js';
import type { User } from '../resource.js';

/** What is in a token of a ServiceAccount. Times are seconds since the epoch. */
export interface TokenClaims {
  aud: string[];
  exp: number;
  iat: number;
  iss: string;
  jti: string;
  'kubernetes.io': {
    namespace: string;
    serviceaccount: { name: string; uid: string };
    pod?: { name: string; uid: string };
    secret?: { name: string; uid: string };
    node?: { name: string; uid?: string };
    warnafter?: number;
  };
  nbf: number;
  sub: string;
}

/** For whom, and for how long, a token is made. */
export interface TokenSpec {
  namespace: string;
  serviceAccount: { name: string; uid: string };
  /** The token dies with this pod. */
  pod?: { name: string; uid: string };
  /** The token dies with this secret. */
  secret?: { name: string; uid: string };
  /** Default: the API server. */
  audiences?: readonly string[];
  expirationSeconds: number;
  /** Unique among all tokens. */
  id: string;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Name of the issuer, and the audience of the API server itself. */
const defaultIssuer = 'https://kubernetes.default.svc.cluster.local';

/** Makes and checks tokens of ServiceAccounts: JWTs with ES256, bound to the account's uid. */
export class TokenIssuer {
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #keyId: string;

  /**
   * @param audiences  of the API server: a token for one of them authenticates here
   * @param key        PEM of a P-256 private key; default: a new one
   */
  constructor(
    readonly issuer: string = defaultIssuer,
    readonly audiences: readonly string[] = [defaultIssuer],
    key?: string,
  ) {
    this.#privateKey =
      key === undefined ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : createPrivateKey(key);
    this.#publicKey = createPublicKey(this.#privateKey);
    const der = this.#publicKey.export({ type: 'spki', format: 'der' });
    this.#keyId = createHash('sha256').update(der).digest('base64url');
  }

  /** Makes a token. */
  sign({ namespace, serviceAccount, pod, secret, expirationSeconds, id, now, ...rest }: TokenSpec): string {
    const issuedAt = Math.floor(now / 1000);
    const claims: TokenClaims = {
      aud: rest.audiences?.length ? [...rest.audiences] : [...this.audiences],
      exp: issuedAt + expirationSeconds,
      iat: issuedAt,
      iss: this.issuer,
      jti: id,
      'kubernetes.io': {
        namespace,
        ...(pod && { pod }),
        ...(secret && { secret }),
        serviceaccount: serviceAccount,
      },
      nbf: issuedAt,
      sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    };
    const content = `${encode({ alg: 'ES256', kid: this.#keyId })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(content), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    return `${content}.${signature.toString('base64url')}`;
  }

  /**
   * Whose token this is, or undefined: not ours, expired, for another audience, or what it is bound to is gone.
   *
   * @param audiences  one of them must be the token's; default: those of the API server
   */
  authenticate(
    token: string,
    cluster: StoredObjects,
    now: number,
    audiences = this.audiences,
  ): { user: User; audiences: string[] } | undefined {
    const claims = this.#verified(token);
    if (claims === undefined || claims.iss !== this.issuer) return undefined;
    const seconds = now / 1000;
    if (seconds >= claims.exp || seconds < claims.nbf) return undefined;
    const shared = audiences.filter((audience) => claims.aud.includes(audience));
    if (shared.length === 0 || !isAlive(claims, cluster)) return undefined;
    return { user: userOf(claims), audiences: shared };
  }

  #verified(token: string): TokenClaims | undefined {
    const [header, payload, signature, ...rest] = token.split('.');
    if (signature === undefined || rest.length > 0) return undefined;
    const content = Buffer.from(`${header}.${payload}`);
    const key = { key: this.#publicKey, dsaEncoding: 'ieee-p1363' } as const;
    if (!verify('sha256', content, key, Buffer.from(signature, 'base64url'))) return undefined;
    return JSON.parse(Buffer.from(payload!, 'base64url').toString()) as TokenClaims;
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** Whether the account, and the pod or secret that the token is bound to, are still the same objects. */
function isAlive({ 'kubernetes.io': bound }: TokenClaims, cluster: StoredObjects): boolean {
  const is = (plural: string, { name, uid }: { name: string; uid: string }): boolean =>
    cluster.get({ group: '', plural }, { namespace: bound.namespace, name })?.metadata.uid === uid;
  return (
    is('serviceaccounts', bound.serviceaccount) &&
    (bound.pod === undefined || is('pods', bound.pod)) &&
    (bound.secret === undefined || is('secrets', bound.secret))
  );
}

function userOf({ jti, sub, 'kubernetes.io': { namespace, serviceaccount, pod } }: TokenClaims): User {
  const prefix = 'authentication.kubernetes.io';
  return {
    name: sub,
    uid: serviceaccount.uid,
    groups: [...serviceAccountGroups(namespace), 'system:authenticated'],
    extra: {
      [`${prefix}/credential-id`]: [`JTI=${jti}`],
      ...(pod && { [`${prefix}/pod-name`]: [pod.name], [`${prefix}/pod-uid`]: [pod.uid] }),
    },
  };
}

/** Groups of all ServiceAccounts of a namespace. */
export function serviceAccountGroups(namespace: string): string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}
