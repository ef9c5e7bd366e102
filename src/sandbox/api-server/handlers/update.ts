import { decodeObject } from '../http/body.js';
import { badRequest } from '../errors.js';
import type { Answer, Exchange } from '../http/exchange.js';
import { checkFields } from '../writes/field-strictness.js';
import { cloneJson } from '../json.js';
import { negotiate } from '../http/media-types.js';
import type { ApiObject, StoredMeta } from '../object.js';
import { writeOptions } from '../http/options.js';
import type { Parts } from '../parts.js';
import { objectForms } from '../http/representation.js';
import type { ServedResource } from '../resource.js';
import type { Projection } from '../subresource.js';
import { type Updated, updateObject } from '../writes/update-object.js';
import { writeOf } from './write-request.js';

/** Answers a PUT of an object or of a subresource. */
export async function update(
  parts: Parts,
  resource: ServedResource,
  exchange: Exchange,
  projection?: Projection,
): Promise<Answer> {
  negotiate(exchange.headers, objectForms);
  const options = writeOptions(exchange.query, 'UpdateOptions');
  const decoded = decodeObject(exchange, projection?.kind ?? resource, {
    custom: resource.custom && !projection,
    registry: parts.registry,
  });
  if (!projection) checkFields(exchange, resource, decoded, options.fieldValidation);
  const sent = decoded.object;
  exchange.requestObject = sent;
  const write = writeOf(exchange, resource, options, { kind: projection?.kind, projection });
  checkName(exchange, sent);
  const next = (live: ApiObject | undefined): ApiObject => {
    if (!projection) return cloneJson(sent);
    return projected(projection, resource, live!, sent);
  };
  const result = await updateObject(parts, write, {
    next,
    createsMissing: (resource.strategy.createOnUpdate ?? false) && !projection,
    uid: sent.metadata.uid,
  });
  return updatedAnswer(resource, result, projection);
}

/** The object with what a subresource's form says. */
export function projected(
  projection: Projection,
  resource: ServedResource,
  live: ApiObject,
  form: ApiObject,
): ApiObject {
  const object = cloneJson(live);
  if (form.metadata.resourceVersion) object.metadata.resourceVersion = form.metadata.resourceVersion;
  projection.write(object, form, resource);
  return object;
}

/** What a change is answered with. */
export function updatedAnswer(
  resource: ServedResource,
  { object, created }: Updated,
  projection: Projection | undefined,
): Answer {
  const code = created ? 201 : 200;
  if (projection) return { type: 'plain', code, body: projection.read(object, resource) };
  return { type: 'object', code, resource, object };
}

/** @throws {import('../errors.js').StatusError} 400 for a body that names another object than the URL */
export function checkName({ info }: Exchange, { metadata }: ApiObject): void {
  const { name = '', namespace } = metadata as Partial<StoredMeta>;
  if (namespace && info.namespace !== '' && namespace !== info.namespace && info.resource !== 'namespaces') {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (name === info.name) return;
  if (name === '') {
    throw badRequest(`the name of the object (${info.name} based on URL) was undeterminable: name must be provided`);
  }
  throw badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name})`);
}
