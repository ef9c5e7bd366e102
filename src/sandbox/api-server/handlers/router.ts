import { methodNotAllowed, notFound, StatusError } from '../errors.js';
import type { Answer, Exchange } from '../http/exchange.js';
import { act } from './action.js';
import { create } from './create.js';
import { remove, removeCollection } from './delete.js';
import { patch } from './patch.js';
import { get, list } from './read.js';
import { update, updatedAnswer } from './update.js';
import { type OpenWatches, watch } from './watch.js';
import type { Parts } from '../parts.js';
import type { ServedResource } from '../resource.js';
import type { Operations } from '../operations.js';
import type { Subresource } from '../subresource.js';

/** What requests about resources need besides the parts. */
export interface Routing {
  readonly parts: Parts;
  readonly operations: Operations;
  readonly watches: OpenWatches;
}

/**
 * Carries out a request about a resource; undefined where the path names a group and version that nobody serves.
 *
 * @throws {StatusError} whatever refuses it
 */
export async function route(routing: Routing, exchange: Exchange): Promise<Answer | undefined> {
  const { parts } = routing;
  const { info } = exchange;
  const resource = parts.registry.find(info.group, info.version, info.resource);
  if (!resource) {
    if (parts.registry.hasBuiltinGroup(info.group, info.version)) throw unknownResource();
    return undefined;
  }
  if (info.rest > 0 || !isPlace(resource, exchange)) {
    if (resource.custom) return undefined;
    throw unknownResource();
  }
  for (const warning of resource.strategy.requestWarnings ?? []) exchange.warnings.add(warning);
  if (info.subresource === '') return onObject(routing, resource, exchange);
  return onSubresource(routing, resource, exchange);
}

/** 404 for what a group and version does not have. */
function unknownResource(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** Objects of namespaced kinds are in namespaces, others are not; only reads of collections span all. */
function isPlace(resource: ServedResource, { info }: Exchange): boolean {
  if (resource.plural === 'namespaces' && resource.group === '') return true;
  if (!resource.namespaced) return info.namespace === '';
  if (info.namespace !== '') return true;
  return info.name === '' && (!resource.custom || info.verb === 'list' || info.verb === 'watch');
}

async function onObject(routing: Routing, resource: ServedResource, exchange: Exchange): Promise<Answer> {
  const { parts, watches } = routing;
  const { info } = exchange;
  if (!resource.verbs.includes(info.verb)) throw methodNotAllowed();
  const named = info.name !== '';
  const everywhere = resource.namespaced && info.namespace === '';
  switch (info.verb) {
    case 'get':
      return get(parts, resource, exchange);
    case 'list':
      return list(parts, resource, exchange);
    case 'watch':
      return watch(parts, resource, exchange, watches);
    case 'create':
      if (named || (everywhere && !resource.answer)) throw methodNotAllowed();
      return create(parts, resource, exchange);
    case 'update':
      if (!named) throw methodNotAllowed();
      return update(parts, resource, exchange);
    case 'patch':
      if (!named) throw methodNotAllowed();
      return patch(parts, resource, exchange);
    case 'delete':
      return remove(parts, resource, exchange);
    case 'deletecollection':
      if (everywhere) throw methodNotAllowed();
      return removeCollection(parts, resource, exchange);
    default:
      throw methodNotAllowed();
  }
}

async function onSubresource(routing: Routing, resource: ServedResource, exchange: Exchange): Promise<Answer> {
  const { parts, operations } = routing;
  const { verb, subresource } = exchange.info;
  if (!resource.subresources.has(subresource)) {
    throw resource.custom ? notFound(resource, exchange.info.name) : unknownResource();
  }
  const special = parts.subresources(resource, subresource);
  if (special?.type === 'action') {
    if (verb !== 'create') throw methodNotAllowed();
    return act(parts, operations, resource, exchange, special);
  }
  return onPart(parts, resource, exchange, special);
}

/** `status`, `finalize`, and parts of objects with a form of their own (`scale`). */
async function onPart(
  parts: Parts,
  resource: ServedResource,
  exchange: Exchange,
  projection: (Subresource & { type: 'projection' }) | undefined,
): Promise<Answer> {
  switch (exchange.info.verb) {
    case 'get': {
      const answer = get(parts, resource, exchange);
      return projection ? updatedAnswer(resource, { object: answer.object, created: false }, projection) : answer;
    }
    case 'update':
      return update(parts, resource, exchange, projection);
    case 'patch':
      return patch(parts, resource, exchange, projection);
    default:
      throw methodNotAllowed();
  }
}
