import type { CallGraph } from '../../mesh/call-graph.js';
import type { Finding } from '../../mesh/findings.js';
import type { Observed } from './observed.js';
import { translationOf } from './translation.js';
import { type Workload, workloadName } from './workloads.js';

/** The workloads in the order in which they are restarted; back, it is the reverse. */
export function inOrder({ spec: { rollout }, workloads }: Observed): readonly Workload[] {
  if (rollout.order !== 'Listed') return workloads;
  const rank = new Map(rollout.workloads.map((one, index) => [workloadName(one), index]));
  const rankOf = (workload: Workload): number => rank.get(workloadName(workload)) ?? rank.size;
  return [...workloads].sort((a, b) => rankOf(a) - rankOf(b));
}

/** Workloads that have to be over before another begins, by the name of that: they may call it past the waypoint. */
export function callersFirst(observed: Observed): CallGraph['before'] {
  const before = translationOf(observed)?.graph.before ?? new Map<string, ReadonlySet<string>>();
  const isBefore = orderAsked(observed);
  return new Map(
    [...before].map(([name, callers]) => [name, new Set([...callers].filter((caller) => isBefore(caller, name)))]),
  );
}

/** Findings about the order of the spec: names that nothing has, and workloads that would lose their sidecar before their callers. */
export function orderFindings(observed: Observed): Finding[] {
  return [...unknownNames(observed), ...lateCallers(observed)];
}

function unknownNames({ spec: { rollout }, workloads }: Observed): Finding[] {
  const known = new Set(workloads.map(workloadName));
  return rollout.workloads.flatMap((one, index): Finding[] => {
    const object = workloadName(one);
    const message = `spec.rollout.workloads[${index}] names ${object}, which is not there`;
    return known.has(object) ? [] : [{ code: 'SST2044', object, message }];
  });
}

function lateCallers(observed: Observed): Finding[] {
  const isBefore = orderAsked(observed);
  return [...(translationOf(observed)?.graph.before ?? [])].flatMap(([object, callers]): Finding[] => {
    const late = [...callers].filter((caller) => !isBefore(caller, object)).sort();
    const message = `${object} would lose its sidecar before ${late.join(', ')}, which may call it`;
    return late.length > 0 ? [{ code: 'SST2041', object, message }] : [];
  });
}

function orderAsked(observed: Observed): (first: string, second: string) => boolean {
  const { order } = observed.spec.rollout;
  if (order !== 'Listed') return () => order === 'CallersFirst';
  const rank = new Map(inOrder(observed).map((workload, index) => [workloadName(workload), index]));
  return (first, second) => (rank.get(first) ?? 0) < (rank.get(second) ?? 0);
}
