import type { Clock } from '../../../clock.js';
import type { Authenticator, Authorizer } from './auth-interfaces.js';
import type { ClusterView } from '../storage/cluster-view.js';
import type { ServedResource, User } from '../resource.js';
import { RbacAuthorizer } from './rbac.js';
import { RequestAuthenticator } from './request-authenticator.js';
import { withReviews } from './reviews.js';
import { TokenIssuer } from './tokens.js';

/** Who may do what, in the form that an API server takes it. */
export interface AccessControl {
  /** Makes tokens of ServiceAccounts. */
  readonly tokens: TokenIssuer;
  readonly resources: readonly ServedResource[];
  readonly authorizer: (cluster: ClusterView) => Authorizer;
  readonly authenticator: (cluster: ClusterView, authorizer: Authorizer) => Authenticator;
}

/**
 * Bearer tokens, impersonation, RBAC and the reviews that ask about them.
 *
 * @param resources     what is served, reviews without their answers
 * @param staticTokens  tokens that are good forever, and whose they are (without `system:authenticated`)
 */
export function accessControl(
  resources: readonly ServedResource[],
  staticTokens: ReadonlyMap<string, User>,
  clock: Clock,
): AccessControl {
  const tokens = new TokenIssuer();
  return {
    tokens,
    resources: withReviews(resources, tokens, staticTokens),
    authorizer: (cluster) => new RbacAuthorizer(cluster),
    authenticator: (cluster, authorizer) =>
      new RequestAuthenticator({ cluster, authorizer, tokens, staticTokens, now: () => clock.now() }),
  };
}
