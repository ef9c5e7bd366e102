import type { FieldError } from '../errors.js';
import type { NameRule } from '../writes/names.js';
import type { IntOrString } from './pod-spec.js';

/** `Invalid value: …`. */
export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { type: 'Invalid value', field, value: value ?? null, detail };
}

/** `Required value`, with a reason where it is not obvious. */
export function required(field: string, detail = ''): FieldError {
  return { type: 'Required value', field, detail };
}

/** `Forbidden: …`. */
export function forbidden(field: string, detail: string): FieldError {
  return { type: 'Forbidden', field, detail };
}

/** `Duplicate value: …`. */
export function duplicate(field: string, value: unknown): FieldError {
  return { type: 'Duplicate value', field, value, detail: '' };
}

/** `Unsupported value: …: supported values: …`. */
export function unsupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map((each) => JSON.stringify(each)).join(', ');
  return { type: 'Unsupported value', field, value: value ?? '', detail: `supported values: ${list}` };
}

/** One of a few texts; absent is required. */
export function oneOf(field: string, value: unknown, supported: readonly string[]): FieldError[] {
  if (value === undefined || value === '') return [required(field)];
  return supported.includes(value as string) ? [] : [unsupported(field, value, supported)];
}

/** Zero or more; absent is fine. */
export function nonNegative(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : [];
}

/** Each field of an object that must not be negative. */
export function nonNegativeFields(path: string, object: object, ...fields: string[]): FieldError[] {
  return fields.flatMap((field) =>
    nonNegative(`${path}.${field}`, (object as Record<string, number | undefined>)[field]),
  );
}

/** Whatever a rule for names has to say. */
export function named(field: string, value: string, rule: NameRule): FieldError[] {
  return rule(value).map((why) => invalid(field, value, why));
}

/** A field that an update may not change. */
export function immutable(field: string, value: unknown, old: unknown): FieldError[] {
  return JSON.stringify(sorted(value)) === JSON.stringify(sorted(old))
    ? []
    : [invalid(field, value, 'field is immutable')];
}

/** Keys in one order, so that texts can be compared. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}

/** The number of a port. */
export function portNumber(field: string, value: unknown): FieldError[] {
  const fine = typeof value === 'number' && value >= 1 && value <= 65535;
  return fine ? [] : [invalid(field, value, 'must be between 1 and 65535, inclusive')];
}

/** The name of a port: an IANA service name (`IsValidPortName`). */
export function portName(field: string, value: string): FieldError[] {
  const wrong = [
    ...(value.length > 15 ? ['must be no more than 15 characters'] : []),
    ...(/^[-a-z0-9]*$/.test(value) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
    ...(/[a-z]/.test(value) ? [] : ['must contain at least one letter (a-z)']),
    ...(value.includes('--') ? ['must not contain consecutive hyphens'] : []),
    ...(/^-|-$/.test(value) ? ['must not begin or end with a hyphen'] : []),
  ];
  return wrong.map((detail) => invalid(field, value, detail));
}

/** A port by number or name. */
export function portReference(field: string, value: IntOrString): FieldError[] {
  return typeof value === 'string' ? portName(field, value) : portNumber(field, value);
}

/** A whole number or a percentage. */
export function intOrPercent(field: string, value: IntOrString | undefined): FieldError[] {
  if (typeof value === 'number') return nonNegative(field, value);
  if (value === undefined || /^[0-9]+%$/.test(value)) return [];
  return [
    invalid(
      field,
      value,
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ),
  ];
}

/** A percentage, if it is one, of at most 100. */
export function atMost100Percent(field: string, value: IntOrString | undefined): FieldError[] {
  return typeof value === 'string' && Number.parseInt(value, 10) > 100
    ? [invalid(field, value, 'must not be greater than 100%')]
    : [];
}

/** The number before the percent sign, or the number. */
export function amount(value: IntOrString | undefined): number {
  return typeof value === 'string' ? Number.parseInt(value, 10) || 0 : (value ?? 0);
}
