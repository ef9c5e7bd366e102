type Value = Record<string, unknown>;

/** Lists that are merged by a field of their elements, by the name of the list. */
const mergeKeys: Record<string, string> = {
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  imagePullSecrets: 'name',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
};

/**
 * Lays `patch` over `original` as a strategic merge patch does for pods, workloads and Services: lists with a key are
 * merged by it, others replaced; null removes. Elements that only the patch has come first.
 *
 * @see k8s.io/apimachinery pkg/util/strategicpatch, normalizeElementOrder
 */
export function strategicMerge<T extends object>(original: T, patch: object): T {
  const merged: Value = { ...(original as Value) };
  for (const [field, value] of Object.entries(patch as Value)) {
    if (value === null) delete merged[field];
    else if (value !== undefined) merged[field] = mergeField(field, merged[field], value);
  }
  return merged as T;
}

function mergeField(field: string, original: unknown, value: unknown): unknown {
  if (Array.isArray(value)) {
    const key = keyOf(field, value as unknown[]);
    return key === undefined || !Array.isArray(original)
      ? (value as unknown[])
      : mergeLists(key, original as Value[], value as Value[]);
  }
  if (typeof value !== 'object') return value;
  return strategicMerge(isObject(original) ? original : {}, value as object);
}

/** Ports are known by `containerPort` in a container and by `port` in a Service. */
function keyOf(field: string, list: unknown[]): string | undefined {
  if (field !== 'ports') return mergeKeys[field];
  return list.some((port) => isObject(port) && 'containerPort' in port) ? 'containerPort' : 'port';
}

function mergeLists(key: string, original: Value[], patch: Value[]): Value[] {
  const isNamed = (list: Value[], element: Value): boolean => list.some((other) => other[key] === element[key]);
  const patched = patch.filter(({ $patch }) => $patch !== 'delete');
  const kept = original.filter((element) => !isNamed(patch, element));
  const merged = patched.map((element) => {
    const old = original.find((other) => other[key] === element[key]);
    return old === undefined ? element : strategicMerge(old, element);
  });
  return interleave(key, original, kept, merged);
}

/** Elements of both lists keep their own order; where both were there before, the order of before decides. */
function interleave(key: string, order: Value[], kept: Value[], merged: Value[]): Value[] {
  const position = (element: Value): number => order.findIndex((other) => other[key] === element[key]);
  const result: Value[] = [];
  let next = 0;
  for (const element of merged) {
    const before = position(element);
    while (before >= 0 && next < kept.length && position(kept[next]!) < before) result.push(kept[next++]!);
    result.push(element);
  }
  return [...result, ...kept.slice(next)];
}

function isObject(value: unknown): value is Value {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
