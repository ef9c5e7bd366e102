import type { DecodedBody } from '../http/body.js';
import { badRequest } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import { duplicates, type FieldProblem, strictError, unknownFields } from './field-validation.js';
import type { WriteOptions } from '../http/options.js';
import type { ServedResource } from '../resource.js';

/**
 * Reports fields that the kind does not have and that are there twice, as `fieldValidation` wants: not at all, as warnings,
 * or as an error.
 *
 * @throws {import('../errors.js').StatusError} 400
 */
export function checkFields(
  exchange: Exchange,
  resource: ServedResource,
  { object, text, encoding }: DecodedBody,
  directive: WriteOptions['fieldValidation'],
): void {
  if (directive === 'Ignore') return;
  const problems = [...duplicates(text, encoding), ...unknownFields(object, resource)];
  const start = `${resource.kind} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}`;
  report(exchange, problems, directive, (error) => badRequest(`${start}: ${error}`));
}

/**
 * Warns of problems with fields, or refuses them.
 *
 * @param refuse  makes the error of what strict decoding says
 */
export function report(
  exchange: Exchange,
  problems: readonly FieldProblem[],
  directive: 'Warn' | 'Strict',
  refuse: (error: string) => Error,
): void {
  if (problems.length === 0) return;
  if (directive === 'Strict') throw refuse(strictError(problems));
  for (const { warning } of problems) exchange.warnings.add(warning);
}
