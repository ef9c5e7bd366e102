import type { AdmissionAttributes } from './admission-chain.js';
import { userInfo } from '../auth/identity-reviews.js';
import { authorizerVariable } from '../custom/cel.js';
import type { Authorizer } from '../auth/auth-interfaces.js';
import type { ServedResource, User } from '../resource.js';
import { inVersion } from '../versions.js';
import type { Draft } from './plugin.js';

/** Group, version and kind of a review. */
interface ReviewKind {
  group: string;
  version: string;
  kind: string;
}

/** What an AdmissionReview and the CEL variable `request` have in common. */
export function admissionRequest(attributes: Draft | AdmissionAttributes, as: ServedResource): Record<string, unknown> {
  const { resource, subresource, kind, name, namespace, operation, user, dryRun, options } = attributes;
  const part = subresource === '' ? {} : { subResource: subresource };
  const requestPart = subresource === '' ? {} : { requestSubResource: subresource };
  return {
    kind: kindAs(kind, resource, as),
    resource: { group: as.group, version: as.version, resource: as.plural },
    ...part,
    requestKind: { group: kind.group, version: kind.version, kind: kind.kind },
    requestResource: { group: resource.group, version: resource.version, resource: resource.plural },
    ...requestPart,
    ...(name !== '' && { name }),
    ...(namespace && { namespace }),
    operation,
    userInfo: userInfo(user),
    dryRun,
    options,
  };
}

/** Subresources with a kind of their own have it in all versions. */
function kindAs(kind: ReviewKind, resource: ServedResource, as: ServedResource): ReviewKind {
  const own = kind.kind === resource.kind && kind.group === resource.group;
  return own
    ? { group: as.group, version: as.version, kind: as.kind }
    : { group: kind.group, version: kind.version, kind: kind.kind };
}

/** Names of the variables of expressions about a request. */
export const requestVariables = ['object', 'oldObject', 'request', 'authorizer'] as const;

/** Their values; `as` is the resource in the version that the rules name. */
export function requestValues(
  attributes: Draft | AdmissionAttributes,
  as: ServedResource,
  authorizer: Authorizer,
): Record<string, unknown> {
  const { resource, object, oldObject } = attributes;
  return {
    object: object ? inVersion(object, resource, as) : null,
    oldObject: oldObject ? inVersion(oldObject, resource, as) : null,
    request: admissionRequest(attributes, as),
    authorizer: authorizerOf(attributes.user, authorizer),
  };
}

function authorizerOf(user: User, authorizer: Authorizer): unknown {
  return authorizerVariable(({ serviceAccount, verb, ...asked }) => {
    const { namespace = '', name = '' } = serviceAccount ?? {};
    const subject: User = serviceAccount
      ? {
          name: `system:serviceaccount:${namespace}:${name}`,
          groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
        }
      : user;
    return authorizer.authorize(subject, {
      verb,
      group: asked.group ?? '',
      version: '*',
      resource: asked.resource ?? '',
      subresource: asked.subresource ?? '',
      namespace: asked.namespace ?? '',
      name: asked.name ?? '',
      path: asked.path ?? '',
    });
  });
}
