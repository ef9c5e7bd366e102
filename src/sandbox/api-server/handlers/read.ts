import { notFound } from '../errors.js';
import type { Exchange, ListAnswer, ObjectAnswer } from '../http/exchange.js';
import { listForms, objectForms } from '../http/representation.js';
import { negotiate } from '../http/media-types.js';
import { listOptions } from '../http/options.js';
import type { Parts } from '../parts.js';
import type { ServedResource } from '../resource.js';
import { parseResourceVersion, tooLarge } from '../http/resource-version.js';
import { keyOf } from '../storage/storage.js';
import { serve } from '../versions.js';
import { page } from './paging.js';

/** Answers a get of one object. */
export function get(parts: Parts, resource: ServedResource, exchange: Exchange): ObjectAnswer {
  const { info } = exchange;
  negotiate(exchange.headers, objectForms);
  const asked = parseResourceVersion(exchange.query.get('resourceVersion') ?? '');
  if (asked > parts.storage.revision) throw tooLarge(asked, parts.storage.revision);
  const key = keyOf(resource.namespaced ? info.namespace : undefined, info.name);
  const stored = parts.storage.get(resource.storageKey, key);
  if (!stored) throw notFound(resource, info.name);
  return { type: 'object', code: 200, resource, object: serve(resource, stored) };
}

/** Answers a list of a collection. */
export function list(parts: Parts, resource: ServedResource, exchange: Exchange): ListAnswer {
  const options = listOptions(exchange.query);
  negotiate(exchange.headers, listForms);
  return { type: 'list', resource, ...page(parts, resource, exchange.info.namespace, options) };
}
