import { type Resources, podAmounts } from '../../mesh/pod-resources.js';
import { type Amounts, amountOf } from '../../mesh/quantity.js';
import { hasRoomAfter, quotaRefusal } from '../../mesh/quota-refusal.js';
import { ONE_POD, countsPod, isBestEffort, quotaAmounts } from '../../mesh/quota-scope.js';
import { containerDefaults } from '../../mesh/findings/limit-range.js';
import type { Observed } from './observed.js';
import type { RestartGoal, Workload } from './workloads.js';

/**
 * Whether a new pod is refused for nothing but lack of room in a quota, and the restart makes that room: it takes a pod away before
 * it starts the next, and has no need of room for one pod more. Pure.
 *
 * @param message  why the API server refuses the pod
 */
export function isRoomMadeFirst(observed: Observed, workload: Workload, goal: RestartGoal, message: string): boolean {
  const refusal = quotaRefusal(message);
  const quota = refusal && observed.quotas.find(({ metadata }) => metadata.name === refusal.quota);
  if (!quota || !(workload.recreates || workload.maxUnavailable > 0)) return false;
  const { spec } = workload.template;
  const defaults = containerDefaults(observed.limitRanges);
  // Of pods of both sorts it may be the smaller one that goes.
  const bare = workload.pods.some(({ mode }) => mode !== 'sidecar');
  const going = {
    isBestEffort: isBestEffort(spec, defaults) && (bare || !requestsAnything(workload)),
    priorityClass: spec.priorityClassName,
  };
  if (!countsPod(quota, going)) return false;
  const isLarger = bare && goal !== 'ambient';
  return hasRoomAfter(refusal, isLarger ? amountsOfTemplate(workload, defaults) : refusal.requested);
}

/** Whether sidecars of the workload request CPU or memory. */
export function requestsAnything({ pods }: Workload): boolean {
  return pods.some(({ sidecarRequests: { cpu = '0', memory = '0' } = {} }) => amountOf(cpu) + amountOf(memory) > 0n);
}

function amountsOfTemplate({ template }: Workload, defaults: Required<Resources>): Amounts {
  const { requests, limits } = podAmounts(template.spec, defaults);
  return { ...ONE_POD, ...quotaAmounts(requests, limits) };
}
