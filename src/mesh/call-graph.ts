/** Who may call whom, among the workloads of a namespace, and in which order they lose their sidecars. */
export interface CallGraph {
  /** By name of a workload: those that come before it. No cycle is in it. */
  readonly before: ReadonlyMap<string, ReadonlySet<string>>;
  /** Workloads that would each have to come before the others. */
  readonly cycles: readonly (readonly string[])[];
}

/**
 * The order in which nobody calls with a sidecar whoever takes calls of the waypoint only: callers first.
 *
 * @param callers  by name of each workload that will take such calls only: those of the namespace that may call it, itself left out
 */
export function callGraph(callers: ReadonlyMap<string, readonly string[]>): CallGraph {
  const reachable = new Map([...callers.keys()].map((name) => [name, reachableFrom(name, callers)] as const));
  const isCyclic = (a: string, b: string): boolean =>
    reachable.get(a)?.has(b) === true && reachable.get(b)?.has(a) === true;
  const names = [...callers.keys()].sort();
  const cycles = names
    .map((name) => names.filter((other) => isCyclic(name, other)))
    .filter((cycle, index) => cycle.length > 1 && cycle[0] === names[index]);
  const before = names.map(
    (name) => [name, new Set((callers.get(name) ?? []).filter((caller) => !isCyclic(name, caller)))] as const,
  );
  return { before: new Map(before), cycles };
}

/** All that may, by way of others, call the workload. */
function reachableFrom(name: string, callers: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const caller of callers.get(next) ?? []) {
      if (found.has(caller)) continue;
      found.add(caller);
      open.push(caller);
    }
  }
  return found;
}
