import { LABEL } from '../../api/labels.js';
import type { PodMode } from '../../mesh/dataplane.js';
import { listed } from '../listed.js';
import type { Observed } from './observed.js';
import type { PodView } from './pods.js';
import type { Verdict } from './verdict.js';
import { templateLabels } from './workloads.js';

/**
 * How much later than the end of its grace period a pod may end, in milliseconds: the kubelet kills it only then, and clocks differ.
 * One on a node that is gone never ends, and is at work no more.
 */
const SLACK_MS = 5_000;

/**
 * Whether a pod may still be at work.
 *
 * @param drainsUntilMs  the end of its grace period, milliseconds since the epoch; 0: it has none
 */
export function isDraining(drainsUntilMs: number, nowMs: number): boolean {
  return drainsUntilMs !== 0 && drainsUntilMs + SLACK_MS > nowMs;
}

/** Pods of the namespace that drain in a mode; those of gateways are nobody's to wait for. */
export function drainingIn({ draining }: Observed, mode: PodMode): PodView[] {
  return draining.filter((pod) => pod.mode === mode && !pod.gateway);
}

/**
 * Pods that drain, and are ambient by the namespace, or by labels of ours, which have gone from the templates by then. Whoever is ambient by
 * what a person says in its template stays so, as its next pods do.
 */
export function leavingAmbient(observed: Observed): PodView[] {
  return drainingIn(observed, 'ambient').filter((pod) => !staysAmbient(pod, observed));
}

/** A person's labels look like ours: the template of now tells whose they are. Those of Jobs and of bare pods are never ours. */
function staysAmbient({ name, owner, dataplaneMode }: PodView, { workloads }: Observed): boolean {
  if (dataplaneMode !== 'ambient') return false;
  const workload = workloads.find(({ draining }) => draining.some((pod) => pod.name === name));
  if (!workload) return owner === undefined || owner.kind === 'Job';
  return templateLabels(workload)[LABEL.dataplaneMode] === 'ambient';
}

/**
 * The wait for pods that drain.
 *
 * @param then  what comes after them, a clause
 */
export function drainVerdict({ nowMs }: Observed, pods: readonly PodView[], then: string): Verdict {
  const endMs = Math.max(...pods.map(({ drainsUntilMs = 0 }) => drainsUntilMs + SLACK_MS));
  const names = listed(pods.map(({ name }) => name));
  return {
    kind: 'wait',
    reason: 'RolloutInProgress',
    message: `${names} still drain${pods.length === 1 ? 's' : ''}, then ${then}`,
    recheckMs: Math.max(0, endMs - nowMs),
  };
}
