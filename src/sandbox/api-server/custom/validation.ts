import { compileRe2 } from '../cel/re2.js';
import type { FieldError } from '../errors.js';
import { isEqual, isRecord } from '../json.js';
import type { Json } from '../object.js';
import type { OpenApiSchema } from '../schema.js';
import type { Correlation } from './correlation.js';
import { type Findings, junctorErrors } from './junctors.js';
import { child, entry, shown } from './paths.js';
import { stringFormat } from './string-formats.js';

/** Where errors are: `name` is how messages call the value, `path` where the error points. */
interface Place {
  readonly name: string;
  readonly path: string;
}

/**
 * Everything about a value that its schema does not allow, in the words of the API server; unchanged parts may stay wrong.
 * CEL and list types are checked elsewhere.
 *
 * Source: kube-openapi, pkg/validation; apiextensions-apiserver, pkg/apiserver/validation
 *
 * @param path  where the value is; messages name only what is below
 */
export function validateSchema(
  value: unknown,
  schema: OpenApiSchema,
  path = '',
  correlation?: Correlation,
): FieldError[] {
  return validateAt(value, schema, { name: '', path }, correlation).errors;
}

/** As {@link validateSchema}, for one value below. */
function validateAt(value: unknown, schema: OpenApiSchema, place: Place, correlation?: Correlation): Findings {
  const found: Findings = { errors: [], passed: 0 };
  const errors = typeErrors(value, schema, place);
  found.errors.push(...errors);
  if (errors.length === 0) found.passed++;
  if (value !== null) {
    // Below a junctor, parts may have stayed wrong, but not the value itself.
    const inside = correlation?.unchanged ? undefined : correlation;
    found.errors.push(...junctorErrors(schema, place.name, (inner) => validateAt(value, inner, place, inside)));
  }
  if (typeof value === 'string') found.errors.push(...stringErrors(value, schema, place));
  if (typeof value === 'number') found.errors.push(...numberErrors(value, schema, place));
  if (Array.isArray(value)) validateItems(value, schema, place, correlation, found);
  found.errors.push(...enumErrors(value, schema, place));
  if (isRecord(value)) validateFields(value, schema, place, correlation, found);
  return correlation?.unchanged ? { ...found, errors: [] } : found;
}

const body = ({ name }: Place): string => `${name} in body`;

/** An error that shows the value. */
function wrong(place: Place, value: unknown, detail: string, type: FieldError['type'] = 'Invalid value'): FieldError {
  return { type, field: shown(place.path), value, detail };
}

/** The name of a JSON value's type. */
function jsonType(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'object' ? 'object' : typeof value;
}

function typeErrors(value: unknown, schema: OpenApiSchema, place: Place): FieldError[] {
  const wanted = schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : schema.type ? [schema.type] : [];
  if (wanted.length === 0) return [];
  const given = jsonType(value);
  if (value === null && schema.nullable) return [];
  if (wanted.includes(given) || (given === 'integer' && wanted.includes('number'))) return [];
  const known = stringFormat(schema.format) !== undefined;
  if (known && !wanted.includes('integer') && !wanted.includes('number') && Array.isArray(value)) return [];
  const types = wanted.join(',');
  return [wrong(place, given, `${body(place)} must be of type ${types}: ${JSON.stringify(given)}`, 'Invalid type')];
}

function stringErrors(text: string, schema: OpenApiSchema, place: Place): FieldError[] {
  const length = [...text].length;
  const { maxLength, minLength, pattern, format } = schema;
  if (maxLength !== undefined && length > maxLength) {
    return [{ type: 'Too long', field: shown(place.path), detail: `may not be more than ${maxLength} bytes` }];
  }
  if (minLength !== undefined && length < minLength) {
    return [wrong(place, text, `${body(place)} should be at least ${minLength} chars long`)];
  }
  const errors: FieldError[] = [];
  if (pattern) {
    const expression = compileRe2(pattern);
    if ('problem' in expression || !expression.test(text)) {
      errors.push(wrong(place, text, `${body(place)} should match '${pattern}'`));
    }
  }
  const check = stringFormat(format);
  if (check && !check(text)) {
    errors.push(
      wrong(place, text, `${body(place)} must be of type ${format}: ${JSON.stringify(text)}`, 'Invalid type'),
    );
  }
  return errors;
}

function numberErrors(value: number, schema: OpenApiSchema, place: Place): FieldError[] {
  const errors: FieldError[] = [];
  const { multipleOf, maximum, minimum, exclusiveMaximum, exclusiveMinimum } = schema;
  const say = (what: string): unknown => errors.push(wrong(place, value, `${body(place)} should be ${what}`));
  if (multipleOf !== undefined) {
    const quotient = multipleOf < 1 ? (1 / multipleOf) * value : value / multipleOf;
    if (!Number.isInteger(quotient)) say(`a multiple of ${multipleOf}`);
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    say(`less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`);
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    say(`greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`);
  }
  return errors;
}

function enumErrors(value: unknown, { enum: allowed }: OpenApiSchema, place: Place): FieldError[] {
  if (!allowed || allowed.length === 0 || allowed.some((one) => isEqual(one, value))) return [];
  const text = (one: Json): string => JSON.stringify(typeof one === 'string' ? one : JSON.stringify(one));
  return [wrong(place, value, `supported values: ${allowed.map(text).join(', ')}`, 'Unsupported value')];
}

/** How many, and how many there may be. */
function tooMany(place: Place, count: number, limit: number): FieldError {
  return wrong(place, count, `must have at most ${limit} ${limit === 1 ? 'item' : 'items'}`, 'Too many');
}

function validateItems(
  list: unknown[],
  schema: OpenApiSchema,
  place: Place,
  correlation: Correlation | undefined,
  found: Findings,
): void {
  const { items, minItems, maxItems } = schema;
  if (items) {
    list.forEach((item, i) => {
      const at = { name: entry(place.name, i), path: entry(place.path, i) };
      merge(found, validateAt(item, items, at, correlation?.item(i)));
    });
  }
  if (minItems !== undefined && list.length < minItems) {
    found.errors.push(wrong(place, list.length, `${body(place)} should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && list.length > maxItems) found.errors.push(tooMany(place, list.length, maxItems));
}

function validateFields(
  value: Record<string, unknown>,
  schema: OpenApiSchema,
  place: Place,
  correlation: Correlation | undefined,
  found: Findings,
): void {
  const count = Object.keys(value).length;
  const { minProperties, maxProperties, properties = {}, additionalProperties, required = [] } = schema;
  if (minProperties !== undefined && count < minProperties) {
    found.errors.push(wrong(place, count, `${body(place)} should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && count > maxProperties) found.errors.push(tooMany(place, count, maxProperties));
  const others = isRecord(additionalProperties) ? (additionalProperties as OpenApiSchema) : undefined;
  for (const [key, inner] of Object.entries(value)) {
    const own = Object.hasOwn(properties, key) ? properties[key] : others;
    if (!own) continue;
    // The version of the request may differ from that of the object before: its type never counts as unchanged.
    const typeMeta = place.path === '' && (key === 'apiVersion' || key === 'kind');
    const at = { name: child(place.name, key), path: child(place.path, key) };
    merge(found, validateAt(inner, own, at, typeMeta ? undefined : correlation?.field(key)));
  }
  for (const key of required) {
    if (Object.hasOwn(value, key)) found.passed++;
    else found.errors.push({ type: 'Required value', field: child(place.path, key), detail: '' });
  }
}

function merge(into: Findings, from: Findings): void {
  into.errors.push(...from.errors);
  into.passed += from.passed;
}
