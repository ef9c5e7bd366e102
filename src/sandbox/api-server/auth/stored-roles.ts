import type { WriteContext } from '../resource.js';
import type { RoleSource } from './rbac.js';

/** What is stored, as strategies see it, in the form that authorizer and tokens take. */
export function storedIn(context: WriteContext): RoleSource {
  return {
    get: (resource, { namespace, name }) =>
      context.lookup(resource, { name, ...(namespace !== undefined && { namespace }) }),
    list: (resource, namespace) => context.list(resource, namespace),
  };
}
