import type { PodTemplate } from '../../../kube/types.js';

/** The letters of generated names: no vowels, nothing that looks like something else. `rand.SafeEncodeString`. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/**
 * A short name for the content of `value`, in the form of a pod-template-hash. Not the same one as the real program's,
 * which hashes a dump of Go structs.
 *
 * @param collisions  a number that makes another name of the same content
 */
export function contentName(value: unknown, collisions = 0): string {
  const text = JSON.stringify(value, sortKeys) + (collisions === 0 ? '' : String(collisions));
  return [...String(fnv32a(text))].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}

function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The template as text that is the same for the same content, whatever the order of its keys; `without` names labels to leave out. */
export function canonicalTemplate(template: PodTemplate, without: readonly string[] = []): string {
  const labels = Object.entries(template.metadata?.labels ?? {}).filter(([key]) => !without.includes(key));
  const metadata = { ...template.metadata, labels: Object.fromEntries(labels) };
  return JSON.stringify({ ...template, metadata }, sortKeys);
}
