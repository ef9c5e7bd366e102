import { invalid, required, unsupported } from '../builtin/field-errors.js';
import type { FieldError } from '../errors.js';
import type { OpenApiSchema, ValidationRule } from '../schema.js';
import { compiledRules } from './compiled-rules.js';
import { resolveFieldPath } from './field-path.js';
import { child, entry } from './paths.js';

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

const breaksLine = (text: string): boolean => /[\n\r]/.test(text);

/** What is wrong with the rules of one schema. */
export interface RuleErrors {
  /** About what belongs to a rule. */
  readonly about: FieldError[];
  /** About the expressions; compiles them. */
  compiled(): FieldError[];
}

/**
 * Checks `x-kubernetes-validations` of one schema. Costs are not estimated: what is too expensive for the real API server is
 * accepted.
 *
 * @param uncorrelated  path of the schema above which keeps its parts from having old values
 */
export function ruleErrors(
  schema: OpenApiSchema,
  path: string,
  isResource: boolean,
  uncorrelated?: string,
): RuleErrors {
  const at = (i: number): string => entry(child(path, 'x-kubernetes-validations'), i);
  const rules = schema['x-kubernetes-validations'] ?? [];
  return {
    about: rules.flatMap((rule, i) => aboutErrors(rule, schema, at(i))),
    compiled: () =>
      compiledRules(schema, isResource).flatMap(({ rule, error, messageError, usesOldSelf }, i) => {
        const errors: FieldError[] = [];
        if (error !== undefined) errors.push(invalid(child(at(i), 'rule'), internalForm(rule), error));
        if (messageError !== undefined) {
          errors.push(invalid(child(at(i), 'messageExpression'), internalForm(rule), messageError));
        }
        if (usesOldSelf && uncorrelated !== undefined) {
          const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`;
          errors.push(invalid(child(at(i), 'rule'), rule.rule, why));
        } else if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
          const why = 'may not be set if oldSelf is not used in rule';
          errors.push(invalid(child(at(i), 'optionalOldSelf'), rule.optionalOldSelf, why));
        }
        return errors;
      }),
  };
}

/** A rule as messages show it: with the names of Go's fields. */
function internalForm(rule: ValidationRule): object {
  return {
    Rule: rule.rule,
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  };
}

function aboutErrors(rule: ValidationRule, schema: OpenApiSchema, path: string): FieldError[] {
  const { message = '', messageExpression = '', fieldPath = '', reason } = rule;
  const errors: FieldError[] = [];
  if (rule.rule.trim() === '') errors.push(required(child(path, 'rule'), 'rule is not specified'));
  else if (message !== '' && message.trim() === '') {
    errors.push(invalid(child(path, 'message'), message, 'must be non-empty if specified'));
  } else if (breaksLine(message.trim())) {
    errors.push(invalid(child(path, 'message'), message, 'must not contain line breaks'));
  } else if (breaksLine(rule.rule.trim()) && message.trim() === '') {
    errors.push(required(child(path, 'message'), 'message must be specified if rule contains line breaks'));
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.push(required(child(path, 'messageExpression'), 'messageExpression must be non-empty if specified'));
  }
  if (reason !== undefined && !reasons.includes(reason))
    errors.push(unsupported(child(path, 'reason'), reason, reasons));
  const at = child(path, 'fieldPath');
  if (fieldPath !== '' && fieldPath.trim() === '')
    errors.push(invalid(at, fieldPath, 'must be non-empty if specified'));
  if (breaksLine(fieldPath)) errors.push(invalid(at, fieldPath, 'must not contain line breaks'));
  if (fieldPath !== '' && !resolveFieldPath(fieldPath, schema))
    errors.push(invalid(at, fieldPath, 'must be a valid path'));
  return errors;
}
