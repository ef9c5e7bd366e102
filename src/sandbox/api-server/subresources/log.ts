import { StatusError } from '../errors.js';
import type { ApiObject } from '../object.js';
import type { Projection } from '../subresource.js';

function refuse({ metadata: { name } }: ApiObject): never {
  const message = `the embedded cluster runs no containers: pod ${JSON.stringify(name)} has no logs`;
  throw new StatusError(404, 'NotFound', message, { name, kind: 'pods' });
}

/** Containers do not really run here, so there is nothing to read: the pod is looked up, and the answer says so. */
export const log: Projection = {
  type: 'projection',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  schema: {},
  read: refuse,
  write: refuse,
};
