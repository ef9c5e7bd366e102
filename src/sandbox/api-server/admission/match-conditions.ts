import { CelCompileError, CelEvaluationError, compileCel } from '../custom/cel.js';

/** A condition of a webhook or policy, in CEL; all must be true. */
export interface MatchCondition {
  name: string;
  expression: string;
}

/** What conditions say: yes, no, or that it cannot be said. */
export type ConditionResult = { matches: boolean } | { error: string };

/** Evaluates an expression; failures become texts, as the API server words them. */
export function evaluate(
  expression: string,
  values: Readonly<Record<string, unknown>>,
): { value: unknown } | { error: string } {
  try {
    return { value: compileCel(expression, Object.keys(values)).evaluate(values) };
  } catch (error) {
    if (error instanceof CelEvaluationError) {
      return { error: `expression '${expression}' resulted in error: ${error.message}` };
    }
    if (error instanceof CelCompileError) return { error: `compilation error: ${error.message}` };
    throw error;
  }
}

/**
 * Whether all conditions are true. One that is false decides, whatever else fails.
 *
 * @see apiserver, pkg/admission/plugin/webhook/matchconditions/matcher.go
 */
export function meetsConditions(
  conditions: readonly MatchCondition[],
  values: () => Readonly<Record<string, unknown>>,
): ConditionResult {
  if (conditions.length === 0) return { matches: true };
  const given = values();
  const errors: string[] = [];
  for (const { expression } of conditions) {
    const result = evaluate(expression, given);
    if ('error' in result) errors.push(result.error);
    else if (result.value !== true) return { matches: false };
  }
  if (errors.length === 0) return { matches: true };
  return { error: errors.length > 1 ? `[${errors.join(', ')}]` : errors[0]! };
}
