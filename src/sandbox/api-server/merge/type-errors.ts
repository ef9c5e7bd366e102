import { isRecord } from '../json.js';
import type { Json } from '../object.js';
import { goValue } from './go-value.js';
import { type ListType, type MapType, type MergeType, type ScalarType, fitting, itemElement } from './merge-type.js';
import { type PathElement, display, fieldElement } from './path-element.js';

/**
 * Why an object does not fit a type, in the words of the real server; empty if it fits.
 *
 * Source: structured-merge-diff, typed/validate.go
 */
export function typeErrors(value: Json, type: MergeType): string[] {
  return check(value, type).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
}

/** All errors as one text. */
export function joinTypeErrors(errors: string[]): string {
  return errors.length === 1 ? errors[0]! : ['errors:', ...errors.map((error) => `  ${error}`)].join('\n');
}

interface TypeError {
  path: string;
  message: string;
}

function check(value: Json, type: MergeType): TypeError[] {
  const { map, scalar, list } = fitting(type, value);
  if (value === null) return [];
  if (map) return isRecord(value) ? checkFields(value, map) : wrong(`expected map, got ${valueOf(value)}`);
  if (scalar) return checkScalar(value, scalar);
  if (!list) return [];
  return Array.isArray(value) ? checkItems(value, list) : wrong(`expected list, got ${valueOf(value)}`);
}

function checkFields(object: { [name: string]: Json }, map: MapType): TypeError[] {
  const errors: TypeError[] = [];
  for (const name of Object.keys(object).sort()) {
    const type = map.field(name);
    // Upstream looks no further after such a field.
    if (!type) return [...errors, { path: `.${name}`, message: 'field not declared in schema' }];
    errors.push(...below(fieldElement(name), check(object[name]!, type)));
  }
  return errors;
}

function checkItems(items: Json[], list: ListType): TypeError[] {
  const errors: TypeError[] = [];
  const seen = new Set<PathElement>();
  for (const [i, item] of items.entries()) {
    let element: PathElement = `i:${i}`;
    if (list.relation !== 'atomic') {
      try {
        element = itemElement(list, item);
      } catch (error) {
        return [...errors, ...wrong(`element ${i}: ${(error as Error).message}`)];
      }
      if (seen.has(element)) errors.push(...wrong(`duplicate entries for key ${display(element)}`));
      seen.add(element);
    }
    errors.push(...below(element, check(item, list.element)));
  }
  return errors;
}

function checkScalar(value: Json, scalar: ScalarType): TypeError[] {
  const is = typeof value;
  switch (scalar) {
    case 'numeric':
      return is === 'number' ? [] : wrong(`expected numeric (int or float), got ${goType(value)}`);
    case 'string':
      return is === 'string' ? [] : wrong(`expected string, got ${valueSource(value)}`);
    case 'boolean':
      return is === 'boolean' ? [] : wrong(`expected boolean, got ${valueOf(value)}`);
    case 'untyped':
      return is === 'object' ? wrong(`expected any scalar, got ${valueOf(value)}`) : [];
  }
}

const wrong = (message: string): TypeError[] => [{ path: '', message }];

const below = (element: PathElement, errors: TypeError[]): TypeError[] =>
  errors.map(({ path, message }) => ({ path: `${display(element)}${path}`, message }));

/** How Go prints its wrapper of a value. */
const valueOf = (value: Json): string => `&{${goValue(value)}}`;

const valueSource = (value: Json): string =>
  `&value.valueUnstructured{Value:${typeof value === 'object' ? goValue(value) : JSON.stringify(value)}}`;

function goType(value: Json): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
