import type { Program, Scope } from '../cel/evaluator.js';
import { CelEvaluationError } from '../cel/syntax.js';
import { celValue, Optional, type Value } from '../cel/values.js';
import type { FieldError } from '../errors.js';
import { isRecord } from '../json.js';
import type { OpenApiSchema } from '../schema.js';
import { withResourceFields } from './cel-types.js';
import { type CompiledRule, compiledRules } from './compiled-rules.js';
import { Correlation, itemWithKeys } from './correlation.js';
import { resolveFieldPath } from './field-path.js';
import { child, entry, shown } from './paths.js';

/** A value on its way through the rules of a schema. */
interface Visit {
  readonly value: unknown;
  /** Undefined: nothing was before, or nothing that belongs together with the value. */
  readonly old: unknown;
  readonly schema: OpenApiSchema;
  readonly path: string;
  readonly isResource: boolean;
  /** What counts as unchanged; undefined on creates. */
  readonly ratchet?: Ratchet;
}

/** The value with the one before, or the nearest one around it that has one. */
interface Ratchet {
  readonly own: Correlation | undefined;
  readonly around: Correlation | undefined;
}

/** Whether any rule is in a schema. */
export function hasRules(schema: OpenApiSchema | undefined): boolean {
  if (!schema) return false;
  if ((schema['x-kubernetes-validations'] ?? []).length > 0) return true;
  const { items, additionalProperties, properties = {} } = schema;
  const others = isRecord(additionalProperties) ? (additionalProperties as OpenApiSchema) : undefined;
  return hasRules(items) || hasRules(others) || Object.values(properties).some(hasRules);
}

/**
 * Evaluates the rules (`x-kubernetes-validations`) of a schema and of all below.
 *
 * Source: apiextensions-apiserver, pkg/apiserver/schema/cel/validation.go
 *
 * @param old  the object before a change; what has not changed since may break rules that do not ask for it
 */
export function validateRules(
  value: unknown,
  schema: OpenApiSchema,
  old?: unknown,
  path = '',
  isResource = true,
): FieldError[] {
  const ratchet = old === undefined ? undefined : { own: new Correlation(value, old, schema), around: undefined };
  return visit({ value, old, schema, path, isResource, ...(ratchet && { ratchet }) });
}

function visit(at: Visit): FieldError[] {
  if (at.value === null || at.value === undefined || !hasRules(at.schema)) return [];
  return [...ownRules(at), ...below(at)];
}

function below({ value, old, schema, path, ratchet }: Visit): FieldError[] {
  const next = (inner: OpenApiSchema, parts: Pick<Visit, 'value' | 'old' | 'path'>, own?: Correlation): FieldError[] =>
    visit({
      ...parts,
      schema: inner,
      isResource: inner['x-kubernetes-embedded-resource'] === true,
      ...(ratchet && { ratchet: ratchet.own ? { own, around: ratchet.own } : ratchet }),
    });
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return [];
    const before = Array.isArray(old) ? old : [];
    return value.flatMap((item, i) =>
      next(
        items,
        { value: item, old: itemWithKeys(before, item, schema), path: entry(path, i) },
        ratchet?.own?.item(i),
      ),
    );
  }
  if (!isRecord(value)) return [];
  const before = isRecord(old) ? old : {};
  const others = isRecord(schema.additionalProperties) ? (schema.additionalProperties as OpenApiSchema) : undefined;
  return Object.entries(value).flatMap(([key, inner]) => {
    const own = schema.properties?.[key];
    const to = own ?? others;
    if (!to) return [];
    const parts = { value: inner, old: before[key], path: own ? child(path, key) : entry(path, key) };
    return next(to, parts, ratchet?.own?.field(key));
  });
}

function ownRules(at: Visit): FieldError[] {
  const rules = compiledRules(at.schema, at.isResource);
  if (rules.length === 0) return [];
  const seen = at.isResource ? withResourceFields(at.schema) : at.schema;
  const self = celValue(at.value, seen);
  const oldSelf = at.old === undefined || at.old === null ? undefined : celValue(at.old, seen);
  return rules.flatMap((rule) => evaluate(rule, at, self, oldSelf));
}

function evaluate(compiled: CompiledRule, at: Visit, self: Value, oldSelf: Value): FieldError[] {
  const { rule, program, error, usesOldSelf } = compiled;
  const type = at.schema.type ?? '';
  const refuse = (detail: string): FieldError[] => [
    { type: 'Invalid value', field: shown(at.path), value: type, detail },
  ];
  if (error !== undefined || !program) return refuse(`rule compile error: ${error}`);
  if (usesOldSelf && oldSelf === undefined && !rule.optionalOldSelf) return [];
  const old = rule.optionalOldSelf ? (oldSelf === undefined ? Optional.none : new Optional(oldSelf)) : oldSelf;
  const scope: Scope = { get: (name) => (name === 'self' ? self : name === 'oldSelf' ? old : undefined) };
  try {
    if (program(scope) === true) return [];
  } catch (thrown) {
    if (!(thrown instanceof CelEvaluationError)) throw thrown;
    const named = (rule.message ?? '').trim() || rule.rule.trim();
    const why =
      thrown.message === 'no such overload'
        ? `'${thrown.message}': call arguments did not match a supported operator, function or macro signature for rule: ${named}`
        : `${thrown.message} evaluating rule: ${named}`;
    return refuse(why);
  }
  if (!usesOldSelf && isRatcheted(at.ratchet)) return [];
  return [violation(at, compiled, scope)];
}

function isRatcheted(ratchet: Ratchet | undefined): boolean {
  return (ratchet?.own ?? ratchet?.around)?.unchanged ?? false;
}

const errorTypes: Readonly<Record<string, FieldError['type']>> = {
  FieldValueForbidden: 'Forbidden',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
};

function violation({ value, schema, path }: Visit, { rule, message }: CompiledRule, scope: Scope): FieldError {
  const said = rule.message?.trim();
  const detail = (message && computed(message, scope)) ?? (said ? said : `failed rule: ${rule.rule.trim()}`);
  const field = rule.fieldPath ? (resolveFieldPath(rule.fieldPath, schema)?.path ?? '') : '';
  const at = field === '' ? path : field.startsWith('[') ? `${path}${field}` : child(path, field);
  const type = errorTypes[rule.reason ?? ''] ?? 'Invalid value';
  const shows = schema.type !== 'object' && schema.type !== 'array';
  return {
    type,
    field: shown(at),
    ...(shows && { value }),
    detail: type === 'Duplicate value' ? '' : detail,
  };
}

/** Longest message that an expression may make, in characters. */
const messageLimit = 5 * 1024;

/** The message that an expression makes, undefined if it fails or is of no use. */
function computed(program: Program, scope: Scope): string | undefined {
  try {
    const text = program(scope);
    const trimmed = typeof text === 'string' ? text.trim() : '';
    return trimmed === '' || trimmed.includes('\n') || trimmed.length > messageLimit ? undefined : trimmed;
  } catch (error) {
    if (error instanceof CelEvaluationError) return undefined;
    throw error;
  }
}
