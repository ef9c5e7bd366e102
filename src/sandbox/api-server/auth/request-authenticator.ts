import type { IncomingHttpHeaders } from 'node:http';
import type { Authenticator, Authorizer, Identity } from './auth-interfaces.js';
import { StatusError } from '../errors.js';
import type { User } from '../resource.js';
import { impersonated } from './impersonation.js';
import type { StoredObjects } from '../storage/cluster-view.js';
import type { TokenIssuer } from './tokens.js';

/** What the authenticator decides by. */
export interface AuthenticatorOptions {
  cluster: StoredObjects;
  /** Says who may impersonate. */
  authorizer: Authorizer;
  tokens: TokenIssuer;
  /** Tokens that are good forever, and whose they are; `system:authenticated` is added to the groups. */
  staticTokens: ReadonlyMap<string, User>;
  /** Milliseconds since the epoch. */
  now(): number;
}

const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Knows users by bearer token (static, or of a ServiceAccount), and on whose behalf they act. */
export class RequestAuthenticator implements Authenticator {
  constructor(private readonly options: AuthenticatorOptions) {}

  authenticate(headers: IncomingHttpHeaders): Identity {
    const sender = this.#sender(headers);
    const user = impersonated(headers, sender, this.options.authorizer);
    return user === undefined ? { user: sender } : { user, impersonator: sender };
  }

  #sender({ authorization = '' }: IncomingHttpHeaders): User {
    const [scheme, token] = authorization.trim().split(/\s+/, 2);
    if (scheme?.toLowerCase() !== 'bearer' || !token) return anonymous;
    const known = this.options.staticTokens.get(token);
    if (known) return { ...known, groups: [...known.groups, 'system:authenticated'] };
    const { tokens, cluster } = this.options;
    const found = tokens.authenticate(token, cluster, this.options.now());
    if (found === undefined) throw new StatusError(401, 'Unauthorized', 'Unauthorized');
    return found.user;
  }
}
