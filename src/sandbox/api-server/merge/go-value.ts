import type { Json } from '../object.js';

/** A value as Go prints it with `%v`, which messages of the real server do: `map[a:1 b:[x y]]`. */
export function goValue(value: Json | undefined): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const fields = Object.keys(value).sort();
  return `map[${fields.map((name) => `${name}:${goValue(value[name])}`).join(' ')}]`;
}
