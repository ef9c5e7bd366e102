import { lazyVariables } from '../custom/cel.js';
import { evaluate, meetsConditions } from './match-conditions.js';
import type { PolicySpec, PolicyValidation } from './policy-configuration.js';

/** A validation that does not hold, or that could not be evaluated. */
export interface Violation {
  message: string;
  /** Status reason; none for what could not be evaluated. */
  reason?: string;
}

/** Longest result of a messageExpression, in bytes. */
const messageLimit = 5 * 1024;

/**
 * What a policy has against a request.
 *
 * @param values  of the variables `object`, `oldObject`, `request`, `params`, `namespaceObject`, `authorizer`
 * @see apiserver, pkg/admission/plugin/policy/validating/validator.go
 */
export function violations(spec: PolicySpec, values: Readonly<Record<string, unknown>>): Violation[] {
  const isStrict = spec.failurePolicy !== 'Ignore';
  const conditions = meetsConditions(spec.matchConditions ?? [], () => values);
  if ('error' in conditions) return isStrict ? [{ message: conditions.error }] : [];
  if (!conditions.matches) return [];
  const all = { ...values, variables: variablesOf(spec, values) };
  return (spec.validations ?? []).flatMap((validation) => {
    const result = evaluate(validation.expression, all);
    if ('error' in result) return isStrict ? [{ message: result.error }] : [];
    if (result.value === true) return [];
    return [{ message: messageOf(validation, all), reason: validation.reason ?? 'Invalid' }];
  });
}

/** Each is computed when it is first used, and may use those before it. */
function variablesOf(spec: PolicySpec, values: Readonly<Record<string, unknown>>): unknown {
  const thunks: Record<string, () => unknown> = {};
  const all: Record<string, unknown> = { ...values };
  for (const { name, expression } of spec.variables ?? []) {
    thunks[name] = () => {
      const result = evaluate(expression, all);
      if ('error' in result) throw new Error(result.error);
      return result.value;
    };
  }
  all['variables'] = lazyVariables(thunks);
  return all['variables'];
}

function messageOf(
  { expression, message = '', messageExpression }: PolicyValidation,
  values: Record<string, unknown>,
): string {
  const computed = messageExpression ? evaluate(messageExpression, values) : undefined;
  const text = computed && 'value' in computed && typeof computed.value === 'string' ? computed.value.trim() : '';
  if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= messageLimit) return text;
  return message.trim() || `failed expression: ${expression.trim()}`;
}
