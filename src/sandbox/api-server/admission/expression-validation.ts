import { duplicate, invalid, required, unsupported } from '../builtin/field-errors.js';
import { CelCompileError, compileCel } from '../custom/cel.js';
import type { FieldError } from '../errors.js';
import { qualifiedName } from '../writes/names.js';
import { requestVariables } from './cel-request.js';
import type { MatchCondition } from './match-conditions.js';
import type { PolicySpec, PolicyValidation } from './policy-configuration.js';

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

/**
 * What is wrong with the match conditions of a webhook or policy.
 *
 * @see pkg/apis/admissionregistration/validation/validation.go, validateMatchConditions
 */
export function matchConditionErrors(
  conditions: readonly MatchCondition[],
  path: string,
  variables: readonly string[] = requestVariables,
): FieldError[] {
  const names = conditions.map(({ name }) => name);
  return conditions.flatMap(({ name, expression }, index) => {
    const at = `${path}[${index}]`;
    const trimmed = expression?.trim() ?? '';
    return [
      ...(trimmed === ''
        ? [required(`${at}.expression`)]
        : expressionErrors(trimmed, variables, ['bool'], `${at}.expression`)),
      ...(name ? qualifiedName(name).map((why) => invalid(`${at}.name`, name, why)) : [required(`${at}.name`)]),
      ...(name && names.indexOf(name) < index ? [duplicate(`${at}.name`, name)] : []),
    ];
  });
}

/** What is wrong with the expressions of a policy. */
export function policyExpressionErrors(name: string, spec: PolicySpec): FieldError[] {
  const { matchConditions = [], variables = [], validations = [], auditAnnotations = [], paramKind } = spec;
  const params = paramKind ? ['params'] : [];
  const inPolicy = [...requestVariables, ...params, 'namespaceObject', 'variables'];
  const inMessage = inPolicy.filter((variable) => variable !== 'authorizer');
  return [
    ...matchConditionErrors(matchConditions, 'spec.matchConditions', [...requestVariables, ...params]),
    ...variables.flatMap((variable, index) => variableErrors(variable, inPolicy, `spec.variables[${index}]`)),
    ...validations.flatMap((each, index) => validationErrors(each, inPolicy, inMessage, `spec.validations[${index}]`)),
    ...auditAnnotations.flatMap(({ key, valueExpression }, index) => {
      const at = `spec.auditAnnotations[${index}]`;
      const whole = `${name}/${key}`;
      return [
        ...qualifiedName(whole).map((why) => invalid(`${at}.key`, whole, why)),
        ...(valueExpression?.trim()
          ? expressionErrors(valueExpression, inPolicy, ['string', 'null_type'], `${at}.valueExpression`)
          : [required(`${at}.valueExpression`, 'valueExpression is not specified')]),
      ];
    }),
  ];
}

function variableErrors(
  { name, expression }: { name: string; expression: string },
  variables: readonly string[],
  at: string,
): FieldError[] {
  const unnamed = !name?.trim();
  return [
    ...(unnamed ? [required(`${at}.name`, 'name is not specified')] : []),
    ...(!unnamed && !identifier.test(name) ? [invalid(`${at}.name`, name, 'must be a valid CEL identifier')] : []),
    ...(expression?.trim()
      ? expressionErrors(expression, variables, [], `${at}.expression`)
      : [required(`${at}.expression`, 'expression is not specified')]),
  ];
}

function validationErrors(
  { expression, message, messageExpression, reason }: PolicyValidation,
  variables: readonly string[],
  messageVariables: readonly string[],
  at: string,
): FieldError[] {
  const blank = 'must be non-empty if specified';
  return [
    ...(expression?.trim()
      ? expressionErrors(expression, variables, ['bool'], `${at}.expression`)
      : [required(`${at}.expression`, 'expression is not specified')]),
    ...(messageExpression
      ? messageExpression.trim()
        ? expressionErrors(messageExpression, messageVariables, ['string'], `${at}.messageExpression`)
        : [invalid(`${at}.messageExpression`, messageExpression, blank)]
      : []),
    ...(message && !message.trim() ? [invalid(`${at}.message`, message, blank)] : []),
    ...(message?.trim().includes('\n') ? [invalid(`${at}.message`, message, 'must not contain line breaks')] : []),
    ...(reason && !reasons.includes(reason) ? [unsupported(`${at}.reason`, reason, reasons)] : []),
  ];
}

/** Variables whose fields have types in a real API server, and not here. */
const typedThere = /\b(variables|request|namespaceObject)\b/;

/** Where types are given, the expression must evaluate to one of them; what is known at run time only (`dyn`) is refused. */
function expressionErrors(
  expression: string,
  variables: readonly string[],
  types: readonly string[],
  field: string,
): FieldError[] {
  try {
    const { type } = compileCel(expression, variables);
    if (types.length === 0 || types.includes(type) || (type === 'dyn' && typedThere.test(expression))) return [];
    const wanted = types.length === 1 ? types[0]! : `one of [${types.join(' ')}]`;
    return [invalid(field, expression, `must evaluate to ${wanted} but got ${type}`)];
  } catch (error) {
    if (error instanceof CelCompileError) return [invalid(field, expression, error.message)];
    throw error;
  }
}
