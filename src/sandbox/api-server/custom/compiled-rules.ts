import { check } from '../cel/checker.js';
import { plan, type Program } from '../cel/evaluator.js';
import { parse } from '../cel/parser.js';
import { CelCompileError, describeIssues } from '../cel/syntax.js';
import type { CelType } from '../cel/types.js';
import type { OpenApiSchema, ValidationRule } from '../schema.js';
import { celTypeOf } from './cel-types.js';

/** A rule of a schema, compiled. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program?: Program;
  readonly message?: Program;
  /** Why the rule does not compile. */
  readonly error?: string;
  /** Why its `messageExpression` does not. */
  readonly messageError?: string;
  readonly usesOldSelf: boolean;
}

const compiled = new WeakMap<OpenApiSchema, readonly CompiledRule[]>();

/**
 * The rules of one schema (not of those inside), compiled at first use.
 *
 * @param isResource  whether the schema is that of a resource
 */
export function compiledRules(schema: OpenApiSchema, isResource: boolean): readonly CompiledRule[] {
  const rules = schema['x-kubernetes-validations'];
  if (!rules || rules.length === 0) return [];
  let found = compiled.get(schema);
  if (!found) {
    const type = celTypeOf(schema, isResource);
    compiled.set(schema, (found = rules.map((rule) => compile(rule, type ?? { kind: 'dyn' }))));
  }
  return found;
}

function compile(rule: ValidationRule, self: CelType): CompiledRule {
  const oldSelf: CelType = rule.optionalOldSelf ? { kind: 'optional', of: self } : self;
  const variables = new Map([
    ['self', self],
    ['oldSelf', oldSelf],
  ]);
  const main = expression(rule.rule, variables, 'bool', '', 'cel expression must evaluate to a bool');
  if ('error' in main) return { rule, error: main.error, usesOldSelf: false };
  const usesOldSelf = main.uses.has('oldSelf');
  if (!rule.messageExpression) return { rule, program: main.program, usesOldSelf };
  const wanted = 'messageExpression must evaluate to a string';
  const message = expression(rule.messageExpression, variables, 'string', 'messageExpression ', wanted);
  const told = 'error' in message ? { messageError: message.error } : { message: message.program };
  return { rule, program: main.program, usesOldSelf, ...told };
}

function expression(
  source: string,
  variables: ReadonlyMap<string, CelType>,
  wanted: 'bool' | 'string',
  prefix: string,
  otherwise: string,
): { program: Program; uses: ReadonlySet<string> } | { error: string } {
  try {
    const parsed = parse(source);
    const { type, issues, uses } = check(parsed, variables);
    if (issues.length > 0) return { error: `${prefix}compilation failed: ${describeIssues(source, issues)}` };
    if (type.kind !== wanted) return { error: otherwise };
    return { program: plan(parsed), uses };
  } catch (error) {
    if (error instanceof CelCompileError) return { error: `${prefix}compilation failed: ${error.message}` };
    throw error;
  }
}
