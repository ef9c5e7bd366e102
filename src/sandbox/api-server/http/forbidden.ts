import type { AccessAttributes } from '../auth/auth-interfaces.js';
import { StatusError } from '../errors.js';
import type { User } from '../resource.js';

/** 403 for a user who may not do something, in the words of `responsewriters.ForbiddenStatusError`. */
export function accessForbidden(
  user: User,
  access: AccessAttributes,
  isResource: boolean,
  reason: string,
): StatusError {
  const why = reason === '' ? '' : `: ${reason}`;
  const cannot = `User ${JSON.stringify(user.name)} cannot ${access.verb}`;
  if (!isResource) {
    const path = escaped(`${cannot} path ${JSON.stringify(access.path)}`);
    return new StatusError(403, 'Forbidden', `forbidden: ${path}${why}`, {});
  }
  const resource = access.subresource === '' ? access.resource : `${access.resource}/${access.subresource}`;
  const qualified = access.group === '' ? access.resource : `${access.resource}.${access.group}`;
  const named = access.name === '' ? qualified : `${qualified} ${JSON.stringify(access.name)}`;
  const scope =
    access.namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(access.namespace)}`;
  const what = escaped(
    `${cannot} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(access.group)} ${scope}`,
  );
  return new StatusError(403, 'Forbidden', `${named} is forbidden: ${what}${why}`, {
    ...(access.name !== '' && { name: access.name }),
    ...(access.group !== '' && { group: access.group }),
    kind: access.resource,
  });
}

/** The text could be shown as a page. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
