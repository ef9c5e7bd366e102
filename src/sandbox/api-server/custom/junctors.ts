import type { OpenApiSchema } from '../schema.js';
import type { FieldError } from '../errors.js';

/** What a schema finds in a value. */
export interface Findings {
  readonly errors: FieldError[];
  /** How many checks it passed: of several schemas that fail, the one that passed most tells its errors. */
  passed: number;
}

/**
 * Checks `anyOf`, `oneOf`, `allOf` and `not`. Of schemas that all fail, the best one's errors are told too.
 *
 * @param name  of the value in messages
 * @param check  what one of the schemas finds in the value
 */
export function junctorErrors(
  { anyOf = [], oneOf = [], allOf = [], not }: OpenApiSchema,
  name: string,
  check: (schema: OpenApiSchema) => Findings,
): FieldError[] {
  const found: FieldError[] = [];
  const say = (what: string): unknown =>
    found.push({ type: 'Invalid value', field: '<nil>', value: '', detail: `${JSON.stringify(name)} must ${what}` });

  if (anyOf.length > 0) {
    const results = anyOf.map(check);
    if (!results.some(isValid)) {
      say('validate at least one schema (anyOf)');
      found.push(...best(results).errors);
    }
  }
  if (oneOf.length > 0) {
    const results = oneOf.map(check);
    const valid = results.filter(isValid).length;
    if (valid !== 1) {
      const count = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
      say(`validate one and only one schema (oneOf). ${count}`);
      if (valid === 0) found.push(...best(results).errors);
    }
  }
  if (allOf.length > 0) {
    const results = allOf.map(check);
    for (const { errors } of results) found.push(...errors);
    if (!results.every(isValid))
      say(`validate all the schemas (allOf)${results.some(isValid) ? '' : '. None validated'}`);
  }
  if (not && isValid(check(not))) say('not validate the schema (not)');
  return found;
}

const isValid = ({ errors }: Findings): boolean => errors.length === 0;

const best = (results: readonly Findings[]): Findings =>
  results.reduce((first, other) => (other.passed > first.passed ? other : first));
