import type { ServedResource, User } from '../resource.js';
import { accessReviews } from './access-reviews.js';
import { identityReviews } from './identity-reviews.js';
import type { TokenIssuer } from './tokens.js';

/** Gives the kinds that are only asked (`SubjectAccessReview`, `TokenReview` …) their answers. */
export function withReviews(
  resources: readonly ServedResource[],
  tokens: TokenIssuer,
  staticTokens: ReadonlyMap<string, User>,
): ServedResource[] {
  const answers: Readonly<Record<string, Readonly<Record<string, NonNullable<ServedResource['answer']>>>>> = {
    'authorization.k8s.io': accessReviews,
    'authentication.k8s.io': identityReviews(tokens, staticTokens),
  };
  return resources.map((resource) => {
    const answer = answers[resource.group]?.[resource.kind];
    return answer ? { ...resource, answer } : resource;
  });
}
