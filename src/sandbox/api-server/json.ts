/** A deep copy of plain JSON; what is frozen in the original is not in the copy. */
export function cloneJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneJson) as T;
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = cloneJson(value[key]);
  return copy as T;
}

/** Freezes plain JSON in depth. Parts that are frozen already are taken to be frozen in depth. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const key in value) deepFreeze(value[key]);
  return value;
}

/** Whether the value is a JSON object: neither null nor an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const texts = new WeakMap<object, string>();

/** The JSON text of a frozen object; computed once. */
export function textOf(frozen: object): string {
  let text = texts.get(frozen);
  if (text === undefined) {
    text = JSON.stringify(frozen);
    texts.set(frozen, text);
  }
  return text;
}
