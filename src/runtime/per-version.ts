/**
 * A pure function of an object from a store, computed once for each version of it: stores hold frozen objects, and a change is
 * another object. What was computed goes with its object. An error is not kept.
 */
export function perVersion<T extends object, R>(compute: (object: T) => R): (object: T) => R {
  const known = new WeakMap<T, { readonly result: R }>();
  return (object) => {
    const found = known.get(object);
    if (found) return found.result;
    const result = compute(object);
    known.set(object, { result });
    return result;
  };
}
