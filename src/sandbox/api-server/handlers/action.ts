import { decodeObject } from '../http/body.js';
import type { Answer, Exchange } from '../http/exchange.js';
import { negotiate } from '../http/media-types.js';
import { writeOptions } from '../http/options.js';
import { admissionAttributes, type Parts } from '../parts.js';
import { apiVersionOf } from '../../../kube/resource.js';
import { objectForms } from '../http/representation.js';
import type { ServedResource } from '../resource.js';
import type { Operations } from '../operations.js';
import type { Action } from '../subresource.js';
import { writeOf } from './write-request.js';

/** Answers the create of a subresource that makes something happen. */
export async function act(
  parts: Parts,
  operations: Operations,
  resource: ServedResource,
  exchange: Exchange,
  action: Action,
): Promise<Answer> {
  negotiate(exchange.headers, objectForms);
  const { info } = exchange;
  const options = writeOptions(exchange.query, 'CreateOptions');
  const body = decodeObject(exchange, kindOf(action, exchange)).object;
  exchange.requestObject = body;
  if (resource.namespaced) body.metadata.namespace ??= info.namespace;
  const write = writeOf(exchange, resource, options, { kind: action.kind });
  const admitted =
    (await parts.admission.mutate(admissionAttributes(parts, write, 'CREATE', { object: body }))) ?? body;
  await parts.admission.validate(admissionAttributes(parts, write, 'CREATE', { object: admitted }));
  const { code = 201, body: answer } = await action.create({
    resource,
    namespace: write.namespace,
    name: write.name,
    body: admitted,
    dryRun: write.dryRun,
    now: parts.clock.now(),
    operations,
  });
  return { type: 'plain', code, body: answer };
}

/** Some actions take a body of several versions. */
function kindOf({ kind, alsoKinds = [] }: Action, { body }: Exchange): Action['kind'] {
  const text = body.toString();
  return alsoKinds.find((other) => text.includes(`"${apiVersionOf(other)}"`)) ?? kind;
}
