import { badRequest } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { ServedResource, User, WriteContext } from '../resource.js';
import type { TokenIssuer } from './tokens.js';

/** `status.userInfo` and `status.user` of reviews, `request.userInfo` of admission. */
export function userInfo({ name, uid, groups, extra }: User): Record<string, unknown> {
  return {
    username: name,
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups }),
    ...(extra && Object.keys(extra).length > 0 && { extra }),
  };
}

/** Answers of the kinds of `authentication.k8s.io`, by kind. @see pkg/registry/authentication */
export function identityReviews(
  tokens: TokenIssuer,
  staticTokens: ReadonlyMap<string, User>,
): Readonly<Record<string, NonNullable<ServedResource['answer']>>> {
  return {
    SelfSubjectReview: (review, { user }) => ({
      ...review,
      metadata: {} as ApiObject['metadata'],
      status: { userInfo: userInfo(user) },
    }),
    TokenReview: (review, context) => ({ ...review, status: tokenStatus(review, context, tokens, staticTokens) }),
  };
}

function tokenStatus(
  review: ApiObject,
  context: WriteContext,
  tokens: TokenIssuer,
  staticTokens: ReadonlyMap<string, User>,
): object {
  const { token, audiences } = (review['spec'] ?? {}) as { token?: string; audiences?: string[] };
  if (!token) throw badRequest('token is required for TokenReview in authentication');
  const wanted = audiences?.length ? audiences : tokens.audiences;
  const known = staticTokens.get(token);
  if (known) return { authenticated: true, user: userInfo(known), audiences: wanted };
  const found = tokens.authenticate(token, context.cluster, context.now, wanted);
  if (found === undefined) {
    return { user: {}, error: 'invalid bearer token' };
  }
  return { authenticated: true, user: userInfo(found.user), audiences: found.audiences };
}
