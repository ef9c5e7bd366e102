import type { Json } from '../object.js';

/**
 * One step of a field path as `metadata.managedFields` writes it: `f:` and a field's name, `k:` and the keys of a list item
 * as JSON, `v:` and the value of a set's item as JSON, `i:` and an index.
 *
 * Source: structured-merge-diff, fieldpath/serialize-pe.go
 */
export type PathElement = string;

/** A field of an object. */
export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** An item of a list that is told apart by keys. */
export function keyElement(keys: { [name: string]: Json }): PathElement {
  return `k:${JSON.stringify(Object.fromEntries(Object.entries(keys).sort(([a], [b]) => order(a, b))))}`;
}

/** An item of a set. */
export function valueElement(value: Json): PathElement {
  return `v:${JSON.stringify(value)}`;
}

/** The name, if the element is a field. */
export function fieldName(element: PathElement): string | undefined {
  return element.startsWith('f:') ? element.slice(2) : undefined;
}

/** How the element looks in messages: `.spec`, `[name="web"]`, `[="finalizer"]`, `[0]`. */
export function display(element: PathElement): string {
  const rest = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${rest}`;
    case 'k:': {
      const keys = Object.entries(JSON.parse(rest) as { [name: string]: Json });
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v:':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}

/** Sorts fields by name, items by the values of their keys. */
export function compareElements(a: PathElement, b: PathElement): number {
  if (a.startsWith('k:') && b.startsWith('k:')) {
    return compareKeys(JSON.parse(a.slice(2)) as KeyValues, JSON.parse(b.slice(2)) as KeyValues);
  }
  if (a.startsWith('v:') && b.startsWith('v:')) {
    return compareScalars(JSON.parse(a.slice(2)) as Json, JSON.parse(b.slice(2)) as Json);
  }
  return order(a, b);
}

type KeyValues = { [name: string]: Json };

function compareKeys(a: KeyValues, b: KeyValues): number {
  const others = Object.entries(b);
  for (const [i, [name, value]] of Object.entries(a).entries()) {
    const other = others[i];
    if (other === undefined) return 1;
    const difference = order(name, other[0]) || compareScalars(value, other[1]);
    if (difference !== 0) return difference;
  }
  return Object.keys(a).length - others.length;
}

function compareScalars(a: Json, b: Json): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return order(JSON.stringify(a), JSON.stringify(b));
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
