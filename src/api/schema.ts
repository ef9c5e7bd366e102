import * as z from 'zod';
import type { ValidationRule } from './structural-schema.js';

/**
 * A rule on a value, checked by the API server as CEL and by our own parser as a function, with one message for both.
 *
 * @see Kubernetes docs, "Validation rules" of CustomResourceDefinitions
 */
export interface Rule<T> {
  /** CEL expression over `self`. */
  readonly cel: string;
  /** The same in TypeScript; called only with values of the right type. */
  readonly holds: (value: T) => boolean;
  /** What is wrong and what to write instead. The API server puts the path of the field before it. */
  readonly message: string;
  /** The field that must not be there then, relative to the one that carries the rule: `.approvedPlan`. */
  readonly forbids?: `.${string}`;
}

const VALIDATIONS = 'x-kubernetes-validations';

/** A schema that also demands these rules, after those that it demands already. */
export function withRules<S extends z.ZodType>(schema: S, ...rules: readonly Rule<z.output<S>>[]): S {
  const before = (schema.meta()?.[VALIDATIONS] ?? []) as readonly ValidationRule[];
  const added: ValidationRule[] = rules.map(({ cel, message, forbids }) => ({
    rule: cel,
    message,
    ...(forbids !== undefined && { fieldPath: forbids, reason: 'FieldValueForbidden' }),
  }));
  return rules.reduce<S>(
    (checked, { holds, message, forbids = '' }) =>
      checked.refine(holds, { message, path: forbids.split('.').slice(1) }),
    schema.meta({ [VALIDATIONS]: [...before, ...added] }),
  );
}

/**
 * Text that must match a pattern. The pattern becomes a CEL rule and not the keyword `pattern`, so that the API server
 * answers with the sentence and not with the expression.
 *
 * @param pattern    without flags, and in the common subset of JavaScript and RE2
 * @param maxLength  Unicode characters, as zod and the API server count them; bounds the cost of the rule
 */
export function text(pattern: RegExp, message: string, maxLength: number): z.ZodString {
  return withRules(z.string().max(maxLength), matching(pattern, message));
}

/** The rule that a string matches a pattern. */
export function matching(pattern: RegExp, message: string): Rule<string> {
  return { cel: celMatches(pattern), holds: (value) => pattern.test(value), message };
}

/** The CEL expression that is true for a `self` that matches a pattern. */
export function celMatches(pattern: RegExp): string {
  // JavaScript escapes the slash, which ends its literals; CEL need not.
  const source = pattern.source.replaceAll('\\/', '/');
  return `self.matches('${source.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}')`;
}

/** A list that server-side apply merges entry by entry. */
export function mapList<S extends z.ZodType>(item: S, keys: readonly string[]): z.ZodArray<S> {
  return z.array(item).meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });
}

/** A list that has one owner and is replaced as a whole. */
export function atomicList<S extends z.ZodType>(item: S): z.ZodArray<S> {
  return z.array(item).meta({ 'x-kubernetes-list-type': 'atomic' });
}

/** A point in time, RFC 3339. */
export function time(): z.ZodString {
  return z.string().meta({ format: 'date-time' });
}

/** Longest message of a condition, in characters; the API server refuses a status with a longer one. */
export const MAX_CONDITION_MESSAGE = 32_768;

/**
 * A condition as Kubernetes has them.
 *
 * @see kubernetes/apimachinery pkg/apis/meta/v1/types.go, Condition
 */
export const Condition = z
  .object({
    type: z.string().min(1).max(316).describe('State that the condition is about, in CamelCase.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether the state holds: True, False or Unknown.'),
    reason: z.string().min(1).max(1024).describe('Why the status is what it is, one CamelCase word for programs.'),
    message: z.string().max(MAX_CONDITION_MESSAGE).describe('The same for people, with the objects that it is about.'),
    lastTransitionTime: time().describe('When the status last changed.'),
    observedGeneration: z
      .int()
      .min(0)
      .exactOptional()
      .describe('The metadata.generation that the condition was computed from.'),
  })
  .describe('One observed state of the object.');
