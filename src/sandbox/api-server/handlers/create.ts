import { decodeObject } from '../http/body.js';
import { createObject, matchNamespace } from '../writes/create-object.js';
import type { Answer, Exchange } from '../http/exchange.js';
import { checkFields } from '../writes/field-strictness.js';
import { negotiate } from '../http/media-types.js';
import { writeOptions } from '../http/options.js';
import { admissionAttributes, type Parts, writeContext } from '../parts.js';
import { objectForms } from '../http/representation.js';
import type { ServedResource } from '../resource.js';
import { writeOf } from './write-request.js';

/** Answers a create in a collection. */
export async function create(parts: Parts, resource: ServedResource, exchange: Exchange): Promise<Answer> {
  negotiate(exchange.headers, objectForms);
  const options = writeOptions(exchange.query, 'CreateOptions');
  const decoded = decodeObject(exchange, resource, { custom: resource.custom, registry: parts.registry });
  checkFields(exchange, resource, decoded, options.fieldValidation);
  const { object } = decoded;
  exchange.requestObject = object;
  const write = writeOf(exchange, resource, options);
  if (!resource.answer) {
    return { type: 'object', code: 201, resource, object: await createObject(parts, write, object) };
  }
  // Nothing is stored: a question, such as a SubjectAccessReview.
  matchNamespace(write, object.metadata);
  resource.strategy.setDefaults?.(object);
  const asked = (await parts.admission.mutate(admissionAttributes(parts, write, 'CREATE', { object }))) ?? object;
  await parts.admission.validate(admissionAttributes(parts, write, 'CREATE', { object: asked }));
  return { type: 'plain', code: 201, body: resource.answer(asked, writeContext(parts, write)) };
}
