const ordinary = { configurable: true, enumerable: true, writable: true };

/** A deep copy of plain JSON; what is frozen in the original is not in the copy. */
export function cloneJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneJson) as T;
  const copy: Record<string, unknown> = {};
  for (const key in value) {
    // An assignment would set the prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { ...ordinary, value: cloneJson(value[key]) });
    else copy[key] = cloneJson(value[key]);
  }
  return copy as T;
}

/** Freezes plain JSON in depth. Parts that are frozen already are taken to be frozen in depth. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const key in value) deepFreeze(value[key]);
  return value;
}

/** Whether two values of plain JSON are the same. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isEqual(a[name], b[name]))
  );
}

/** A field of a JSON object; undefined for what it only has as all objects have it, such as `constructor`. */
export function member(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
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
